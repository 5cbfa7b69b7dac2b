//! The command line.

mod address;
mod ours;
mod trust;

use std::collections::BTreeSet;
use std::io::{self, Write, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use self::address::Address;
use self::trust::Trust;
use crate::check::{self, Check};
use crate::clause::{Role, rows};
use crate::field::{Field, agent};
use crate::producer::{self, OwnBroker, Place};
use crate::progress::Progress;
use crate::report::{Format, Report, statement};
use crate::run::{Filter, conduct, run};
use crate::session::{Asked, Session};
use crate::subject::DEVICE;
use crate::verdict::Notes;
use crate::wire::dry::Dry;
use crate::wire::http::Http;
use crate::wire::mqtt::Mqtt;
use crate::wire::{Transfer, Wire};
use clap::Parser;

/// Learn clause by clause where an implementation of OpenC2 stands
///
/// Speaks with a Consumer of any make over its transfer and judges what comes back by the rows of the checklists in
/// tests/clauses. Without options it starts our own daemon and judges that.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo xtask conformance", after_help = EXAMPLES, max_term_width = 120)]
pub struct Cli {
    /// The Consumer: http://HOST:PORT, https://HOST, or mqtt://BROKER, mqtts://BROKER with --device
    #[arg(long, value_name = "URL", conflicts_with = "subject")]
    consumer: Option<String>,
    /// Start a broker, and wait for the Consumer --device to connect to it: what its client sends is seen as well
    #[arg(long, conflicts_with_all = ["consumer", "subject"])]
    tap: bool,
    /// The broker of --tap speaks TLS; of the packets of the client its hello is seen
    #[arg(long, requires = "tap")]
    tls: bool,
    /// What is started for the run: ours (over HTTP, with all it can and with as little as it may, and over MQTT), ours-http, ours-mqtt,
    /// or ours-producer
    #[arg(long, value_name = "NAME", default_value = "ours", value_parser = ["ours", "ours-http", "ours-mqtt", "ours-producer"])]
    subject: String,
    /// Listen as a Consumer, and judge what a Producer sends until it is silent: at an ADDRESS with or without http:// or https://; at a
    /// broker, mqtt://HOST or mqtts://HOST; or at one that is started for it and whose wire is seen, mqtt:// or mqtts://
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["consumer", "subject", "tap"])]
    producer: Option<String>,
    /// With --producer https://ADDRESS: show a certificate that nobody should trust, and judge whether the Producer talks all the same
    #[arg(long, requires = "producer", conflicts_with_all = ["cert", "ca"])]
    impostor: bool,
    /// How long a Producer is silent when it has sent all it will
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    silence: u64,
    /// The device of the Consumer behind a broker
    #[arg(long, value_name = "ID", default_value = DEVICE)]
    device: String,
    /// Runs as an agent of a field
    #[arg(long, hide = true)]
    agent: bool,
    /// Runs what packets show, in namespaces of its own, on this back end
    #[arg(long, hide = true, value_name = "BACKEND")]
    enclosed: Option<String>,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    output: Output,
}

/// What is run.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "What is run")]
struct Choice {
    /// One specification: LS, SLPF, HTTPS, MQTT or ARCH; may be repeated
    #[arg(long, value_name = "NAME", ignore_case = true, value_parser = ["LS", "SLPF", "HTTPS", "MQTT", "ARCH"])]
    only: Vec<String>,
    /// One section and those below it: 2.3.1; may be repeated
    #[arg(long, value_name = "NUMBER")]
    section: Vec<String>,
    /// One row: LS-079; may be repeated
    #[arg(long, value_name = "ID", value_parser = row_id)]
    id: Vec<String>,
    /// Also what changes the rules of the subject: allow and deny of documentation nets, taken back at the end. The default for
    /// ours
    #[arg(long)]
    destructive: bool,
    /// Also what takes more than a few seconds
    #[arg(long)]
    lengthy: bool,
    /// Also what is seen in CBOR, for a subject that takes it. The default for ours
    #[arg(long)]
    cbor: bool,
    /// A Command, as JSON, that the subject does not let us give; it is sent, and should be refused
    #[arg(long, value_name = "COMMAND", value_parser = |text: &str| serde_json::from_str::<serde_json::Value>(text))]
    forbidden: Option<serde_json::Value>,
    /// Also queries beyond the rate limit that the subject tells; for a minute it may have no ear for others
    #[arg(long)]
    overload: bool,
    /// Give every Command an actuator (slpf) and arguments, for a subject that answers none without; that it does not is told
    /// by LS-089 and LS-090, and else would hide all that it can
    #[arg(long)]
    fill_in: bool,
    /// List what would be sent and send nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// How long to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    timeout: u64,
}

