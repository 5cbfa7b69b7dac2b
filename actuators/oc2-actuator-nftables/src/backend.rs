//! nf_tables as a back end.

use std::io;

use oc2_netlink::Socket;
use oc2_packet_filter::backend::{Alarm, Backend, BackendError};
use oc2_packet_filter::{ChainPrefix, Change, Config, Mode, Rules};

use crate::image::Image;
use crate::kernel::{self, Failure, Monitor};
use crate::op::{Op, SetSpec};

/// The kernel, by way of netlink: a table of our own for both families, `openc2`, whose every change is one transaction.
///
/// It remembers what it has told the kernel, and tells it only what changes. What foreign hands do in our table it hears from
/// the kernel ([`Backend::watch`]); [`Backend::holds`] says whether it matters, [`Backend::load`] puts right.
///
/// An `allow` ends the way of a packet through our table. It does not keep the chains of other tables from stopping it.
#[derive(Debug)]
pub struct Nftables {
    table: String,
    mode: Mode,
    socket: Socket,
    /// None while what the kernel holds is not known.
    image: Option<Image>,
    monitor: Option<Monitor>,
}

impl Nftables {
    /// Opens the way to the kernel, which is not changed before the first `load`.
    ///
    /// # Errors
    /// This kernel has no nf_tables, or this process may not speak to it.
    pub fn open(config: &Config) -> Result<Self, BackendError> {
        let unusable = |cause| BackendError::Unusable { family: None, cause };
        let socket = Socket::open(0).map_err(unusable)?;
        kernel::ask().map_err(unusable)?;
        Ok(Self { table: table(&config.chain_prefix), mode: config.mode.clone(), socket, image: None, monitor: None })
    }

    /// Whether this kernel has nf_tables and lets this process ask.
    #[must_use]
    pub fn is_available() -> bool {
        kernel::ask().is_ok()
    }

    /// The name of our table.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Whether our table is as this image has it.
    fn is_as(&mut self, image: &Image) -> Result<bool, BackendError> {
        // Whoever changes the table meanwhile makes the kernel say so; then once more.
        for _ in 1..MAX_LOOKS {
            match kernel::is_as(&mut self.socket, &self.table, image) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                compared => return compared.map_err(|cause| BackendError::Unusable { family: None, cause }),
            }
        }
        let compared = kernel::is_as(&mut self.socket, &self.table, image);
        compared.map_err(|cause| BackendError::Unusable { family: None, cause })
    }

    /// Lets maps that are new have more elements than they were made for.
    ///
    /// Where the kernel does not, one that is full is refused an element, and then all are made anew with more room.
    fn widen(&mut self, sets: impl IntoIterator<Item = SetSpec>) {
        let widen: Vec<_> = sets.into_iter().filter(SetSpec::has_room).map(Op::WidenSet).collect();
        if !widen.is_empty()
            && let Err(failure) = kernel::commit(&mut self.socket, &self.table, widen)
        {
            tracing::debug!(?failure, "A map keeps to the number of elements that it was made for.");
        }
    }
}

impl Backend for Nftables {
    fn is_prompt(&self) -> bool {
        true
    }

    fn load(&mut self, rules: &dyn Rules) -> Result<(), BackendError> {
        let image = Image::of(rules, &self.mode, self.image.as_ref());
        if image.len() <= MAX_COMPARED && self.is_as(&image)? {
            self.image = Some(image);
            return Ok(());
        }
        match kernel::commit(&mut self.socket, &self.table, image.load()) {
            Ok(()) => {
                self.widen(image.sets().map(|(spec, ..)| spec));
                self.image = Some(image);
                Ok(())
            }
            Err(failure) => {
                if matches!(failure, Failure::Lost(_)) {
                    self.image = None;
                }
                Err(error(failure, &[]))
            }
        }
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), BackendError> {
        let mut image = self.image.take().ok_or(BackendError::Unsynced)?;
        let maps = image.maps();
        let ops = image.apply(changes);
        let new_sets: Vec<_> = ops.iter().filter_map(Op::new_set).cloned().collect();
        let committed = if ops.is_empty() { Ok(()) } else { kernel::commit(&mut self.socket, &self.table, ops) };
        match committed {
            Ok(()) => {
                self.widen(new_sets);
                self.image = Some(image);
                Ok(())
            }
            Err(failure) => {
                if !matches!(failure, Failure::Lost(_)) {
                    let inverses: Vec<_> = changes.iter().rev().map(Change::inverse).collect();
                    image.take_back(&inverses, maps);
                    self.image = Some(image);
                }
                Err(error(failure, changes))
            }
        }
    }

    fn remove(&mut self) -> Result<(), BackendError> {
        self.image = None;
        // There has to be one to be deleted.
        let gone = kernel::commit(&mut self.socket, &self.table, [Op::AddTable, Op::DeleteTable]);
        gone.map_err(|failure| error(failure, &[]))
    }

    fn watch(&mut self, alarm: Alarm) {
        match Monitor::start(self.table.clone(), self.socket.port(), alarm) {
            Ok(monitor) => self.monitor = Some(monitor),
            Err(error) => tracing::error!(%error, "Changes that others make in nftables are not noticed."),
        }
    }

    fn holds(&mut self, rules: &dyn Rules) -> Result<bool, BackendError> {
        let image = Image::of(rules, &self.mode, self.image.as_ref());
        self.is_as(&image)
    }
}

/// What a failure is to those who asked, with the rules it is about.
fn error(failure: Failure, changes: &[Change]) -> BackendError {
    match failure {
        Failure::Refused { step, cause } => {
            let numbers = changes.iter().take(MAX_NAMED).map(|change| change.rule().number().to_string());
            let numbers: Vec<_> = numbers.collect();
            let of = if numbers.is_empty() { String::new() } else { format!(" for rule {}", numbers.join(", ")) };
            BackendError::Refused { family: None, detail: format!("{step}{of}: {cause}") }
        }
        Failure::Unsent(cause) => BackendError::Unusable { family: None, cause },
        Failure::Lost(cause) => BackendError::Died { family: None, detail: cause.to_string() },
    }
}

/// `openc2` for the prefix that is the default, and the prefix with it for another.
fn table(prefix: &ChainPrefix) -> String {
    if *prefix == ChainPrefix::default() {
        TABLE.to_owned()
    } else {
        format!("{TABLE}-{}", prefix.to_string().to_ascii_lowercase())
    }
}

const TABLE: &str = "openc2";
const MAX_LOOKS: usize = 5;
/// A table with more elements is replaced without a look at it. The kernel lists a map by parts and begins each anew, so the time goes by
/// the square of the length: with 100,000 rules a look takes twice as long as to make them.
const MAX_COMPARED: usize = 50_000;
/// In one error.
const MAX_NAMED: usize = 3;
