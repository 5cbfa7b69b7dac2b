//! How to reach a broker, and what is agreed on with it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::error::SetupError;
use crate::session::Session;
use crate::tls::Tls;

/// How to reach a broker, and what is agreed on with it. The same for Consumers and Producers.
///
/// Clean Start is always 0 and there is never a Will (MQTT 2.8, 2.9); neither can be set.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The broker.
    pub broker: Broker,
    /// The ClientID.
    pub session: Session,
    /// Who we are to the broker. Default nobody.
    pub credentials: Option<Credentials>,
    /// Whom to trust, and our own certificate; for `mqtts://`. Default: the system's certificates, none of our own.
    pub tls: Tls,
    /// How long the connection may be silent. Default 300 seconds.
    pub keep_alive: KeepAlive,
    /// How long the broker keeps the session of a client that is away, in seconds: subscriptions, and messages that came
    /// meanwhile. Default 86,400, a day (DECISIONS Q4). At least 1, or Clean Start 0 has no effect.
    pub session_expiry: u32,
    /// How messages are published. Default at least once (MQTT 2.5).
    pub qos: Qos,
    /// The largest packet that is taken; the broker drops larger ones (MQTT 5 3.1.2.11.4). Default 1 MiB and 64 KiB, so that a
    /// message of 1 MiB fits with what is around it.
    pub max_packet: u32,
    /// How many messages the broker may send before it hears about the first (MQTT 5 3.1.2.11.3, Receive Maximum): those that
    /// are under way here. Default 256.
    pub receive_maximum: u16,
    /// How many messages are sent before the broker has acknowledged the first. Default 64.
    pub max_in_flight: u16,
    /// How long a connection may take to come about. Default 10 seconds.
    pub connect_timeout: Duration,
    /// How long the broker may take for an answer before the connection counts as lost. Default 10 seconds.
    pub answer_timeout: Duration,
    /// The first pause before another attempt to connect. It doubles up to `max_pause`; each is shortened by up to a half at
    /// random, so that a fleet does not come back at once. Default half a second.
    pub min_pause: Duration,
    /// The longest pause before another attempt to connect. Default 30 seconds.
    pub max_pause: Duration,
    /// Where credentials and certificates come from anew when the broker refused those there were. Default: they stay.
    pub renewal: Option<Renewal>,
}

/// Gives credentials and certificates as they are now; see [`Options::renewal`].
#[derive(Clone)]
pub struct Renewal(Arc<dyn Fn() -> Option<Options> + Send + Sync>);

impl Renewal {
    /// It is asked before the attempt to connect that follows a lasting refusal, and should take no longer than a few small files
    /// do. Of what it gives, `credentials` and `tls` count; with `None` everything stays as it is.
    pub fn new(source: impl Fn() -> Option<Options> + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    pub(crate) fn ask(&self) -> Option<Options> {
        (self.0)()
    }
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewal")
    }
}

impl Options {
    /// How long a broker keeps a session by default: a day, in seconds.
    pub const SESSION_EXPIRY: u32 = 86_400;

    /// The defaults, with this broker: `mqtt://HOST[:1883]` or `mqtts://HOST[:8883]`.
    ///
    /// # Errors
    /// The address is not of this kind.
    pub fn new(broker: &str, session: Session) -> Result<Self, SetupError> {
        Ok(Self {
            broker: broker.parse()?,
            session,
            credentials: None,
            tls: Tls::default(),
            keep_alive: KeepAlive::MAX,
            session_expiry: Self::SESSION_EXPIRY,
            qos: Qos::default(),
            max_packet: (1 << 20) + (1 << 16),
            receive_maximum: 256,
            max_in_flight: 64,
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(10),
            min_pause: Duration::from_millis(500),
            max_pause: Duration::from_secs(30),
            renewal: None,
        })
    }
}

/// Where a broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    host: String,
    port: u16,
    is_secure: bool,
}

impl Broker {
    /// The name or address of the host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether TLS is used. Without it, everybody on the way reads and forges Commands: for testing only (MQTT B).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }
}

impl FromStr for Broker {
    type Err = SetupError;

