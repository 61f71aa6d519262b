use std::collections::BTreeMap;
use std::ops::RangeBounds;

/// Rows by key, with what they were before the batch that is under way.
///
/// Undoing costs as much as the batch wrote, however many rows there are.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    before: Vec<(K, Option<V>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            before: Vec::new(),
        }
    }
}

impl<K: Ord + Clone, V> Table<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    pub(super) fn range(
        &self,
        range: impl RangeBounds<K>,
    ) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.rows.range(range)
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        let before = self.rows.insert(key.clone(), value);
        self.before.push((key, before));
    }

    pub(super) fn remove(&mut self, key: &K) {
        if let Some((key, value)) = self.rows.remove_entry(key) {
            self.before.push((key, Some(value)));
        }
    }

    /// Makes what was written final.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// Takes back what was written since the last [`Table::keep`], the latest first.
    pub(super) fn roll_back(&mut self) {
        while let Some((key, value)) = self.before.pop() {
            match value {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roll_back_undoes_everything_since_the_last_keep() {
        let mut table = Table::default();
        table.put(1, "one");
        table.put(2, "two");
        table.keep();
        table.put(1, "uno");
        table.put(1, "eins");
        table.remove(&2);
        table.remove(&9);
        table.put(3, "three");
        table.remove(&3);
        table.roll_back();
        let rows: Vec<_> = table.iter().map(|(key, row)| (*key, *row)).collect();
        assert_eq!(rows, [(1, "one"), (2, "two")]);
    }
}
