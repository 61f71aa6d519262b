//! The one step in which a try is taken.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, Script, Value};
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetState, Decision};

const SOURCE: &str = include_str!("take.lua");
const GIVE_BACK_TRY: &str = include_str!("give_back_try.lua");

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(SOURCE));

/// Redis keeps a state for so much longer than the rules need it: the clock of another replica may be behind, and to that
/// one the state is not over yet.
const MARGIN: Duration = Budget::CLOCK_LEEWAY;

/// The command that takes a try, by the name of the script.
pub(super) fn by_hash(key: &str, budget: &Budget, now: Timestamp) -> Cmd {
    command("EVALSHA", SCRIPT.get_hash(), key, budget, now)
}

/// The command that takes a try, with the script itself: for a server that does not know it yet.
pub(super) fn by_source(key: &str, budget: &Budget, now: Timestamp) -> Cmd {
    command("EVAL", SOURCE, key, budget, now)
}

/// The command that gives one try of a rate back. It comes once for many that take one, so the script is sent along.
pub(super) fn give_back_try(key: &str, each: Duration) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(GIVE_BACK_TRY).arg(1).arg(key).arg(millis(each));
    command
}

/// What the script answered.
pub(super) fn decision(answer: &Value) -> Result<Decision, RedisError> {
    match *answer {
        Value::Int(0) => Ok(Decision::Granted),
        Value::Int(-1) => Ok(Decision::Denied { retry_after: None }),
        Value::Int(millis @ 1..) => Ok(Decision::Denied {
            retry_after: Some(Duration::from_millis(millis.unsigned_abs())),
        }),
        _ => Err((
            ErrorKind::UnexpectedReturnType,
            "a budget is granted or denied",
        )
            .into()),
    }
}

fn command(verb: &str, script: &str, key: &str, budget: &Budget, now: Timestamp) -> Cmd {
    let mut command = redis::cmd(verb);
    command.arg(script).arg(1).arg(key);
    let common = [now.unix_millis(), last().unix_millis(), millis(MARGIN)];
    match *budget {
        Budget::Rate { tries, period } => {
            let each = millis(period / tries.max(1));
            command.arg("rate").arg(&common);
            command.arg(each).arg(millis(period));
        }
        Budget::Failures {
            free,
            wait,
            longest_wait,
            ceiling,
        } => {
            command.arg("failures").arg(&common);
            command.arg(free).arg(ceiling).arg(millis(longest_wait));
            for state in after_failures(wait, longest_wait, now) {
                command
                    .arg(state.until.unix_millis())
                    .arg(state.forget_at.unix_millis());
            }
        }
    }
    command
}

/// The states after failures that cost no wait, the first wait, the second, and so on to the longest, as the rules of core
/// have them: a script that had to reckon with parts of a millisecond, and with numbers that pass what a double holds,
/// would not always come to the same.
fn after_failures(
    wait: Duration,
    longest_wait: Duration,
    now: Timestamp,
) -> impl Iterator<Item = BudgetState> {
    // Past this many the doubled wait is the longest by definition.
    const DOUBLINGS: u32 = 33;
    let longest = now + longest_wait;
    let mut reached = false;
    (0..=DOUBLINGS)
        .map(move |waits| {
            let budget = Budget::Failures {
                free: 1,
                wait,
                longest_wait,
                ceiling: u32::MAX,
            };
            let before = BudgetState {
                count: waits,
                until: Timestamp::from_unix_millis(0),
                forget_at: last(),
            };
            budget.take(Some(before), now).0
        })
        .map_while(move |state| {
            if reached {
                return None;
            }
            let state = state?;
            // Waits only grow; all further ones are as long as this.
            reached = state.until == longest;
            Some(state)
        })
}

/// The last instant that there is.
const fn last() -> Timestamp {
    Timestamp::from_unix_millis(i64::MAX)
}

/// In milliseconds, as instants are reckoned with: what is longer than all time is as long.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis())
        .unwrap_or(i64::MAX)
        .min(last().unix_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn waits(wait: Duration, longest: Duration) -> Vec<u64> {
        after_failures(wait, longest, NOW)
            .map(|state| u64::try_from(state.until.since(NOW).as_millis()).unwrap())
            .collect()
    }

    #[test]
    fn the_waits_of_a_budget_end_with_the_longest() {
        let seconds = Duration::from_secs;
        assert_eq!(
            waits(seconds(30), seconds(100)),
            [0, 30_000, 60_000, 100_000]
        );
        assert_eq!(waits(seconds(100), seconds(100)), [0, 100_000]);
        assert_eq!(waits(Duration::ZERO, Duration::ZERO), [0]);
        assert_eq!(waits(Duration::ZERO, seconds(1)).len(), 34);
        let all = waits(Duration::from_micros(300), seconds(3_000_000));
        assert_eq!(all[..6], [0, 0, 0, 1, 2, 4]);
        assert_eq!(all.last(), Some(&3_000_000_000));
    }

    #[test]
    fn what_is_no_decision_is_refused() {
        for answer in [Value::Int(-2), Value::Nil, Value::Okay] {
            let error = decision(&answer).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedReturnType);
        }
    }
}
