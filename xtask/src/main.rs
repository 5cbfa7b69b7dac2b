//! What can be checked is a program: `cargo xtask ...`.

mod bench;
mod cargo;
mod ci;
mod clauses;
mod conformance;
mod deb;
mod demo;
mod deny;
mod dist;
mod failure;
mod files;
mod fuzz;
mod interop;
mod kills;
mod netns;
mod parts;
mod process;
mod schema;
mod setup;
mod test;
mod tidy;
mod tokens;
mod tools;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::failure::{Failure, Result};
use crate::process::Interrupt;

/// Everything around the code that is not the code: the demo, the tests, the house rules.
#[derive(Parser, Debug)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand, Debug)]
enum Task {
    /// Run the main job: start the consumer on a firewall, command it, and see packets stop
    ///
    /// Builds both programs, makes two network namespaces joined by a veth pair and runs everything in there; nothing outside
    /// is touched and nothing is left behind. As root on Debian it installs the tools it needs. Without root it works in a user
    /// namespace, where the kernel allows that. Ends with status 0 only if every effect was as expected.
    Demo(demo::Demo),
    /// Set up what the tests need and run every test
    ///
    /// Unit, integration, real-kernel and documentation tests. The real-kernel tests must run, or fail, when CI is set in the
    /// environment and for root on Debian; elsewhere they are skipped where the kernel does not allow them.
    Test(test::Test),
    /// Feed every reader with anything for some seconds
    ///
    /// Builds the targets of `tests/fuzz` with libFuzzer and runs each of them, from seeds made of the corpus; installs
    /// cargo-fuzz below `target/` if it is missing. Where that cannot be, it says why and runs the same readers with a fixed
    /// number of inputs. Everything it writes is below `target/`.
    Fuzz(fuzz::Fuzz),
    /// Measure: ratios against a floor or a peer of the same run
    Bench(bench::Bench),
    /// Run all of CI: formatting, lints, house rules, tests, fuzzing, demo
    Ci,
    /// Check the house rules that a program can check
    Tidy,
    /// Compare the checklists of the standards with the tests
    ///
    /// Each row of a checklist in `tests/clauses` is cited by a test (`// LS-022` above it or in its body), or listed in
    /// `not_applicable.tsv` with a reason. Ends with status 0 only if nothing is open and every id that
    /// stands anywhere exists.
    Clauses,
    /// Learn clause by clause where an implementation of OpenC2 stands
    ///
    /// Runs the suite of `tests/conformance` against our daemon, or against a Consumer or a Producer of any make; `cargo xtask
    /// conformance --help` has its options. Ends with status 0 only if nothing is not met.
    Conformance(conformance::Conformance),
    /// Run software that others wrote against ours: otupy, over HTTP
    ///
    /// Installs otupy from the Python package index below `target/`; says so, and runs nothing, where that cannot be. Its Producer
    /// commands our Consumer, our Producer its Consumer, and the conformance suite judges its Consumer.
    Interop(interop::Interop),
    /// Kill the consumer at a thousand points, and see that it kept its word
    ///
    /// In a namespace of its own: strace ends the real daemon at system calls that touch disk, kernel and network, SIGKILL at any
    /// moment, also while it starts. Afterwards what was answered has to be in force in the kernel, everything else wholly or not at
    /// all, nothing performed twice, no number reused. Ends with status 1 and the story if not.
    Kills(kills::Kills),
    /// Check what others wrote that we ship: licences, sources, bans, advisories
    ///
    /// Runs `cargo deny check`, and installs cargo-deny below `target/` if it is missing. Where the database of advisories cannot
    /// be reached it says so and goes on.
    Deny(deny::Deny),
    /// Make packages for Debian
    ///
    /// Installs cargo-deb below `target/` if it is missing. Where no clean root can be made to try packages in, that is said.
    Deb(deb::Deb),
    /// Write manual pages, shell completions, and the notices that licences of others ask for
    Dist(dist::Dist),
    /// Print the tables of the language, of the message around it and of profiles, as JADN or as JSON Schema
    Schema(schema::Schema),
    /// The demo, from within its namespaces
    #[command(name = "__demo-inside", hide = true)]
    DemoInside(demo::inside::Inside),
    /// The kills, from within their namespace
    #[command(name = "__kills-inside", hide = true)]
    KillsInside(kills::Inside),
    /// Send back what comes in over TCP
    #[command(name = "__tcp-echo", hide = true)]
    TcpEcho { address: SocketAddr },
    /// Try to get something back over TCP
    #[command(name = "__tcp-try", hide = true)]
    TcpTry {
        address: SocketAddr,
        #[arg(long)]
        timeout_ms: u64,
    },
}

impl Task {
    fn run(self) -> Result<()> {
        match self {
            Self::Demo(demo) => demo.run(&Interrupt::install()?),
            Self::Test(test) => test.run(&Interrupt::install()?),
            Self::Fuzz(fuzz) => fuzz.run(&Interrupt::install()?),
            Self::Bench(bench) => bench.run(&Interrupt::install()?),
            Self::Ci => ci::run(&Interrupt::install()?),
            Self::Tidy => tidy::run(&Interrupt::install()?),
            Self::Clauses => clauses::run(),
            Self::Conformance(conformance) => conformance.run(&Interrupt::install()?),
            Self::Interop(interop) => interop.run(&Interrupt::install()?),
            Self::Kills(kills) => kills.run(&Interrupt::install()?),
            Self::KillsInside(inside) => inside.run(),
            Self::Deny(deny) => deny.run(&Interrupt::install()?),
            Self::Deb(deb) => deb.run(&Interrupt::install()?),
            Self::Dist(dist) => dist.run(&Interrupt::install()?),
            Self::Schema(schema) => schema.run(),
            Self::DemoInside(inside) => inside.run(),
            Self::TcpEcho { address } => demo::traffic::echo(address),
            Self::TcpTry { address, timeout_ms } => demo::traffic::attempt(address, Duration::from_millis(timeout_ms)),
        }
    }
}

fn main() -> ExitCode {
    let outcome = Cli::parse().task.run();
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    match &failure {
        // The summary above has said it.
        Failure::Reported | Failure::Status(_) => {}
        Failure::Interrupted(_) | Failure::Said(_) => eprintln!("{failure}"),
    }
    ExitCode::from(failure.exit_status())
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask demo                    the main job on this machine
  cargo xtask demo --flavor legacy    the same with the older kind of iptables
  cargo xtask demo --mqtt             ten consumers on ten firewalls, commanded through a broker
  cargo xtask test                    every test
  cargo xtask test -- slpf            the tests whose name contains `slpf`
  cargo xtask fuzz --seconds 600 cbor one reader for ten minutes
  cargo xtask kills --points 100      the consumer is killed a hundred times, with each back end
  cargo xtask bench mqtt              commands through a broker, against bare clients
  cargo xtask ci                      what has to pass before a change is merged
  cargo xtask schema --jadn --profile slpf -o slpf.jadn
                                      the tables of the language and of a profile";
