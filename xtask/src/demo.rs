//! `cargo xtask demo`: an operator starts the consumer on a firewall, commands it, and packets stop. With `--mqtt` ten of them,
//! commanded through a broker.

pub(crate) mod consumer;
mod fleet;
pub(crate) mod inside;
pub(crate) mod producer;
pub(crate) mod report;
pub(crate) mod traffic;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cargo;
use crate::failure::{Failure, Place, Result};
use crate::netns::Enclosure;
use crate::process::Interrupt;
use crate::setup::Machine;

/// What the demonstration can be told.
#[derive(Args, Debug, Default)]
pub(crate) struct Demo {
    /// One broker, ten consumers on ten firewalls, one command to all of them
    #[arg(long)]
    mqtt: bool,
    /// Which kind of iptables the consumer uses; it finds out for itself when this is absent
    #[arg(long, value_name = "FLAVOR")]
    flavor: Option<Flavor>,
    /// Run this consumer instead of building one; with --producer
    #[arg(long, value_name = "PATH", requires = "producer")]
    consumer: Option<PathBuf>,
    /// Run this producer instead of building one; with --consumer
    #[arg(long, value_name = "PATH", requires = "consumer")]
    producer: Option<PathBuf>,
}

impl Demo {
    /// The one with a broker.
    pub(crate) fn of_a_fleet() -> Self {
        Self { mqtt: true, ..Self::default() }
    }

    /// Sets up, builds, and runs the demonstration in namespaces of its own.
    pub(crate) fn run(self, interrupt: &Interrupt) -> Result<()> {
        let machine = Machine::prepare(interrupt)?;
        let enclosure = Enclosure::choose(&machine)?;
        let binaries = match (self.consumer, self.producer) {
            (Some(consumer), Some(producer)) => Binaries::given(consumer, producer)?,
            _ => Binaries::build(interrupt)?,
        };
        let status = enclosure.run_self(binaries.arguments(self.flavor, self.mqtt), interrupt)?;
        match status.code() {
            Some(0) => Ok(()),
            Some(1) => Err(Failure::Reported),
            _ => Err(Failure::new(format!("the demo broke off: {status}"))),
        }
    }
}

/// The two programs that are demonstrated.
#[derive(Args, Debug)]
pub(crate) struct Binaries {
    #[arg(long)]
    consumer: PathBuf,
    #[arg(long)]
    producer: PathBuf,
}

impl Binaries {
    fn given(consumer: PathBuf, producer: PathBuf) -> Result<Self> {
        let absolute = |path: PathBuf| path.canonicalize().place(path.display());
        Ok(Self { consumer: absolute(consumer)?, producer: absolute(producer)? })
    }

    fn build(interrupt: &Interrupt) -> Result<Self> {
        println!("Building the consumer and the producer.");
        let arguments = "build --bins -p oc2-consumer -p oc2-producer --message-format json-render-diagnostics";
        let messages = cargo::output(&arguments.split(' ').collect::<Vec<_>>(), interrupt)?;
        let built = |name| {
            let file = cargo::executable(&messages, name);
            file.ok_or_else(|| Failure::new(format!("cargo built no binary `{name}`: does the package declare it?")))
        };
        Ok(Self { consumer: built("oc2-consumer")?, producer: built("oc2-producer")? })
    }

    fn arguments(self, flavor: Option<Flavor>, mqtt: bool) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["__demo-inside".into()];
        arguments.extend(["--consumer".into(), self.consumer.into(), "--producer".into(), self.producer.into()]);
        arguments.extend(flavor.into_iter().flat_map(|flavor| ["--flavor".into(), flavor.to_string().into()]));
        arguments.extend(mqtt.then(|| "--mqtt".into()));
        arguments
    }
}

/// The two kinds of iptables.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Flavor {
    /// Over nf_tables
    Nft,
    /// Over ip_tables and ip6_tables
    Legacy,
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nft => "nft",
            Self::Legacy => "legacy",
        })
    }
}
