//! The conformance clauses of the standards, and the rows that count towards each.

use crate::clause::{Role, ids};
use crate::verdict::{Outcome, Verdict};

/// A conformance clause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Class {
    pub(crate) specification: &'static str,
    pub(crate) section: &'static str,
    pub(crate) name: &'static str,
    pub(crate) role: Option<Role>,
    rows: &'static str,
}

impl Class {
    /// How it ends: what is mandatory decides.
    pub(crate) fn sum(&self, outcomes: &[Outcome]) -> Option<Sum> {
        let ids = ids(self.rows);
        let own: Vec<_> = outcomes.iter().filter(|outcome| ids.contains(&outcome.row.id)).collect();
        let count = |verdict| own.iter().filter(|outcome| outcome.verdict == verdict).count();
        let counts =
            [Verdict::Met, Verdict::NotMet, Verdict::Partly, Verdict::Skipped, Verdict::NotObservable].map(count);
        let [n_met, n_not_met, n_partly, n_skipped, _] = counts;
        let is_broken = own.iter().any(|outcome| outcome.verdict == Verdict::NotMet && outcome.row.is_mandatory());
        // A clause that nobody has to claim, and this subject does not.
        let is_not_claimed = |outcome: &&&Outcome| {
            outcome.verdict == Verdict::NotObservable
                && outcome.reasons.iter().any(|reason| reason.contains("does not claim this clause"))
        };
        let verdict = if own.iter().any(|outcome| is_not_claimed(&outcome)) {
            Verdict::Skipped
        } else if is_broken {
            Verdict::NotMet
        } else if n_met + n_partly == 0 {
            if n_skipped > 0 { Verdict::Skipped } else { Verdict::NotObservable }
        } else if n_not_met + n_partly + n_skipped > 0 {
            Verdict::Partly
        } else {
            Verdict::Met
        };
        (!own.is_empty()).then_some(Sum { verdict, counts })
    }
}

/// How a clause ended: met, not met, partly, skipped, not observable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    pub(crate) verdict: Verdict,
    pub(crate) counts: [usize; 5],
}

/// The clauses that concern a role.
pub(crate) fn classes(role: Role) -> impl Iterator<Item = &'static Class> {
    CLASSES.iter().filter(move |class| class.role.is_none_or(|own| own == role))
}

const fn class(
    specification: &'static str,
    section: &'static str,
    name: &'static str,
    role: Option<Role>,
    rows: &'static str,
) -> Class {
    Class { specification, section, name, role, rows }
}

const C: Option<Role> = Some(Role::Consumer);
const P: Option<Role> = Some(Role::Producer);

const COMMON: &str = "SLPF-014..SLPF-036 SLPF-052 SLPF-053 SLPF-057 SLPF-059 SLPF-063..SLPF-081 SLPF-110..SLPF-126";

