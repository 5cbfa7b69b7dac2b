//! A check: what it looks at, what it needs, and the code or the table that does it.

use std::io;

use crate::clause::ids;
use crate::session::Session;
use crate::wire::Transfer;

/// A check of one or more rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    /// What it looks at, in a few words.
    pub(crate) name: &'static str,
    /// The rows that it may tell about, `A..B` for all from A to B.
    pub(crate) rows: &'static str,
    pub(crate) needs: Needs,
    pub(crate) run: fn(&mut Session<'_>) -> io::Result<()>,
}

/// What a check needs to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) over: Over,
    /// It changes what the subject filters, and takes it back.
    pub(crate) changes: bool,
    /// It takes more than a few seconds.
    pub(crate) lengthy: bool,
    /// It speaks CBOR.
    pub(crate) cbor: bool,
    /// It sends what we may not do.
    pub(crate) forbidden: bool,
    /// It sends more than the subject takes at once.
    pub(crate) overloads: bool,
}

/// Over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Anything,
    /// HTTP, with TLS or without.
    Http,
    Tls,
    Mqtt,
    /// MQTT, where the packets of the subject's client can be seen.
    Tap,
    /// MQTT, where the hello of the subject's client to a broker with TLS can be seen.
    SecuredTap,
    /// Packets through its filter, on both sides of which the suite is.
    Packets,
}

impl Check {
    pub(crate) const fn new(
        rows: &'static str,
        name: &'static str,
        run: fn(&mut Session<'_>) -> io::Result<()>,
    ) -> Self {
        let over = Over::Anything;
        let [changes, lengthy, cbor, forbidden, overloads] = [false; 5];
        Self { name, rows, needs: Needs { over, changes, lengthy, cbor, forbidden, overloads }, run }
    }

    pub(crate) const fn over(mut self, over: Over) -> Self {
        self.needs.over = over;
        self
    }

    pub(crate) const fn changing(mut self) -> Self {
        self.needs.changes = true;
        self
    }

    pub(crate) const fn forbidden(mut self) -> Self {
        self.needs.forbidden = true;
        self
    }

    pub(crate) const fn overloading(mut self) -> Self {
        self.needs.overloads = true;
        self
    }

    pub(crate) const fn in_cbor(mut self) -> Self {
        self.needs.cbor = true;
        self
    }

    pub(crate) const fn lengthy(mut self) -> Self {
        self.needs.lengthy = true;
        self
    }

    pub(crate) fn ids(&self) -> Vec<&'static str> {
        ids(self.rows)
    }

    /// Why it cannot run, if it cannot.
    pub(crate) fn obstacle(&self, session: &Session<'_>) -> Option<&'static str> {
        let (transfer, asked) = (session.transfer(), &session.asked);
        match self.needs.over {
            Over::Http if !transfer.is_http() => Some("needs a subject over HTTP: --consumer http://.. or https://.."),
            Over::Tls if transfer != Transfer::Https => Some("needs a subject over TLS: --consumer https://.."),
            Over::Mqtt | Over::Tap | Over::SecuredTap if transfer != Transfer::Mqtt => {
                Some("needs a subject over MQTT: --consumer mqtt://.. --device ID")
            }
            Over::Tap if !session.has_tap() => {
                Some("needs the subject's connection to a broker to be seen: --subject ours-mqtt, or --tap")
            }
            Over::Tap if session.is_secured_tap() => Some("needs packets that TLS hides: --tap without --tls"),
            Over::SecuredTap if !session.is_secured_tap() => {
                Some("needs the subject's client to connect over TLS to a broker of the suite: --tap --tls")
            }
            _ if self.needs.forbidden && asked.forbidden.is_none() => {
                Some("needs a Command that we may not give: --forbidden COMMAND")
            }
            _ if self.needs.overloads && !asked.overloads => Some("sends more than the subject takes: --overload"),
            _ if self.needs.cbor && !asked.cbor => Some("speaks CBOR, which a subject need not take: --cbor"),
            _ if self.needs.changes && !asked.destructive => Some("changes what the subject filters: --destructive"),
            _ if self.needs.changes && !asked.is_ours && !session.lists("delete", "slpf:rule_number") => {
                Some("makes rules, which the subject could not delete again")
            }
            _ if self.needs.lengthy && !asked.lengthy => Some("takes long: --lengthy"),
            _ => None,
        }
    }
}

/// Every check against a Consumer, in the order of the standards; those that change something come last.
pub(crate) fn all() -> Vec<Check> {
    let mut checks = [
        crate::ls::checks(),
        crate::https::checks(),
        crate::mqtt::checks(),
        crate::slpf::checks(),
        crate::arch::checks(),
    ]
    .concat();
    checks.sort_by_key(|check| check.needs.changes);
    checks
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::clause::{Role, rows};
    use crate::{session, unseen};

    #[test]
    fn every_row_has_a_check_or_a_reason_why_it_cannot_be_seen() {
        let mut checked: BTreeSet<_> = all().iter().flat_map(Check::ids).collect();
        checked.extend(session::every::ROWS.iter().flat_map(|list| ids(list)));
        checked.extend(crate::corpus::rows());
        checked.extend(crate::sums::rows());
        let is_open = |id: &str, reason: Option<String>| !checked.contains(id) && reason.is_none();
        let open: Vec<_> = rows().iter().filter(|row| is_open(row.id, unseen::reason(row, Role::Consumer))).collect();
        assert!(
            open.is_empty(),
            "{}",
            open.iter().map(|row| format!("{} {}\n", row.id, row.requirement)).collect::<String>()
        );
        let heard: BTreeSet<_> = crate::producer::rows().into_iter().collect();
        let heard = heard.into_iter().chain(crate::sums::rows()).collect::<BTreeSet<_>>();
        let is_open = |id: &str, reason: Option<String>| !heard.contains(id) && reason.is_none();
        let open: Vec<_> = rows().iter().filter(|row| is_open(row.id, unseen::reason(row, Role::Producer))).collect();
        assert!(
            open.is_empty(),
            "{}",
            open.iter().map(|row| format!("{} {}\n", row.id, row.requirement)).collect::<String>()
        );
    }
}
