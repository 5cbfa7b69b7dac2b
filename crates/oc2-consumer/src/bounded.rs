//! A map that forgets: the oldest entries go when there are too many or their time is over.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::{Duration, Instant};

/// A map of bounded size whose entries live for a bounded time, unless they are still in use.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    entries: HashMap<K, (u64, V)>,
    /// When each entry was inserted, by its number.
    order: BTreeMap<u64, (Instant, K)>,
    capacity: usize,
    lifetime: Duration,
    n_inserted: u64,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    pub(crate) fn new(capacity: usize, lifetime: Duration) -> Self {
        Self { entries: HashMap::new(), order: BTreeMap::new(), capacity, lifetime, n_inserted: 0 }
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// The entries, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.order.values().filter_map(|(_, key)| Some((key, self.get(key)?)))
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let (number, value) = self.entries.remove(key)?;
        self.order.remove(&number);
        Some(value)
    }

    /// Adds an entry and forgets old ones of which `is_in_use` says no, and the one it replaces; all these are returned.
    /// Entries in use are kept: what bounds them is the number of commands that are under way.
    pub(crate) fn insert(&mut self, key: K, value: V, now: Instant, is_in_use: impl Fn(&V) -> bool) -> Vec<V> {
        let replaced = self.remove(&key);
        let mut forgotten = Vec::from_iter(replaced);
        self.forget(now, is_in_use, &mut forgotten);
        self.put(key, value, now);
        forgotten
    }

    fn put(&mut self, key: K, value: V, inserted: Instant) {
        self.n_inserted += 1;
        self.order.insert(self.n_inserted, (inserted, key.clone()));
        self.entries.insert(key, (self.n_inserted, value));
    }

    fn forget(&mut self, now: Instant, is_in_use: impl Fn(&V) -> bool, forgotten: &mut Vec<V>) {
        for _ in 0..self.order.len() {
            let is_full = self.entries.len() >= self.capacity;
            let Some(oldest) = self.order.first_entry() else { return };
            if !is_full && now.duration_since(oldest.get().0) < self.lifetime {
                return;
            }
            let (inserted, key) = oldest.remove();
            match self.entries.remove(&key) {
                Some((_, value)) if is_in_use(&value) => self.put(key, value, inserted),
                Some((_, value)) => forgotten.push(value),
                None => {}
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
        let forgotten: Vec<_> = (0..4).map(|key| map.insert(key, key, now, |_| false)).collect();
        assert_eq!(forgotten, [vec![], vec![], vec![], vec![0]]);
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

    #[test]
    fn what_was_removed_displaces_nothing_and_leaves_nothing() {
        let (mut map, now) = (bounded(), Instant::now());
        map.insert(0, 0, now, |_| false);
        for key in 1..100 {
            map.insert(key, key, now, |_| false);
            map.remove(&key);
        }
        assert_eq!((map.get(&0), map.entries.len(), map.order.len()), (Some(&0), 1, 1));
    }
}
