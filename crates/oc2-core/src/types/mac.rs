//! Hardware addresses (LS 3.4.1.14).

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXUPPER;
use serde::{Deserializer, Serializer};

use crate::form::Form;
use crate::invalid::Invalid;
use crate::shape::read::{Context, Read, octets};
use crate::shape::write::{Write, octets as write_octets};
use crate::shape::{Kind, Octets, Shape};

/// A media access control address, EUI-48 or EUI-64 (LS 3.4.1.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MacAddr {
    /// Six octets.
    Eui48([u8; 6]),
    /// Eight octets.
    Eui64([u8; 8]),
}

impl MacAddr {
    fn from_octets(octets: &[u8]) -> Option<Self> {
        octets.try_into().map(Self::Eui48).or_else(|_| octets.try_into().map(Self::Eui64)).ok()
    }

    /// The octets.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        match self {
            Self::Eui48(octets) => octets,
            Self::Eui64(octets) => octets,
        }
    }
}

/// The colon form in either case (DECISIONS L21).
impl FromStr for MacAddr {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::text(text, "is not a MAC address: 6 or 8 octets as 00:1A:2B:3C:4D:5E");
        let mut octets = [0; 8];
        let mut n_octets = 0;
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut rest = text.as_bytes();
        loop {
            let [high, low, tail @ ..] = rest else { return Err(invalid()) };
            let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Err(invalid()) };
            *octets.get_mut(n_octets).ok_or_else(invalid)? = high << 4 | low;
            n_octets += 1;
            match tail {
                [] => break,
                [b':', others @ ..] => rest = others,
                _ => return Err(invalid()),
            }
        }
        Self::from_octets(&octets[..n_octets]).ok_or_else(invalid)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b':'; 3 * 8];
        for (part, octet) in text.chunks_exact_mut(3).zip(self.octets()) {
            HEXUPPER.encode_mut(&[*octet], &mut part[..2]);
        }
        f.write_str(str::from_utf8(&text[..3 * self.octets().len() - 1]).unwrap_or_default())
    }
}

impl Read for MacAddr {
    fn shape() -> &'static Shape {
        const SHAPE: Shape =
            Shape::plain("MAC-Addr", "LS 3.4.1.14 (LS-177)", Kind::Binary { text: Octets::Eui, lengths: &[6, 8] });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        octets(
            context,
            deserializer,
            "a MAC address",
            |context, text| {
                text.parse().inspect_err(|_| {
                    let is_octet =
                        |octet: &str| octet.len() == 2 && octet.bytes().all(|digit| digit.is_ascii_hexdigit());
                    context.blame(if text.split(':').all(is_octet) { EUI } else { COLON_FORM });
                })
            },
            |octets| {
                Self::from_octets(octets)
                    .ok_or_else(|| Invalid::new(format!("{} octets, where a MAC address has 6 or 8", octets.len())))
            },
        )
    }
}

const EUI: &str = "LS 3.1.2 (LS-021)";
const COLON_FORM: &str = "LS 3.1.5 (LS-053), DECISIONS L21";

impl Write for MacAddr {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        write_octets(self.octets(), self, form, serializer)
    }
}
