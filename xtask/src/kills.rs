//! `cargo xtask kills`: the real daemon is killed at a thousand points, and what it promised is looked for in the kernel.
//!
//! Nothing of ours judges and no build has code for it: strace kills at the n-th call of a system call, or SIGKILL comes at
//! any moment; the state is what the tools of netfilter list and what becomes of packets; commands go over HTTP byte for
//! byte. State carries on from one kill to the next, so a restart is the start of the next point.

mod inside;
mod kernel;
mod ledger;
mod line;
mod plan;
mod point;
mod random;
mod rule;
mod subject;
mod tally;

use std::fmt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use crate::cargo;
use crate::failure::{Failure, Place, Result};
use crate::netns::Enclosure;
use crate::parts::Parts;
use crate::process::Interrupt;
use crate::setup::Machine;

pub(crate) use inside::Inside;

/// How often to kill, and whom.
#[derive(Args, Debug)]
pub(crate) struct Kills {
    /// At how many points
    #[arg(long, value_name = "N", default_value_t = 1000)]
    points: u32,
    /// Where and when is drawn from this number; absent: from the clock, and printed
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// With this back end only; absent: with each
    #[arg(long, value_name = "NAME")]
    backend: Option<Backend>,
    /// Show first that faults would be found: a disk that forgets, a kernel that does, half a rule,
    /// commands that are performed twice
    #[arg(long)]
    prove: bool,
    /// Kill this consumer instead of building one
    #[arg(long, value_name = "PATH")]
    consumer: Option<PathBuf>,
}

impl Kills {
    /// What CI has time for.
    pub(crate) fn for_ci() -> Self {
        Self { points: CI_POINTS, seed: None, backend: None, prove: true, consumer: None }
    }

    /// Sets up, builds, and kills in namespaces of its own.
    pub(crate) fn run(self, interrupt: &Interrupt) -> Result<()> {
        let machine = Machine::prepare_to_kill(interrupt)?;
        let enclosure = Enclosure::choose(&machine)?;
        let consumer = match &self.consumer {
            Some(consumer) => consumer.canonicalize().place(consumer.display())?,
            None => build(interrupt)?,
        };
        let seed = self.seed.unwrap_or_else(seed_of_clock);
        let mut parts = Parts::default();
        for backend in self.backend.map_or(Backend::BOTH.to_vec(), |backend| vec![backend]) {
            let faults = if self.prove { Fault::ALL } else { &[] };
            for fault in faults.iter().map(|fault| Some(*fault)).chain([None]) {
                let inside = Inside { consumer: consumer.clone(), backend, points: self.points, seed, fault };
                let name = fault.map_or(format!("{backend}"), |fault| format!("{backend}, {fault}"));
                parts.run(&name, || match enclosure.run_self(inside.arguments(), interrupt)?.code() {
                    Some(0) => Ok(()),
                    Some(1) => Err(Failure::Reported),
                    status => Err(Failure::new(format!("it broke off: {status:?}"))),
                })?;
            }
        }
        parts.finish()
    }
}

fn build(interrupt: &Interrupt) -> Result<PathBuf> {
    let build = ["build", "--bins", "-p", "oc2-consumer", "--message-format=json-render-diagnostics"];
    let messages = cargo::output(&build, interrupt)?;
    let file = cargo::executable(&messages, "oc2-consumer");
    file.ok_or_else(|| Failure::new("cargo does not say where oc2-consumer is"))
}

fn seed_of_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Who filters packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// A table of nf_tables
    Nftables,
    /// Chains of iptables
    Iptables,
}

impl Backend {
    const BOTH: [Self; 2] = [Self::Nftables, Self::Iptables];
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nftables => "nftables",
            Self::Iptables => "iptables",
        })
    }
}

/// What is broken on purpose between a kill and the restart, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// The state directory is as it was before the commands
    Disk,
    /// The kernel holds no rules
    Kernel,
    /// The kernel holds half of a rule
    Half,
    /// What is asked again after no answer came has another request id, so it is performed again
    Twice,
}

impl Fault {
    const ALL: &[Self] = &[Self::Disk, Self::Kernel, Self::Half, Self::Twice];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disk => "a disk that forgets",
            Self::Kernel => "a kernel that forgets",
            Self::Half => "half a rule",
            Self::Twice => "commands that are performed again",
        })
    }
}

const CI_POINTS: u32 = 60;
