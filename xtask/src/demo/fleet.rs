//! Ten consumers on ten firewalls, one broker, one command to all of them.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::demo::consumer::Consumer;
use crate::demo::report::Report;
use crate::demo::traffic::Family;
use crate::demo::{Binaries, Flavor};
use crate::failure::{Failure, Place, Result};
use crate::netns::{self, HUB, STRANGER, Site};
use crate::process;

/// The demonstration with a broker, inside an enclosure.
#[derive(Debug)]
pub(crate) struct Fleet {
    binaries: Binaries,
    flavor: Option<Flavor>,
}

impl Fleet {
    /// A demonstration of these programs.
    pub(crate) fn new(binaries: Binaries, flavor: Option<Flavor>) -> Self {
        Self { binaries, flavor }
    }

    /// Runs it.
    pub(crate) fn tell(self, report: &mut Report) -> Result<()> {
        let sites = netns::lay_out_fleet(N_SITES)?;
        println!("{N_SITES} firewalls  <-- a veth pair each -->  hub {HUB} with the broker, and beyond it {STRANGER}");
        let folder = netns::temporary_folder();
        let broker = Broker::start(report, folder)?;
        let mut consumers = self.start_consumers(report, &sites, folder)?;
        let outcome = self.command(report, &sites).and_then(|()| end(report, &mut consumers));
        if !report.is_good() || outcome.is_err() {
            report.step("Something was not as expected; the logs of the broker and of the first consumer");
            report.text(&broker.log());
            report.text(&consumers.first().map(Consumer::log).unwrap_or_default());
        }
        outcome
    }

    fn start_consumers(&self, report: &mut Report, sites: &[Site], folder: &Path) -> Result<Vec<Consumer>> {
        report.step(format_args!("Start a consumer on each of {N_SITES} firewalls"));
        let started = sites.iter().map(|site| {
            let (name, home) = (site.name(), folder.join(site.name()));
            fs::create_dir(&home).place(format_args!("cannot make {}", home.display()))?;
            let config = home.join("oc2-consumer.toml");
            let text = self.config(&name, &home.join("state"));
            fs::write(&config, &text).place(format_args!("cannot write {}", config.display()))?;
            if name == "fw01" {
                report.command(format_args!("cat {}", config.display()));
                report.text(&text);
            }
            Consumer::start(site.command(&self.binaries.consumer), &config, home.join("consumer.log"))
        });
        started.collect()
    }

    fn config(&self, name: &str, state_dir: &Path) -> String {
        let flavor = self.flavor.map(|flavor| format!("flavor = \"{flavor}\"\n")).unwrap_or_default();
        format!(
            r#"[consumer]
id = "{name}.example.net"
state_dir = "{}"

[mqtt]
broker = "mqtt://{HUB}"
device_id = "{name}"

[policy]
dangerously_allow_everything = true

[[actuator]]
profile = "slpf"
backend = "iptables"
{flavor}"#,
            state_dir.display()
        )
    }

    /// The commands and their effects.
    fn command(&self, report: &mut Report, sites: &[Site]) -> Result<()> {
        let net = format!("{STRANGER}/32");
        report.step("Ask all of them what they can do");
        self.wait_for_all()?;
        let answers = self.send(report, &Whom::All.with(&["query", "features", "profiles"]))?;
        check_answers(report, &answers, N_SITES);
        report.step("Traffic before any rule");
        self.check_traffic(report, sites, N_SITES)?;

        report.step(format_args!("One command to all: deny {net}"));
        let answers = self.send(report, &Whom::All.with(&["deny", "ipv4_net", &net]))?;
        check_answers(report, &answers, N_SITES);
        self.check_kernels(report, sites, N_SITES)?;
        self.check_traffic(report, sites, 0)?;
        let denied = rule_number(&answers)?;

        report.step("One command to one of them: fw03 lets it pass");
        let answers = self.send(report, &Whom::Device("fw03").with(&["allow", "ipv4_net", &net]))?;
        check_answers(report, &answers, 1);
        self.check_traffic(report, sites, 1)?;
        let allowed = rule_number(&answers)?;

        report.step("The allow is deleted there, then the deny everywhere, to all with the profile slpf");
        let answers = self.send(report, &Whom::Device("fw03").with(&["delete", "slpf:rule_number", &allowed]))?;
        check_answers(report, &answers, 1);
        self.check_traffic(report, sites, 0)?;
        let answers = self.send(report, &Whom::Profile("slpf").with(&["delete", "slpf:rule_number", &denied]))?;
        check_answers(report, &answers, N_SITES);
        self.check_kernels(report, sites, 0)?;
        self.check_traffic(report, sites, N_SITES)
    }

