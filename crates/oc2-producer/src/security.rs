//! The options of TLS: whom to trust and what to show, over HTTP as through a broker.

#![cfg_attr(
    not(all(feature = "http", feature = "mqtt")),
    allow(dead_code, reason = "one transfer alone has no use for what only the other one needs")
)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs};

use clap::Args;

use crate::failure::Failure;
use crate::options::given;

/// Whom to trust, and what to show.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "With TLS (--to https://HOST[:443] or mqtts://HOST[:8883])")]
pub(crate) struct SecurityOptions {
    /// The authorities to trust, as PEM, and no others [default: those of the system] [env: OC2_CA]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Our certificate with its chain, as PEM; goes with --key [env: OC2_CERT]
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// The key of our certificate, as PEM [env: OC2_KEY]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// A file with a token to show in the place of a certificate, with https:// [env: OC2_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    pub(crate) token: Option<PathBuf>,
    /// Show the token over http://, too, where anybody on the way can take it; without this only to this host itself
    #[arg(long)]
    pub(crate) token_in_clear: bool,
}

/// PEM texts, read.
#[derive(Default)]
pub(crate) struct Papers {
    /// The authorities to trust, and the file they are from.
    pub(crate) ca: Option<(PathBuf, Vec<u8>)>,
    /// Our certificate and the file it is from, and our key.
    pub(crate) identity: Option<(PathBuf, Vec<u8>, Vec<u8>)>,
}

impl SecurityOptions {
    /// The options that were given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Self { ca, cert, key, token, token_in_clear } = self;
        given([
            ("--ca", ca.is_some()),
            ("--cert", cert.is_some()),
            ("--key", key.is_some()),
            ("--token", token.is_some()),
            ("--token-in-clear", *token_in_clear),
        ])
    }

    /// Refuses certificates where there is no TLS. What the environment says is for others, too.
    pub(crate) fn refuse_certificates(&self, scheme: &str, secure: &str) -> Result<(), Failure> {
        match self.given().find(|option| ["--ca", "--cert", "--key"].contains(option)) {
            Some(option) => Err(Failure::usage(format!("{option} goes with TLS, and {scheme}:// has none"))
                .with_remedy(format!("With TLS it is --to {secure}://HOST."))),
            None => Ok(()),
        }
    }

    /// Refuses tokens where there is no HTTP.
    pub(crate) fn refuse_token(&self) -> Result<(), Failure> {
        match self.given().find(|option| option.starts_with("--token")) {
            Some(option) => Err(Failure::usage(format!("{option} goes with https:// only"))
                .with_remedy("To a broker, --username and --password-file or --cert and --key say who we are.")),
            None => Ok(()),
        }
    }

    /// Reads the files of certificates.
    pub(crate) fn papers(&self) -> Result<Papers, Failure> {
        let ca = file(self.ca.as_ref(), "OC2_CA").map(|path| Ok((path.clone(), read(&path)?))).transpose()?;
        let identity = match (file(self.cert.as_ref(), "OC2_CERT"), file(self.key.as_ref(), "OC2_KEY")) {
            (Some(cert), Some(key)) => {
                let (chain, secret) = (read(&cert)?, read(&key)?);
                Some((cert, chain, secret))
            }
            (None, None) => None,
            (Some(_), None) => return Err(Failure::usage("--cert goes with --key")),
            (None, Some(_)) => return Err(Failure::usage("--key goes with --cert")),
        };
        Ok(Papers { ca, identity })
    }

    /// The file that the token is in, if there is one.
    pub(crate) fn token(&self) -> Option<PathBuf> {
        file(self.token.as_ref(), "OC2_TOKEN_FILE")
    }
}

/// What the environment says of a file, where the command line does not.
pub(crate) fn file(given: Option<&PathBuf>, variable: &str) -> Option<PathBuf> {
    given.cloned().or_else(|| of_environment(variable).map(PathBuf::from))
}

/// A variable of the environment; an empty one says nothing.
pub(crate) fn of_environment(variable: &str) -> Option<OsString> {
    env::var_os(variable).filter(|value| !value.is_empty())
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}
