//! Budgets: taken in one step, by the rules that core has for all backends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetKey, BudgetState, BudgetStore, Decision};
use zalt_core::store::{Change, Expired, GuardReason};

use crate::SharedStore;
use crate::assertions::{NOTHING_EXPIRED, commit, refused};
use crate::fixtures::{DAY, EPOCH, Fixtures};
use crate::races::TASKS;

const MINUTE: Duration = Duration::from_mins(1);

const RATE: Budget = Budget::Rate {
    tries: 3,
    period: MINUTE,
};

const FAILURES: Budget = Budget::Failures {
    free: 2,
    wait: Duration::from_secs(30),
    longest_wait: Duration::from_secs(100),
    ceiling: 6,
};

const ONE: Budget = Budget::Failures {
    free: 1,
    wait: MINUTE,
    longest_wait: MINUTE,
    ceiling: 1,
};

/// A store answers exactly as [`Budget::take`] does with the state before: through bursts, pauses, denials, clocks that
/// step back, and keys that share nothing.
pub async fn a_store_answers_as_the_rules_do<S: BudgetStore + ?Sized>(store: &Arc<S>) {
    let f = Fixtures::new();
    let keys: Vec<_> = (0..3).map(|_| (f.budget_key(), f.budget_key())).collect();
    let mut model: BTreeMap<BudgetKey, BudgetState> = BTreeMap::new();
    let mut now = EPOCH;
    for step in 0..300 {
        let [pick, pause, back, ..] = f.bytes::<8>();
        now = now + Duration::from_millis(u64::from(pause) * 150);
        // Another replica's clock, up to half a minute behind; and at times one that was set back by a day.
        let seen = match step % 50 {
            49 => now - DAY,
            _ => now - Duration::from_millis(u64::from(back) * 120),
        };
        let (of_rate, of_failures) = keys[usize::from(pick) % keys.len()];
        for (key, budget) in [(of_rate, RATE), (of_failures, FAILURES)] {
            let (state, expected) = budget.take(model.get(&key).copied(), seen);
            if let Some(state) = state {
                model.insert(key, state);
            }
            assert_eq!(take(store, key, &budget, seen).await, expected, "{step}");
        }
        if step % 40 == 39 {
            store.give_back(of_failures).await.expect("no error");
            model.remove(&of_failures);
        }
    }
}

/// A burst is granted, then nothing, and asking in vain does not make the wait longer.
pub async fn a_denial_takes_nothing<S: BudgetStore + ?Sized>(store: &Arc<S>) {
    let f = Fixtures::new();
    let key = f.budget_key();
    for _ in 0..3 {
        assert_eq!(take(store, key, &RATE, EPOCH).await, Decision::Granted);
    }
    let denied = Decision::Denied {
        retry_after: Some(Duration::from_secs(20)),
    };
    for _ in 0..10 {
        assert_eq!(take(store, key, &RATE, EPOCH).await, denied);
    }
    let later = EPOCH + Duration::from_secs(20);
    assert_eq!(take(store, key, &RATE, later).await, Decision::Granted);
    assert_eq!(take(store, key, &RATE, later).await, denied);
}

/// Past the ceiling there is no next try, however long one waits, until the budget is given back.
pub async fn giving_back_ends_a_lock<S: BudgetStore + ?Sized>(store: &Arc<S>) {
    let f = Fixtures::new();
    let (key, other) = (f.budget_key(), f.budget_key());
    let end = Timestamp::from_unix_millis(i64::MAX);
    let locked = Decision::Denied { retry_after: None };
    for key in [key, other] {
        assert_eq!(take(store, key, &ONE, EPOCH).await, Decision::Granted);
        assert_eq!(take(store, key, &ONE, end - MINUTE).await, locked);
    }
    store.give_back(key).await.expect("no error");
    assert_eq!(take(store, other, &ONE, EPOCH).await, locked);
    assert_eq!(take(store, key, &ONE, EPOCH).await, Decision::Granted);
    assert_eq!(take(store, key, &ONE, EPOCH).await, locked);
}

