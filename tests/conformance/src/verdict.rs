//! What became of each row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clause::{Binds, Role, Row, row, rows};
use crate::exchange::Exchange;
use crate::{sums, unseen};

/// How a row ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    NotMet,
    /// As far as it could be exercised it is met; something of it could not.
    Partly,
    Met,
    /// Not asked for, or not possible against this subject.
    Skipped,
    /// It cannot be seen from the network on this side.
    NotObservable,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NotMet => "not met",
            Self::Partly => "partly",
            Self::Met => "met",
            Self::Skipped => "skipped",
            Self::NotObservable => "not observable",
        }
    }
}

/// What was seen of a row.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Seen {
    /// How often it was seen to be met.
    pub(crate) n_met: usize,
    pub(crate) faults: Vec<Fault>,
    pub(crate) n_faults: usize,
    /// What could not be exercised, and why.
    pub(crate) lacks: Vec<String>,
    /// Packets have shown what answers cannot.
    pub(crate) by_packets: bool,
}

/// One time that a row was not met.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Fault {
    /// What was looked at.
    pub(crate) point: String,
    pub(crate) expected: String,
    pub(crate) told: String,
    pub(crate) exchange: Exchange,
}

/// All that was seen in a run.
#[derive(Debug, Default)]
pub(crate) struct Notes(BTreeMap<&'static str, Seen>);

impl Notes {
    pub(crate) fn met(&mut self, id: &'static str) {
        self.0.entry(id).or_default().n_met += 1;
    }

    pub(crate) fn fault(&mut self, id: &'static str, fault: Fault) {
        let seen = self.0.entry(id).or_default();
        seen.n_faults += 1;
        // The same fault in every exchange is told once or twice.
        if seen.faults.len() < TOLD && !seen.faults.iter().any(|own| own.point == fault.point) {
            seen.faults.push(fault);
        }
    }

    pub(crate) fn lack(&mut self, id: &'static str, reason: &str) {
        let lacks = &mut self.0.entry(id).or_default().lacks;
        if !lacks.iter().any(|own| own == reason) {
            lacks.push(reason.to_owned());
        }
    }

    /// Notes of each of these rows that something was as expected, or not.
    pub(crate) fn note(&mut self, ids: Vec<&'static str>, is_met: bool, fault: impl Fn() -> Fault) {
        for id in ids {
            if is_met { self.met(id) } else { self.fault(id, fault()) }
        }
    }

    /// Takes over what packets have shown of the same subject.
    pub(crate) fn merge_packets(&mut self, mut other: Self) {
        other.0.values_mut().for_each(|seen| seen.by_packets = true);
        self.merge(other);
    }

    /// For another process.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.0)
    }

    /// From another process.
    pub(crate) fn from_json(json: &[u8]) -> serde_json::Result<Self> {
        let seen: BTreeMap<String, Seen> = serde_json::from_slice(json)?;
        Ok(Self(seen.into_iter().filter_map(|(id, seen)| Some((row(&id)?.id, seen))).collect()))
    }

    /// The same, unless something was seen of the row.
    pub(crate) fn lack_if_unseen(&mut self, id: &'static str, reason: &str) {
        if self.0.get(id).is_none_or(|seen| seen.n_met + seen.n_faults == 0 && seen.lacks.is_empty()) {
            self.lack(id, reason);
        }
    }

    pub(crate) fn n_faulty(&self) -> usize {
        self.0.values().filter(|seen| seen.n_faults > 0).count()
    }

    /// Takes over what was seen of the same subject in another way: what it could not do there and does here, it can.
    pub(crate) fn merge(&mut self, other: Self) {
        for (id, other) in other.0 {
            let Some(own) = self.0.get_mut(id) else {
                self.0.insert(id, other);
                continue;
            };
            match (own.n_met, other.n_met) {
                (0, 1..) => own.lacks = other.lacks,
                (1.., 0) => {}
                (1.., 1..) => own.lacks.retain(|lack| other.lacks.contains(lack)),
                (0, 0) => {
                    let new = other.lacks.into_iter().filter(|lack| !own.lacks.contains(lack)).collect::<Vec<_>>();
                    own.lacks.extend(new);
                }
            }
            own.by_packets |= other.by_packets;
            own.n_met += other.n_met;
            own.n_faults += other.n_faults;
            own.faults.extend(other.faults);
            own.faults.truncate(TOLD);
        }
    }

    /// How each row ends, of those that are wanted.
    pub(crate) fn outcomes(mut self, role: Role, is_wanted: impl Fn(&Row) -> bool) -> Vec<Outcome> {
        let all = rows().iter().map(|row| Outcome::of(row, role, self.0.remove(row.id).unwrap_or_default()));
        let mut all: Vec<_> = all.collect();
        sums::add_up(&mut all);
        all.retain(|outcome| is_wanted(outcome.row));
        all
    }
}

/// How a row ended, and why.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) row: &'static Row,
    pub(crate) verdict: Verdict,
    pub(crate) reasons: Vec<String>,
    pub(crate) n_seen: usize,
    pub(crate) faults: Vec<Fault>,
    pub(crate) n_faults: usize,
}

impl Outcome {
    fn of(row: &'static Row, role: Role, seen: Seen) -> Self {
        let Seen { n_met, faults, n_faults, lacks, by_packets } = seen;
        let (verdict, reasons) = match (n_met, n_faults) {
            (_, 1..) => (Verdict::NotMet, lacks),
            // A condition that this subject does not fulfill asks nothing of it.
            (0, 0) if lacks.iter().any(|lack| is_idle(lack)) => {
                (Verdict::NotObservable, lacks.into_iter().filter(|lack| is_idle(lack)).collect())
            }
            (0, 0) if !lacks.is_empty() => (Verdict::Skipped, lacks),
            (0, 0) => match unseen::reason(row, role) {
                Some(reason) => (Verdict::NotObservable, vec![reason]),
                None => (Verdict::Skipped, vec![NOT_EXERCISED.to_owned()]),
            },
            _ if lacks.iter().all(|lack| is_idle(lack)) => {
                (Verdict::Met, unseen::partly(row.id, role).filter(|_| !by_packets).into_iter().collect())
            }
            _ => (Verdict::Partly, lacks),
        };
        Self { row, verdict, reasons, n_seen: n_met + n_faults, faults, n_faults }
    }
}

fn is_idle(lack: &str) -> bool {
    lack.starts_with("Does not apply: ")
}

/// Why a row does not concern a role.
pub(crate) fn other_side(row: &Row, role: Role) -> Option<&'static str> {
    match (row.binds, role) {
        (Binds::Producer, Role::Consumer) => Some("It binds the Producer."),
        (Binds::Consumer, Role::Producer) => Some("It binds the Consumer."),
        (Binds::Broker, _) => Some("It binds the broker."),
        _ => None,
    }
}

const NOT_EXERCISED: &str = "No check that ran came to it.";
const TOLD: usize = 2;
