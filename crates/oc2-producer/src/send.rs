//! What the program does: compose, send, show.

use std::fmt::Display;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use oc2_core::types::time::DateTime;
use oc2_core::{Action, Mode};
use oc2_producer::{Identified, Prepared, Producer, ProducerBuilder, ProducerError, Received};
use oc2_transfer::{Answers, AnyTransfer, Outgoing, Transfer, TransferError};
use tokio::runtime;

use crate::cli::{Cli, Transport, Verb};
use crate::compose::{compose, refuse_all};
use crate::failure::Failure;
#[cfg(feature = "mqtt")]
use crate::fleet;
#[cfg(feature = "http")]
use crate::http;
use crate::identity;
#[cfg(feature = "mqtt")]
use crate::mqtt::Plan;
use crate::render::{self, Plain};

/// Does what the command line asks for.
pub(crate) fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    refuse_validation(cli)?;
    #[cfg(feature = "signature")]
    let key = signing_key(cli)?;
    #[cfg(feature = "signature")]
    let signer = key.as_ref().map(|key| key.id().to_owned());
    #[cfg(not(feature = "signature"))]
    let signer = None;
    let identity = cli.transport.from.clone().or(signer).unwrap_or_else(identity::of_this_user);
    let route = Route::of(cli, &identity)?;
    let preparing = builder(cli, Nowhere, identity.clone());
    #[cfg(feature = "signature")]
    let preparing = match key {
        Some(key) => preparing.sign_with(key),
        None => preparing,
    };
    let prepared = prepare(cli, &route, &preparing.build())?;
    if cli.output.dry_run {
        return show_prepared(cli, &prepared).map(|()| ExitCode::SUCCESS);
    }
    if cli.output.show {
        tell("sent", shown(prepared.bytes()));
    }
    match route {
        Route::Consumer(transfer) => ask(cli, &builder(cli, transfer, identity).build(), &prepared),
        #[cfg(feature = "mqtt")]
        Route::Broker(plan) => {
            if cli.output.show {
                tell("topic", format!("{} at {}", plan.destination.topic(), plan.broker()));
            }
            fleet::run(cli, &plan, identity, prepared)
        }
    }
}

/// Sends to one Consumer, and shows its answer.
fn ask(cli: &Cli, producer: &Producer, prepared: &Prepared) -> Result<ExitCode, Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::exchange)?;
    let received = runtime.block_on(exchange(producer, prepared));
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    let received = received.map_err(|error| Failure::of(error, mode(cli)))?;
    show(cli, received.as_ref())?;
    let is_success = received.is_none_or(|received| received.response.status.is_success());
    Ok(if is_success { ExitCode::SUCCESS } else { ExitCode::from(OTHER_STATUS) })
}

fn refuse_validation(cli: &Cli) -> Result<(), Failure> {
    match cli.validation.given().next() {
        Some(option) => Err(Failure::usage(format!("{option} goes with validate only"))),
        None => Ok(()),
    }
}

/// A Producer of this identity.
pub(crate) fn builder(cli: &Cli, transfer: impl Transfer, identity: String) -> ProducerBuilder<Identified> {
    let Transport { timeout, encoding, .. } = &cli.transport;
    let builder = Producer::builder(transfer).identity(identity).mode(mode(cli));
    builder.timeout(timeout.unwrap_or(DEFAULT_TIMEOUT)).encodings(encoding.encodings())
}

/// The key that Commands are signed with.
#[cfg(feature = "signature")]
fn signing_key(cli: &Cli) -> Result<Option<oc2_encoding::SigningKey>, Failure> {
    use std::os::unix::fs::PermissionsExt;

    let Some(path) = &cli.transport.sign_key else { return Ok(None) };
    if cli.verb == Verb::Send {
        return Err(Failure::usage("send takes the message as it is, so --sign-key has no place"));
    }
    let unusable = |error: &dyn Display| Failure::usage(format!("--sign-key {}: {error}", path.display()));
    let bytes = fs::read(path).map_err(|error| unusable(&error))?;
    let key = oc2_encoding::SigningKey::from_json(&bytes).map_err(|error| unusable(&error))?;
    let permissions = fs::metadata(path).map_err(|error| unusable(&error))?.permissions();
    if permissions.mode() & OTHERS != 0 {
        tell("warning", format!("{} can be read by others than you; chmod 600 keeps it yours", path.display()));
    }
    Ok(Some(key))
}

pub(crate) fn mode(cli: &Cli) -> Mode {
    if cli.transport.strict { Mode::Strict } else { Mode::Lenient }
}

/// Where a message goes.
enum Route {
    /// To one Consumer.
    Consumer(AnyTransfer),
    /// Through a broker.
    #[cfg(feature = "mqtt")]
    Broker(Plan),
}

impl Route {
    /// The route by the scheme of a URL, of those that are compiled in.
    #[cfg_attr(not(feature = "mqtt"), expect(unused_variables, reason = "only a broker wants to know who we are"))]
    fn of(cli: &Cli, identity: &str) -> Result<Self, Failure> {
        let url = match &cli.transport.to {
            Some(url) => url,
            // What is only looked at may be meant for a broker, too.
            None if cli.output.dry_run => return Ok(Self::Consumer(AnyTransfer::new(Nowhere))),
            None => return Err(Failure::usage("--to is missing, and OC2_TO is not set").with_remedy(schemes())),
        };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        let failure = match scheme.as_deref() {
            #[cfg(feature = "mqtt")]
            Some("mqtt" | "mqtts") => return Plan::of(cli, url, identity).map(Self::Broker),
            #[cfg(feature = "http")]
            Some(scheme @ ("http" | "https")) => {
                cli.broker.refuse()?;
                let transfer = http::transfer(cli, url, scheme == "https")?;
                return Ok(Self::Consumer(AnyTransfer::new(transfer)));
            }
            Some(other) => Failure::usage(format!("no transfer for {other}:// is compiled in")),
            // The URL is not repeated: there may be a password in it.
            None => Failure::usage("--to does not say how to get there"),
        };
        Err(failure.with_remedy(schemes()))
    }

