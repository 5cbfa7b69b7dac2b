//! Hash values (LS 3.4.2.5).

use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXUPPER, HEXUPPER_PERMISSIVE};
use serde::{Deserializer, Serializer};

use crate::form::Form;
use crate::invalid::Invalid;
use crate::map;
use crate::shape::read::{Context, Read, octets};
use crate::shape::write::{Write, octets as write_octets};
use crate::shape::{Kind, Octets, Shape};

map! {
    /// Hashes of a file or artifact (LS 3.4.2.5); at least one is present.
    pub struct Hashes: "Hashes" in "LS 3.4.2.5 (LS-189)", sealed by HashesBuilder {
        /// MD5, as RFC 1321 has it.
        optional md5: Hash<16> = 1,
        /// SHA-1, as RFC 6234 has it.
        optional sha1: Hash<20> = 2,
        /// SHA-256, as RFC 6234 has it.
        optional sha256: Hash<32> = 3,
    }
}

/// The octets of a hash, in Base16 on the wire (LS 3.1.5 `/x`, DECISIONS L16, L17).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash<const N: usize>(pub [u8; N]);

/// Base16 in either case.
impl<const N: usize> FromStr for Hash<N> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let not_base16 = |_| Invalid::text(text, "is not Base16");
        // Longer than any hash the text is looked at, but not kept.
        let mut buffer = [0; 64];
        let n_octets = HEXUPPER_PERMISSIVE.decode_len(text.len()).map_err(not_base16)?;
        match buffer.get_mut(..n_octets) {
            Some(octets) => {
                HEXUPPER_PERMISSIVE.decode_mut(text.as_bytes(), octets).map_err(|error| not_base16(error.error))?;
                Self::from_octets(octets)
            }
            None => Self::from_octets(&HEXUPPER_PERMISSIVE.decode(text.as_bytes()).map_err(not_base16)?),
        }
    }
}

impl<const N: usize> Hash<N> {
    /// The octets of a text that has no lower-case letters, as it should be; `None` for any other, for whatever reason.
    fn of_upper_case(text: &str) -> Option<Self> {
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
        let pairs: &[[u8; 2]; N] = pairs.try_into().ok()?;
        let octet = |[high, low]: [u8; 2]| (NIBBLES[usize::from(high)], NIBBLES[usize::from(low)]);
        let all = pairs.iter().fold(0, |all, pair| all | octet(*pair).0 | octet(*pair).1);
        (all < 16).then(|| Self(pairs.map(|pair| octet(pair).0 << 4 | octet(pair).1)))
    }

    fn from_octets(octets: &[u8]) -> Result<Self, Invalid> {
        let wrong_length = |_| Invalid::new(format!("{} octets, where the hash has {N}", octets.len()));
        octets.try_into().map(Self).map_err(wrong_length)
    }
}

impl<const N: usize> fmt::Display for Hash<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match [0; 64].get_mut(..2 * N) {
            Some(buffer) => f.write_str(HEXUPPER.encode_mut_str(&self.0, buffer)),
            None => HEXUPPER.encode_display(&self.0).fmt(f),
        }
    }
}

impl<const N: usize> fmt::Debug for Hash<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Read for Hash<N> {
    fn shape() -> &'static Shape {
        const {
            #[allow(clippy::cast_possible_truncation, reason = "hashes are short")]
            &Shape::plain(
                "Binary",
                "LS 3.4.2.5 (LS-190), DECISIONS L17",
                Kind::Binary { text: Octets::Base16, lengths: &[N as u32] },
            )
        }
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        let mut is_upper = true;
        let from_text = |context: &mut Context, text: &str| {
            if let Some(hash) = Self::of_upper_case(text) {
                return Ok(hash);
            }
            is_upper = !text.bytes().any(|digit| digit.is_ascii_lowercase());
            text.parse().inspect_err(|_| {
                if !text.len().is_multiple_of(2) || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    context.blame(BASE16);
                }
            })
        };
        let hash = octets(context, deserializer, "Base16", from_text, Self::from_octets)?;
        if !is_upper {
            let res = context.tolerate::<D::Error>("Base16 has no lower-case letters (RFC 4648 section 8)");
            res.inspect_err(|_| context.blame(BASE16))?;
        }
        Ok(hash)
    }
}

impl<const N: usize> Write for Hash<N> {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        write_octets(&self.0, self, form, serializer)
    }
}

/// What each octet is worth as a digit of Base16; 16 for one that is none.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [16; 256];
    let mut value = 0;
    while value < 16 {
        nibbles[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    nibbles
};

const BASE16: &str = "LS 3.1.5 (LS-050), DECISIONS L16";