/// Nothing happens where nothing was taken.
pub async fn giving_back_what_nobody_took_is_fine<S: BudgetStore + ?Sized>(store: &Arc<S>) {
    let f = Fixtures::new();
    let key = f.budget_key();
    store.give_back(key).await.expect("no error");
    assert_eq!(take(store, key, &ONE, EPOCH).await, Decision::Granted);
}

/// However many take from one budget at once, no more are granted than it holds.
pub async fn a_rate_never_grants_more_than_it_holds<S: BudgetStore + ?Sized + 'static>(
    store: &Arc<S>,
) {
    let budget = Budget::Rate {
        tries: 10,
        period: Duration::from_hours(1),
    };
    let key = Fixtures::new().budget_key();
    assert_eq!(grants(store, key, budget).await, 10);
    store.give_back(key).await.expect("no error");
    assert_eq!(grants(store, key, budget).await, 10);
}

/// Parallel guesses get no more tries than guesses one after the other.
pub async fn failures_never_pass_their_ceiling<S: BudgetStore + ?Sized + 'static>(store: &Arc<S>) {
    let f = Fixtures::new();
    let until_wait = Budget::Failures {
        free: 4,
        wait: DAY,
        longest_wait: DAY,
        ceiling: 100,
    };
    // Four cost nothing, and the fifth is the last before the wait.
    assert_eq!(grants(store, f.budget_key(), until_wait).await, 5);
    let until_ceiling = Budget::Failures {
        free: 100,
        wait: DAY,
        longest_wait: DAY,
        ceiling: 7,
    };
    assert_eq!(grants(store, f.budget_key(), until_ceiling).await, 7);
}

/// A success gives its budget back in its own commit: with the batch, or not at all.
pub async fn a_batch_gives_back_with_all_else(store: &SharedStore) {
    let f = Fixtures::new();
    let (key, user) = (f.budget_key(), f.user());
    let locked = Decision::Denied { retry_after: None };
    // Nothing happens where nothing was taken.
    commit(store, Change::GiveBackBudget(key)).await;
    assert_eq!(take(store, key, &ONE, EPOCH).await, Decision::Granted);
    let failing = [
        Change::GiveBackBudget(key),
        Change::UpdateUser(user.clone()),
    ];
    refused(store, failing, 1, GuardReason::NotFound).await;
    assert_eq!(take(store, key, &ONE, EPOCH).await, locked);
    commit(
        store,
        [Change::GiveBackBudget(key), Change::InsertUser(user)],
    )
    .await;
    assert_eq!(take(store, key, &ONE, EPOCH).await, Decision::Granted);
}

/// One try comes back with the batch that earned it, or not at all, and never more than were taken.
pub async fn a_batch_gives_back_one_try(store: &SharedStore) {
    let f = Fixtures::new();
    let (key, user) = (f.budget_key(), f.user());
    let each = Duration::from_secs(20);
    assert_eq!(RATE.each(), Some(each));
    let one = || Change::GiveBackTry { key, each };
    // Nothing happens where nothing was taken.
    commit(store, one()).await;
    let denied = Decision::Denied {
        retry_after: Some(each),
    };
    for _ in 0..3 {
        assert_eq!(take(store, key, &RATE, EPOCH).await, Decision::Granted);
    }
    let failing = [one(), Change::UpdateUser(user.clone())];
    refused(store, failing, 1, GuardReason::NotFound).await;
    assert_eq!(take(store, key, &RATE, EPOCH).await, denied);
    commit(store, [one(), Change::InsertUser(user)]).await;
    assert_eq!(take(store, key, &RATE, EPOCH).await, Decision::Granted);
    assert_eq!(take(store, key, &RATE, EPOCH).await, denied);
    for _ in 0..5 {
        commit(store, one()).await;
    }
    for _ in 0..3 {
        assert_eq!(take(store, key, &RATE, EPOCH).await, Decision::Granted);
    }
    assert_eq!(take(store, key, &RATE, EPOCH).await, denied);
    // Not past the beginning of time.
    let each = Duration::MAX;
    commit(store, Change::GiveBackTry { key, each }).await;
    assert_eq!(take(store, key, &RATE, EPOCH).await, Decision::Granted);
}

