//! The reference implementation: everything in memory, for tests and as the plainest reading of the contract.
//!
//! It forgets all when it is dropped. Every call is one critical section of a standard mutex that is never held
//! across an await, so calls are atomic and take effect in some order.

mod apply;
mod queries;
mod state;
mod table;

use std::fmt;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;

use self::state::State;
use super::{Batch, CommitError, Store, StoreError};
use crate::budget::{Budget, BudgetKey, BudgetStore, Decision};
use crate::environment::Timestamp;

/// A store that keeps everything in memory and nothing beyond the process.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| {
            // Somebody panicked while they held the lock: what they wrote so far must not become part of the next batch.
            let mut state = poisoned.into_inner();
            state.roll_back();
            self.state.clear_poison();
            state
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let mut state = self.state();
        let applied = apply::batch(&mut state, batch);
        match applied {
            Ok(()) => state.keep(),
            Err(_) => state.roll_back(),
        }
        applied
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl BudgetStore for MemoryStore {
    async fn take(
        &self,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let mut state = self.state();
        let (next, decision) = budget.take(state.budgets.get(&key).copied(), now);
        if let Some(next) = next {
            state.budgets.put(key, next);
            state.keep();
        }
        Ok(decision)
    }

    async fn give_back(&self, key: BudgetKey) -> Result<(), StoreError> {
        let mut state = self.state();
        state.budgets.remove(&key);
        state.keep();
        Ok(())
    }
}
