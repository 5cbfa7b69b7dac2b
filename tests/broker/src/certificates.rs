//! Certificates for one test.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

/// An authority of a test's own.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate.
    pub pem: String,
    /// Its key.
    pub key: String,
}

impl Authority {
    /// A new authority.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).expect("no names are valid names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.self_signed(&key).expect("an authority signs itself");
        Self { pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    /// Its certificate.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a server of these names.
    #[must_use]
    pub fn server(&self, names: &[&str]) -> Certificate {
        self.fill(Order::server(names))
    }

    /// A certificate for a client of this name.
    #[must_use]
    pub fn client(&self, name: &str) -> Certificate {
        self.fill(Order::client_without_names(name))
    }

    /// A certificate as it was ordered.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn fill(&self, order: Order) -> Certificate {
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = order.params.signed_by(&key, &self.issuer).expect("the authority signs");
        Certificate { pem: certificate.pem(), key: key.serialize_pem() }
    }

    /// A list that revokes the certificates with these numbers; the next one is due at the begin of a year.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn revoke(&self, serials: &[u64], until: i32) -> String {
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
        list.signed_by(&self.issuer).and_then(|list| list.pem()).expect("the authority signs")
    }
}

/// What is to be written in a certificate.
#[derive(Clone, Debug)]
pub struct Order {
    params: CertificateParams,
}

impl Order {
    /// For a server of these names.
    #[must_use]
    pub fn server(names: &[&str]) -> Self {
        Self::new("server", names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// For a client with this name among the alternative names.
    #[must_use]
    pub fn client(name: &str) -> Self {
        Self::new(name, &[name], ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// For a client that has but a common name.
    #[must_use]
    pub fn client_without_names(name: &str) -> Self {
        Self::new(name, &[], ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// Valid for so long from now on.
    #[must_use]
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.params.not_after = (SystemTime::now() + time).into();
        self
    }

    /// Valid from the begin of a year to that of another one.
    #[must_use]
    pub fn valid(mut self, from: i32, to: i32) -> Self {
        self.params.not_before = date_time_ymd(from, 1, 1);
        self.params.not_after = date_time_ymd(to, 1, 1);
        self
    }

    /// With this number.
    #[must_use]
    pub fn serial(mut self, serial: u64) -> Self {
        self.params.serial_number = Some(serial.into());
        self
    }

    fn new(name: &str, names: &[&str], usage: ExtendedKeyUsagePurpose) -> Self {
        let names = names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut params = CertificateParams::new(names).expect("the names are valid");
        params.extended_key_usages = vec![usage];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::CommonName, name);
        Self { params }
    }
}
