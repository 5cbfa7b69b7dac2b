//! The command line: what can be said, and the help that says how.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser};
use oc2_core::types::text::CommandId;
use oc2_core::{Action, Invalid, ResponseType};
use oc2_encoding::{Kind, Syntax};

use crate::broker::BrokerOptions;
use crate::options::{Addressee, ConnectionParts, FileParts, RuleOptions, given};
use crate::security::SecurityOptions;
use crate::time::{self, Moment};

/// Send one OpenC2 Command to a Consumer, or to a fleet through a broker, and show the Responses
#[derive(Clone, Debug, Parser)]
#[command(
    version,
    long_about = LONG_ABOUT,
    override_usage = USAGE,
    after_help = AFTER_HELP,
    after_long_help = AFTER_LONG_HELP,
    arg_required_else_help = true,
    max_term_width = 120
)]
pub(crate) struct Cli {
    /// What to do: an action of the language, `heartbeat`, `send`, or `validate`
    #[arg(value_name = "ACTION", value_parser = verb_parser(), hide_possible_values = true)]
    pub(crate) verb: Verb,
    /// What to do it to; the targets are listed below. With `send` and `validate`, the file
    #[arg(value_name = "TARGET")]
    pub(crate) target: Option<String>,
    /// Which one: text, or JSON for targets with parts
    #[arg(value_name = "VALUE", allow_negative_numbers = true)]
    pub(crate) values: Vec<String>,
    #[command(flatten)]
    pub(crate) transport: Transport,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) security: SecurityOptions,
    #[command(flatten)]
    pub(crate) broker: BrokerOptions,
    #[command(flatten)]
    pub(crate) parts: Parts,
    #[command(flatten)]
    pub(crate) validation: Validation,
}

/// With whom and how to exchange.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Exchange")]
pub(crate) struct Transport {
    /// The Consumer, https://fw1.example, or the broker, mqtts://broker.example; without TLS and for testing only,
    /// http://127.0.0.1:8080 and mqtt://127.0.0.1
    #[arg(long, value_name = "URL", env = "OC2_TO", hide_env_values = true)]
    pub(crate) to: Option<String>,
    /// Who commands, in every message [default: USER@HOST]
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) from: Option<String>,
    /// Sign every Command with this private key, a JWK file for ES256 or EdDSA; --from is then its id unless said otherwise
    #[cfg(feature = "signature")]
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: Option<std::path::PathBuf>,
    /// How long to wait for the Response over HTTP; a Consumer may be at it for 30s before it says so [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = time::timeout)]
    pub(crate) timeout: Option<Duration>,
    /// How messages are written: json, json-ascii (all but ASCII as escapes), json-compact, json-concise, cbor, cbor-verbose,
    /// cbor-id; with validate, how documents are. A Consumer reads others than the first two if it offers them
    #[arg(long, value_name = "NAME", default_value = "json")]
    pub(crate) encoding: Syntax,
    /// Refuse Responses that deviate from the standard; with `validate`, the default
    #[arg(long, conflicts_with = "lenient")]
    pub(crate) strict: bool,
    /// Accept Responses as they are found in the field [default]; with `validate`, what a lenient Consumer accepts
    #[arg(long)]
    pub(crate) lenient: bool,
}

/// What is shown.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// Print the Response alone, as one line of JSON; over a broker, a line for each Response; with `validate`, a line for
    /// each document
    #[arg(long)]
    pub(crate) json: bool,
    /// Also show, on stderr, the message that is sent and what was tolerated in the answer
    #[arg(short = 'v', long, visible_alias = "verbose")]
    pub(crate) show: bool,
    /// Print the message and send nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

/// What the Command is made of, besides action and target.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Parts {
    #[command(flatten)]
    pub(crate) arguments: Arguments,
    #[command(flatten)]
    pub(crate) rule: RuleOptions,
    #[command(flatten)]
    pub(crate) addressee: Addressee,
    #[command(flatten)]
    pub(crate) connection: ConnectionParts,
    #[command(flatten)]
    pub(crate) file: FileParts,
}

/// Arguments of any Command (LS 3.3.1.4).
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Arguments of the Command")]
pub(crate) struct Arguments {
    /// Which answer is wanted: none, ack, status, or complete
    #[arg(long, value_name = "TYPE")]
    pub(crate) response_requested: Option<ResponseType>,
    /// When it takes effect: milliseconds since 1970, 2026-01-31T12:00:00Z, or +10m
    #[arg(long, value_name = "WHEN")]
    pub(crate) start_time: Option<Moment>,
    /// When its effect ends, told like --start-time; of start, stop and duration at most two
    #[arg(long, value_name = "WHEN")]
    pub(crate) stop_time: Option<Moment>,
    /// How long it has effect: 1500ms, 90s, 5m, 1h30m, 2d
    #[arg(long, value_name = "TIME", value_parser = time::duration)]
    pub(crate) duration: Option<oc2_core::types::time::Duration>,
    /// A name for the Command, to refer to it later; at most 36 characters
    #[arg(long, value_name = "ID")]
    pub(crate) command_id: Option<CommandId>,
    /// Arguments as JSON, for profiles that have no options here: {"x-acme":{"speed":3}}
    #[arg(long, value_name = "JSON")]
    pub(crate) args: Option<String>,
    /// Send what a Producer must not send, as long as the language has words for it; for testing Consumers
    #[arg(long)]
    pub(crate) anyway: bool,
}

