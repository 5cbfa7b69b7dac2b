//! What a client of TLS offers in its hello (RFC 8446 4.1.2), which nothing hides.

use crate::exchange::Exchange;

/// A ClientHello, as far as rows look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    /// The versions that are offered, also those before TLS 1.3, which were not listed.
    pub(crate) versions: Vec<u16>,
    pub(crate) suites: Vec<u16>,
    /// Whether data follows that anybody may send again.
    pub(crate) has_early_data: bool,
}

/// One thing that a hello shows: rows by the specification that asks for it, whether it is so, what was looked at and expected.
pub(crate) struct Point {
    pub(crate) https: &'static str,
    pub(crate) mqtt: &'static str,
    pub(crate) is_met: bool,
    pub(crate) name: &'static str,
    pub(crate) expected: &'static str,
}

impl Hello {
    /// Reads the first record of a client. None if it is none.
    pub(crate) fn read(record: &[u8]) -> Option<Self> {
        let mut reader = Reader(record);
        let [22, _, _] = *reader.take(3)? else { return None };
        let mut reader = Reader(reader.counted(2)?);
        let [1] = *reader.take(1)? else { return None };
        let mut reader = Reader(reader.counted(3)?);
        let legacy = reader.number(2)?;
        reader.take(32)?;
        reader.counted(1)?;
        let suites = numbers(reader.counted(2)?);
        reader.counted(1)?;
        let mut own = Self { versions: vec![legacy], suites, has_early_data: false };
        // SSL 3.0 has no extensions.
        let mut extensions = Reader(reader.counted(2).unwrap_or_default());
        while let Some(kind) = extensions.number(2) {
            let content = extensions.counted(2)?;
            match kind {
                SUPPORTED_VERSIONS => own.versions = numbers(Reader(content).counted(1)?),
                EARLY_DATA => own.has_early_data = true,
                _ => {}
            }
        }
        Some(own)
    }

    /// What of it rows are about.
    pub(crate) fn points(&self) -> [Point; 6] {
        let offers = |version: u16| self.versions.contains(&version);
        let is_old = |version: &u16| (0x0300..0x0303).contains(version);
        let has_one_of = |list: &[u16]| self.suites.iter().any(|suite| list.contains(suite));
        let point = |https, mqtt, is_met, name, expected| Point { https, mqtt, is_met, name, expected };
        [
            point("HTTPS-018", "MQTT-109", offers(0x0303) || offers(0x0304), "Versions", "TLS 1.2 or higher"),
            point("HTTPS-019", "MQTT-111", offers(0x0304), "Versions", "TLS 1.3"),
            point(
                "HTTPS-020 HTTPS-021",
                "MQTT-113",
                !self.versions.iter().any(is_old),
                "Versions",
                "none before TLS 1.2",
            ),
            point("HTTPS-023", "MQTT-116", !has_one_of(&super::tls::NULL_SUITES), "Suites", "none without encryption"),
            point(
                "HTTPS-025",
                "MQTT-118",
                !has_one_of(&super::tls::OLD_SUITES),
                "Suites",
                "none of RFC 7540 appendix A, such as RSA key exchange and CBC",
            ),
            point("HTTPS-026", "MQTT-119", !self.has_early_data, "Early data", "none"),
        ]
    }

    /// The hello in words.
    pub(crate) fn told(&self) -> String {
        let hexadecimal = |list: &[u16]| list.iter().map(|own| format!("{own:04x}")).collect::<Vec<_>>().join(" ");
        let early = if self.has_early_data { ", early data" } else { "" };
        format!("versions {}, suites {}{early}", hexadecimal(&self.versions), hexadecimal(&self.suites))
    }
}

/// A hello as an exchange, to be shown.
pub(crate) fn shown(record: &[u8]) -> Exchange {
    Exchange { sent: record.to_vec(), ..Exchange::default() }
}

struct Reader<'r>(&'r [u8]);

impl<'r> Reader<'r> {
    fn take(&mut self, n_octets: usize) -> Option<&'r [u8]> {
        let (taken, rest) = self.0.split_at_checked(n_octets)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, n_octets: usize) -> Option<u16> {
        self.take(n_octets).map(|octets| octets.iter().fold(0, |number, octet| number << 8 | u16::from(*octet)))
    }

    /// As many octets as a length of so many octets says.
    fn counted(&mut self, n_octets: usize) -> Option<&'r [u8]> {
        let length = self.take(n_octets)?.iter().fold(0, |number, octet| number << 8 | usize::from(*octet));
        self.take(length)
    }
}

fn numbers(octets: &[u8]) -> Vec<u16> {
    octets.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
}

const SUPPORTED_VERSIONS: u16 = 43;
const EARLY_DATA: u16 = 42;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tls::{EARLY_SUITES, client_hello};

    #[test]
    fn a_hello_of_the_past_is_found_to_be_one() {
        let hello = Hello::read(&client_hello(0x0301, &EARLY_SUITES)).expect("it is a hello");
        assert_eq!((&hello.versions[..], &hello.suites[..]), (&[0x0301][..], &EARLY_SUITES[..]));
        let met: Vec<_> = hello.points().iter().map(|point| point.is_met).collect();
        assert_eq!(met, [false, false, false, true, false, true]);
    }

    #[test]
    fn what_a_library_of_today_offers_is_good() {
        let config = crate::wire::tls::Files::default().config().expect("no file is none that is wrong");
        let name = "fw.example".try_into().expect("it is a name");
        let mut client = rustls::ClientConnection::new(std::sync::Arc::new(config), name).expect("it can begin");
        let mut record = Vec::new();
        client.write_tls(&mut record).expect("memory takes everything");
        let hello = Hello::read(&record).expect("it is a hello");
        assert!(hello.points().iter().all(|point| point.is_met), "{}", hello.told());
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_none() {
        let whole = client_hello(0x0303, &EARLY_SUITES);
        for n_octets in 0..whole.len() {
            assert_eq!(Hello::read(&whole[..n_octets]), None, "{n_octets}");
        }
        assert_eq!(Hello::read(b"GET / HTTP/1.1\r\n\r\n"), None);
    }
}
