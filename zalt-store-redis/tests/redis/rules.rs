//! The script against the rules of core.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetKey, BudgetState, BudgetStore};
use zalt_store_redis::RedisBudgets;

use crate::support::Place;

/// What happens to one of a few budgets.
#[derive(Debug, Clone)]
enum Step {
    Take { key: u8, at: Timestamp },
    GiveBack { key: u8 },
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (0..200_000_u64).prop_map(Duration::from_millis),
        2 => (0..5_000_000_000_u64).prop_map(Duration::from_nanos),
        1 => (0..4_000_000_u64).prop_map(Duration::from_secs),
        1 => any::<u64>().prop_map(Duration::from_secs),
        1 => Just(Duration::ZERO),
        1 => Just(Duration::MAX),
    ]
}

fn counts() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..6_u32, 1 => 0..60_u32, 1 => any::<u32>(), 1 => Just(u32::MAX)]
}

fn budgets() -> impl Strategy<Value = Budget> {
    prop_oneof![
        (counts(), durations()).prop_map(|(tries, period)| Budget::Rate { tries, period }),
        (counts(), durations(), durations(), counts()).prop_map(
            |(free, wait, longest_wait, ceiling)| Budget::Failures {
                free,
                wait,
                longest_wait,
                ceiling,
            }
        ),
    ]
}

/// Steps whose instants move on from a start, now and then back or far ahead.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let start = prop_oneof![
        4 => Just(1_700_000_000_000_i64),
        1 => Just(0),
        1 => Just(253_402_300_799_999 - 30 * 86_400_000),
        1 => Just(i64::MAX),
    ];
    let step = (
        0..3_u8,
        prop_oneof![
            6 => 0..30_000_i64,
            2 => -60_000..0_i64,
            1 => 0..200_000_000_i64,
            1 => any::<i64>(),
        ],
        prop::bool::weighted(0.1),
    );
    (start, prop::collection::vec(step, 1..40)).prop_map(|(start, steps)| {
        let mut at = Timestamp::from_unix_millis(start);
        steps
            .into_iter()
            .map(|(key, moved, gives_back)| {
                at = Timestamp::from_unix_millis(at.unix_millis().saturating_add(moved));
                if gives_back {
                    Step::GiveBack { key }
                } else {
                    Step::Take { key, at }
                }
            })
            .collect()
    })
}

/// A budget key that no other case has.
fn budget_key(case: u64, key: u8) -> BudgetKey {
    let mut bytes = [key; 32];
    bytes[..8].copy_from_slice(&case.to_be_bytes());
    BudgetKey::from_bytes(bytes)
}

#[test]
#[ignore = "needs Redis: cargo xtask test"]
fn the_script_decides_as_the_rules_do() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let place = Place::shared();
    let store = RedisBudgets::new(place.connect());
    let case = std::cell::Cell::new(0_u64);
    let config = ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    // One kind of budget for a while, then another under the same key: a configuration that was changed.
    let sequences = (budgets(), budgets(), steps(), 0..40_usize);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner
        .run(&sequences, |(before, after, steps, changed_at)| {
            case.set(case.get() + 1);
            let mut model: BTreeMap<u8, BudgetState> = BTreeMap::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::GiveBack { key } => {
                        model.remove(&key);
                        let key = budget_key(case.get(), key);
                        runtime.block_on(store.give_back(key)).unwrap();
                    }
                    Step::Take { key, at } => {
                        let budget = if number < changed_at { before } else { after };
                        let (state, expected) = budget.take(model.get(&key).copied(), at);
                        if let Some(state) = state {
                            model.insert(key, state);
                        }
                        let key = budget_key(case.get(), key);
                        let decided = runtime.block_on(store.take(key, &budget, at)).unwrap();
                        prop_assert_eq!(decided, expected, "step {}: {:?}", number, budget);
                    }
                }
            }
            Ok(())
        })
        .unwrap();
}
