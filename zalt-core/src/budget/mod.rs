//! Budgets: how often something may be tried.
//!
//! A try is taken from its budget *before* the work it guards, in one atomic step, so that any number of parallel
//! requests get no more tries than one after the other would. Success gives the budget back.

mod memory;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use memory::MemoryBudgets;

use crate::environment::Timestamp;
use crate::store::StoreError;

/// Names one budget: a keyed digest, so that the table tells nobody whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BudgetKey([u8; 32]);

impl BudgetKey {
    /// The key with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// How many tries there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// At most `tries` within any `period`, coming back one by one (the generic cell rate algorithm).
    Rate {
        /// How many may come at once.
        tries: u32,
        /// In what time all of them come back.
        period: Duration,
    },
    /// Consecutive failures: some are free, then each costs a growing wait, and at the ceiling there is no next one
    /// until the budget is given back (SP 800-63B-4, section 3.2.2).
    Failures {
        /// How many in a row cost no wait.
        free: u32,
        /// The wait after the first that is not free; it doubles with each further one.
        wait: Duration,
        /// The longest wait.
        longest_wait: Duration,
        /// The failures after which there is no further try.
        ceiling: u32,
    },
}

/// The state of one budget, as a store keeps it. What the numbers mean is the budget's own business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetState {
    /// For [`Budget::Failures`] how many there were, else unused.
    pub count: u32,
    /// For [`Budget::Rate`] the theoretical arrival time, for [`Budget::Failures`] the end of the wait.
    pub until: Timestamp,
    /// When the state may be forgotten, because a budget without state gives the same answers.
    pub forget_at: Timestamp,
}

/// Whether there was a try left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// There was, and it has been taken.
    Granted,
    /// There was none; nothing was taken.
    Denied {
        /// When to come back; `None` if waiting does not help.
        retry_after: Option<Duration>,
    },
}

impl BudgetState {
    /// The state of a [`Budget::Rate`] with one try more, where one comes back by itself in `each`.
    #[must_use]
    pub fn with_try_back(self, each: Duration) -> Self {
        Self {
            until: self.until - each,
            forget_at: self.forget_at - each,
            ..self
        }
    }
}

impl Budget {
    /// In what time one try comes back by itself; `None` for failures, which don't.
    pub fn each(&self) -> Option<Duration> {
        match *self {
            Self::Rate { tries, period } => Some(period / tries.max(1)),
            Self::Failures { .. } => None,
        }
    }

    /// The same failures without an end to the tries: each further one waits for the longest wait.
    #[must_use]
    pub const fn without_ceiling(self) -> Self {
        match self {
            Self::Failures {
                free,
                wait,
                longest_wait,
                ceiling: _,
            } => Self::Failures {
                free,
                wait,
                longest_wait,
                ceiling: u32::MAX,
            },
            rate @ Self::Rate { .. } => rate,
        }
    }

    /// How far apart the clocks of replicas may be. A state that lies further ahead than its budget can have put it was
    /// written before a clock was set back, and keeps nobody waiting.
    pub const CLOCK_LEEWAY: Duration = Duration::from_mins(5);
}

/// Failures are forgotten when none came for this long, unless the ceiling was reached.
const FAILURES_KEPT: Duration = Duration::from_hours(24);

impl Budget {
    /// Takes one try: the new state, or `None` if there was none left and the state stays as it is.
    ///
    /// Stores call this inside their atomic step. It is pure, so that every backend gives the same answers.
    pub fn take(
        &self,
        state: Option<BudgetState>,
        now: Timestamp,
    ) -> (Option<BudgetState>, Decision) {
        match *self {
            Self::Rate { tries, period } => take_rate(tries, period, state, now),
            Self::Failures {
                free,
                wait,
                longest_wait,
                ceiling,
            } => {
                let state = state.filter(|state| now < state.forget_at);
                let count = state.map_or(0, |state| state.count);
                if count >= ceiling {
                    return (None, Decision::Denied { retry_after: None });
                }
                // After a free one there is no wait, not even to where another replica's clock is ahead.
                let waits = state.filter(|state| free < state.count);
                if let Some(wait) = waits.and_then(|state| wait_until(state, now, longest_wait)) {
                    let retry_after = Some(wait);
                    return (None, Decision::Denied { retry_after });
                }
                let count = count.saturating_add(1);
                let until = now + failure_wait(count, free, wait, longest_wait);
                let forget_at = if count >= ceiling {
                    Timestamp::from_unix_millis(i64::MAX)
                } else {
                    until + FAILURES_KEPT
                };
                (
                    Some(BudgetState {
                        count,
                        until,
                        forget_at,
                    }),
                    Decision::Granted,
                )
            }
        }
    }
}

fn failure_wait(count: u32, free: u32, wait: Duration, longest_wait: Duration) -> Duration {
    match count.checked_sub(free) {
        None | Some(0) => Duration::ZERO,
        Some(over) => 2_u32
            .checked_pow(over - 1)
            .and_then(|factor| wait.checked_mul(factor))
            .map_or(longest_wait, |wait| wait.min(longest_wait)),
    }
}

/// How long the state has to be waited for, which is at most `longest` with clocks that agree.
fn wait_until(state: BudgetState, now: Timestamp, longest: Duration) -> Option<Duration> {
    let wait = state.until.since(now);
    let possible = longest.saturating_add(Budget::CLOCK_LEEWAY);
    (now < state.until && wait <= possible).then_some(wait)
}

