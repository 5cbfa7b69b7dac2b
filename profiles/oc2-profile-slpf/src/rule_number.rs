//! Numbers of rules (SLPF 2.1.3.2, Rule-ID).

use std::fmt;
use std::str::FromStr;

use oc2_core::shape::read::{Context, Read, integer};
use oc2_core::shape::write::Write;
use oc2_core::shape::{Kind, Shape};
use oc2_core::{Form, Invalid};
use serde::{Deserializer, Serializer};

/// The number of a rule: its identity, and its place in the list, lowest first (DECISIONS S1). Within plus or minus
/// 2^53 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleNumber(i64);

impl RuleNumber {
    /// Checks a number.
    ///
    /// # Errors
    /// It is beyond plus or minus 2^53 - 1.
    pub fn new(number: i64) -> Result<Self, Invalid> {
        if (-MAX..=MAX).contains(&number) {
            return Ok(Self(number));
        }
        Err(Invalid::new(format!("{number} is not {WHAT} ({}..{MAX})", -MAX)))
    }

    /// The number.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }
}

impl FromStr for RuleNumber {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::new(text.parse().map_err(|_| Invalid::new(format!("{text:?} is not {WHAT}")))?)
    }
}

impl fmt::Display for RuleNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Read for RuleNumber {
    fn shape() -> &'static Shape {
        const SHAPE: Shape =
            Shape::plain("Rule-ID", "SLPF 2.1.3.2 (SLPF-028), DECISIONS S1", Kind::Integer { min: -MAX, max: MAX });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        integer(context, deserializer, -MAX, MAX, WHAT).map(Self)
    }
}

impl Write for RuleNumber {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

/// The largest integer every I-JSON peer can represent.
const MAX: i64 = (1 << 53) - 1;
const WHAT: &str = "a rule number";