    fn from_str(address: &str) -> Result<Self, SetupError> {
        let wrong = |reason: &str| {
            // Who is named before the host may be named with a password, which is not for logs.
            let told = address.rsplit_once('@').map_or(address.to_owned(), |(_, host)| format!("...@{host}"));
            SetupError::Broker { address: told, reason: reason.to_owned() }
        };
        let (rest, is_secure) = match address.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mqtts") => (rest, true),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mqtt") => (rest, false),
            Some(_) | None => return Err(wrong("does not begin with mqtt:// or mqtts://")),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return Err(wrong("has user information; user and password are settings of their own"));
        }
        if authority.contains(['/', '?', '#']) {
            return Err(wrong("has more than a host and a port"));
        }
        let (host, port) = split_port(authority).ok_or_else(|| wrong("has no port of 1 to 65535 behind its colon"))?;
        if host.is_empty() || host.contains([' ', '[', ']']) {
            return Err(wrong("has no host"));
        }
        let port = port.unwrap_or(if is_secure { 8883 } else { 1883 });
        Ok(Self { host: host.to_owned(), port, is_secure })
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "mqtts" } else { "mqtt" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

/// A user name and a password (MQTT 5 3.1.3.5, 3.1.3.6).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: Option<Vec<u8>>,
}

/// The password stays out of logs.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// How long a connection may be silent: 1 to 300 seconds (MQTT 2.7, DECISIONS Q5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeepAlive(u16);

impl KeepAlive {
    /// 300 seconds, the longest that conforms, and the default.
    pub const MAX: Self = Self(300);

    /// So many seconds.
    ///
    /// # Errors
    /// 0, or more than 300.
    pub fn from_secs(seconds: u64) -> Result<Self, SetupError> {
        match u16::try_from(seconds) {
            Ok(seconds @ 1..=300) => Ok(Self(seconds)),
            Ok(_) | Err(_) => Err(SetupError::KeepAlive(seconds)),
        }
    }

    /// The seconds.
    #[must_use]
    pub fn as_secs(self) -> u16 {
        self.0
    }
}

/// How messages are published (MQTT 2.5). QoS 0 is not used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Qos {
    /// QoS 1, the default.
    #[default]
    AtLeastOnce,
    /// QoS 2. Where a broker's Maximum QoS is 1, messages are published at QoS 1 (DECISIONS Q8).
    ExactlyOnce,
}

/// A host, and a port if one is named; brackets go around addresses of IPv6.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => match authority.find(':') {
            Some(colon) => authority.split_at(colon),
            None => (authority, ""),
        },
    };
    match port.strip_prefix(':') {
        Some(port) if port.bytes().all(|octet| octet.is_ascii_digit()) => {
            port.parse().ok().filter(|port| *port != 0).map(|port| (host, Some(port)))
        }
        Some(_) => None,
        None => port.is_empty().then_some((host, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_scheme_a_host_and_a_port() {
        let check = |address: &str, expected: &str| {
            assert_eq!(address.parse::<Broker>().unwrap().to_string(), expected);
        };
        check("mqtt://broker", "mqtt://broker:1883");
        check("mqtts://broker", "mqtts://broker:8883");
        check("MQTTS://broker:1/", "mqtts://broker:1");
        check("mqtt://192.0.2.1:1884", "mqtt://192.0.2.1:1884");
        check("mqtts://[2001:db8::1]", "mqtts://[2001:db8::1]:8883");
    }

    #[test]
    fn what_is_not_a_broker_is_refused() {
        for address in [
            "",
            "broker",
            "http://broker",
            "mqtt://",
            "mqtt://:1883",
            "mqtt://broker:0",
            "mqtt://broker:65536",
            "mqtt://broker:x",
            "mqtt://broker:",
            "mqtt://user:password@broker",
            "mqtt://broker/path",
            "mqtt://[::1",
            "mqtt://[::1]x",
            "mqtt://a b",
            "mqtt://broker?x",
        ] {
            assert!(address.parse::<Broker>().is_err(), "{address:?}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        for address in
            ["mqtt://user:secret@broker", "user:secret@broker", "http://user:secret@broker", "mqtt://secret@a@b"]
        {
            let error = address.parse::<Broker>().unwrap_err().to_string();
            assert!(!error.contains("secret") && error.contains("...@b"), "{error}");
        }
    }

    #[test]
    fn a_keep_alive_is_1_to_300_seconds() {
        // MQTT-052, MQTT-053, MQTT-068
        for seconds in [0, 301, 65_535, 65_836] {
            assert!(KeepAlive::from_secs(seconds).is_err(), "{seconds}");
        }
        assert_eq!(KeepAlive::from_secs(300).unwrap(), KeepAlive::MAX);
        assert_eq!(KeepAlive::from_secs(1).unwrap().as_secs(), 1);
    }

    #[test]
    fn a_password_stays_out_of_logs() {
        let credentials = Credentials { username: "user".to_owned(), password: Some(b"secret".to_vec()) };
        let text = format!("{credentials:?}");
        assert!(text.contains("user") && !text.contains("secret") && !text.contains("115"), "{text}");
    }
}