fn take_rate(
    tries: u32,
    period: Duration,
    state: Option<BudgetState>,
    now: Timestamp,
) -> (Option<BudgetState>, Decision) {
    let each = period / tries.max(1);
    let ahead = state.and_then(|state| wait_until(state, now, period));
    let arrival = ahead.map_or(now, |ahead| now + ahead);
    let next = arrival + each;
    let earliest = next - period;
    if earliest > now {
        return (
            None,
            Decision::Denied {
                retry_after: Some(earliest.since(now)),
            },
        );
    }
    (
        Some(BudgetState {
            count: 0,
            until: next,
            forget_at: next,
        }),
        Decision::Granted,
    )
}

/// Where budgets are kept. Each call is one atomic step, for all replicas that share the place.
#[async_trait::async_trait]
pub trait BudgetStore: Send + Sync + std::fmt::Debug {
    /// Takes one try of `budget` under `key` at `now`, by the rules of [`Budget::take`].
    ///
    /// # Errors
    /// [`StoreError`]; nothing was taken, and the caller refuses what the budget guards.
    async fn take(
        &self,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError>;

    /// Gives the whole budget back. Nothing happens if nothing was taken.
    ///
    /// # Errors
    /// [`StoreError`]; the budget is as it was.
    async fn give_back(&self, key: BudgetKey) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(1_700_000_000 + seconds)
    }

    #[test]
    fn a_rate_grants_its_burst_and_then_one_at_a_time() {
        let budget = Budget::Rate {
            tries: 3,
            period: Duration::from_secs(30),
        };
        let mut state = None;
        for _ in 0..3 {
            let (next, decision) = budget.take(state, at(0));
            assert_eq!(decision, Decision::Granted);
            state = next;
        }
        let (unchanged, decision) = budget.take(state, at(0));
        assert_eq!(unchanged, None);
        assert_eq!(
            decision,
            Decision::Denied {
                retry_after: Some(Duration::from_secs(10))
            }
        );
        assert_eq!(budget.take(state, at(10)).1, Decision::Granted);
    }

    #[test]
    fn failures_wait_longer_each_time_and_end_at_the_ceiling() {
        let budget = Budget::Failures {
            free: 2,
            wait: Duration::from_secs(30),
            longest_wait: Duration::from_mins(1),
            ceiling: 5,
        };
        let mut state = None;
        let mut now = at(0);
        let mut waits = Vec::new();
        loop {
            let (next, decision) = budget.take(state, now);
            match decision {
                Decision::Granted => state = next,
                Decision::Denied {
                    retry_after: Some(wait),
                } => {
                    waits.push(wait.as_secs());
                    now = now + wait;
                }
                Decision::Denied { retry_after: None } => break,
            }
        }
        assert_eq!(waits, [30, 60]);
        assert_eq!(state.map(|state| state.count), Some(5));
        assert_eq!(
            budget.take(state, now + Duration::from_hours(9600)).1,
            Decision::Denied { retry_after: None }
        );
    }

    #[test]
    fn a_try_that_is_given_back_is_one_and_not_all() {
        let budget = Budget::Rate {
            tries: 3,
            period: Duration::from_secs(30),
        };
        let each = budget.each().unwrap();
        let mut state = None;
        for _ in 0..3 {
            state = budget.take(state, at(0)).0;
        }
        state = state.map(|state| state.with_try_back(each));
        let (taken, decision) = budget.take(state, at(0));
        assert_eq!(decision, Decision::Granted);
        assert!(matches!(
            budget.take(taken, at(0)).1,
            Decision::Denied { .. }
        ));
        // More than were taken are not there for it.
        for _ in 0..5 {
            state = state.map(|state| state.with_try_back(each));
        }
        for granted in [true, true, true, false] {
            let (next, decision) = budget.take(state, at(0));
            assert_eq!(decision == Decision::Granted, granted);
            state = next.or(state);
        }
    }

    #[test]
    fn a_clock_that_is_behind_has_free_tries_too() {
        let budget = Budget::Failures {
            free: 3,
            wait: Duration::from_secs(30),
            longest_wait: Duration::from_mins(1),
            ceiling: 100,
        };
        let mut state = None;
        for seconds in [5, 0, 5, 0] {
            let (next, decision) = budget.take(state, at(seconds));
            assert_eq!(decision, Decision::Granted);
            state = next;
        }
        assert_eq!(
            budget.take(state, at(-5)).1,
            Decision::Denied {
                retry_after: Some(Duration::from_secs(35))
            }
        );
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nobody_waiting() {
        const DAY: i64 = 86_400;
        let rate = Budget::Rate {
            tries: 1,
            period: Duration::from_secs(30),
        };
        let (state, _) = rate.take(None, at(DAY));
        let retry_after = Some(Duration::from_secs(31));
        let behind = rate.take(state, at(DAY - 1));
        assert_eq!(behind.1, Decision::Denied { retry_after });
        assert_eq!(rate.take(state, at(0)).1, Decision::Granted);
        let failures = Budget::Failures {
            free: 0,
            wait: Duration::from_secs(30),
            longest_wait: Duration::from_mins(1),
            ceiling: 2,
        };
        let (state, _) = failures.take(None, at(DAY));
        let (state, decision) = failures.take(state, at(0));
        assert_eq!(decision, Decision::Granted);
        let ceiling = Decision::Denied { retry_after: None };
        assert_eq!(failures.take(state, at(0)).1, ceiling, "the count stays");
    }

    #[test]
    fn failures_below_the_ceiling_are_forgotten_after_a_day() {
        let budget = Budget::Failures {
            free: 1,
            wait: Duration::from_secs(30),
            longest_wait: Duration::from_mins(1),
            ceiling: 5,
        };
        let (state, _) = budget.take(None, at(0));
        let (state, decision) = budget.take(state, at(86_400));
        assert_eq!(decision, Decision::Granted);
        assert_eq!(state.map(|state| state.count), Some(1));
    }
}
