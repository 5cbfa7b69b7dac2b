//! Where a Consumer is (HTTPS 3.2.2).

use std::fmt;

use http::uri::Scheme;
use http::{HeaderValue, Uri};
use oc2_transfer::TransferError;

use crate::headers::PATH;

/// A host with its port, and whether it is spoken to by TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    is_secure: bool,
    /// As it stands in a URL: an IPv6 address has brackets.
    host: String,
    port: u16,
}

impl Address {
    /// Reads `https://HOST[:PORT]` or `http://HOST[:PORT]`, with or without the path.
    ///
    /// # Errors
    /// The URL is something else.
    pub(super) fn parse(url: &str) -> Result<Self, TransferError> {
        read(url).map_err(|reason| TransferError::Address { address: without_user(url), reason })
    }

    /// What to connect to.
    pub(super) fn endpoint(&self) -> (&str, u16) {
        (self.host(), self.port)
    }

    /// The host as a certificate names it.
    pub(super) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Whether it is an address of this host that nothing outside has part in; a name may be anybody's.
    #[cfg(feature = "tls")]
    pub(super) fn is_loopback(&self) -> bool {
        self.host().parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// # Errors
    /// It is plain HTTP, for which the reason is given.
    #[cfg(feature = "tls")]
    pub(super) fn check_secure(&self, reason: &str) -> Result<(), TransferError> {
        if self.is_secure {
            return Ok(());
        }
        Err(TransferError::Address { address: format!("http://{self}"), reason: reason.to_owned() })
    }

    fn default_port(&self) -> u16 {
        if self.is_secure { HTTPS_PORT } else { HTTP_PORT }
    }

    /// The `Host` field: with the port if that is not the default (HTTPS 3.4).
    pub(super) fn host_field(&self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("the host of a URI is ASCII")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            port if port == self.default_port() => f.write_str(&self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}

fn read(url: &str) -> Result<Address, String> {
    let uri = url.parse::<Uri>().map_err(|_| "is not a URL".to_owned())?;
    let is_secure = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => false,
        Some(scheme) if *scheme == Scheme::HTTPS && cfg!(feature = "tls") => true,
        Some(scheme) if *scheme == Scheme::HTTPS => return Err("needs TLS, which is not compiled in".into()),
        Some(_) | None => return Err("does not begin with https:// or http://".into()),
    };
    let authority = uri.authority().ok_or("has no host")?;
    if authority.as_str().contains('@') {
        return Err("has a user, and HTTP authentication is not supported".into());
    }
    let host = authority.host();
    if host.is_empty() {
        return Err("has no host".into());
    }
    let port = match authority.as_str().strip_prefix(host).unwrap_or_default() {
        "" | ":" if is_secure => HTTPS_PORT,
        "" | ":" => HTTP_PORT,
        _ => authority.port_u16().filter(|&port| port != 0).ok_or("has no port between 1 and 65535")?,
    };
    if !matches!(uri.path(), "" | "/" | PATH) || uri.query().is_some() {
        return Err(format!("has a path, and Commands are posted to {PATH}"));
    }
    Ok(Address { is_secure, host: host.to_owned(), port })
}

/// What may be shown: somebody's password may not.
fn without_user(url: &str) -> String {
    let Some((user, host)) = url.rsplit_once('@') else { return url.to_owned() };
    match user.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://{host}"),
        None => host.to_owned(),
    }
}

/// The port for testing (HTTPS 3.2.1).
const HTTP_PORT: u16 = 80;

/// The port for operations (HTTPS 3.2.1).
const HTTPS_PORT: u16 = 443;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, host_field: &str, endpoint: (&str, u16)) {
        let address = Address::parse(url).expect(url);
        assert_eq!((address.host_field(), address.endpoint()), (HeaderValue::from_str(host_field).unwrap(), endpoint));
    }

    fn check_refused(url: &str, expected: &str) {
        assert_eq!(Address::parse(url).expect_err(url).to_string(), format!("the address {expected}"));
    }

    // HTTPS-049
    #[test]
    fn the_host_field_has_the_port_if_that_is_not_the_default() {
        check("http://fw1.example.net", "fw1.example.net", ("fw1.example.net", 80));
        check("http://fw1.example.net:80/", "fw1.example.net", ("fw1.example.net", 80));
        check("http://fw1.example.net:/", "fw1.example.net", ("fw1.example.net", 80));
        check("HTTP://fw1.example.net:8080", "fw1.example.net:8080", ("fw1.example.net", 8080));
        check("http://192.0.2.1:8080/.well-known/openc2", "192.0.2.1:8080", ("192.0.2.1", 8080));
        check("http://[2001:db8::1]", "[2001:db8::1]", ("2001:db8::1", 80));
        check("http://[2001:db8::1]:8080", "[2001:db8::1]:8080", ("2001:db8::1", 8080));
    }

    // HTTPS-006, HTTPS-014, HTTPS-049
    #[cfg(feature = "tls")]
    #[test]
    fn the_default_port_of_https_is_443() {
        check("https://fw1.example.net", "fw1.example.net", ("fw1.example.net", 443));
        check("HTTPS://fw1.example.net:443/.well-known/openc2", "fw1.example.net", ("fw1.example.net", 443));
        check("https://fw1.example.net:80", "fw1.example.net:80", ("fw1.example.net", 80));
        check("http://fw1.example.net:443", "fw1.example.net:443", ("fw1.example.net", 443));
        check("https://[2001:db8::1]", "[2001:db8::1]", ("2001:db8::1", 443));
    }

    #[test]
    fn what_is_no_address_of_this_transfer_is_refused() {
        #[cfg(not(feature = "tls"))]
        check_refused("https://fw1", r#""https://fw1" needs TLS, which is not compiled in"#);
        check_refused("mqtt://fw1", r#""mqtt://fw1" does not begin with https:// or http://"#);
        check_refused("fw1:8080", r#""fw1:8080" does not begin with https:// or http://"#);
        check_refused("fw1", r#""fw1" does not begin with https:// or http://"#);
        check_refused("", r#""" is not a URL"#);
        check_refused("http://", r#""http://" is not a URL"#);
        check_refused("http://:80", r#""http://:80" has no host"#);
        check_refused("http://fw1:0", r#""http://fw1:0" has no port between 1 and 65535"#);
        check_refused("http://fw1:65536", r#""http://fw1:65536" has no port between 1 and 65535"#);
        check_refused(
            "http://fw1/api",
            r#""http://fw1/api" has a path, and Commands are posted to /.well-known/openc2"#,
        );
        check_refused("http://fw1/?a", r#""http://fw1/?a" has a path, and Commands are posted to /.well-known/openc2"#);
    }

    #[test]
    fn a_password_is_not_repeated() {
        check_refused("http://me:secret@fw1/", r#""http://fw1/" has a user, and HTTP authentication is not supported"#);
        check_refused("http://me:se@cret@fw1", r#""http://fw1" has a user, and HTTP authentication is not supported"#);
        check_refused("http://me:se/cret@fw1", r#""http://fw1" has no port between 1 and 65535"#);
        check_refused("me:secret@fw1", r#""fw1" does not begin with https:// or http://"#);
    }
}
