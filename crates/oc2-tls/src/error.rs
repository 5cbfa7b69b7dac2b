//! Why TLS does not come about.

use rustls::CertificateError;
use thiserror::Error;

/// TLS or tokens cannot be set up like this.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// Something is not what it should be.
    #[error("{what} cannot be read: {reason}")]
    Unreadable {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// Something can be read, and nothing can be done with it.
    #[error("{what} cannot be used: {reason}")]
    Unusable {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// There is neither of the features `aws-lc-rs` and `ring`.
    #[error("this program was built without cryptography")]
    NoCryptography,
}

impl TlsError {
    /// Something that cannot be read.
    #[must_use]
    pub fn unreadable(what: &'static str, reason: impl ToString) -> Self {
        Self::Unreadable { what, reason: reason.to_string() }
    }

    /// Something that cannot be used.
    #[must_use]
    pub fn unusable(what: &'static str, reason: impl ToString) -> Self {
        Self::Unusable { what, reason: reason.to_string() }
    }
}

/// What is wrong with a certificate: the end of a sentence about it.
#[must_use]
pub fn in_words(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "is not valid yet".into(),
        CertificateError::Revoked => "was revoked".into(),
        CertificateError::UnknownIssuer => "was not issued by an authority that is trusted here".into(),
        CertificateError::UnknownRevocationStatus => "may have been revoked: there is no list of its issuer".into(),
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            "may have been revoked: the list of its issuer is out of date".into()
        }
        CertificateError::NotValidForName => "is for another name".into(),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => "names no host".into(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            // They come as `DnsName("fw1")`.
            let names: Vec<_> = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).collect();
            format!("is for another name: {}", names.join(", "))
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is for another purpose".into()
        }
        error => format!("cannot be used: {error}"),
    }
}