/// What is told, and where.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Report")]
struct Output {
    /// What the subject is called in the report [default: its URL]
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Write a report as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a report as one page of HTML
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the statement of conformance of ours [default: CONFORMANCE.md]
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        default_missing_value = STATEMENT,
        conflicts_with_all = ["consumer", "only", "section", "id"]
    )]
    statement: Option<PathBuf>,
    /// Also say every row, and not only those that are not met
    #[arg(short, long)]
    verbose: bool,
}

impl Cli {
    /// Runs, prints, and says how the process should end: 0 when nothing is not met, 1 when something is, 2 for a usage that
    /// makes no sense, 3 when the subject cannot be reached.
    #[must_use]
    pub fn run(&self) -> u8 {
        match self.outcome() {
            Ok(is_met) => u8::from(!is_met),
            Err(Failure::Usage(text)) => {
                eprintln!("{text}");
                2
            }
            Err(Failure::Unreachable(error)) => {
                eprintln!("The subject cannot be reached: {error}");
                3
            }
        }
    }

    fn outcome(&self) -> Result<bool, Failure> {
        if self.agent {
            return agent::run().map(|()| true).map_err(Failure::from);
        }
        let filter = self.choice.filter();
        if let Some(backend) = &self.enclosed {
            let notes = self.in_enclosure(backend, &filter)?;
            print(&notes.to_json().map_err(io::Error::from)?);
            return Ok(true);
        }
        if !rows().iter().any(|row| filter.wants(row)) {
            return Err(Failure::Usage("No row is in that choice.".into()));
        }
        if self.choice.dry_run {
            return self.dry(&filter);
        }
        let mut report = self.report(&filter)?;
        if let Some(name) = &self.output.name {
            report.subject.clone_from(name);
        }
        self.tell(&report)?;
        Ok(report.is_met())
    }

    fn report(&self, filter: &Filter) -> Result<Report, Failure> {
        if let Some((subject, notes)) = self.heard()? {
            let outcomes = notes.outcomes(Role::Producer, |row| filter.wants(row));
            return Ok(Report { subject, role: Role::Producer, outcomes });
        }
        let checks = check::all();
        let mut progress = Progress::new(checks.len());
        let (subject, notes) = match &self.consumer {
            None if self.tap => (self.device.clone(), self.at_our_broker(&checks, filter, &mut progress)?),
            Some(url) => (url.clone(), self.against(url, &checks, filter, &mut progress)?),
            None => (self.subject.clone(), self.ours(&checks, filter, &mut progress)?),
        };
        progress.clear();
        let outcomes = notes.outcomes(Role::Consumer, |row| filter.wants(row));
        Ok(Report { subject, role: Role::Consumer, outcomes })
    }

    /// What a Producer was heard to send, if it is one that is judged.
    fn heard(&self) -> Result<Option<(String, Notes)>, Failure> {
        if let Some(address) = &self.producer {
            let folder = tempfile::tempdir()?;
            let place = self.place(address, folder.path())?;
            let say = |place: &str| eprintln!("Let the Producer send all it can to {place}.");
            let notes = producer::listen(&place, Duration::from_secs(self.silence), say)?;
            return Ok(Some((format!("the Producer at {address}"), notes)));
        }
        if self.subject == "ours-producer" {
            return Ok(Some((self.subject.clone(), producer::against_ours()?)));
        }
        Ok(None)
    }

