//! What is still remembered when a store is opened.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::journal::Row;
use crate::replay::CAPACITY;

/// Rows to be written, by number; none is one to be deleted.
pub(super) type Changes = BTreeMap<u64, Option<Row>>;

/// The rows that are alive at `now` (milliseconds since 1970) if one lives for `lifetime`, and what is to be changed on the disk to hold them and no
/// others. Rows come in the order of their numbers, which is the order in which requests were taken on.
///
/// The clock of the host may have been set meanwhile. Numbers tell what it cannot: a row is no older than those before it, so
/// none is lost because the clock was behind when it was written. A row from the future was written when the clock was ahead:
/// it counts from now on, and is rewritten so, else it would be young again at every start.
pub(super) fn revise(rows: Vec<(u64, Row)>, lifetime: Duration, now: u64) -> (Vec<(u64, Row)>, Changes) {
    let mut changes = Changes::new();
    let mut latest = 0;
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|(number, row)| {
            latest = row.admitted.clamp(latest, now);
            if latest != row.admitted {
                changes.insert(number, Some(Row { admitted: latest, ..row.clone() }));
            }
            (number, Row { admitted: latest, ..row })
        })
        .collect();
    let lifetime = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
    let (mut n_kept, mut keys) = (0, HashSet::new());
    rows.reverse();
    rows.retain(|(number, row)| {
        // Of two rows with one key the former was for a Command that was not performed and may be tried again.
        let is_alive = now - row.admitted < lifetime && n_kept < CAPACITY && keys.insert(row.key);
        if is_alive {
            n_kept += 1;
        } else {
            changes.insert(*number, None);
        }
        is_alive
    });
    rows.reverse();
    (rows, changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Fingerprint;
    use crate::replay::LIFETIME as HOUR;

    /// Rows numbered from 1 on, each with a key of its own, taken on at these minutes.
    fn rows(minutes: &[u64]) -> Vec<(u64, Row)> {
        (1..).zip(minutes).map(|(number, minute)| (number, row(number, *minute))).collect()
    }

    fn row(key: u64, minute: u64) -> Row {
        let mut print = [0; 32];
        print[..8].copy_from_slice(&key.to_le_bytes());
        Row { admitted: minute * 60_000, key: Fingerprint(print), content: Fingerprint([0; 32]), outcome: None }
    }

    /// Compares the rows that are left with the minutes they count from, and what is deleted.
    #[track_caller]
    fn check(minutes: &[u64], now: u64, left: &[(u64, u64)], deleted: &[u64]) {
        let (rows, changes) = revise(rows(minutes), HOUR, now * 60_000);
        let found: Vec<_> = rows.iter().map(|(number, row)| (*number, row.admitted / 60_000)).collect();
        assert_eq!(found, left);
        let found: Vec<_> = changes.iter().filter(|(_, row)| row.is_none()).map(|(number, _)| *number).collect();
        assert_eq!(found, deleted);
        for (number, row) in changes.into_iter().filter_map(|(number, row)| Some((number, row?))) {
            assert!(rows.contains(&(number, row)), "what is rewritten is alive");
        }
    }

    #[test]
    fn what_is_older_than_an_hour_is_deleted() {
        check(&[100, 101, 130], 161, &[(3, 130)], &[1, 2]);
        check(&[100, 101, 130], 160, &[(2, 101), (3, 130)], &[1]);
        check(&[], 160, &[], &[]);
    }

    #[test]
    fn what_a_broker_may_bring_again_is_kept_as_long() {
        let (left, _) = revise(rows(&[0, 100, 130]), 2 * HOUR, 161 * 60_000);
        assert_eq!(left.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn a_clock_that_was_behind_loses_nothing() {
        check(&[100, 20, 30, 102], 103, &[(1, 100), (2, 100), (3, 100), (4, 102)], &[]);
    }

    #[test]
    fn a_clock_that_was_ahead_makes_nothing_immortal() {
        let all = [(1, 100), (2, 103), (3, 103)];
        check(&[100, 9_000, 102], 103, &all, &[]);
        let (_, changes) = revise(rows(&[100, 9_000, 102]), HOUR, 103 * 60_000);
        let rewritten: Vec<_> = changes.into_iter().map(|(number, row)| (number, row.unwrap().admitted)).collect();
        assert_eq!(rewritten, [(2, 103 * 60_000), (3, 103 * 60_000)], "so that the next start finds them older");
    }

    #[test]
    fn of_one_key_the_last_row_counts() {
        let (left, changes) = revise(vec![(1, row(7, 1)), (2, row(8, 1)), (3, row(7, 2))], HOUR, 120_000);
        assert_eq!(left.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(changes.into_iter().collect::<Vec<_>>(), [(1, None)]);
    }

    #[test]
    fn no_more_are_left_than_are_remembered_anyway() {
        let (left, changes) = revise(rows(&vec![1; CAPACITY + 5]), HOUR, 60_000);
        assert_eq!((left.len(), left[0].0, changes.len()), (CAPACITY, 6, 5));
    }
}
