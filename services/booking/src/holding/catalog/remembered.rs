//! Values that are remembered for a while.

use std::{
    hash::Hash,
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

/// Values that are remembered for a fixed time, while there is room.
pub(crate) struct Remembered<K, V> {
    cache: Cache<K, (V, Instant)>,
    length: Duration,
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// Room for about this many values.
    pub(crate) fn new(room: usize, length: Duration) -> Self {
        Self { cache: Cache::new(room), length }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let (value, since) = self.cache.get(key)?;
        (since.elapsed() < self.length).then_some(value)
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        self.cache.insert(key, (value, Instant::now()));
    }

    pub(crate) fn remove(&self, key: &K) {
        self.cache.remove(key);
    }
}
