//! What `[http]` says of TLS, and the files that it names.

use std::time::Duration;

use oc2_transfer_http::{Authorities, ClientAuth, ClientCertificates, Identity, ServerTls, TlsError, Tokens, Validity};
use serde::Deserialize;

use super::Location;
use crate::daemon::Failure;
use crate::daemon::file;
use crate::daemon::papers::Papers;

/// Our certificate, and how Producers prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsTable {
    pub(super) cert: Location,
    pub(super) key: Location,
    pub(super) clients: Clients,
}

/// How Producers prove who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Clients {
    Certificates { ca: Location, crls: Vec<Location>, takes_common_name: bool },
    Tokens(TokensTable),
}

/// `[http.tokens]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokensTable {
    issuer: String,
    audience: String,
    /// A JWKS with the public keys of the issuer.
    keys: Location,
    /// The claim that names a Producer; absent means `sub`.
    claim: Option<String>,
    /// Seconds that two clocks may differ; absent means 30.
    leeway: Option<Leeway>,
}

/// At most ten minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
struct Leeway(u64);

impl TryFrom<i64> for Leeway {
    type Error = String;

    fn try_from(seconds: i64) -> Result<Self, String> {
        let fitting = u64::try_from(seconds).ok().filter(|seconds| *seconds <= MAX_LEEWAY);
        fitting.map(Self).ok_or_else(|| format!("{seconds} is not 0 to {MAX_LEEWAY} seconds"))
    }
}

/// What the files came to.
#[derive(Debug)]
pub(crate) struct LoadedTls {
    pub(crate) tls: ServerTls,
    /// When certificates and lists end.
    pub(crate) papers: Papers,
}

impl TlsTable {
    /// Reads the files that are named.
    pub(crate) fn load(&self) -> Result<LoadedTls, Failure> {
        let Self { cert: Location(cert), key: Location(key), .. } = self;
        let (chain, secret) = (file::open("http.cert", cert)?, file::secret("http.key", key)?);
        let identity = Identity::from_pem(&chain, &secret)
            .map_err(|error| format!("http.cert {} and http.key {}: {error}", cert.display(), key.display()))?;
        let mut papers = Papers::default();
        papers.add("http.cert", cert, Validity::of_certificates(&chain));
        let clients = match &self.clients {
            Clients::Certificates { ca, crls, takes_common_name } => {
                let mut authorities = authorities(ca, &mut papers)?;
                for list in crls {
                    authorities = with_list(authorities, list, &mut papers)?;
                }
                let clients = ClientCertificates::new(authorities);
                ClientAuth::Certificates(if *takes_common_name { clients.with_common_name() } else { clients })
            }
            Clients::Tokens(table) => ClientAuth::Tokens(table.load()?),
        };
        let tls = ServerTls::new(&identity, clients).map_err(|error| format!("http: {error}"))?;
        Ok(LoadedTls { tls, papers })
    }

    /// Who is let in.
    pub(crate) fn describe(&self) -> String {
        match &self.clients {
            Clients::Certificates { ca, crls, takes_common_name } => {
                let revoked = if crls.is_empty() { " (without revocation lists)" } else { "" };
                let common =
                    if *takes_common_name { "; the common name names who has no alternative name" } else { "" };
                format!("Producers with a certificate of an authority in {}{revoked}{common}", ca.0.display())
            }
            Clients::Tokens(table) => {
                format!("Producers with a token of {:?} for {:?}", table.issuer, table.audience)
            }
        }
    }
}

impl TokensTable {
    fn load(&self) -> Result<Tokens, Failure> {
        let jwks = file::open("http.tokens.keys", &self.keys.0)?;
        let tokens = Tokens::new(&jwks, &self.issuer, &self.audience);
        let tokens = tokens.map_err(|error| file::wrong("http.tokens.keys", &self.keys.0, error))?;
        let tokens = match &self.claim {
            Some(claim) => tokens.with_claim(claim),
            None => tokens,
        };
        Ok(match self.leeway {
            Some(Leeway(seconds)) => tokens.with_leeway(Duration::from_secs(seconds)),
            None => tokens,
        })
    }
}

fn authorities(Location(path): &Location, papers: &mut Papers) -> Result<Authorities, Failure> {
    let pem = file::open("http.ca", path)?;
    papers.add("http.ca", path, Validity::of_certificates(&pem));
    Authorities::from_pem(&pem).map_err(|error: TlsError| file::wrong("http.ca", path, error))
}

fn with_list(authorities: Authorities, list: &Location, papers: &mut Papers) -> Result<Authorities, Failure> {
    let pem = file::open("http.crls", &list.0)?;
    papers.add("http.crls", &list.0, Validity::of_revocations(&pem));
    authorities.with_revocations(&pem).map_err(|error| file::wrong("http.crls", &list.0, error))
}

const MAX_LEEWAY: u64 = 600;
