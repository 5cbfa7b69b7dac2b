//! From the options of a broker to a transfer through it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use oc2_core::{Mode, Nsid};
use oc2_encoding::Syntax;
use oc2_transfer_mqtt::{
    Broker, Credentials, Destination, KeepAlive, MqttTransfer, Options, ProducerId, Qos, Session, SetupError, Tls,
};

use crate::broker::BrokerOptions;
use crate::cli::Cli;
use crate::failure::Failure;
use crate::security::{Papers, SecurityOptions, file, of_environment, read};
use crate::send::tell;

/// Who is commanded through which broker: what the words say, before any file is read.
#[derive(Debug)]
pub(crate) struct Plan {
    broker: Broker,
    pub(crate) destination: Destination,
    producer: ProducerId,
    /// How many Consumers answer, if that is known.
    pub(crate) expected: Option<usize>,
    /// When to end.
    pub(crate) wait: Duration,
}

impl Plan {
    /// Understands the command line of a Producer with this identity.
    pub(crate) fn of(cli: &Cli, url: &str, identity: &str) -> Result<Self, Failure> {
        // It may be a password that stands there.
        if url.contains('@') {
            return Err(Failure::usage("--to has a name or a password in it; both have options of their own")
                .with_remedy("--to mqtts://HOST --username NAME --password-file FILE"));
        }
        if cli.transport.timeout.is_some() {
            return Err(Failure::usage("--timeout goes with http; with a broker, --wait says when to end"));
        }
        if cli.broker.flat {
            check_flat(cli)?;
        }
        let broker: Broker = url.parse().map_err(Failure::usage)?;
        cli.security.refuse_token()?;
        if !broker.is_secure() {
            cli.security.refuse_certificates("mqtt", "mqtts")?;
        }
        let destination = destination(&cli.broker, cli.parts.addressee.profile)?;
        let is_one = matches!(destination, Destination::Device(_));
        let expected = match cli.broker.expect {
            Some(2..) if is_one => {
                return Err(Failure::usage(
                    "--expect: of one --device one answer is due; more with --profile and --all",
                ));
            }
            Some(expected) => Some(usize::try_from(expected).unwrap_or(usize::MAX)),
            None => is_one.then_some(1),
        };
        let wait = cli.broker.wait.unwrap_or(if expected.is_some() { LONG_WAIT } else { SHORT_WAIT });
        let producer = identity.parse().map_err(|error: SetupError| {
            Failure::usage(format!("--from: {error}")).with_remedy("Over a broker it is the name of a topic, too.")
        })?;
        Ok(Self { broker, destination, producer, expected, wait: wait.min(LONGEST_WAIT) })
    }

    /// The broker, as a URL.
    pub(crate) fn broker(&self) -> String {
        self.broker.to_string()
    }

    /// The transfer, not connected yet.
    pub(crate) fn transfer(
        &self,
        options: &BrokerOptions,
        security: &SecurityOptions,
        mode: Mode,
    ) -> Result<MqttTransfer, Failure> {
        let credentials = credentials(options)?;
        let tls = if self.broker.is_secure() { tls(security)? } else { Tls::default() };
        let session = session(options.state_dir.as_deref())?;
        // What nobody comes back to need not be kept for longer.
        let own_expiry = session.is_none().then_some(self.wait);
        let session = session.unwrap_or_else(Session::ephemeral);
        let mut own = Options::new(&self.broker(), session).map_err(Failure::usage)?;
        (own.credentials, own.tls) = (credentials, tls);
        if let Some(time) = options.keep_alive {
            own.keep_alive = keep_alive(time)?;
        }
        if let Some(time) = options.session_expiry.or(own_expiry) {
            own.session_expiry = seconds(time);
        }
        if options.qos == Some(2) {
            own.qos = Qos::ExactlyOnce;
        }
        // A broker that says nothing is named as such before the time is over, and one that comes back is found soon.
        own.connect_timeout = own.connect_timeout.min(self.wait * 3 / 4);
        (own.min_pause, own.max_pause) = (Duration::from_millis(200), Duration::from_secs(1));
        let transfer = MqttTransfer::reading(own, self.producer.clone(), self.destination.clone(), mode);
        let transfer = transfer.map_err(Failure::usage)?;
        Ok(if options.flat { transfer.in_flat_layout() } else { transfer })
    }
}

/// The flat layout is of JSON by name, has no place for a signature, and is answered in kind (DECISIONS Q18).
fn check_flat(cli: &Cli) -> Result<(), Failure> {
    let has_names = matches!(cli.transport.encoding, Syntax::Json | Syntax::JsonAscii);
    #[cfg(feature = "signature")]
    let is_signed = cli.transport.sign_key.is_some();
    #[cfg(not(feature = "signature"))]
    let is_signed = false;
    let reason = match () {
        () if !has_names => "is for --encoding json and json-ascii",
        () if is_signed => "has no place for what --sign-key makes",
        () if cli.transport.strict => "is answered in kind, which --strict refuses",
        () => return Ok(()),
    };
    Err(Failure::usage(format!("--flat {reason}")))
}