    /// Where a Producer is listened to.
    fn place(&self, address: &str, folder: &Path) -> Result<Place, Failure> {
        let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
        match (scheme, rest) {
            ("http" | "mqtt" | "mqtts", _) if self.impostor => {
                Err(Failure::Usage("--impostor goes with --producer https://ADDRESS.".into()))
            }
            ("mqtt", "") => Ok(Place::OwnBroker { is_secured: false }),
            ("mqtts", "") => Ok(Place::OwnBroker { is_secured: true }),
            ("mqtt" | "mqtts", _) => {
                let address = Address::parse(address).map_err(Failure::Usage)?;
                Ok(Place::Broker(self.trust.broker(&address)?))
            }
            ("http", address) => Ok(Place::Http { address: address.to_owned(), tls: None }),
            ("https", address) if self.impostor => Ok(Place::Impostor { address: address.to_owned() }),
            ("https", address) => {
                let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
                let (server, ca) = self.trust.server(host, folder)?;
                if let Some(ca) = ca {
                    eprintln!("The authority of our certificate is {}.", ca.display());
                }
                Ok(Place::Http { address: address.to_owned(), tls: Some(Arc::new(server)) })
            }
            _ => Err(Failure::Usage(format!("--producer: no transfer for {scheme}://"))),
        }
    }

    fn against(&self, url: &str, checks: &[Check], filter: &Filter, progress: &mut Progress) -> Result<Notes, Failure> {
        let address = Address::parse(url).map_err(Failure::Usage)?;
        let asked = self.asked(filter, false)?;
        let mut wire = self.wire(&address, &asked)?;
        Ok(run(&mut *wire, asked, checks, None, progress)?)
    }

    fn wire(&self, address: &Address, asked: &Asked) -> Result<Box<dyn Wire>, Failure> {
        let patience = Duration::from_secs(self.choice.timeout);
        if address.is_mqtt {
            let wire = Mqtt::connect(&self.trust.broker(address)?, &self.device, patience, None)?;
            return Ok(Box::new(wire));
        }
        let mut http = Http::new(&address.host, address.port, &address.path, patience).token(asked.token.clone());
        if address.is_secured {
            http = http.secured(Arc::new(asked.files.config().map_err(Failure::Usage)?));
        }
        Ok(Box::new(http))
    }

    /// Whoever connects to a broker of ours.
    fn at_our_broker(&self, checks: &[Check], filter: &Filter, progress: &mut Progress) -> Result<Notes, Failure> {
        let own = OwnBroker::start(self.tls)?;
        let asked = self.asked(filter, false)?;
        progress.say(&format!("Let the Consumer {} connect to {} now.", self.device, own.told()));
        let until = Instant::now() + Duration::from_secs(120);
        let topic = format!("oc2/cmd/device/{}", self.device);
        while !own.is_subscribed(&topic) {
            if Instant::now() > until {
                return Err(Failure::Unreachable(io::Error::new(io::ErrorKind::TimedOut, "nobody has subscribed")));
            }
            sleep(Duration::from_millis(20));
        }
        let patience = Duration::from_secs(self.choice.timeout);
        let mut wire = Mqtt::connect(&own.broker, &self.device, patience, Some(own.tap.clone()))?;
        Ok(run(&mut wire, asked, checks, None, progress)?)
    }

