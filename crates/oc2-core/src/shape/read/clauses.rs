//! Which clause a value offends that is wrong in a way no type of its own forbids.

use crate::shape::{Kind, Octets, Shape};

/// No two members of the same name (RFC 7493 2.3).
pub(crate) const DISTINCT: &str = "LS 3.1.5 (LS-046), DECISIONS L34";
/// No surrogates and noncharacters (RFC 7493 2.1).
pub(crate) const CHARACTERS: &str = "LS 3.1.5 (LS-047), DECISIONS L34";
/// No numbers that a peer may be unable to represent (RFC 7493 2.2).
pub(crate) const NUMBERS: &str = "LS 3.1.5 (LS-048), DECISIONS L34";
/// The language has no null.
pub(crate) const NULL: &str = "LS 3.1.3 (LS-028), DECISIONS L36";
/// A number is a value; strictly it is spelled as one too.
pub(crate) const SPELLING: &str = "LS 3.1.5 (LS-055), DECISIONS L22";
/// Our own bounds.
pub(crate) const BOUNDS: &str = "DECISIONS L24";

/// How an error starts about a value of another JSON type than its own; serde words it.
pub(crate) const WRONG_TYPE: &str = "invalid type: ";

/// The same about null.
pub(crate) const NULL_FOUND: &str = "invalid type: null";

/// The row of LS 3.1.5 that says how values of this kind are written in JSON; empty for what has none.
pub(crate) fn of_kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Enumerated => "LS 3.1.5 (LS-065)",
        Kind::EnumeratedId => "LS 3.1.5 (LS-066)",
        Kind::Choice => "LS 3.1.5 (LS-063)",
        Kind::Map { .. } => "LS 3.1.5 (LS-067)",
        Kind::Record { .. } => "LS 3.1.5 (LS-070)",
        Kind::ArrayOf { .. } => "LS 3.1.5 (LS-062)",
        Kind::MapOf { .. } => "LS 3.1.5 (LS-069)",
        Kind::String { .. } => "LS 3.1.5 (LS-058)",
        Kind::Integer { .. } => "LS 3.1.5 (LS-055)",
        Kind::Number { .. } => "LS 3.1.5 (LS-056)",
        Kind::Boolean => "LS 3.1.5 (LS-054)",
        Kind::Binary { text: Octets::Base64Url, .. } => "LS 3.1.5 (LS-049)",
        Kind::Binary { text: Octets::Base16, .. } => "LS 3.1.5 (LS-050)",
        Kind::Binary { text: Octets::Eui, .. } => "LS 3.1.5 (LS-053)",
        Kind::Net { width: 32 } => "LS 3.1.5 (LS-060)",
        Kind::Net { .. } => "LS 3.1.5 (LS-061)",
        Kind::Any => "",
    }
}

/// The clause that a member must be present by.
pub(crate) fn of_missing(shape: &Shape, member: &str) -> &'static str {
    match (shape.name, member) {
        ("OpenC2-Command", "action") => "LS 3.3.1 (LS-087)",
        ("OpenC2-Command", "target") => "LS 3.3.1 (LS-088)",
        ("OpenC2-Response", "status") => "LS 3.3.2 (LS-133)",
        _ => shape.clause,
    }
}

/// The clause that a member offends which is present and holds nothing.
pub(crate) fn of_empty(shape: &Shape) -> &'static str {
    match (shape.name, shape.clause) {
        ("Args", ARGS) => "LS 3.3.1 (LS-093), DECISIONS L31",
        (_, clause) => clause,
    }
}

/// The clause that members offend which do not go together.
pub(crate) fn of_whole(shape: &Shape) -> &'static str {
    match (shape.name, shape.clause) {
        ("Args", ARGS) => "LS 3.3.1.4 (LS-122, LS-123), DECISIONS L14",
        ("Headers", HEADERS) => "LS 3.2 (LS-080), DECISIONS M16",
        (_, clause) => clause,
    }
}

const ARGS: &str = "LS 3.3.1.4 (LS-119)";
const HEADERS: &str = "HTTPS 3.3.2 (HTTPS-033)";
