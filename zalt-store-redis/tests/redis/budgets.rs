//! The contract of budgets, on a server and on a cluster.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Barrier;
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetKey, BudgetStore, Decision};
use zalt_core::store::StoreError;
use zalt_store_redis::RedisBudgets;
use zalt_store_testkit::fixtures::{EPOCH, Fixtures};
use zalt_store_testkit::{BudgetBackend, SharedBudgets};

use crate::support::Place;

/// Budgets on a place that goes with them.
#[derive(Debug)]
struct Placed {
    budgets: RedisBudgets,
    #[expect(dead_code, reason = "dropped after the budgets")]
    place: Place,
}

impl Placed {
    fn share(place: Place) -> SharedBudgets {
        Arc::new(Self {
            budgets: RedisBudgets::new(place.connect()),
            place,
        })
    }
}

#[async_trait]
impl BudgetStore for Placed {
    async fn take(
        &self,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        self.budgets.take(key, budget, now).await
    }

    async fn give_back(&self, key: BudgetKey) -> Result<(), StoreError> {
        self.budgets.give_back(key).await
    }
}

mod server {
    use super::*;

    struct Server;

    #[async_trait]
    impl BudgetBackend for Server {
        async fn fresh(&self) -> SharedBudgets {
            Placed::share(Place::shared())
        }
    }

    zalt_store_testkit::budget_tests!(Server, #[ignore = "needs Redis: cargo xtask test"]);
}

mod cluster {
    use super::*;

    struct Cluster;

    #[async_trait]
    impl BudgetBackend for Cluster {
        async fn fresh(&self) -> SharedBudgets {
            Placed::share(Place::cluster())
        }
    }

    zalt_store_testkit::budget_tests!(Cluster, #[ignore = "needs a Redis cluster: cargo xtask test"]);
}

/// However many replicas take from one budget at once, each over a connection of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: cargo xtask test"]
async fn replicas_together_get_no_more_than_a_budget_holds() {
    const REPLICAS: usize = 3;
    const EACH: usize = 40;
    let place = Place::shared();
    let f = Fixtures::default();
    let rate = Budget::Rate {
        tries: 10,
        period: Duration::from_hours(1),
    };
    let failures = Budget::Failures {
        free: 100,
        wait: Duration::from_hours(1),
        longest_wait: Duration::from_hours(1),
        ceiling: 7,
    };
    for (budget, holds) in [(rate, 10), (failures, 7)] {
        let key = f.budget_key();
        let start = Arc::new(Barrier::new(REPLICAS * EACH));
        let mut tries = Vec::new();
        for _ in 0..REPLICAS {
            let replica = RedisBudgets::new(place.connect());
            for _ in 0..EACH {
                let (replica, start) = (replica.clone(), Arc::clone(&start));
                tries.push(tokio::spawn(async move {
                    start.wait().await;
                    replica.take(key, &budget, EPOCH).await.unwrap()
                }));
            }
        }
        let mut granted = 0;
        for one in tries {
            granted += usize::from(one.await.unwrap() == Decision::Granted);
        }
        assert_eq!(granted, holds);
    }
}

/// A state goes when it changes no answer any more, and a lock never does.
#[tokio::test]
#[ignore = "needs Redis: cargo xtask test"]
async fn states_expire_and_locks_stay() {
    let place = Place::shared();
    let budgets = RedisBudgets::new(place.connect());
    let f = Fixtures::default();
    let (rate, lock) = (f.budget_key(), f.budget_key());
    let minute = Duration::from_mins(1);
    let budget = Budget::Rate {
        tries: 1,
        period: minute,
    };
    assert_eq!(
        budgets.take(rate, &budget, EPOCH).await.unwrap(),
        Decision::Granted
    );
    let budget = Budget::Failures {
        free: 1,
        wait: minute,
        longest_wait: minute,
        ceiling: 1,
    };
    assert_eq!(
        budgets.take(lock, &budget, EPOCH).await.unwrap(),
        Decision::Granted
    );
    let mut lives = place.lives();
    lives.sort_unstable();
    // A minute, and five for clocks that are behind.
    assert_eq!(lives.len(), 2);
    assert_eq!(lives[0], -1);
    assert!((355_000..=360_000).contains(&lives[1]), "{lives:?}");
}
