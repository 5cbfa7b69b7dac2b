//! `cargo xtask bench`: the benchmarks of the workspace, with the tools they need.
//!
//! Each prints ratios against a floor or a peer that it measures in the same run; machines are noisy.

use clap::{Args, ValueEnum};

use crate::cargo::cargo;
use crate::failure::Result;
use crate::parts::Parts;
use crate::process::Interrupt;
use crate::setup::Machine;

/// What the benchmarks can be told.
#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// Which of them; all when none is named
    subjects: Vec<Subject>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// Reading and writing in every form, against `serde_json`, `serde_cbor` and the crate `openc2`; allocations
    Codec,
    /// Commands that are on the disk and in force, against the disk and the kernel alone; as root
    Durable,
    /// What the lock-out guard takes
    Guard,
    /// Round trips over TLS, against bare hyper and tokio-rustls
    Http,
    /// A change in the kernel, against a process for each rule; as root
    Iptables,
    /// Commands through a broker, against bare clients that echo
    Mqtt,
    /// What rules cost by their number, against none and against `nft -f`; as root
    Nftables,
    /// Requests remembered on disk, against bare redb and memory
    Replay,
}

impl Bench {
    /// Runs them one after the other.
    pub(crate) fn run(&self, interrupt: &Interrupt) -> Result<()> {
        let machine = Machine::prepare(interrupt)?;
        let subjects = if self.subjects.is_empty() { Subject::value_variants() } else { &self.subjects };
        let mut parts = Parts::default();
        for subject in subjects {
            for name in subject.benches() {
                let mut command = cargo(&["bench", "--package", subject.package(), "--bench", name]);
                parts.run_command(command.env("PATH", machine.search_path()), interrupt)?;
            }
        }
        parts.finish()
    }
}

impl Subject {
    fn package(self) -> &'static str {
        match self {
            Self::Codec => "oc2-encoding",
            Self::Guard => "oc2-packet-filter",
            Self::Http => "oc2-transfer-http",
            Self::Iptables => "oc2-actuator-iptables",
            Self::Mqtt => "oc2-tests",
            Self::Nftables => "oc2-actuator-nftables",
            Self::Durable | Self::Replay => "oc2-consumer",
        }
    }

    fn benches(self) -> &'static [&'static str] {
        match self {
            Self::Codec => &["codec", "allocations"],
            Self::Durable => &["durable"],
            Self::Guard => &["guard"],
            Self::Http => &["tls"],
            Self::Iptables => &["transactions"],
            Self::Mqtt => &["mqtt"],
            Self::Nftables => &["ratios"],
            Self::Replay => &["replay"],
        }
    }
}
