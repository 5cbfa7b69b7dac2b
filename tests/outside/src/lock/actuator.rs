//! Doors that exist in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use oc2_actuator::{Actuator, Context};
use oc2_core::types::time::DateTime;
use oc2_core::{Action, CommandRow, Profile, Rejection};

use crate::lock::command::Command;
use crate::lock::profile::Lock;
use crate::lock::types::{Bolt, Door, Floor, Results, Specifiers};

/// The doors of a building.
#[derive(Debug)]
pub struct Doors {
    building: String,
    bolts: Mutex<BTreeMap<Door, (Bolt, DateTime)>>,
    without: Vec<String>,
}

impl Doors {
    /// These doors, all open.
    pub fn new(building: impl Into<String>, doors: impl IntoIterator<Item = Door>) -> Self {
        let bolts = doors.into_iter().map(|door| (door, (Bolt::Open, DateTime::default()))).collect();
        Self { building: building.into(), bolts: Mutex::new(bolts), without: Vec::new() }
    }

    /// The same without one of the profile's arguments.
    #[must_use]
    pub fn without(mut self, arg: impl Into<String>) -> Self {
        self.without.push(arg.into());
        self
    }

    fn bolts(&self) -> MutexGuard<'_, BTreeMap<Door, (Bolt, DateTime)>> {
        self.bolts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Actuator for Doors {
    type Profile = Lock;

    /// There is no controller to restart.
    fn commands(&self) -> Vec<&'static CommandRow> {
        Lock::COMMANDS.iter().filter(|row| row.action != Action::Restart).collect()
    }

    fn unsupported_args(&self) -> &[String] {
        &self.without
    }

    fn is_addressed(&self, specifiers: &Specifiers) -> bool {
        specifiers.building.as_ref().is_none_or(|building| *building == self.building)
    }

    async fn check(&self, command: &Command, _: &Context) -> Result<(), Rejection> {
        match command {
            Command::Move { door, .. } | Command::Look(door) if !self.bolts().contains_key(door) => {
                Err(Rejection::not_found(format!("no door {}", door.as_str())))
            }
            _ => Ok(()),
        }
    }

    async fn perform(&self, command: Command, context: Context) -> Result<Option<Results>, Rejection> {
        let mut bolts = self.bolts();
        match command {
            Command::Move { door, to, force } => {
                let Some(bolt) = bolts.get_mut(&door) else { return Err(Rejection::failed("the door is gone")) };
                if bolt.0 == to && !force {
                    return Ok(None);
                }
                *bolt = (to, context.window.start);
                Ok(Some(Results { bolt: Some(to), since: Some(context.window.start), doors: None }))
            }
            Command::Seal(_) => {
                bolts.values_mut().for_each(|bolt| *bolt = (Bolt::Locked, context.window.start));
                let n_doors = i8::try_from(bolts.len()).unwrap_or(i8::MAX);
                Ok(Some(Results { doors: Some(Floor(n_doors)), ..Results::default() }))
            }
            Command::Look(door) => {
                let (bolt, since) = bolts.get(&door).copied().unzip();
                Ok(Some(Results { bolt, since, doors: None }))
            }
            Command::Restart => Err(Rejection::unsupported("there is no controller")),
        }
    }
}
