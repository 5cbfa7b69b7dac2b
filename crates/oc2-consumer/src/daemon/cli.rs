//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// An OpenC2 Consumer: takes Commands and performs them on this host.
#[derive(Debug, Parser)]
#[command(name = "oc2-consumer", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Take commands until told to stop: SIGTERM or Ctrl-C ends it cleanly, SIGHUP reads the configuration again
    Run {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        logging: Logging,
    },
    /// Say what is wrong with a configuration and its policy, or that nothing is, or what would become of a command; changes
    /// nothing
    Check {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        #[command(flatten)]
        asked: Asked,
    },
    /// List the rules in force: what each does, who commanded it, since when and until when, and whether the kernel agrees
    ///
    /// Asks the daemon that runs with this configuration, as root or as its user. Without one it says what was kept, which is
    /// what the next start puts in force.
    #[cfg(feature = "packet-filter")]
    Rules {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// As a JSON object, for programs
        #[arg(long)]
        json: bool,
    },
    /// Print what a policy in Cedar may speak of, as a schema that tools for Cedar read
    #[cfg(feature = "cedar")]
    CedarSchema {
        /// The configuration file, which says what profiles there are
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Look at audit records
    #[cfg(feature = "audit")]
    Audit {
        /// What to do with them.
        #[command(subcommand)]
        verb: AuditVerb,
    },
}

#[cfg(feature = "audit")]
#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// Say whether the chain of records holds, or which line is wrong first, and why
    Verify {
        /// The files, in any order
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The configuration file, which says where they are
        #[arg(long, value_name = "FILE", conflicts_with = "files")]
        config: Option<PathBuf>,
        /// A record that was noted before must be there and be the same; may be said several times
        #[arg(long = "kept", value_name = "NUMBER:SHA256", value_parser = kept)]
        kept: Vec<(u64, String)>,
    },
}

/// Reads the number and the digest of a record.
#[cfg(feature = "audit")]
fn kept(text: &str) -> Result<(u64, String), String> {
    let read = |text: &str| {
        let (number, digest) = text.split_once(':')?;
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some((number.parse().ok()?, digest.to_owned())).filter(|_| is_digest)
    };
    read(text).ok_or_else(|| "a number, a colon and 64 hexadecimal digits are due".to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Who would send the command: the identity that a transfer proves, or "unauthenticated"
    #[arg(long = "as", value_name = "PEER", requires = "command")]
    pub(crate) peer: Option<String>,
    /// Who it would say it is from [default: what the message says]
    #[arg(long, value_name = "ID", requires = "peer")]
    pub(crate) from: Option<String>,
    /// A command, alone or in its message, in JSON or CBOR
    #[arg(long, value_name = "FILE", requires = "peer")]
    pub(crate) command: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Logging {
    /// What to log: error, warn, info, debug, trace, or by part: "info,oc2::audit=off"
    #[arg(long, value_name = "FILTER", env = "OC2_LOG", default_value = "info")]
    pub(crate) log: String,
    /// How to log to standard error
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) log_format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    /// A line for people
    Text,
    /// A JSON object on a line
    Json,
}

const EXAMPLES: &str = "\
Examples:
  oc2-consumer check --config /etc/oc2/consumer.toml
  oc2-consumer check --config /etc/oc2/consumer.toml --as soc-1 --command deny.json
  oc2-consumer run --config /etc/oc2/consumer.toml
  oc2-consumer run --config consumer.toml --log debug --log-format json
  oc2-consumer rules --config /etc/oc2/consumer.toml
  oc2-consumer audit verify --config /etc/oc2/consumer.toml

A configuration that filters packets on this host:
  [consumer]
  id = \"fw1.example.net\"
  state_dir = \"/var/lib/oc2\"
  [http]
  cert = \"/etc/oc2/fw1.pem\"          # who we are; key has its key
  key = \"/etc/oc2/fw1.key\"
  ca = \"/etc/oc2/producers.pem\"      # who issues certificates to those who may command
  [policy]
  file = \"/etc/oc2/policy.toml\"      # who may do what
  [[actuator]]
  profile = \"slpf\"
  backend = \"iptables\"      # or \"nftables\", \"auto\", or \"dry-run\", which changes nothing

Exit status: 0 all is well, 1 something is wrong or the command would be refused, 2 the command line is wrong.";