impl Arguments {
    /// The options that were given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Self { response_requested, start_time, stop_time, duration, command_id, args, anyway } = self;
        given([
            ("--response-requested", response_requested.is_some()),
            ("--start-time", start_time.is_some()),
            ("--stop-time", stop_time.is_some()),
            ("--duration", duration.is_some()),
            ("--command-id", command_id.is_some()),
            ("--args", args.is_some()),
            ("--anyway", *anyway),
        ])
    }
}

/// How documents are judged.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "With validate")]
pub(crate) struct Validation {
    /// What the documents are: command, response, message, or auto, which is what they look like
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<Kind>,
    /// Read lines of KIND, a tab and PATH from stdin; print lines of PATH, good or bad, and the reason, tabs between
    #[arg(long)]
    pub(crate) batch: bool,
}

impl Validation {
    /// The options that were given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Self { kind, batch } = self;
        given([("--kind", kind.is_some()), ("--batch", *batch)])
    }
}

impl Parts {
    /// The options that were given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Self { arguments, rule, addressee, connection, file } = self;
        let (arguments, rule, addressee) = (arguments.given(), rule.given(), addressee.given());
        arguments.chain(rule).chain(addressee).chain(connection.given()).chain(file.given())
    }
}

/// The first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Send a Command with this action.
    Action(Action),
    /// Ask whether the Consumer is alive (LS 3.4.1.5).
    Heartbeat,
    /// Send a file as it is.
    Send,
    /// Say what is wrong with documents.
    Validate,
}

impl std::str::FromStr for Verb {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            HEARTBEAT => Ok(Self::Heartbeat),
            SEND => Ok(Self::Send),
            VALIDATE => Ok(Self::Validate),
            action => action.parse().map(Self::Action),
        }
    }
}

/// A parser that proposes the word that may be meant.
fn verb_parser() -> impl TypedValueParser<Value = Verb> {
    let actions = Action::ALL.iter().map(|action| action.name());
    PossibleValuesParser::new(actions.chain([HEARTBEAT, SEND, VALIDATE])).try_map(|text| text.parse::<Verb>())
}

const HEARTBEAT: &str = "heartbeat";
const SEND: &str = "send";
const VALIDATE: &str = "validate";

const USAGE: &str = "\
oc2-producer --to URL [WHO] [OPTIONS] ACTION TARGET [VALUE]...
       oc2-producer --to URL [WHO] [OPTIONS] heartbeat
       oc2-producer --to URL [WHO] [OPTIONS] send FILE|-
       oc2-producer validate [--kind KIND] [--lenient] FILE|-...
       oc2-producer validate --batch < LIST";

const LONG_ABOUT: &str = "\
Send one OpenC2 Command to a Consumer, or to a fleet through a broker, and show the Responses.

The Command is built from the words and options below, in any order, and checked before it is sent: what the language or the \
profile for packet filtering (slpf) forbids a Producer is refused with the reason. `heartbeat` asks whether the Consumer is \
alive. `send` posts a file, or with - the standard input, byte for byte: a Command or a whole message, right or wrong. \
`validate` sends nothing: it says of each file `ok`, or everything that is wrong with it.

With --to https://HOST the Command goes to the Consumer there. With --to mqtts://BROKER it goes through that broker to WHO: \
--device ID, --profile NSID or --all. Each answer of a fleet is shown when it comes, and at the end a table sums up. On a \
terminal a line counts the answers meanwhile.";

const AFTER_HELP: &str = "\
WHO, through a broker: --device ID, --profile NSID, or --all

Examples:
  oc2-producer --to https://fw1.example query features versions pairs
  oc2-producer --to http://127.0.0.1:8080 deny ipv4_net 198.51.100.0/24
  oc2-producer --to mqtts://broker.example --all query features profiles
  oc2-producer validate --kind command command.json

Targets, more examples and the exit status: oc2-producer --help";

// Lines that fit 80 columns, because clap breaks longer ones without a thought for columns.
const AFTER_LONG_HELP: &str = r#"Actions:
  scan locate query deny contain allow start stop restart cancel set update
  redirect create delete detonate restore copy investigate remediate

