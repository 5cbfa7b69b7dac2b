//! Authorities that issue certificates of every kind, when a test needs them.

use std::time::{Duration, SystemTime};

use oc2_transfer_http::{Authorities, ClientAuth, ClientCertificates, ClientTls, Identity, ServerTls};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
    date_time_ymd,
};

/// Issues certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
pub(crate) struct Paper {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// What is written in a certificate.
pub(crate) struct Order {
    params: CertificateParams,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn trusted(&self) -> Authorities {
        Authorities::from_pem(self.pem().as_bytes()).expect("it is an authority")
    }

    pub(crate) fn issue(&self, order: Order) -> Paper {
        let key = KeyPair::generate().unwrap();
        let certificate = order.params.signed_by(&key, &self.0).unwrap();
        Paper { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// Revokes the certificates with these serial numbers, until this year.
    pub(crate) fn revoke(&self, serials: &[u64], until: i32) -> String {
        let revoked = |&serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2000, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2000, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.0).unwrap().pem().unwrap()
    }

    /// A Consumer on this host.
    pub(crate) fn consumer(&self) -> Identity {
        self.issue(Order::consumer()).identity()
    }

    /// A Producer of this name.
    pub(crate) fn producer(&self, name: &str) -> Identity {
        self.issue(Order::producer(name)).identity()
    }
}

impl Paper {
    pub(crate) fn identity(&self) -> Identity {
        Identity::from_pem(self.chain.as_bytes(), self.key.as_bytes()).expect("they are a pair")
    }
}

impl Order {
    fn new(names: Vec<SanType>, purpose: ExtendedKeyUsagePurpose) -> Self {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.extended_key_usages = vec![purpose];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        Self { params }
    }

    pub(crate) fn consumer() -> Self {
        let names = vec![SanType::DnsName("localhost".try_into().unwrap()), SanType::IpAddress([127, 0, 0, 1].into())];
        Self::new(names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    pub(crate) fn consumer_named(host: &str) -> Self {
        Self::new(vec![SanType::DnsName(host.try_into().unwrap())], ExtendedKeyUsagePurpose::ServerAuth)
    }

    pub(crate) fn producer(name: &str) -> Self {
        Self::new(vec![SanType::DnsName(name.try_into().unwrap())], ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A Producer that has but a common name.
    pub(crate) fn producer_without_names(common: &str) -> Self {
        let mut order = Self::new(vec![], ExtendedKeyUsagePurpose::ClientAuth);
        order.params.distinguished_name.push(DnType::CommonName, common);
        order
    }

    pub(crate) fn valid(mut self, from: i32, to: i32) -> Self {
        self.params.not_before = date_time_ymd(from, 1, 1);
        self.params.not_after = date_time_ymd(to, 1, 1);
        self
    }

    /// Valid for so long from now on.
    pub(crate) fn expires_in(mut self, time: Duration) -> Self {
        self.params.not_after = (SystemTime::now() + time).into();
        self
    }

    pub(crate) fn serial(mut self, serial: u64) -> Self {
        self.params.serial_number = Some(serial.into());
        self
    }
}

/// A server that asks for certificates of these authorities.
pub(crate) fn mutual(identity: &Identity, authorities: Authorities) -> ServerTls {
    ServerTls::new(identity, ClientAuth::Certificates(ClientCertificates::new(authorities))).expect("it can be set up")
}

pub(crate) fn client(authorities: Authorities, identity: Option<Identity>) -> ClientTls {
    ClientTls::new(authorities, identity).expect("it can be set up")
}