    /// Consumers take a moment to get to the broker. What is not as expected when the time is over, the next command shows.
    fn wait_for_all(&self) -> Result<()> {
        let (started, n_sites) = (Instant::now(), N_SITES.to_string());
        let words = ["--all", "--wait", "1s", "--expect", &n_sites, "heartbeat"].map(str::to_owned);
        while started.elapsed() < START_LIMIT {
            if process::output_within(&mut self.producer(&words), LIMIT)?.status.success() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn producer(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.binaries.producer);
        command.args(["--to", &format!("mqtt://{HUB}"), "--state-dir", "/run/producer", "--json"]).args(arguments);
        command
    }

    /// Sends a command and returns the messages that answered it.
    fn send(&self, report: &Report, arguments: &[String]) -> Result<Vec<Value>> {
        let mut command = self.producer(arguments);
        report.command(process::line(&command));
        let output = process::output_within(&mut command, LIMIT)?;
        report.text(String::from_utf8_lossy(&output.stderr).trim_end());
        let stdout = String::from_utf8_lossy(&output.stdout);
        if let Some(first) = stdout.lines().next() {
            report.text(first);
            report.text(&format!("... {} lines", stdout.lines().count()));
        }
        let parsed: serde_json::Result<Vec<_>> = stdout.lines().map(serde_json::from_str).collect();
        parsed.map_err(|error| Failure::new(format!("`oc2-producer` printed no messages: {error}\n{stdout}")))
    }

    /// In how many kernels the stranger is dropped: by a rule about it, or by one about a set that it is in.
    fn check_kernels(&self, report: &mut Report, sites: &[Site], expected: u8) -> Result<()> {
        let program = Family::Ipv4.iptables(self.flavor);
        let holds = |site: &Site| -> Result<bool> {
            let listed = |command: &mut Command| -> Result<String> {
                Ok(String::from_utf8_lossy(&process::output_within(command, SHORT)?.stdout).into_owned())
            };
            let rules = listed(site.command(program).arg("-S"))?;
            let members = listed(site.command("ipset").arg("save"))?;
            let stranger = STRANGER.to_string();
            let is_in = |set: &str| members.lines().any(|line| line.starts_with(&format!("add {set} {stranger}")));
            let is_about = |rule: &str| {
                let set = rule.split_once("--match-set ").and_then(|(_, rest)| rest.split(' ').next());
                rule.contains(&stranger) || set.is_some_and(is_in)
            };
            Ok(rules.lines().any(|rule| rule.contains("DROP") && is_about(rule)))
        };
        let n_found = count(sites, holds)?;
        report.check("kernels with a rule to DROP", expected, n_found, n_found == usize::from(expected));
        Ok(())
    }

    /// From how many firewalls the stranger can be reached.
    fn check_traffic(&self, report: &mut Report, sites: &[Site], expected: u8) -> Result<()> {
        let reaches = |site: &Site| -> Result<bool> {
            let mut command = site.command("ping");
            command.args(["-n", "-q", "-i", "0.2", "-c", "1", "-w", "1"]).arg(STRANGER.to_string());
            Ok(process::output_within(&mut command, SHORT)?.status.success())
        };
        let n_reached = count(sites, reaches)?;
        report.check("firewalls with an answer", expected, n_reached, n_reached == usize::from(expected));
        Ok(())
    }
}

/// Whom a command is sent to.
#[derive(Clone, Copy)]
enum Whom {
    All,
    Profile(&'static str),
    Device(&'static str),
}

impl Whom {
    fn with(self, words: &[&str]) -> Vec<String> {
        let (whom, n_expected) = match self {
            Self::All => (vec!["--all"], N_SITES),
            Self::Profile(nsid) => (vec!["--profile", nsid], N_SITES),
            Self::Device(id) => (vec!["--device", id], 1),
        };
        let n_expected = n_expected.to_string();
        let options = whom.into_iter().chain(["--wait", "5s", "--expect", &n_expected]);
        options.chain(words.iter().copied()).map(str::to_owned).collect()
    }
}

/// For how many of them it holds, all asked at once.
fn count(sites: &[Site], holds: impl Fn(&Site) -> Result<bool> + Sync) -> Result<usize> {
    thread::scope(|scope| {
        let running: Vec<_> = sites.iter().map(|site| scope.spawn(|| holds(site))).collect();
        let mut n_held = 0;
        for thread in running {
            let held = thread.join().map_err(|_| Failure::new("a probe panicked"))??;
            n_held += usize::from(held);
        }
        Ok(n_held)
    })
}

fn check_answers(report: &mut Report, answers: &[Value], expected: u8) {
    let is_good = |answer: &&Value| response(answer)["status"] == 200;
    let n_good = answers.iter().filter(is_good).count();
    report.check("responses with status 200", expected, n_good, n_good == usize::from(expected));
}

fn response(message: &Value) -> &Value {
    message.pointer("/body/openc2/response").unwrap_or(message)
}

/// The number that the rule has everywhere: the consumers are new, so all of them count from the same.
fn rule_number(answers: &[Value]) -> Result<String> {
    let numbers: Vec<_> =
        answers.iter().map(|answer| response(answer)["results"]["slpf"]["rule_number"].as_u64()).collect();
    match numbers.split_first() {
        Some((Some(first), others)) if others.iter().all(|other| *other == Some(*first)) => Ok(first.to_string()),
        _ => Err(Failure::new(format!("not one rule number for all: {numbers:?}"))),
    }
}

fn end(report: &mut Report, consumers: &mut [Consumer]) -> Result<()> {
    report.step("End the consumers with SIGTERM");
    let mut n_ended = 0;
    for consumer in consumers.iter_mut() {
        n_ended += usize::from(consumer.terminate()?.is_some_and(|status| status.success()));
    }
    report.check("consumers with exit status 0", consumers.len(), n_ended, n_ended == consumers.len());
    Ok(())
}

/// A mosquitto; it ends with this value.
#[derive(Debug)]
struct Broker {
    child: Child,
    log: PathBuf,
}

impl Broker {
    fn start(report: &mut Report, folder: &Path) -> Result<Self> {
        report.step("Start the broker on the hub");
        let (config, log) = (folder.join("mosquitto.conf"), folder.join("mosquitto.log"));
        // Everything happens on one machine that nobody else reaches; `contrib` shows a configuration with TLS.
        let text = format!("listener 1883 {HUB}\nallow_anonymous true\nuser root\n");
        fs::write(&config, &text).place(format_args!("cannot write {}", config.display()))?;
        report.command(format_args!("mosquitto -c {}", config.display()));
        report.text(&text);
        let output = File::create(&log).place(format_args!("cannot write {}", log.display()))?;
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        let child = command.spawn().place("cannot start `mosquitto`")?;
        let broker = Self { child, log };
        let started = Instant::now();
        while TcpStream::connect_timeout(&(HUB, 1883).into(), SHORT).is_err() {
            if started.elapsed() > START_LIMIT {
                return Err(Failure::new(format!("the broker does not listen; its log:\n{}", broker.log())));
            }
            thread::sleep(Duration::from_millis(20));
        }
        report.check("broker", "listens", format_args!("listens on {HUB}:1883"), true);
        Ok(broker)
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        process::kill(&mut self.child);
    }
}

const N_SITES: u8 = 10;
const SHORT: Duration = Duration::from_secs(10);
const START_LIMIT: Duration = Duration::from_secs(20);
const LIMIT: Duration = Duration::from_secs(30);
