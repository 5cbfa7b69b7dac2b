//! Certificates of the authorities of tests, as the transfer takes them.

pub(crate) use oc2_tests_broker::{Authority, Certificate, Order};
use oc2_transfer_http::{Authorities, ClientAuth, ClientCertificates, ClientTls, Identity, ServerTls};

/// What an authority is asked for most.
pub(crate) trait Issues {
    fn trusted(&self) -> Authorities;

    /// A Consumer on this host.
    fn consumer(&self) -> Identity;

    /// A Producer of this name.
    fn producer(&self, name: &str) -> Identity;
}

impl Issues for Authority {
    fn trusted(&self) -> Authorities {
        Authorities::from_pem(self.pem().as_bytes()).expect("it is an authority")
    }

    fn consumer(&self) -> Identity {
        self.fill(Order::server(&HERE)).identity()
    }

    fn producer(&self, name: &str) -> Identity {
        self.fill(Order::client(name)).identity()
    }
}

/// A certificate with its key as one thing.
pub(crate) trait Paper {
    fn identity(&self) -> Identity;
}

impl Paper for Certificate {
    fn identity(&self) -> Identity {
        Identity::from_pem(self.pem.as_bytes(), self.key.as_bytes()).expect("they are a pair")
    }
}

/// A server that asks for certificates of these authorities.
pub(crate) fn mutual(identity: &Identity, authorities: Authorities) -> ServerTls {
    ServerTls::new(identity, ClientAuth::Certificates(ClientCertificates::new(authorities))).expect("it can be set up")
}

pub(crate) fn client(authorities: Authorities, identity: Option<Identity>) -> ClientTls {
    ClientTls::new(authorities, identity).expect("it can be set up")
}

/// What this host is called.
pub(crate) const HERE: [&str; 2] = ["localhost", "127.0.0.1"];