/// Instants at their extremes are no reason to grant more, or to fail.
pub async fn instants_at_their_extremes_are_kept<S: BudgetStore + ?Sized>(store: &Arc<S>) {
    let f = Fixtures::new();
    for now in [
        Timestamp::from_unix_millis(0),
        Timestamp::from_unix_millis(i64::MAX) - DAY * 30,
    ] {
        for budget in [RATE, FAILURES, ONE] {
            let key = f.budget_key();
            let mut model = None;
            for _ in 0..8 {
                let (state, expected) = budget.take(model, now);
                model = state.or(model);
                assert_eq!(take(store, key, &budget, now).await, expected);
            }
        }
    }
    let counted = Budget::Failures {
        free: u32::MAX,
        wait: Duration::ZERO,
        longest_wait: Duration::MAX,
        ceiling: u32::MAX,
    };
    let key = f.budget_key();
    let granted = take(store, key, &counted, EPOCH).await;
    assert_eq!(granted, Decision::Granted);
}

/// The sweep forgets states strictly before the instant, no more than its limit, and never a lock.
pub async fn the_sweep_forgets_what_changes_no_answer(store: &SharedStore) {
    let f = Fixtures::new();
    let once = Budget::Rate {
        tries: 1,
        period: MINUTE,
    };
    // Each is forgotten a minute later; until it was, it denies at the instant at which it was taken.
    let rates: Vec<_> = (0..3).map(|_| f.budget_key()).collect();
    let lock = f.budget_key();
    for key in &rates {
        assert_eq!(take(store, *key, &once, EPOCH).await, Decision::Granted);
    }
    assert_eq!(take(store, lock, &ONE, EPOCH).await, Decision::Granted);
    let forget_at = EPOCH + MINUTE;
    let sweep = |budgets_before, limit| {
        Change::RemoveExpired(Expired {
            budgets_before,
            limit,
            ..NOTHING_EXPIRED
        })
    };
    let end = Timestamp::from_unix_millis(i64::MAX);
    commit(store, sweep(forget_at, 100)).await;
    commit(store, sweep(end, 0)).await;
    let denied = Decision::Denied {
        retry_after: Some(MINUTE),
    };
    for key in &rates {
        assert_eq!(take(store, *key, &once, EPOCH).await, denied);
    }
    commit(store, sweep(forget_at + Duration::from_millis(1), 2)).await;
    let mut granted = 0;
    for key in &rates {
        granted += u32::from(take(store, *key, &once, EPOCH).await == Decision::Granted);
    }
    assert_eq!(granted, 2, "after a sweep of 2");
    commit(store, sweep(end, 100)).await;
    for key in &rates {
        assert_eq!(take(store, *key, &once, EPOCH).await, Decision::Granted);
    }
    let locked = Decision::Denied { retry_after: None };
    assert_eq!(take(store, lock, &ONE, EPOCH).await, locked);
}

async fn take<S: BudgetStore + ?Sized>(
    store: &Arc<S>,
    key: BudgetKey,
    budget: &Budget,
    now: Timestamp,
) -> Decision {
    store
        .take(key, budget, now)
        .await
        .expect("the budget has to answer")
}

/// How many of twice [`TASKS`] tries are granted that come at one moment.
async fn grants<S: BudgetStore + ?Sized + 'static>(
    store: &Arc<S>,
    key: BudgetKey,
    budget: Budget,
) -> usize {
    let start = Arc::new(Barrier::new(TASKS * 2));
    let tasks: Vec<_> = (0..TASKS * 2)
        .map(|_| {
            let (store, start) = (Arc::clone(store), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                store.take(key, &budget, EPOCH).await.expect("no error")
            })
        })
        .collect();
    let mut granted = 0;
    for task in tasks {
        let decision = task.await.expect("a racer has to finish");
        granted += usize::from(decision == Decision::Granted);
    }
    granted
}
