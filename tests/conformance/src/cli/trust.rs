//! How the suite is known to the subject, and the subject to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oc2_tests_broker::Authority;
use rustls::ServerConfig;

use super::address::Address;
use super::{Failure, read};
use crate::wire::client::Broker;
use crate::wire::tls::{self, Files};

/// How the suite is known to the subject, and the subject to it.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "TLS and credentials")]
pub(super) struct Trust {
    /// The authorities that may have signed the certificate of the subject, or of the broker, as PEM; without, whoever answers is taken
    /// for it. With --producer https:// those that may have signed that of the Producer; without, whoever comes is let in
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A certificate to show, as PEM; with --producer https:// that of the listener, for which one is made where there is none
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its key
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// A file with a bearer token to show
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Who we are to a broker
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// A file with the password of that user, on one line
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
}

impl Trust {
    pub(super) fn files(&self) -> Result<Files, Failure> {
        let authorities = self.ca.as_deref().map(read).transpose()?;
        let identity = match (&self.cert, &self.key) {
            (Some(certificate), Some(key)) => Some((read(certificate)?, read(key)?)),
            _ => None,
        };
        Ok(Files { authorities, identity })
    }

    pub(super) fn token(&self) -> Result<Option<String>, Failure> {
        let Some(file) = &self.token_file else { return Ok(None) };
        let token = String::from_utf8(read(file)?).map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(Some(token.trim().to_owned()))
    }

    /// The way to a broker.
    pub(super) fn broker(&self, address: &Address) -> Result<Broker, Failure> {
        let tls = match address.is_secured {
            true => Some(Arc::new(self.files()?.config().map_err(Failure::Usage)?)),
            false => None,
        };
        let password = self.password_file.as_deref().map(read).transpose()?;
        let password = password.map(|octets| octets.strip_suffix(b"\n").unwrap_or(&octets).to_vec());
        Ok(Broker { host: address.host.clone(), port: address.port, tls, username: self.username.clone(), password })
    }

    /// A listener for Producers; where its certificate is made for this run, the file with its authority is told.
    pub(super) fn server(&self, host: &str, folder: &Path) -> Result<(ServerConfig, Option<PathBuf>), Failure> {
        let files = Files { identity: None, ..self.files()? };
        let (certificate, key, ca) = match (&self.cert, &self.key) {
            (Some(certificate), Some(key)) => (read(certificate)?, read(key)?, None),
            _ => {
                let authority = Authority::new("conformance");
                let made = authority.server(&[host, "localhost", "127.0.0.1"]);
                let ca = folder.join("ca.pem");
                super::write(&ca, authority.pem())?;
                (made.pem.into_bytes(), made.key.into_bytes(), Some(ca))
            }
        };
        Ok((tls::server(&certificate, &key, &files).map_err(Failure::Usage)?, ca))
    }
}
