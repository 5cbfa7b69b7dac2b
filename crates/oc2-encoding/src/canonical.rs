//! JSON in the one form that is signed: the JSON Canonicalization Scheme (RFC 8785).
//!
//! Over our own reader, since it refuses what is not I-JSON, and `serde_json::Value`, on which the libraries for it build,
//! keeps the last of two members silently; what else the scheme asks for is an order and the numbers of ECMAScript.

use std::borrow::Cow;
use std::fmt;

use oc2_core::shape::read::ReadError;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::json::read::Reader;
use crate::json::{append_text, message_of, text_of};
use crate::limits::check_length;

/// A value of JSON, the members of an object in the order of the scheme and each once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'d> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'d, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'d, str>, Self)>),
}

impl<'d> Value<'d> {
    /// Reads a document.
    ///
    /// # Errors
    /// It is too long, no I-JSON, or has a member twice.
    pub(crate) fn read(document: &'d [u8]) -> Result<Self, ReadError> {
        check_length(document)?;
        let mut reader = Reader::new(text_of(document)?);
        let value = Self::deserialize(&mut reader).map_err(|error| ReadError::new(message_of(&error)))?;
        reader.end().map_err(|error| ReadError::new(message_of(&error)))?;
        Ok(value)
    }

    /// A member of an object.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The same without a member, and the member.
    pub(crate) fn without(mut self, name: &str) -> (Self, Option<Self>) {
        let Self::Object(members) = &mut self else { return (self, None) };
        let index = members.iter().position(|(known, _)| known == name);
        let member = index.map(|index| members.remove(index).1);
        (self, member)
    }

    /// A text.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Appends it in the one form.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Number(value) => out.extend_from_slice(ecmascript(*value).as_bytes()),
            Self::Text(text) => append_text(out, text),
            Self::List(items) => enclosed(out, b"[]", items, |out, item| item.write(out)),
            Self::Object(members) => enclosed(out, b"{}", members, |out, (name, value)| {
                append_text(out, name);
                out.push(b':');
                value.write(out);
            }),
        }
    }
}

fn enclosed<T>(out: &mut Vec<u8>, brackets: &[u8; 2], items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    out.push(brackets[0]);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(brackets[1]);
}

/// A finite number as ECMAScript shows it (RFC 8785 3.2.2.3). The digits are those of serde_json: the fewest that tell the
/// number from its neighbours, of those the nearest, and of two that are equally near the even one. The standard library takes
/// the odd one now and then.
fn ecmascript(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let shown = serde_json::to_string(&value.abs()).unwrap_or_default();
    let (mantissa, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let padded = format!("{whole}{fraction}");
    let significant = padded.trim_start_matches('0');
    let digits = significant.trim_end_matches('0');
    let length = |text: &str| i32::try_from(text.len()).unwrap_or(i32::MAX);
    let n_digits = length(digits);
    // Where the point stands, counted from in front of the first digit.
    let exponent = exponent.parse::<i32>().unwrap_or_default();
    let point = length(whole) - (length(&padded) - length(significant)) + exponent;
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or_default());
    let (before, after) = digits.split_at(usize::try_from(point.clamp(1, n_digits)).unwrap_or(1));
    let text = match point {
        _ if point >= n_digits && point <= 21 => format!("{digits}{}", zeros(point - n_digits)),
        1..=21 => format!("{before}.{after}"),
        -5..=0 => format!("0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let point_and_rest = if rest.is_empty() { String::new() } else { format!(".{rest}") };
            format!("{first}{point_and_rest}e{:+}", point - 1)
        }
    };
    if value < 0.0 { format!("-{text}") } else { text }
}

impl<'d> Deserialize<'d> for Value<'d> {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'d> Visitor<'d> for AnyValue {
    type Value = Value<'d>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of I-JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value<'d>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value<'d>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value<'d>, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(E::custom(TOO_LARGE)),
        }
    }

    /// What a float cannot hold would be signed as another number (DECISIONS L34).
    fn visit_i64<E: Error>(self, value: i64) -> Result<Value<'d>, E> {
        if value.unsigned_abs() >= 1 << 53 {
            return Err(E::custom(TOO_LARGE));
        }
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value<'d>, E> {
        Ok(Value::Number(value))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'d str) -> Result<Value<'d>, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value<'d>, E> {
        Ok(Value::Text(text.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'d>>(self, mut seq: A) -> Result<Value<'d>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'d>>(self, mut map: A) -> Result<Value<'d>, A::Error> {
        let mut members = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
        if let Some(pair) = members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(A::Error::custom(format!("the member {:?} stands twice", pair[0].0)));
        }
        Ok(Value::Object(members))
    }
}

