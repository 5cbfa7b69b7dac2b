//! What cannot be seen from the network, and why.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::clause::{Binds, Role, Row, ids};
use crate::verdict::other_side;

/// Why a row cannot be seen on this side, if it cannot.
pub(crate) fn reason(row: &Row, role: Role) -> Option<String> {
    let own = other_side(row, role).map(ToOwned::to_owned);
    let own = own.or_else(|| row.is_permission().then(|| PERMISSION.to_owned()));
    let own = own.or_else(|| REASONS.get(&(row.id, side(role))).map(|reason| (*reason).to_owned()));
    let is_for_readers = role == Role::Producer && matches!(row.binds, Binds::Both | Binds::Encoding);
    own.or_else(|| is_for_readers.then(|| READING.to_owned()))
}

/// What of a row that was seen cannot be seen.
pub(crate) fn partly(id: &'static str, role: Role) -> Option<String> {
    REASONS.get(&(id, side(role))).map(|reason| format!("Not seen: {reason}"))
}

/// Why nobody can fail to do what is only permitted.
const PERMISSION: &str = "A permission: whoever does not use it is right as well.";

/// What a Producer makes of what it receives stays with it.
const READING: &str =
    "The Producer has sent nothing that shows it, and how it reads is not seen by whoever answers it.";

fn side(role: Role) -> &'static str {
    match role {
        Role::Consumer => "consumer",
        Role::Producer => "producer",
    }
}

static REASONS: LazyLock<BTreeMap<(&'static str, &'static str), &'static str>> = LazyLock::new(|| {
    let mut reasons = BTreeMap::new();
    for line in include_str!("../unseen.tsv").lines().skip(1).filter(|line| !line.is_empty()) {
        let cells: Vec<_> = line.split('\t').collect();
        let [list, roles, reason] = cells[..] else { panic!("not a row: {line}") };
        for id in ids(list) {
            for role in ["consumer", "producer"].into_iter().filter(|role| roles == "both" || roles == *role) {
                reasons.insert((id, role), reason);
            }
        }
    }
    reasons
});
