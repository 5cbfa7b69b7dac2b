use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::committer::LOCK_WAIT;
use super::process::{End, Process};
use oc2_packet_filter::Family;
use oc2_packet_filter::backend::BackendError;

use crate::backend::{ChainNames, FamilyListing};

/// Reads the chains of one family, a process for each chain.
///
/// Not the whole table at once: with the nft flavor one foreign chain that is not in the language of iptables makes
/// `iptables -S` and `iptables-save` refuse the table.
#[derive(Debug)]
pub(super) struct Lister {
    family: Family,
    iptables: PathBuf,
    timeout: Duration,
}

impl Lister {
    pub(super) fn new(family: Family, iptables: PathBuf, timeout: Duration) -> Self {
        Self { family, iptables, timeout }
    }

    pub(super) fn list(&self, chains: &ChainNames) -> Result<FamilyListing, BackendError> {
        FamilyListing::read(chains, |chain| self.built_in(chain), |chain| self.ours(chain))
    }

    /// That the tool complains does not matter once it has printed the chain: a foreign rule that it cannot express is
    /// not ours to judge.
    fn built_in(&self, chain: &str) -> Result<String, BackendError> {
        let process = self.run(chain)?;
        let printed = process.printed();
        if printed.starts_with(&format!("-P {chain} ")) {
            Ok(printed)
        } else {
            Err(BackendError::Refused { family: Some(self.family), detail: process.complained() })
        }
    }

    /// The complaint about a chain that does not exist is the same as about one that iptables cannot express (nft flavor),
    /// and for us it comes to the same: it has to be made anew.
    fn ours(&self, chain: &str) -> Result<Option<String>, BackendError> {
        let printed = self.run(chain)?.printed();
        Ok(printed.starts_with(&format!("-N {chain}\n")).then_some(printed))
    }

    fn run(&self, chain: &str) -> Result<Process, BackendError> {
        let deadline = Instant::now() + self.timeout;
        let unusable = |cause| BackendError::Unusable { family: Some(self.family), cause };
        let mut process = Process::spawn(&self.iptables, &["-w", LOCK_WAIT, "-S", chain]).map_err(unusable)?;
        let end = process.finish(b"", deadline).map_err(unusable)?;
        match (end, process.wait(deadline).map_err(unusable)?) {
            (End::Closed, Some(_)) => Ok(process),
            _ => Err(BackendError::Unusable { family: Some(self.family), cause: std::io::ErrorKind::TimedOut.into() }),
        }
    }
}
