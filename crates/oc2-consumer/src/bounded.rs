//! A map that forgets: the oldest entries go when there are too many or their time is over.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// A map of bounded size whose entries live for a bounded time, unless they are still in use.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    entries: HashMap<K, (u64, V)>,
    order: VecDeque<(Instant, u64, K)>,
    capacity: usize,
    lifetime: Duration,
    n_inserted: u64,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    pub(crate) fn new(capacity: usize, lifetime: Duration) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), capacity, lifetime, n_inserted: 0 }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }

    /// Adds an entry and forgets old ones of which `is_in_use` says no. Entries in use are kept: what bounds them is
    /// the number of commands that run at once.
    pub(crate) fn insert(&mut self, key: K, value: V, now: Instant, is_in_use: impl Fn(&V) -> bool) {
        self.forget(now, is_in_use);
        self.n_inserted += 1;
        self.entries.insert(key.clone(), (self.n_inserted, value));
        self.order.push_back((now, self.n_inserted, key));
    }

    fn forget(&mut self, now: Instant, is_in_use: impl Fn(&V) -> bool) {
        for _ in 0..self.order.len() {
            let is_due = self.order.front().is_some_and(|(inserted, ..)| {
                self.order.len() >= self.capacity || now.duration_since(*inserted) >= self.lifetime
            });
            if !is_due {
                return;
            }
            let Some((inserted, n, key)) = self.order.pop_front() else { return };
            match self.entries.get(&key) {
                Some((current, value)) if *current == n => {
                    if is_in_use(value) {
                        self.order.push_back((inserted, n, key));
                    } else {
                        self.entries.remove(&key);
                    }
                }
                // The entry was removed, or replaced by a later one that has its own place in the order.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded() -> Bounded<u32, u32> {
        Bounded::new(3, Duration::from_secs(60))
    }

    #[test]
    fn the_oldest_entry_goes_when_there_are_too_many() {
        let (mut map, now) = (bounded(), Instant::now());
        for key in 0..4 {
            map.insert(key, key, now, |_| false);
        }
        assert_eq!((map.get(&0), map.get(&1), map.get(&3)), (None, Some(&1), Some(&3)));
        assert_eq!(map.entries.len(), 3);
    }

    #[test]
    fn an_entry_goes_when_its_time_is_over() {
        let (mut map, now) = (bounded(), Instant::now());
        map.insert(0, 0, now, |_| false);
        map.insert(1, 1, now + Duration::from_secs(61), |_| false);
        assert_eq!((map.get(&0), map.get(&1)), (None, Some(&1)));
    }

    #[test]
    fn an_entry_in_use_stays() {
        let (mut map, now) = (bounded(), Instant::now());
        for key in 0..6 {
            map.insert(key, key, now, |value| *value == 0);
        }
        assert_eq!((map.get(&0), map.get(&1), map.get(&5)), (Some(&0), None, Some(&5)));
    }

    #[test]
    fn a_replaced_entry_is_not_forgotten_with_the_one_it_replaced() {
        let (mut map, now) = (bounded(), Instant::now());
        map.insert(0, 0, now, |_| false);
        map.remove(&0);
        for key in [1, 0, 2] {
            map.insert(key, 10 + key, now, |_| false);
        }
        assert_eq!(map.get(&0), Some(&10));
    }
}
