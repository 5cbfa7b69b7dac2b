//! Judges octets as I-JSON (RFC 7493), by a reader that keeps what `serde_json::Value` forgets: members that stand twice.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What is wrong with a text as I-JSON, if anything is.
pub(crate) fn fault(octets: &[u8]) -> Option<String> {
    if octets.starts_with(b"\xef\xbb\xbf") {
        return Some("it begins with a byte order mark".into());
    }
    let text = match str::from_utf8(octets) {
        Ok(text) => text,
        Err(error) => return Some(format!("it is not UTF-8: {error}")),
    };
    serde_json::from_str::<Checked>(text).err().map(|error| error.to_string())
}

/// A value that is I-JSON.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Check)
    }
}

struct Check;

impl<'de> Visitor<'de> for Check {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("I-JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_unit<E>(self) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Checked, E> {
        if number < -LARGEST { Err(E::custom(format!("{number} is beyond 2^53 - 1"))) } else { Ok(Checked) }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Checked, E> {
        if number > LARGEST.unsigned_abs() {
            Err(E::custom(format!("{number} is beyond 2^53 - 1")))
        } else {
            Ok(Checked)
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Checked, E> {
        match text.chars().find(|c| is_noncharacter(*c)) {
            Some(c) => Err(E::custom(format!("U+{:04X} is no character", u32::from(c)))),
            None => Ok(Checked),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Checked, A::Error> {
        while values.next_element::<Checked>()?.is_some() {}
        Ok(Checked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Checked, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            Self.visit_str(&name)?;
            members.next_value::<Checked>()?;
            if let Some(name) = names.replace(name) {
                return Err(A::Error::custom(format!("the member {name:?} stands twice")));
            }
        }
        Ok(Checked)
    }
}

fn is_noncharacter(c: char) -> bool {
    let c = u32::from(c);
    (0xfdd0..=0xfdef).contains(&c) || c & 0xfffe == 0xfffe
}

const LARGEST: i64 = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_i_json_forbids_is_found() {
        assert_eq!(fault(br#"{"a":[1,{"b":null}],"c":-9007199254740991}"#), None);
        for bad in [r#"{"a":1,"\u0061":2}"#, r#""\uD800""#, "\"\u{ffff}\"", "9007199254740992", "{} {}", "\u{feff}{}"] {
            assert!(fault(bad.as_bytes()).is_some(), "{bad}");
        }
        assert!(fault(b"\"\xff\"").is_some());
    }
}