const CLASSES: [Class; 35] = [
    class(
        "LS",
        "5.1",
        "Command",
        None,
        "LS-007..LS-015 LS-020..LS-028 LS-030 LS-086..LS-091 LS-093..LS-126 LS-152..LS-202 LS-219..LS-223",
    ),
    class(
        "LS",
        "5.2",
        "Response",
        None,
        "LS-016 LS-029 LS-031 LS-043 LS-132..LS-136 LS-146..LS-151 LS-184 LS-185 LS-203 LS-224 LS-225 LS-232",
    ),
    class(
        "LS",
        "5.3",
        "Producer",
        P,
        "LS-001..LS-006 LS-017..LS-019 LS-032..LS-085 LS-158 LS-160 LS-163 LS-199 LS-204 LS-206..LS-208 LS-226..LS-228",
    ),
    class(
        "LS",
        "5.4",
        "Consumer",
        C,
        "LS-001..LS-006 LS-017..LS-019 LS-032..LS-085 LS-092 LS-121..LS-131 LS-137..LS-145 LS-159 LS-161 LS-205 LS-209..LS-218 LS-229..LS-231",
    ),
    class(
        "SLPF",
        "3.1.1",
        "1 Producer baseline",
        P,
        "SLPF-001..SLPF-007 SLPF-014..SLPF-036 SLPF-037..SLPF-042 SLPF-067..SLPF-070 SLPF-115..SLPF-118 SLPF-143 SLPF-181..SLPF-190",
    ),
    class("SLPF", "3.1.2", "2 IPv4 connection, Producer", P, "SLPF-008..SLPF-010 SLPF-083 SLPF-191"),
    class("SLPF", "3.1.3", "3 IPv6 connection, Producer", P, "SLPF-011..SLPF-013 SLPF-090 SLPF-192"),
    class("SLPF", "3.1.4", "4 IPv4 net, Producer", P, "SLPF-052 SLPF-053 SLPF-193"),
    class("SLPF", "3.1.5", "5 IPv6 net, Producer", P, "SLPF-052 SLPF-053 SLPF-194"),
    class("SLPF", "3.1.6", "6 Update file, Producer", P, "SLPF-056 SLPF-161 SLPF-165..SLPF-169 SLPF-195"),
    class("SLPF", "3.1.7", "7 Delete rule, Producer", P, "SLPF-014 SLPF-144..SLPF-149 SLPF-196"),
    class("SLPF", "3.1.8", "8 Persistent, Producer", P, "SLPF-018 SLPF-197"),
    class("SLPF", "3.1.9", "9 Direction, Producer", P, "SLPF-019 SLPF-026 SLPF-198"),
    class("SLPF", "3.1.10", "10 Drop process, Producer", P, "SLPF-017 SLPF-022 SLPF-199"),
    class("SLPF", "3.1.11", "11 Temporal, Producer", P, "SLPF-016 SLPF-200 SLPF-201"),
    class(
        "SLPF",
        "3.2.1",
        "12 Consumer baseline",
        C,
        "SLPF-001..SLPF-007 SLPF-016 SLPF-021 SLPF-037..SLPF-051 SLPF-054 SLPF-060 SLPF-143 SLPF-202..SLPF-214",
    ),
    class(
        "SLPF",
        "3.2.2",
        "13 IPv4 connection",
        C,
        "SLPF-008..SLPF-010 SLPF-082..SLPF-088 SLPF-127..SLPF-130 SLPF-215",
    ),
    class(
        "SLPF",
        "3.2.3",
        "14 IPv6 connection",
        C,
        "SLPF-011..SLPF-013 SLPF-089..SLPF-095 SLPF-131..SLPF-134 SLPF-216",
    ),
    class("SLPF", "3.2.4", "15 IPv4 net", C, "SLPF-096..SLPF-102 SLPF-135..SLPF-138 SLPF-217"),
    class("SLPF", "3.2.5", "16 IPv6 net", C, "SLPF-103..SLPF-109 SLPF-139..SLPF-142 SLPF-218"),
    class("SLPF", "3.2.6", "17 Update file", C, "SLPF-056 SLPF-062 SLPF-161..SLPF-165 SLPF-170..SLPF-180 SLPF-219"),
    class(
        "SLPF",
        "3.2.7",
        "18 Delete rule",
        C,
        "SLPF-014 SLPF-015 SLPF-028..SLPF-030 SLPF-055 SLPF-061 SLPF-144..SLPF-146 SLPF-150..SLPF-160 SLPF-220",
    ),
    class("SLPF", "3.2.8", "19 Persistent", C, "SLPF-018 SLPF-035 SLPF-036 SLPF-221"),
    class("SLPF", "3.2.9", "20 Direction", C, "SLPF-019 SLPF-026 SLPF-027 SLPF-031..SLPF-033 SLPF-222"),
    class("SLPF", "3.2.10", "21 Drop process", C, "SLPF-017 SLPF-022..SLPF-025 SLPF-034 SLPF-058 SLPF-223"),
    class("SLPF", "3.2.11", "22 Temporal", C, "SLPF-061 SLPF-062 SLPF-224 SLPF-225"),
    class("SLPF", "2.3", "Rules of allow and deny (of clauses 13 to 16)", C, COMMON),
    class("HTTPS", "4.2.1", "Testing", None, "HTTPS-001..HTTPS-017 HTTPS-029..HTTPS-069 HTTPS-075..HTTPS-080"),
    class("HTTPS", "4.2.2", "Operations", None, "HTTPS-018..HTTPS-028 HTTPS-070..HTTPS-074 HTTPS-076"),
    class(
        "MQTT",
        "4",
        "OpenC2 client of MQTT",
        None,
        "MQTT-001..MQTT-004 MQTT-008..MQTT-015 MQTT-017..MQTT-044 MQTT-046..MQTT-055 MQTT-057..MQTT-107 MQTT-109 MQTT-111 MQTT-113 MQTT-115..MQTT-123",
    ),
    class(
        "MQTT",
        "2, B",
        "Broker",
        None,
        "MQTT-005..MQTT-007 MQTT-016 MQTT-045 MQTT-056 MQTT-108 MQTT-110 MQTT-112 MQTT-114",
    ),
    class("ARCH", "3.2", "Producer", P, "ARCH-001..ARCH-004"),
    class("ARCH", "3.3", "Consumer", C, "ARCH-005..ARCH-010 ARCH-013 ARCH-014"),
    class("ARCH", "3.4", "Custom profile", None, "ARCH-011 ARCH-012"),
    class("ARCH", "B.3", "Security", None, "ARCH-015..ARCH-017"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clause::rows;

    #[test]
    fn every_row_counts_towards_a_clause() {
        for row in rows() {
            let is_counted = [Role::Consumer, Role::Producer]
                .into_iter()
                .any(|role| classes(role).any(|class| ids(class.rows).contains(&row.id)));
            assert!(is_counted, "{}", row.id);
        }
    }
}
