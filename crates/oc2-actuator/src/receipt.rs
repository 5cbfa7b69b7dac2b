use std::any::Any as StdAny;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oc2_core::any::Any;

/// What a Consumer wants to be written together with the effects of a Command: that it was performed, and with which results.
///
/// An actuator whose effects are durable in the ledger that the Consumer keeps too [takes](Self::take) the entry and writes it
/// in the step that makes the effects durable. Then both are there or neither, whatever becomes of the process, and the
/// Consumer need not write anything before or after. Which ledger that is, and what an entry is, the two know; this type does
/// not. Clones are the same receipt.
#[derive(Clone)]
pub struct Receipt(Arc<dyn Slip>);

impl Receipt {
    /// A receipt for a ledger, with what makes the entry once the results are known.
    pub fn new<L: StdAny + Send + Sync>(
        ledger: L,
        entry: impl Fn(Option<Any>) -> Option<Box<dyn StdAny + Send>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner { ledger, entry, is_taken: AtomicBool::new(false) }))
    }

    /// Whether it is for this ledger.
    #[must_use]
    pub fn is_for<L: StdAny + PartialEq>(&self, ledger: &L) -> bool {
        self.0.ledger().downcast_ref::<L>() == Some(ledger)
    }

    /// The entry that says that the Command was performed with these results. Whoever takes it and performs the Command has
    /// made both durable; may be asked again if the first was not written.
    #[must_use]
    pub fn take<E: StdAny>(&self, results: Option<Any>) -> Option<E> {
        let entry = self.0.entry(results)?.downcast().ok()?;
        self.0.is_taken().store(true, Ordering::Release);
        Some(*entry)
    }

    /// Whether it was taken. If the Command succeeded as well, it is durable that it did.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.0.is_taken().load(Ordering::Acquire)
    }
}

/// A receipt of which neither the ledger nor the entry is known.
trait Slip: Send + Sync {
    fn ledger(&self) -> &dyn StdAny;
    fn entry(&self, results: Option<Any>) -> Option<Box<dyn StdAny + Send>>;
    fn is_taken(&self) -> &AtomicBool;
}

struct Inner<L, E> {
    ledger: L,
    entry: E,
    is_taken: AtomicBool,
}

impl<L, E> Slip for Inner<L, E>
where
    L: StdAny + Send + Sync,
    E: Fn(Option<Any>) -> Option<Box<dyn StdAny + Send>> + Send + Sync,
{
    fn ledger(&self) -> &dyn StdAny {
        &self.ledger
    }

    fn entry(&self, results: Option<Any>) -> Option<Box<dyn StdAny + Send>> {
        (self.entry)(results)
    }

    fn is_taken(&self) -> &AtomicBool {
        &self.is_taken
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_taken_by_who_knows_what_it_is() {
        let receipt = Receipt::new(7_u64, |results| Some(Box::new(results.is_none())));
        assert!(receipt.is_for(&7_u64) && !receipt.is_for(&8_u64) && !receipt.is_for(&7_u32));
        assert_eq!(receipt.take::<String>(None), None);
        assert!(!receipt.is_taken());
        assert_eq!(receipt.clone().take(None), Some(true));
        assert!(receipt.is_taken());
    }

    #[test]
    fn what_cannot_be_written_is_not_taken() {
        let receipt = Receipt::new((), |_| None);
        assert_eq!(receipt.take::<bool>(None), None);
        assert!(!receipt.is_taken());
    }
}