/// Whom the command line names; exactly one.
fn destination(options: &BrokerOptions, profile: Option<Nsid>) -> Result<Destination, Failure> {
    match (&options.device, profile, options.all) {
        (Some(device), None, false) => {
            let device = device.parse().map_err(|error| Failure::usage(format!("--device: {error}")))?;
            Ok(Destination::Device(device))
        }
        (None, Some(nsid), false) => Ok(Destination::Profile(nsid)),
        (None, None, true) => Ok(Destination::All),
        (None, None, false) => Err(Failure::usage("a broker has to be told who is commanded").with_remedy(ONE_OF)),
        (..) => Err(Failure::usage("--device, --profile and --all exclude each other").with_remedy(ONE_OF)),
    }
}

fn credentials(options: &BrokerOptions) -> Result<Option<Credentials>, Failure> {
    let username = match (&options.username, of_environment("OC2_USERNAME")) {
        (Some(username), _) => Some(username.clone()),
        (None, Some(username)) => {
            Some(username.into_string().map_err(|_| Failure::usage("OC2_USERNAME is not UTF-8"))?)
        }
        (None, None) => None,
    };
    let password_file = file(options.password_file.as_ref(), "OC2_PASSWORD_FILE");
    let Some(username) = username else {
        return match password_file {
            Some(_) => Err(Failure::usage("a password is nobody's without --username")),
            None => Ok(None),
        };
    };
    if username.len() > MAX_FIELD || username.contains('\0') {
        return Err(Failure::usage("--username: 1 to 65535 octets without NUL are due"));
    }
    let password = password_file.map(|path| password(&path)).transpose()?;
    Ok(Some(Credentials { username, password }))
}

/// The first line of a file, which has no other.
fn password(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut password = read(path)?;
    if password.last() == Some(&b'\n') {
        password.pop();
        if password.last() == Some(&b'\r') {
            password.pop();
        }
    }
    let wrong = |reason: &str| Failure::usage(format!("the password file {} {reason}", path.display()));
    match password.len() {
        0 => Err(wrong("is empty")),
        1..=MAX_FIELD if password.contains(&b'\n') => Err(wrong("has more than one line")),
        1..=MAX_FIELD => Ok(password),
        _ => Err(wrong("is longer than a password may be")),
    }
}

fn tls(options: &SecurityOptions) -> Result<Tls, Failure> {
    let Papers { ca, identity } = options.papers()?;
    let of = |path: PathBuf| move |error: SetupError| Failure::usage(format!("{}: {error}", path.display()));
    let mut tls = Tls::default();
    if let Some((path, pem)) = ca {
        tls = tls.with_authorities(&pem).map_err(of(path))?;
    }
    match identity {
        Some((path, chain, key)) => tls.with_identity(&chain, &key).map_err(of(path)),
        None => Ok(tls),
    }
}

/// The ClientID that is kept, if there is a place for it: of several runs at once, each has one of its own.
fn session(given: Option<&Path>) -> Result<Option<Session>, Failure> {
    let Some(directory) = given.map(Path::to_owned).or_else(of_user) else {
        tell("warning", "neither HOME nor XDG_STATE_HOME is set, so our ClientID is not kept; --state-dir keeps it");
        return Ok(None);
    };
    Session::open_free(directory.join("mqtt"))
        .map(Some)
        .map_err(|error| Failure::usage(error).with_remedy("--state-dir DIR says where else our ClientID is kept."))
}

/// Where programs of this user keep such things (XDG Base Directory Specification).
fn of_user() -> Option<PathBuf> {
    let stated = of_environment("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || of_environment("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    stated.or_else(home).map(|state| state.join("oc2-producer"))
}

fn keep_alive(time: Duration) -> Result<KeepAlive, Failure> {
    if time.subsec_nanos() != 0 {
        return Err(Failure::usage("--keep-alive: whole seconds are due, 1s to 300s"));
    }
    KeepAlive::from_secs(time.as_secs()).map_err(|error| Failure::usage(format!("--keep-alive: {error}")))
}

/// Whole seconds, rather too many than too few.
fn seconds(time: Duration) -> u32 {
    let rounded = time.as_secs().saturating_add(u64::from(time.subsec_nanos() != 0));
    u32::try_from(rounded).unwrap_or(u32::MAX)
}

const ONE_OF: &str = "One of: --device ID, --profile NSID, --all";
/// Where the number of answers is not known, all of it is waited for.
const SHORT_WAIT: Duration = Duration::from_secs(5);
const LONG_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// Of a user name and a password (MQTT 5 1.5.4, 1.5.6).
const MAX_FIELD: usize = 65_535;
