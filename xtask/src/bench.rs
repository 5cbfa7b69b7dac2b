//! `cargo xtask bench`: the benchmarks of the workspace, with the tools they need.
//!
//! Each prints ratios against a floor or a peer that it measures in the same run; machines are noisy.

use std::path::Path;
use std::process::Command;

use clap::{Args, ValueEnum};

use crate::cargo::{self, cargo};
use crate::failure::{Failure, Result};
use crate::parts::Parts;
use crate::process::Interrupt;
use crate::setup::Machine;

/// What the benchmarks can be told.
#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// Which of them; all when none is named
    subjects: Vec<Subject>,
    /// The parts of the subject `engine` to run, or words in what rows are called; all when none is given
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Print what the subject `engine` measured as JSON
    #[arg(long)]
    json: bool,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// Reading and writing in every form, against `serde_json`, `serde_cbor` and the crate `openc2`; allocations
    Codec,
    /// Commands that are on the disk and in force, against the disk and the kernel alone; as root
    Durable,
    /// The daemon over HTTP, down to kernel and disk, packets, start and memory, against floors; a plot; as root
    Engine,
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
                if *subject == Subject::Engine {
                    self.complete(&mut command, interrupt)?;
                }
                parts.run_command(command.env("PATH", machine.search_path()), interrupt)?;
            }
        }
        parts.finish()
    }

    /// Says where the daemon is, built as it ships, and where to write: beside what was built.
    fn complete(&self, command: &mut Command, interrupt: &Interrupt) -> Result<()> {
        let build = "build --release --quiet -p oc2-consumer --bins --message-format json-render-diagnostics";
        let messages = cargo::output(&build.split(' ').collect::<Vec<_>>(), interrupt)?;
        let missing = || Failure::new("cargo built no binary `oc2-consumer`: does the package declare it?");
        let daemon = cargo::executable(&messages, "oc2-consumer").ok_or_else(missing)?;
        let out = daemon.parent().and_then(Path::parent).ok_or_else(missing)?.join("bench");
        command.arg("--").arg("--daemon").arg(&daemon).arg("--out").arg(out).args(&self.only);
        command.args(self.json.then_some("--json"));
        Ok(())
    }
}

impl Subject {
    fn package(self) -> &'static str {
        match self {
            Self::Codec => "oc2-encoding",
            Self::Engine => "oc2-tests-bench",
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
            Self::Engine => &["engine"],
            Self::Guard => &["guard"],
            Self::Http => &["tls"],
            Self::Iptables => &["transactions"],
            Self::Mqtt => &["mqtt"],
            Self::Nftables => &["ratios"],
            Self::Replay => &["replay"],
        }
    }
}
