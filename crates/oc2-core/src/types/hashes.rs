//! Hash values (LS 3.4.2.5).

use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXUPPER, HEXUPPER_PERMISSIVE};
use serde::{Deserializer, Serializer};

use crate::form::Form;
use crate::invalid::Invalid;
use crate::map;
use crate::shape::read::{Context, Read, text};
use crate::shape::write::Write;

map! {
    /// Hashes of a file or artifact (LS 3.4.2.5); at least one is present.
    pub struct Hashes: "Hashes", sealed by HashesBuilder checked by at_least_one {
        /// MD5, as RFC 1321 has it.
        optional md5: Hash<16> = 1,
        /// SHA-1, as RFC 6234 has it.
        optional sha1: Hash<20> = 2,
        /// SHA-256, as RFC 6234 has it.
        optional sha256: Hash<32> = 3,
    }
}

fn at_least_one(hashes: &Hashes) -> Result<(), Invalid> {
    if hashes.is_empty() {
        return Err(Invalid::new("at least one of md5, sha1, sha256 is due"));
    }
    Ok(())
}

/// The octets of a hash, in Base16 on the wire (LS 3.1.5 `/x`, DECISIONS L16, L17).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash<const N: usize>(pub [u8; N]);

/// Base16 in either case.
impl<const N: usize> FromStr for Hash<N> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let octets = HEXUPPER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| Invalid::text(text, "is not Base16"))?;
        octets
            .as_slice()
            .try_into()
            .map(Self)
            .map_err(|_| Invalid::new(format!("{} octets, where the hash has {N}", octets.len())))
    }
}

impl<const N: usize> fmt::Display for Hash<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXUPPER.encode(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Hash<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Read for Hash<N> {
    const TYPE: &'static str = "Binary";

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let (hash, is_upper) = text(context, deserializer, "Base16", |text| {
            Ok((text.parse()?, !text.bytes().any(|digit| digit.is_ascii_lowercase())))
        })?;
        if !is_upper {
            context.tolerate::<D::Error>("Base16 has no lower-case letters (RFC 4648 section 8)")?;
        }
        Ok(hash)
    }
}

impl<const N: usize> Write for Hash<N> {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