    fn is_broker(&self) -> bool {
        match self {
            Self::Consumer(_) => false,
            #[cfg(feature = "mqtt")]
            Self::Broker(_) => true,
        }
    }
}

/// How a URL may look; one row for each scheme.
fn schemes() -> String {
    let schemes: &[&str] = &[
        #[cfg(feature = "http")]
        "https://HOST",
        #[cfg(feature = "http")]
        "http://HOST:PORT",
        #[cfg(feature = "mqtt")]
        "mqtt://BROKER",
        #[cfg(feature = "mqtt")]
        "mqtts://BROKER",
    ];
    format!("There is: --to {}", schemes.join(", --to "))
}

/// What is to be sent, to the byte; nothing is sent yet.
fn prepare(cli: &Cli, route: &Route, producer: &Producer) -> Result<Prepared, Failure> {
    let (action, cli) = match cli.verb {
        Verb::Send => return read(cli, route).map(|bytes| producer.prepare_bytes(bytes)),
        Verb::Heartbeat => (Action::Query, &heartbeat(cli)?),
        Verb::Action(action) => (action, cli),
        // It has a path of its own and sends nothing.
        Verb::Validate => return Err(Failure::usage("validate sends nothing")),
    };
    let composed = compose(action, cli, DateTime::now())?;
    let prepared = if cli.parts.arguments.anyway {
        producer.dangerous().prepare(composed.command).map_err(ProducerError::from)
    } else {
        producer.prepare(composed.command)
    };
    let prepared = prepared.map_err(|error| Failure::of(error, mode(cli)))?;
    for remark in composed.remarks.iter().chain(prepared.remarks()) {
        tell("warning", remark);
    }
    Ok(prepared)
}

/// A heartbeat is a query of no feature (LS 3.4.1.5).
fn heartbeat(cli: &Cli) -> Result<Cli, Failure> {
    match &cli.target {
        Some(target) => Err(Failure::usage(format!("heartbeat stands alone, so {target:?} has no place"))),
        None => Ok(Cli { target: Some("features".to_owned()), ..cli.clone() }),
    }
}

fn read(cli: &Cli, route: &Route) -> Result<Vec<u8>, Failure> {
    let mut parts = cli.parts.clone();
    if route.is_broker() {
        // It says whom to send the message to, and does not go into it.
        parts.addressee.profile = None;
    }
    refuse_all(&parts, "send takes the message as it is")?;
    let (Some(source), []) = (&cli.target, cli.values.as_slice()) else {
        return Err(Failure::usage("send needs one FILE, or - for the standard input"));
    };
    let bytes = match source.as_str() {
        "-" => {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        }
        path => fs::read(path),
    };
    match bytes {
        Ok(bytes) if bytes.is_empty() => Err(Failure::usage(format!("{source} is empty: there is nothing to send"))),
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(Failure::usage(format!("cannot read {source}: {error}"))),
    }
}

async fn exchange(producer: &Producer, prepared: &Prepared) -> Result<Option<Received>, ProducerError> {
    producer.exchange(prepared).await?.finish().await
}

fn show(cli: &Cli, received: Option<&Received>) -> Result<(), Failure> {
    let text = match received {
        Some(received) if cli.output.json => render::json(&received.response)?,
        Some(received) => render::people(&received.response, &received.into()),
        None if cli.output.json => return Ok(()),
        None => NO_ANSWER.to_owned(),
    };
    let notes = received.filter(|_| cli.output.show).map(|received| received.notes.as_slice());
    for note in notes.unwrap_or_default() {
        tell("tolerated", note);
    }
    print(format!("{text}\n").as_bytes())
}

/// A text as it is, anything else in hexadecimal.
fn shown(bytes: &[u8]) -> String {
    let is_text = |text: &&str| !text.contains(|char: char| char.is_control() && !char.is_whitespace());
    match str::from_utf8(bytes).ok().filter(is_text) {
        Some(text) => text.to_owned(),
        None => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// A message of ours as a line, if it is text; a file as it is.
fn show_prepared(cli: &Cli, prepared: &Prepared) -> Result<(), Failure> {
    match cli.verb {
        Verb::Send => print(prepared.bytes()),
        _ if str::from_utf8(prepared.bytes()).is_err() => print(prepared.bytes()),
        Verb::Action(_) | Verb::Heartbeat | Verb::Validate => print(&[prepared.bytes(), b"\n"].concat()),
    }
}

/// Writes to stdout; a reader that has gone wants no more.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::exchange(format!("the output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says something beside the output.
pub(crate) fn tell(what: &str, text: impl Display) {
    // Without a place to say it, it stays unsaid.
    let _ = writeln!(io::stderr(), "{what}: {}", Plain(&text.to_string()));
}

/// Where a message goes that is only looked at.
#[derive(Debug)]
struct Nowhere;

impl Transfer for Nowhere {
    async fn exchange(&self, _: Outgoing) -> Result<Answers, TransferError> {
        Err(TransferError::Unreachable { peer: "nobody".to_owned(), reason: "--to is missing".to_owned() })
    }
}

const NO_ANSWER: &str = "sent; no answer is wanted";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
const OTHER_STATUS: u8 = 1;
#[cfg(feature = "signature")]
const OTHERS: u32 = 0o077;