/// The name of a member.
struct Name<'d>(Cow<'d, str>);

impl<'d> Deserialize<'d> for Name<'d> {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(AnyValue)? {
            Value::Text(name) => Ok(Self(name)),
            _ => Err(D::Error::custom("key must be a string")),
        }
    }
}

const TOO_LARGE: &str = "an integer beyond 2^53 - 1 is no I-JSON";

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(document: &str) -> String {
        let mut out = Vec::new();
        Value::read(document.as_bytes()).expect("I-JSON").write(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    // RFC 8785, appendix B
    #[test]
    fn numbers_are_those_of_ecmascript() {
        let cases: [(u64, &str); 26] = [
            (0x0000000000000000, "0"),
            (0x8000000000000000, "0"),
            (0x0000000000000001, "5e-324"),
            (0x8000000000000001, "-5e-324"),
            (0x7fefffffffffffff, "1.7976931348623157e+308"),
            (0xffefffffffffffff, "-1.7976931348623157e+308"),
            (0x4340000000000000, "9007199254740992"),
            (0xc340000000000000, "-9007199254740992"),
            (0x4430000000000000, "295147905179352830000"),
            (0x44b52d02c7e14af5, "9.999999999999997e+22"),
            (0x44b52d02c7e14af6, "1e+23"),
            (0x44b52d02c7e14af7, "1.0000000000000001e+23"),
            (0x444b1ae4d6e2ef4e, "999999999999999700000"),
            (0x444b1ae4d6e2ef4f, "999999999999999900000"),
            (0x444b1ae4d6e2ef50, "1e+21"),
            (0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"),
            (0x3eb0c6f7a0b5ed8d, "0.000001"),
            (0x41b3de4355555553, "333333333.3333332"),
            (0x41b3de4355555554, "333333333.33333325"),
            (0x41b3de4355555555, "333333333.3333333"),
            (0x41b3de4355555556, "333333333.3333334"),
            (0x41b3de4355555557, "333333333.33333343"),
            (0xbecbf647612f3696, "-0.0000033333333333333333"),
            (0x43143ff3c1cb0959, "1424953923781206.2"),
            (0x4008000000000000, "3"),
            (0x3fb999999999999a, "0.1"),
        ];
        for (bits, text) in cases {
            assert_eq!(ecmascript(f64::from_bits(bits)), text, "{bits:016x}");
        }
    }

    #[test]
    fn a_number_is_read_back_as_it_was() {
        // Splitmix64, for every kind of exponent and fraction.
        let mut state = 0u64;
        for _ in 0..200_000 {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let value = f64::from_bits(bits ^ (bits >> 31));
            if value.is_finite() {
                let text = ecmascript(value);
                assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()), "{text}");
            }
        }
    }

    // RFC 8785, 3.2.2 and 3.2.3
    #[test]
    fn members_are_sorted_by_utf_16_and_texts_escaped_no_more_than_they_must_be() {
        let document = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        let expected = concat!(
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
            "\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        assert_eq!(canonical(document), expected);
        let document = r#"{"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7}"#;
        let expected = "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}";
        assert_eq!(canonical(document), expected);
    }

    #[test]
    fn what_is_not_i_json_has_no_canonical_form() {
        for document in [
            r#"{"a": 1, "a": 2}"#,
            r#"{"a": 1, "\u0061": 1}"#,
            r#"["\ud800"]"#,
            "[9007199254740993]",
            "[-18446744073709551615e0, 1e999]",
            "[1",
            "{} {}",
            "\u{feff}{}",
            "",
        ] {
            assert!(Value::read(document.as_bytes()).is_err(), "{document}");
        }
        assert!(Value::read(b"\"\xff\"").is_err());
        assert!(Value::read("[".repeat(100_000).as_bytes()).is_err());
    }
}
