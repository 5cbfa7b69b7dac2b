//! `[http]`: one listener, by TLS (the Operations target) or, to test, without (HTTPS 4.1, DECISIONS H5, H6).

mod limits;
mod tls;

use std::net::{Ipv4Addr, SocketAddr};

use oc2_encoding::Encodings;
use serde::Deserialize;

use self::limits::LimitsTable;
use self::tls::{Clients, TokensTable};
use super::{Location, encodings};

pub(crate) use self::tls::{LoadedTls, TlsTable};

/// `[http]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct HttpTable {
    pub(crate) listen: SocketAddr,
    /// Absent is the Testing target: nobody is authenticated and nothing is encrypted.
    pub(crate) tls: Option<TlsTable>,
    cbor: bool,
    ascii: bool,
    limits: LimitsTable,
}

/// The table as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Address and port; absent means the port of HTTPS, or that of HTTP on loopback (HTTPS 3.2.1, DECISIONS H4).
    listen: Option<SocketAddr>,
    /// Our certificate, with its chain.
    cert: Option<Location>,
    /// Its key.
    key: Option<Location>,
    /// The authorities that issue certificates to Producers.
    ca: Option<Location>,
    /// What they revoked.
    #[serde(default)]
    crls: Vec<Location>,
    /// What names a Producer in its certificate.
    identity: Option<NamedBy>,
    /// What Producers show in the place of certificates.
    tokens: Option<TokensTable>,
    /// Whether it is plain HTTP.
    #[serde(default)]
    testing: bool,
    /// Whether plain HTTP may be reached from other hosts.
    #[serde(default)]
    force: bool,
    /// Whether CBOR is read too, which no standard has for HTTP (DECISIONS M2).
    #[serde(default)]
    cbor: bool,
    /// Whether JSON is written in ASCII, with escapes for all else.
    #[serde(default)]
    ascii: bool,
    #[serde(default)]
    limits: LimitsTable,
}

/// What names a Producer in its certificate (DECISIONS H6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum NamedBy {
    #[serde(rename = "alternative-name")]
    Alternative,
    #[serde(rename = "alternative-or-common-name")]
    AlternativeOrCommon,
}

impl HttpTable {
    /// What is read, and answered in kind.
    pub(crate) fn encodings(&self) -> Encodings {
        encodings(self.cbor, self.ascii)
    }

    /// How the listener protects itself.
    pub(crate) fn settings(&self) -> oc2_transfer_http::Settings {
        let mut settings = self.limits.settings();
        settings.encodings = self.encodings();
        settings
    }

    /// Where Commands are posted to.
    pub(crate) fn url(&self, address: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}/.well-known/openc2")
    }

    /// Whether there is a difference that needs a restart; certificates, lists, keys of tokens and whom they name need none.
    pub(crate) fn differs_for_good(&self, new: &Self) -> bool {
        let Self { listen, tls, cbor, ascii, limits } = self;
        let of_new = (&new.listen, new.tls.is_some(), &new.cbor, &new.ascii, &new.limits);
        (listen, tls.is_some(), cbor, ascii, limits) != of_new
    }
}

impl TryFrom<Written> for HttpTable {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let listen = written.listen;
        let (cbor, ascii, limits) = (written.cbor, written.ascii, written.limits.clone());
        let tls = if written.testing {
            check_testing(&written)?;
            None
        } else {
            Some(operations(written)?)
        };
        let listen = listen.unwrap_or_else(|| match tls {
            Some(_) => (Ipv4Addr::UNSPECIFIED, 443).into(),
            None => (Ipv4Addr::LOCALHOST, 80).into(),
        });
        Ok(Self { listen, tls, cbor, ascii, limits })
    }
}

/// Plain HTTP is that and nothing else, and for this host only (DECISIONS H5).
fn check_testing(written: &Written) -> Result<(), String> {
    let of_tls = [
        ("cert", written.cert.is_some()),
        ("key", written.key.is_some()),
        ("ca", written.ca.is_some()),
        ("crls", !written.crls.is_empty()),
        ("identity", written.identity.is_some()),
        ("tokens", written.tokens.is_some()),
    ];
    if let Some((key, _)) = of_tls.into_iter().find(|(_, is_given)| *is_given) {
        return Err(format!("http.{key} goes with TLS, and http.testing = true is plain HTTP: leave one of them out"));
    }
    match written.listen {
        Some(listen) if !listen.ip().is_loopback() && !written.force => Err(format!(
            "http.listen {listen} can be reached from other hosts, and with http.testing = true whoever reaches it may command \
             unseen: take a loopback address, or TLS in the place of testing; if it has to be, say force = true"
        )),
        _ => Ok(()),
    }
}

/// TLS, and how Producers prove who they are: by one of the two ways (HTTPS 3.2.4, DECISIONS H6).
fn operations(written: Written) -> Result<TlsTable, String> {
    if written.force {
        return Err("http.force is for plain HTTP, with http.testing = true".to_owned());
    }
    let cert = written.cert.ok_or(
        "http.cert is missing: commands over HTTP come by TLS, so say cert = \"FILE\", key = \"FILE\" and ca = \"FILE\"; \
         to test without TLS, say testing = true",
    )?;
    let key = written.key.ok_or("http.key is missing: the key of http.cert, as key = \"FILE\"")?;
    let clients = match (written.ca, written.tokens) {
        (Some(ca), None) => {
            let takes_common_name = written.identity == Some(NamedBy::AlternativeOrCommon);
            Clients::Certificates { ca, crls: written.crls, takes_common_name }
        }
        (None, Some(_)) if !written.crls.is_empty() => Err("http.crls goes with http.ca, and not with http.tokens")?,
        (None, Some(_)) if written.identity.is_some() => {
            Err("http.identity goes with http.ca; http.tokens.claim says which claim names a Producer")?
        }
        (None, Some(tokens)) => Clients::Tokens(tokens),
        (Some(_), Some(_)) => Err("http.ca or [http.tokens], and not both: a listener asks for one kind of proof")?,
        (None, None) => Err(
            "http.ca is missing: nobody commands unknown, so say ca = \"FILE\", the authorities that issue certificates to \
             Producers, or add a table [http.tokens]",
        )?,
    };
    Ok(TlsTable { cert, key, clients })
}
