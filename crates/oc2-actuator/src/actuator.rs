//! What performs the commands of a profile.

use std::future::Future;

use oc2_core::types::time::Window;
use oc2_core::{CommandRow, Profile, Rejection};

use crate::receipt::Receipt;
use crate::undo::Undo;

/// Performs the commands of a profile. Implementations write `async fn`.
///
/// A Command passes `is_addressed`, then `check`, then `perform`. A success of `perform` becomes a 200, which is a
/// promise: what was asked for is in force, and durable if it was to be.
pub trait Actuator: Send + Sync + 'static {
    /// The profile it implements.
    type Profile: Profile;

    /// The rows of the profile it supports, which do not change. Default: all of them.
    fn commands(&self) -> Vec<&'static CommandRow> {
        Self::Profile::COMMANDS.iter().collect()
    }

    /// The arguments of the profile it does not support, by name. Default: none.
    fn unsupported_args(&self) -> &[String] {
        &[]
    }

    /// Whether a Command with these specifiers is meant for this actuator: all that are given must match (SLPF 2.1.4).
    /// Default: yes.
    fn is_addressed(&self, _specifiers: &<Self::Profile as Profile>::Specifiers) -> bool {
        true
    }

    /// Refuses, without effects, what `perform` would refuse in any case, so that `ack` can answer with the refusal.
    /// Default: nothing.
    ///
    /// # Errors
    /// The refusal.
    fn check(
        &self,
        _command: &<Self::Profile as Profile>::Command,
        _context: &Context,
    ) -> impl Future<Output = Result<(), Rejection>> + Send {
        async { Ok(()) }
    }

    /// Whether `perform` writes this receipt in the step that makes the effects of a Command durable, so that after a kill
    /// both are there or neither. Default: no; then the Consumer writes before and after by itself.
    fn keeps(&self, _receipt: &Receipt) -> bool {
        false
    }

    /// Performs a Command. The effect ends by itself when the window of the context closes.
    ///
    /// # Errors
    /// The Command was not performed, and nothing of it is left.
    fn perform(
        &self,
        command: <Self::Profile as Profile>::Command,
        context: Context,
    ) -> impl Future<Output = Result<Option<<Self::Profile as Profile>::Results>, Rejection>> + Send;

    /// Undoes a Command that was performed, by what `perform` noted in [`Context::undo`], if its effect is still as that
    /// Command left it (DECISIONS L27). A success is a promise too: the effect is gone, and that is durable. Default: it is none
    /// of its commands.
    ///
    /// An actuator that [keeps](Self::keeps) the receipt writes it in the step that makes that durable, and must not take it
    /// otherwise.
    ///
    /// # Errors
    /// Nothing was undone. Not found (404): the note is of another actuator of the profile. Else it is too late, or it failed.
    fn undo(&self, _note: &[u8], _receipt: Option<Receipt>) -> impl Future<Output = Result<(), Rejection>> + Send {
        async { Err(Rejection::not_found("this actuator undoes nothing")) }
    }
}

/// What an actuator knows of a Command besides the Command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// Who sent it, for records; not for decisions.
    pub producer: String,
    /// When it is in effect. By the time of `perform` it has opened.
    pub window: Window,
    /// Where `perform` notes how to undo it; a Command of which nothing is noted cannot be undone.
    pub undo: Undo,
    /// What is to be written with its effects, for actuators that [keep](Actuator::keeps) it.
    pub receipt: Option<Receipt>,
}

impl Context {
    /// A context.
    #[must_use]
    pub fn new(producer: impl Into<String>, window: Window) -> Self {
        Self { producer: producer.into(), window, undo: Undo::default(), receipt: None }
    }

    /// The same with a receipt.
    #[must_use]
    pub fn with_receipt(self, receipt: Receipt) -> Self {
        Self { receipt: Some(receipt), ..self }
    }
}
