//! Who is on the other side of a connection (HTTPS 3.2.4).

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use oc2_core::Rejection;
use oc2_transfer::Peer;

#[cfg(feature = "tls")]
pub(super) use self::secured::Secured;

/// Tells for each request of a connection who sent it.
pub(super) struct Entrance {
    /// Who that is as far as the address tells.
    address: Peer,
    access: Access,
}

enum Access {
    /// Anybody is let in: the Testing target.
    Open,
    #[cfg(feature = "tls")]
    Secured(Secured),
}

/// Somebody who did not prove who they are.
pub(super) struct Stranger {
    /// What they are told.
    pub(super) rejection: Rejection,
    /// How they could prove it (RFC 7235 4.1).
    pub(super) challenge: HeaderValue,
}

impl Entrance {
    pub(super) fn open(address: IpAddr) -> Self {
        Self { address: by_address(address), access: Access::Open }
    }

    #[cfg(feature = "tls")]
    pub(super) fn secured(address: IpAddr, secured: Secured) -> Self {
        Self { address: by_address(address), access: Access::Secured(secured) }
    }

    /// Who this is, as far as that is known without a request.
    pub(super) fn peer(&self) -> Peer {
        match &self.access {
            Access::Open => self.address.clone(),
            #[cfg(feature = "tls")]
            Access::Secured(secured) => secured.peer().unwrap_or_else(|| self.address.clone()),
        }
    }

    /// Who sent a request with this head.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "without TLS a head proves nothing"))]
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<Peer, Stranger> {
        match &self.access {
            Access::Open => Ok(self.address.clone()),
            #[cfg(feature = "tls")]
            Access::Secured(secured) => secured.admit(headers),
        }
    }
}

fn by_address(address: IpAddr) -> Peer {
    Peer::Unauthenticated(address.to_canonical().to_string().into())
}

/// A 401 has to name a scheme (RFC 7235 3.1), also where a certificate is wanted, for which there is none.
pub(super) const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"openc2\"");

#[cfg(feature = "tls")]
mod secured {
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Duration;

    use http::HeaderMap;
    use oc2_core::{Class, Rejection};
    use oc2_tls::in_words;
    use oc2_transfer::Peer;
    use rustls::pki_types::CertificateDer;
    use tokio::time::Instant;

    use crate::server::tls::{Admission, Examiner, ServerTls, TlsHandle};

    use super::{CHALLENGE, Stranger};

    /// Lets in who proves who they are, by what holds at the moment of the request.
    pub(in crate::server) struct Secured {
        handle: TlsHandle,
        /// What the peer showed in the handshake.
        chain: Vec<CertificateDer<'static>>,
        verified: Mutex<Option<Verified>>,
    }

    /// A chain was good.
    struct Verified {
        by: Arc<ServerTls>,
        at: Instant,
        peer: Peer,
    }

    impl Secured {
        /// The handshake by `tls` verified this chain, if certificates are what it asks for.
        pub(in crate::server) fn new(
            handle: TlsHandle,
            tls: Arc<ServerTls>,
            chain: Vec<CertificateDer<'static>>,
        ) -> Self {
            let name = match &tls.admission {
                Admission::Certificates(examiner) => examiner.name(&chain),
                #[cfg(feature = "jwt")]
                Admission::Tokens(_) => None,
            };
            let verified =
                name.map(|name| Verified { by: tls, at: Instant::now(), peer: Peer::Authenticated(name.into()) });
            Self { handle, chain, verified: Mutex::new(verified) }
        }

        pub(super) fn peer(&self) -> Option<Peer> {
            let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
            verified.as_ref().map(|verified| verified.peer.clone())
        }

        #[cfg_attr(not(feature = "jwt"), expect(unused_variables, reason = "without tokens a head proves nothing"))]
        pub(super) fn admit(&self, headers: &HeaderMap) -> Result<Peer, Stranger> {
            let tls = self.handle.current();
            match &tls.admission {
                Admission::Certificates(examiner) => self.by_certificate(&tls, examiner),
                #[cfg(feature = "jwt")]
                Admission::Tokens(tokens) => by_token(tokens, headers),
            }
        }

        /// A connection may outlast a certificate, a revocation list and an authority.
        fn by_certificate(&self, tls: &Arc<ServerTls>, examiner: &Examiner) -> Result<Peer, Stranger> {
            let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(verified) = &*verified
                && Arc::ptr_eq(&verified.by, tls)
                && verified.at.elapsed() < GOOD_FOR
            {
                return Ok(verified.peer.clone());
            }
            *verified = None;
            examiner.verify(&self.chain).map_err(|error| match error {
                rustls::Error::InvalidCertificate(error) => stranger(format!("the certificate {}", in_words(&error))),
                rustls::Error::NoCertificatesPresented => stranger("a certificate is needed, from the handshake on"),
                error => stranger(format!("the certificate cannot be used: {error}")),
            })?;
            let name = examiner.name(&self.chain).ok_or_else(|| stranger("the certificate does not name its owner"))?;
            let peer = Peer::Authenticated(name.into());
            *verified = Some(Verified { by: Arc::clone(tls), at: Instant::now(), peer: peer.clone() });
            Ok(peer)
        }
    }

    #[cfg(feature = "jwt")]
    fn by_token(tokens: &crate::server::tokens::Tokens, headers: &HeaderMap) -> Result<Peer, Stranger> {
        let mut fields = headers.get_all(http::header::AUTHORIZATION).iter();
        let Some(field) = fields.next() else { return Err(stranger("a token is needed (Authorization: Bearer)")) };
        let refused = |text| Stranger { challenge: INVALID_TOKEN, ..stranger(text) };
        if fields.next().is_some() {
            return Err(refused("the request has two Authorization fields"));
        }
        let token = field.to_str().ok().and_then(|field| {
            let (scheme, token) = field.split_once(' ')?;
            scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim_matches(' '))
        });
        let token = token.ok_or_else(|| stranger("a token is needed (Authorization: Bearer)"))?;
        let name = tokens.verify(token).map_err(refused)?;
        Ok(Peer::Authenticated(name.into()))
    }

    fn stranger(text: impl Into<String>) -> Stranger {
        Stranger { rejection: Rejection::new(Class::Unauthenticated, text), challenge: CHALLENGE }
    }

    /// So long a chain is taken for good without another look, if nothing was reloaded.
    const GOOD_FOR: Duration = Duration::from_secs(60);

    /// RFC 6750 3.1
    #[cfg(feature = "jwt")]
    const INVALID_TOKEN: http::HeaderValue =
        http::HeaderValue::from_static("Bearer realm=\"openc2\", error=\"invalid_token\"");
}
