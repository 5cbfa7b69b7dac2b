//! The options of a broker, and what they ask for together.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

#[cfg(feature = "http")]
use crate::failure::Failure;
use crate::options::given;
use crate::time;

/// Whom to command through a broker, and how to reach it.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Through an MQTT broker (--to mqtts://HOST[:8883] or mqtt://HOST[:1883])")]
pub(crate) struct BrokerOptions {
    /// Command the Consumer with this device id. One of --device, --profile and --all says who is commanded
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) device: Option<String>,
    /// Command every Consumer. Those of one profile are commanded with --profile NSID
    #[arg(long)]
    pub(crate) all: bool,
    /// When to end, answers or not; the time it takes to reach the broker counts [default: 5s; 60s where it is known how many
    /// answer, which is with --device and --expect]
    #[arg(long, value_name = "TIME", value_parser = time::timeout)]
    pub(crate) wait: Option<Duration>,
    /// How many Consumers there are: the program ends as soon as so many have given their last word, and fails if fewer answer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) expect: Option<u32>,
    /// Who we are to the broker [env: OC2_USERNAME]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) username: Option<String>,
    /// A file with our password, on one line [env: OC2_PASSWORD_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// How messages are published: 1, at least once, or 2, exactly once [default: 1]
    #[arg(long, value_name = "1|2", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) qos: Option<u8>,
    /// Write messages in the flat layout, for Consumers that know nothing else (otupy): content and headers side by side
    #[arg(long)]
    pub(crate) flat: bool,
    /// How long the connection may be silent, 1s to 300s [default: 300s]
    #[arg(long, value_name = "TIME", value_parser = time::timeout)]
    pub(crate) keep_alive: Option<Duration>,
    /// How long the broker keeps Responses for us when we are cut off or gone [default: 24h]
    #[arg(long, value_name = "TIME", value_parser = time::timeout)]
    pub(crate) session_expiry: Option<Duration>,
    /// Where our ClientID is kept [default: oc2-producer below XDG_STATE_HOME or ~/.local/state]
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

impl BrokerOptions {
    /// The options that were given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Self { device, all, wait, expect, username, password_file, .. } = self;
        let Self { qos, flat, keep_alive, session_expiry, state_dir, .. } = self;
        given([
            ("--device", device.is_some()),
            ("--all", *all),
            ("--wait", wait.is_some()),
            ("--expect", expect.is_some()),
            ("--username", username.is_some()),
            ("--password-file", password_file.is_some()),
            ("--qos", qos.is_some()),
            ("--flat", *flat),
            ("--keep-alive", keep_alive.is_some()),
            ("--session-expiry", session_expiry.is_some()),
            ("--state-dir", state_dir.is_some()),
        ])
    }

    /// Refuses them where there is no broker.
    #[cfg(feature = "http")]
    pub(crate) fn refuse(&self) -> Result<(), Failure> {
        match self.given().next() {
            Some(option) => Err(Failure::usage(format!("{option} goes with a broker"))
                .with_remedy("A broker is --to mqtt://HOST or, with TLS, --to mqtts://HOST.")),
            None => Ok(()),
        }
    }
}
