//! How an order is undone: what it did, small enough to be noted.

use oc2_core::Rejection;
use oc2_core::types::time::DateTime;
use oc2_profile_slpf::{Refusal, RuleNumber};
use serde::{Deserialize, Serialize};

use super::{Edit, Plan, RuleList, Step};
use crate::config::ChainPrefix;
use crate::record::RuleRecord;

/// What an order did to one rule. A rule that was deleted for good is not among it, nor are rules that a file replaced: they
/// may have to come back to a list that is another one by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It made the rule, at this time.
    Made(RuleNumber, DateTime),
    /// It suspended the rule, until then in place of until another time, or not at all.
    Suspended { number: RuleNumber, until: DateTime, before: Option<DateTime> },
}

impl Deed {
    /// What a plan will have done, if that is to be undone at all.
    pub(crate) fn of(plan: &Plan) -> Option<Self> {
        let Step::Edit(edits) = &plan.step else { return None };
        let [Edit { number, before, after: Some(after) }] = &edits[..] else { return None };
        let after = after.record();
        match (before, after.suspended_until) {
            (None, _) => Some(Self::Made(*number, after.created)),
            (Some(before), Some(until)) => {
                Some(Self::Suspended { number: *number, until, before: before.record().suspended_until })
            }
            (Some(_), None) => None,
        }
    }

    /// The edit that ends it.
    ///
    /// # Errors
    /// It is not as the order left it any more.
    pub(super) fn undone(self, rules: &RuleList) -> Result<Edit, Rejection> {
        let (Self::Made(number, _) | Self::Suspended { number, .. }) = self;
        let entry = rules.get(number).ok_or_else(|| too_late("the rule is not there any more"))?;
        let record = entry.record();
        let after = match self {
            Self::Made(_, created) if record.created == created && record.suspended_until.is_none() => None,
            Self::Suspended { until, before, .. } if record.suspended_until == Some(until) => {
                Some(entry.with(RuleRecord { suspended_until: before, ..record.clone() }))
            }
            Self::Made(..) => return Err(too_late("another command changed the rule since")),
            Self::Suspended { .. } => return Err(too_late("the rule is not suspended by it any more")),
        };
        Ok(Edit { number, before: Some(std::sync::Arc::clone(entry)), after })
    }

    /// As a note.
    pub(crate) fn write(self, store: &ChainPrefix) -> Vec<u8> {
        let store = store.to_string();
        let note = match self {
            Self::Made(number, created) => {
                Note { store, rule: number.as_i64(), created: Some(created.as_millis()), until: None, before: None }
            }
            Self::Suspended { number, until, before } => Note {
                store,
                rule: number.as_i64(),
                created: None,
                until: Some(until.as_millis()),
                before: before.map(DateTime::as_millis),
            },
        };
        serde_json::to_vec(&note).unwrap_or_default()
    }

    /// From a note; none if it was not written for this store.
    pub(crate) fn read(note: &[u8], store: &ChainPrefix) -> Option<Self> {
        let Note { store: of, rule, created, until, before } = serde_json::from_slice(note).ok()?;
        let number = RuleNumber::new(rule).ok()?;
        let time = |milliseconds: u64| DateTime::from_millis(milliseconds).ok();
        if of != store.to_string() {
            return None;
        }
        match (created, until) {
            (Some(created), None) => Some(Self::Made(number, time(created)?)),
            (None, Some(until)) => Some(Self::Suspended { number, until: time(until)?, before: before.and_then(time) }),
            _ => None,
        }
    }
}

fn too_late(reason: &str) -> Rejection {
    Refusal::RuleNotRemoved.with(format_args!("too late: {reason}"))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    store: String,
    rule: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_by_the_store_it_was_written_for() {
        let (ours, other): (ChainPrefix, ChainPrefix) = ("OC2".parse().unwrap(), "OC3".parse().unwrap());
        let (number, time) = (RuleNumber::new(-7).unwrap(), DateTime::from_millis(5).unwrap());
        for deed in [
            Deed::Made(number, time),
            Deed::Suspended { number, until: time, before: None },
            Deed::Suspended { number, until: time, before: Some(DateTime::default()) },
        ] {
            let note = deed.write(&ours);
            assert_eq!((Deed::read(&note, &ours), Deed::read(&note, &other)), (Some(deed), None));
        }
        for note in ["", "{}", r#"{"store":"OC2","rule":1}"#, r#"{"store":"OC2","rule":1,"created":1,"until":2}"#] {
            assert_eq!(Deed::read(note.as_bytes(), &ours), None, "{note}");
        }
    }
}
