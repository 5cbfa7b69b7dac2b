use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::committer::LOCK_WAIT;
use super::process::{End, Process};
use oc2_packet_filter::backend::BackendError;
use oc2_packet_filter::{Family, Hook};

use crate::backend::{ChainNames, FamilyListing};

/// Reads the chains of one family.
///
/// By one process the whole table; by one for each chain where that is refused: with the nft flavor one foreign chain that is
/// not in the language of iptables makes `iptables -S` and `iptables-save` refuse the table.
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
        let mut listing = FamilyListing::default();
        let is_ours = |name: &str| chains.is_ours(self.family, name);
        if let Some(table) = self.table()? {
            Hook::ALL.into_iter().for_each(|hook| listing.read_built_in(&table, hook, chains));
            listing.read_chains(&table, is_ours);
            return Ok(listing);
        }
        for hook in Hook::ALL {
            listing.read_built_in(&self.built_in(hook.built_in_chain())?, hook, chains);
            listing.read_chains(&self.ours(chains.of(hook))?, is_ours);
        }
        listing.read_chains(&self.ours(chains.reject())?, is_ours);
        let jumps = listing.chains().flat_map(|(_, rules)| rules).filter_map(|rule| rule.strip_prefix("-j "));
        let blocks: Vec<_> = jumps.filter(|name| chains.id(self.family, name).is_some()).map(str::to_owned).collect();
        for block in blocks {
            listing.read_chains(&self.ours(&block)?, is_ours);
        }
        Ok(listing)
    }

    /// The whole table, if the tool says that it could print all of it.
    fn table(&self) -> Result<Option<String>, BackendError> {
        let (process, is_success) = self.run(None)?;
        let printed = process.printed();
        let is_whole = is_success && process.complained().is_empty() && printed.starts_with("-P ");
        Ok(is_whole.then_some(printed))
    }

    /// That the tool complains does not matter once it has printed the chain: a foreign rule that it cannot express is
    /// not ours to judge.
    fn built_in(&self, chain: &str) -> Result<String, BackendError> {
        let (process, _) = self.run(Some(chain))?;
        let printed = process.printed();
        if printed.starts_with(&format!("-P {chain} ")) {
            Ok(printed)
        } else {
            Err(BackendError::Refused { family: Some(self.family), detail: process.complained() })
        }
    }

    /// The complaint about a chain that does not exist is the same as about one that iptables cannot express (nft flavor),
    /// and for us it comes to the same: it has to be made anew.
    fn ours(&self, chain: &str) -> Result<String, BackendError> {
        Ok(self.run(Some(chain))?.0.printed())
    }

    /// What the tool says, and whether it says that it succeeded.
    fn run(&self, chain: Option<&str>) -> Result<(Process, bool), BackendError> {
        let deadline = Instant::now() + self.timeout;
        let unusable = |cause| BackendError::Unusable { family: Some(self.family), cause };
        let args: Vec<_> = ["-w", LOCK_WAIT, "-S"].into_iter().chain(chain).collect();
        let mut process = Process::spawn(&self.iptables, &args).map_err(unusable)?;
        let end = process.finish(b"", deadline).map_err(unusable)?;
        match (end, process.wait(deadline).map_err(unusable)?) {
            (End::Closed, Some(status)) => Ok((process, status.success())),
            _ => Err(BackendError::Unusable { family: Some(self.family), cause: std::io::ErrorKind::TimedOut.into() }),
        }
    }
}
