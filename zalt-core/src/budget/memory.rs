use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::{Budget, BudgetKey, BudgetState, BudgetStore, Decision};
use crate::environment::Timestamp;
use crate::store::StoreError;

/// Budgets in the memory of one process: for networks, whose counters need not survive a restart.
///
/// Holds at most as many as it was made for. When it is full, those that would be forgotten soonest go first, which is
/// as if they had waited a little longer.
#[derive(Debug)]
pub struct MemoryBudgets {
    states: Mutex<HashMap<BudgetKey, BudgetState>>,
    capacity: usize,
}

impl MemoryBudgets {
    /// Room for `capacity` budgets.
    pub fn new(capacity: usize) -> Self {
        Self {
            states: Mutex::new(HashMap::new()),
            capacity: capacity.max(16),
        }
    }
}

#[async_trait]
impl BudgetStore for MemoryBudgets {
    async fn take(
        &self,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, decision) = budget.take(states.get(&key).copied(), now);
        if let Some(next) = next {
            if states.len() >= self.capacity && !states.contains_key(&key) {
                make_room(&mut states, now, self.capacity);
            }
            states.insert(key, next);
        }
        Ok(decision)
    }

    async fn give_back(&self, key: BudgetKey) -> Result<(), StoreError> {
        self.states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key);
        Ok(())
    }
}

/// Drops what may be forgotten and, if that is not enough, the sixteenth that would be forgotten first: so that a flood
/// of new networks pays for one pass over the table with many inserts.
fn make_room(states: &mut HashMap<BudgetKey, BudgetState>, now: Timestamp, capacity: usize) {
    states.retain(|_, state| now < state.forget_at);
    if states.len() < capacity {
        return;
    }
    let mut ends: Vec<_> = states.values().map(|state| state.forget_at).collect();
    let (_, cut, _) = ends.select_nth_unstable(capacity / 16);
    let cut = *cut;
    states.retain(|_, state| state.forget_at > cut);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn memory_stays_bounded_under_a_flood_of_networks() {
        let budgets = MemoryBudgets::new(64);
        let budget = Budget::Rate {
            tries: 2,
            period: Duration::from_mins(1),
        };
        let now = Timestamp::from_unix_seconds(1_700_000_000);
        for n in 0..10_000_u64 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&n.to_be_bytes());
            let taken = budgets
                .take(BudgetKey::from_bytes(key), &budget, now)
                .now_or_never();
            assert_eq!(taken.unwrap().unwrap(), Decision::Granted);
            assert!(budgets.states.lock().unwrap().len() <= 64);
        }
    }

    #[test]
    fn a_budget_that_is_spent_stays_spent() {
        let budgets = MemoryBudgets::new(64);
        let budget = Budget::Rate {
            tries: 1,
            period: Duration::from_mins(1),
        };
        let now = Timestamp::from_unix_seconds(1_700_000_000);
        let key = BudgetKey::from_bytes([1; 32]);
        assert_eq!(
            budgets
                .take(key, &budget, now)
                .now_or_never()
                .unwrap()
                .unwrap(),
            Decision::Granted
        );
        let denied = Decision::Denied {
            retry_after: Some(Duration::from_mins(1)),
        };
        assert_eq!(
            budgets
                .take(key, &budget, now)
                .now_or_never()
                .unwrap()
                .unwrap(),
            denied
        );
    }
}
