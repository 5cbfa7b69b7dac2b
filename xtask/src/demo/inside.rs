//! The demonstration itself, as the process 1 of an enclosure.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;

use crate::demo::consumer::{self, Consumer};
use crate::demo::fleet::Fleet;
use crate::demo::producer::Producer;
use crate::demo::report::Report;
use crate::demo::traffic::{self, Echoes, Effect, Family};
use crate::demo::{Binaries, Flavor};
use crate::failure::{Failure, Place, Result};
use crate::netns::{self, Host};
use crate::process;

/// What the process outside hands in.
#[derive(Args, Debug)]
pub(crate) struct Inside {
    #[command(flatten)]
    binaries: Binaries,
    #[arg(long)]
    flavor: Option<Flavor>,
    #[arg(long)]
    mqtt: bool,
}

impl Inside {
    /// Runs the demonstration from the first interface to the last line.
    pub(crate) fn run(self) -> Result<()> {
        netns::enter()?;
        let started = Instant::now();
        let mut report = Report::default();
        let outcome = match self.mqtt {
            true => Fleet::new(self.binaries, self.flavor).tell(&mut report),
            false => self.tell(&mut report),
        };
        println!("\n{} ({:.1} s).", report.summary(outcome.is_ok()), started.elapsed().as_secs_f32());
        outcome?;
        if report.is_good() { Ok(()) } else { Err(Failure::Reported) }
    }

    fn tell(self, report: &mut Report) -> Result<()> {
        netns::lay_out()?;
        let [firewall, peer] =
            [Host::Firewall, Host::Peer].map(|host| format!("{host} {} {}", host.ipv4(), host.ipv6()));
        println!("{firewall}  <-- veth pair -->  {peer}");
        let _echoes = Echoes::start()?;
        report.step("The kernel's rules before the consumer starts");
        self.show_rules(report, &Family::BOTH)?;

        let folder = netns::temporary_folder();
        let mut consumer = self.start_consumer(report, folder)?;
        let outcome = self.command(report).and_then(|()| end_consumer(report, &mut consumer));
        if !report.is_good() || outcome.is_err() {
            report.step("Something was not as expected; the consumer's log");
            report.text(&consumer.log());
        }
        outcome
    }

    fn start_consumer(&self, report: &mut Report, folder: &Path) -> Result<Consumer> {
        report.step("Start the consumer on the firewall");
        let (config, state_dir) = (folder.join("oc2-consumer.toml"), folder.join("oc2"));
        let text = consumer::config(CONSUMER, &state_dir, self.flavor);
        fs::create_dir(&state_dir).place(format_args!("cannot make {}", state_dir.display()))?;
        fs::write(&config, &text).place(format_args!("cannot write {}", config.display()))?;
        report.command(format_args!("cat {}", config.display()));
        report.text(&text);
        report.command(format_args!("oc2-consumer run --config {}", config.display()));
        let command = Host::Firewall.command(&self.binaries.consumer);
        let mut consumer = Consumer::start(command, &config, folder.join("consumer.log"))?;
        let took = consumer.ready(CONSUMER)?;
        report.check("consumer", "listens", format_args!("listens after {:.2} s", took.as_secs_f32()), true);
        Ok(consumer)
    }

    /// The commands and their effects.
    fn command(&self, report: &mut Report) -> Result<()> {
        let producer = Producer::new(self.binaries.producer.clone(), CONSUMER);
        report.step("Ask the consumer what it can do");
        let response = producer.send(report, &["query", "features", "versions", "profiles", "pairs", "rate_limit"])?;
        let profiles = response.profiles();
        report.check("profiles", "slpf among them", profiles.join(", "), profiles.contains(&"slpf"));
        for family in Family::BOTH {
            self.command_in(report, &producer, family)?;
        }
        report.step("The kernel's rules at the end");
        self.show_rules(report, &Family::BOTH)
    }

    fn command_in(&self, report: &mut Report, producer: &Producer, family: Family) -> Result<()> {
        let (target, net) = (family.net_target(), family.net_of(Host::Peer));

        report.step(format_args!("{family} traffic before any rule"));
        traffic::check(report, family, Effect::Passes)?;

        report.step(format_args!("Deny the peer's {target}: traffic stops"));
        let deny = make_rule(report, producer, &["deny", target, &net])?;
        traffic::check(report, family, Effect::Blocked)?;

        report.step(format_args!("Allow the peer's {target}: the newer rule wins, traffic passes again"));
        let allow = make_rule(report, producer, &["allow", target, &net])?;
        traffic::check(report, family, Effect::Passes)?;

        report.step(format_args!("The kernel's {family} rules with both in place"));
        self.show_rules(report, &[family])?;

        report.step(format_args!("Delete the allow, rule {allow}: traffic stops again"));
        producer.send(report, &["delete", "slpf:rule_number", &allow.to_string()])?;
        traffic::check(report, family, Effect::Blocked)?;

        report.step(format_args!("Delete the deny, rule {deny}: traffic passes again"));
        producer.send(report, &["delete", "slpf:rule_number", &deny.to_string()])?;
        traffic::check(report, family, Effect::Passes)
    }

    fn show_rules(&self, report: &Report, families: &[Family]) -> Result<()> {
        for family in families {
            let program = family.iptables(self.flavor);
            let mut command = Host::Firewall.command(program);
            report.command(process::line(command.arg("-S")));
            let output = process::output_within(&mut command, Duration::from_secs(5))?;
            if !output.status.success() {
                let reason = String::from_utf8_lossy(&output.stderr);
                return Err(Failure::new(format!("`{program} -S` failed: {}", reason.trim())));
            }
            report.text(&String::from_utf8_lossy(&output.stdout));
        }
        Ok(())
    }
}

/// Sends a command that makes a rule, and returns its number, without which it could not be deleted again.
fn make_rule(report: &mut Report, producer: &Producer, arguments: &[&str]) -> Result<u64> {
    let number = producer.send(report, arguments)?.rule_number();
    let observed = number.map_or("none".to_owned(), |number| number.to_string());
    report.check("results.slpf.rule_number", "a number", observed, number.is_some());
    number.ok_or_else(|| Failure::new("the response names no rule number, so the rule cannot be deleted: stopped here"))
}

fn end_consumer(report: &mut Report, consumer: &mut Consumer) -> Result<()> {
    report.step("End the consumer with SIGTERM");
    let ended = consumer.terminate()?;
    let observed = ended.map_or("still running".to_owned(), |status| status.to_string());
    report.check("consumer", "exit status: 0", observed, ended.is_some_and(|status| status.success()));
    Ok(())
}

const CONSUMER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