    fn dry(&self, filter: &Filter) -> Result<bool, Failure> {
        let transfer = match self.consumer.as_deref().map(Address::parse).transpose().map_err(Failure::Usage)? {
            Some(address) if address.is_mqtt => Transfer::Mqtt,
            Some(address) if address.is_secured => Transfer::Https,
            Some(_) => Transfer::Http,
            None if self.subject == "ours-mqtt" => Transfer::Mqtt,
            None => Transfer::Http,
        };
        for check in check::all() {
            let mut wire = Dry::new(transfer);
            let asked = self.asked(filter, self.consumer.is_none())?;
            let mut field = Field::dry();
            let mut session = Session::new(&mut wire, asked);
            session.field = (self.consumer.is_none() && self.subject == "ours").then_some(&mut field);
            conduct(session, &[check], &mut Progress::silent())?;
            // The first line of each asks what the subject is.
            if wire.lines.len() > 1 {
                let mark = if check.needs.changes { "  (changes rules)" } else { "" };
                print(&format!("# {}{mark}\n{}\n", check.name, wire.lines[1..].join("\n")));
            }
        }
        Ok(true)
    }

    fn asked(&self, filter: &Filter, is_ours: bool) -> Result<Asked, Failure> {
        let mut wanted: BTreeSet<_> = rows().iter().filter(|row| filter.wants(row)).map(|row| row.id).collect();
        wanted.extend(crate::sums::parts(&wanted));
        let wanted = (!filter.is_all()).then_some(wanted);
        Ok(Asked {
            destructive: self.choice.destructive || is_ours,
            lengthy: self.choice.lengthy,
            cbor: self.choice.cbor || is_ours,
            forbidden: self.choice.forbidden.clone(),
            overloads: self.choice.overload,
            is_ours,
            wanted,
            files: self.trust.files()?,
            token: self.trust.token()?,
            fills_in: self.choice.fill_in,
        })
    }

    fn tell(&self, report: &Report) -> Result<(), Failure> {
        let format = if self.output.json { Format::Json } else { Format::Terminal { is_verbose: self.output.verbose } };
        print(&report.render(format));
        for (file, format) in [(&self.output.junit, Format::Junit), (&self.output.html, Format::Html)] {
            if let Some(file) = file {
                write(file, &report.render(format))?;
            }
        }
        if let Some(file) = &self.output.statement {
            let outcomes = producer::against_ours()?.outcomes(Role::Producer, |_| true);
            let producer = Report { subject: "ours-producer".into(), role: Role::Producer, outcomes };
            write(file, &statement::render(report, &producer))?;
        }
        Ok(())
    }
}

impl Choice {
    fn filter(&self) -> Filter {
        Filter { only: self.only.clone(), sections: self.section.clone(), ids: self.id.clone() }
    }
}

/// Why there is no report.
enum Failure {
    Usage(String),
    Unreachable(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Unreachable(error)
    }
}

/// Whoever has read enough may hang up.
fn print(text: &str) {
    let _ = stdout().write_all(text.as_bytes());
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
}

fn row_id(text: &str) -> Result<String, String> {
    let id = text.to_uppercase();
    crate::clause::row(&id).map(|row| row.id.to_owned()).ok_or_else(|| format!("no checklist has {id}"))
}

/// Where the statement is kept.
const STATEMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../CONFORMANCE.md");

const EXAMPLES: &str = "\
Examples:
  cargo xtask conformance                                           ours, all of it
  cargo xtask conformance --consumer http://192.0.2.1:8080          a Consumer, and nothing that changes it
  cargo xtask conformance --consumer http://192.0.2.1:8080 --destructive --html report.html
  cargo xtask conformance --consumer https://fw.example --ca ca.pem --cert me.pem --key me.key
  cargo xtask conformance --consumer mqtts://broker.example --device fw1 --ca ca.pem --username soc --password-file pass
  cargo xtask conformance --producer https://0.0.0.0:8443           a Producer, which is told to send there
  cargo xtask conformance --producer mqtts://                       one that speaks through a broker
  cargo xtask conformance --subject ours-producer                   ours
  cargo xtask conformance --only SLPF --section 2.3.1               a part of it
  cargo xtask conformance --dry-run --consumer http://192.0.2.1     what would be sent

Exit status: 0 nothing is not met, 1 something is not met, 2 usage, 3 the subject cannot be reached.";