Targets and their values:
  features [NAME]...     versions, profiles, pairs, rate_limit
  ipv4_net NET           198.51.100.0/24, or a single address
  ipv6_net NET           2001:db8::/32, or a single address
  ipv4_connection        no value, but --protocol, --src-addr, --src-port,
  ipv6_connection        --dst-addr, --dst-port, --icmp-type, --icmp-code
  slpf:rule_number N     the number that came back from allow or deny
  file NAME              with --path, --md5, --sha1, --sha256
  properties NAME...     names of properties
  domain_name, idn_domain_name, email_addr, idn_email_addr, mac_addr, uri, iri,
  command                the value as text
  artifact, device, process, and the targets of other profiles
                         the value as JSON: device '{"hostname":"fw1"}'

Examples, with OC2_TO=https://fw1.example in the environment:
  What can it do?
      oc2-producer query features versions profiles pairs rate_limit
  Stop what comes in from a net for ten minutes, and tell its senders:
      oc2-producer deny ipv4_net 198.51.100.0/24 --duration 10m \
          --direction ingress --drop-process reject
  Stop telnet; stop pings over IPv6; let one host through before all that:
      oc2-producer deny ipv4_connection --protocol tcp --dst-port 23
      oc2-producer deny ipv6_connection --protocol icmp --icmp-type 128
      oc2-producer allow ipv6_net 2001:db8::7 --insert-rule 1
  Take a rule back:
      oc2-producer delete slpf:rule_number 999990
      oc2-producer delete slpf:rule_number -- -10
  Command only one of several packet filters:
      oc2-producer deny ipv4_net 203.0.113.7 --asset-id 30
  In a script:
      oc2-producer --json deny ipv4_net 203.0.113.7 |
          jq .results.slpf.rule_number
  Look at the message first, and send it later or from elsewhere:
      oc2-producer --dry-run deny ipv4_net 203.0.113.7 > command.json
      oc2-producer send command.json
      ssh host cat command.json | oc2-producer send -
  Sign it, for a Consumer that wants to know who commands:
      oc2-producer --sign-key soc-1.jwk deny ipv4_net 203.0.113.7
  Through a broker, to one Consumer, to those of a profile, or to all:
      oc2-producer --to mqtts://broker.example --device fw1 query features
      oc2-producer --to mqtts://broker.example --profile slpf --wait 10s \
          deny ipv4_net 203.0.113.7
      oc2-producer --to mqtts://broker.example --all --expect 120 heartbeat
  Who we are and whom to trust, by certificates, or by a token:
      export OC2_CA=ca.pem OC2_CERT=soc-1.pem OC2_KEY=soc-1.key
      oc2-producer --to https://fw1.example query features
      oc2-producer --to https://fw1.example --token token.jwt query features
  Who we are to the broker, and whom to trust, for all that follows:
      export OC2_TO=mqtts://broker.example OC2_CA=/etc/oc2/ca.pem
      export OC2_USERNAME=soc OC2_PASSWORD_FILE=/etc/oc2/password
  Who of the fleet did not perform it? One line for each Response:
      oc2-producer --json --all deny ipv4_net 203.0.113.7 |
          jq -r 'select(.final and .status != 200) | .from'
  Is it right by the standard? Where not, and by which clause?
      oc2-producer validate --kind command a.json b.json
      oc2-producer --dry-run deny ipv4_net 203.0.113.7 | oc2-producer validate -
  Thousands of files in one go, a verdict for each:
      find commands -name '*.json' -printf 'command\t%p\n' |
          oc2-producer validate --batch

Where a Consumer sends no message, as with --response-requested none, the
status of the transfer is shown in its place. Through a broker there is none:
the program ends when the broker has the Command.

Exit status:
  0  the Command was performed (200), or is being performed (102), by everybody
     who was expected to answer; where that is not known, by all who answered
  1  a Consumer answered with any other status; a document is not right
  2  the command line is wrong; nothing was sent or judged
  3  nothing could be exchanged: no connection, credentials or certificates that
     were refused, no answer in time, or an answer that is no Response to the
     Command; with --expect, fewer answered in time
  130  interrupted with Ctrl-C
"#;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_names_every_action() {
        for action in Action::ALL {
            assert!(AFTER_LONG_HELP.contains(action.name()), "{action}");
        }
    }

    #[test]
    fn every_target_is_in_the_help() {
        for kind in oc2_core::target::TargetKind::ALL {
            assert!(AFTER_LONG_HELP.contains(kind.name()), "{kind}");
        }
    }

    #[test]
    fn help_fits_a_terminal() {
        for line in AFTER_LONG_HELP.lines().chain(AFTER_HELP.lines()).chain(USAGE.lines()) {
            assert!(line.len() <= 80, "{line}");
        }
    }
}
