//! The counters that core keeps in memory pass every behaviour of budgets.

use std::sync::Arc;

use zalt_core::budget::MemoryBudgets;
use zalt_store_testkit::{BudgetBackend, SharedBudgets};

struct Counters;

#[async_trait::async_trait]
impl BudgetBackend for Counters {
    async fn fresh(&self) -> SharedBudgets {
        Arc::new(MemoryBudgets::new(1000))
    }
}

zalt_store_testkit::budget_tests!(Counters);
