use std::sync::{Arc, Mutex, PoisonError};

use super::*;

/// A ledger in memory that fails on demand. Clones are the same ledger.
#[derive(Clone, Default)]
struct Double(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    rows: BTreeMap<u64, Row>,
    n_writes: usize,
    fault: Option<Fault>,
}

#[derive(Clone, Copy)]
enum Fault {
    /// Nothing is written.
    Refuses,
    /// All is written, and said not to be.
    Lies,
    Panics,
}

const FAULTS: [Fault; 3] = [Fault::Refuses, Fault::Lies, Fault::Panics];

impl Double {
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn becomes(&self, fault: Option<Fault>) {
        self.with(|state| state.fault = fault);
    }

    /// The numbers of the rows, and whether each has its outcome.
    fn rows(&self) -> Vec<(u64, bool)> {
        self.with(|state| state.rows.iter().map(|(number, row)| (*number, row.outcome.is_some())).collect())
    }

    async fn is_mended(&self, rows: &[(u64, bool)]) {
        for _ in 0..500 {
            if self.rows() == rows {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?} instead of {rows:?}", self.rows());
    }
}

impl Ledger for Double {
    fn write(&mut self, changes: &Changes, void_from: Option<u64>) -> Result<(), Failure> {
        self.with(|state| {
            state.n_writes += 1;
            match state.fault {
                Some(Fault::Refuses) => return Err("on purpose".into()),
                Some(Fault::Panics) => panic!("on purpose"),
                Some(Fault::Lies) | None => {}
            }
            if let Some(first) = void_from {
                state.rows.retain(|number, _| *number < first);
            }
            for (number, row) in changes {
                match row {
                    Some(row) => _ = state.rows.insert(*number, row.clone()),
                    None => _ = state.rows.remove(number),
                }
            }
            if state.fault.is_some() { Err("on purpose".into()) } else { Ok(()) }
        })
    }
}

fn row(outcome: Option<&str>) -> Option<Row> {
    let print = Fingerprint([0; 32]);
    Some(Row { admitted: 0, key: print, content: print, outcome: outcome.map(|text| text.as_bytes().to_vec()) })
}

fn started() -> (Journal, Double) {
    let double = Double::default();
    (Journal::start(double.clone(), 0).unwrap(), double)
}

#[tokio::test]
async fn what_waits_is_written_at_once() {
    let (journal, double) = started();
    let pending: Vec<_> =
        double.with(|_| (1..=100).map(|number| journal.write(number, row(None), Vec::new())).collect());
    for pending in pending {
        pending.done().await.unwrap();
    }
    assert_eq!(double.rows().len(), 100);
    assert!(double.with(|state| state.n_writes) <= 2, "one that was first, and all others");
}

#[tokio::test]
async fn what_was_forgotten_goes_with_what_is_written() {
    let (journal, double) = started();
    for number in 1..=3 {
        journal.write(number, row(Some("done")), Vec::new()).done().await.unwrap();
    }
    journal.write(4, row(None), vec![1, 3]).done().await.unwrap();
    assert_eq!(double.rows(), [(2, true), (4, false)]);
    journal.write(4, None, Vec::new()).done().await.unwrap();
    assert_eq!((double.rows(), double.with(|state| state.n_writes)), (vec![(2, true)], 5));
}

#[tokio::test]
async fn what_was_refused_is_not_there_and_not_tried_again() {
    for fault in FAULTS {
        let (journal, double) = started();
        journal.write(1, row(Some("done")), Vec::new()).done().await.unwrap();
        double.becomes(Some(fault));
        assert_eq!(journal.write(2, row(None), Vec::new()).done().await, Err(NotWritten));
        // To forget it costs nothing.
        let n_writes = double.with(|state| state.n_writes);
        journal.write(2, None, Vec::new()).done().await.unwrap();
        assert_eq!(double.with(|state| state.n_writes), n_writes);
        double.becomes(None);
        journal.write(3, row(None), Vec::new()).done().await.unwrap();
        assert_eq!(double.rows(), [(1, true), (3, false)]);
    }
}

#[tokio::test]
async fn an_outcome_and_a_deletion_are_tried_until_they_succeed() {
    for fault in FAULTS {
        let (journal, double) = started();
        for number in 1..=3 {
            journal.write(number, row(None), Vec::new()).done().await.unwrap();
        }
        double.becomes(Some(fault));
        assert_eq!(journal.write(1, row(Some("done")), Vec::new()).done().await, Err(NotWritten));
        assert_eq!(journal.write(2, None, Vec::new()).done().await, Err(NotWritten));
        double.becomes(None);
        double.is_mended(&[(1, true), (3, false)]).await;
    }
}

#[tokio::test]
async fn what_is_owed_is_written_with_the_next_or_at_the_end() {
    let (journal, double) = started();
    journal.write(1, row(None), Vec::new()).done().await.unwrap();
    double.becomes(Some(Fault::Refuses));
    journal.write(1, row(Some("done")), Vec::new()).done().await.unwrap_err();
    // That of a row that was not there before: of a Command that was cancelled before its time.
    journal.write(2, row(Some("cancelled")), Vec::new()).done().await.unwrap_err();
    double.becomes(None);
    drop(journal);
    assert_eq!(double.rows(), [(1, true), (2, true)]);
}

#[tokio::test]
async fn a_disk_that_fails_for_long_costs_no_memory() {
    let mut writer = Writer {
        ledger: Double::default(),
        owed: Changes::new(),
        written_up_to: 0,
        has_failed: false,
        is_failing: Arc::default(),
    };
    let order = |number, row, forgotten| Order { number, row, forgotten, done: oneshot::channel().0 };
    writer.write([order(1, row(None), vec![])]);
    writer.ledger.becomes(Some(Fault::Refuses));
    for number in 2..1_000 {
        writer.write([order(number, row(None), vec![])]);
        writer.write([order(number, None, vec![])]);
        writer.write([order(1, row(Some("done")), vec![])]);
    }
    assert_eq!(writer.owed.len(), 1);
    // Forgotten because there are too many or it is too old: a deletion is owed, no outcome.
    writer.write([order(1_000, row(None), vec![1])]);
    assert_eq!(writer.owed, Changes::from([(1, None)]));
}

#[tokio::test]
async fn who_does_not_wait_is_written_too() {
    let (journal, double) = started();
    drop(journal.write(1, row(None), Vec::new()));
    drop(journal);
    assert_eq!(double.rows(), [(1, false)]);
}
