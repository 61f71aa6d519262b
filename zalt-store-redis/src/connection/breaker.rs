//! Keeps requests from each waiting for a timeout while Redis is away.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lets everybody through until several calls in a row have failed; from then on one call at a time tries, a pause after
/// the one before, and all others are turned away at once.
#[derive(Debug)]
pub(super) struct Breaker {
    state: Mutex<State>,
    /// After how many failures in a row nobody waits any more.
    patience: u32,
    pause: Duration,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing,
}

/// What a call that was let through has to say in the end. Dropped without a word (the caller went away), it leaves its
/// place as a probe to the next.
#[derive(Debug)]
pub(super) struct Admission<'b> {
    breaker: &'b Breaker,
    now: Instant,
    told: bool,
}

/// What a call changed for those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    None,
    /// Callers are turned away from now on.
    Opened,
    /// Callers are let through again.
    Closed,
}

impl Breaker {
    pub(super) const fn new(patience: u32, pause: Duration) -> Self {
        Self {
            state: Mutex::new(State::Closed { failures: 0 }),
            patience,
            pause,
        }
    }

    /// Lets the caller through, or doesn't.
    pub(super) fn admit(&self, now: Instant) -> Option<Admission<'_>> {
        let mut state = self.state();
        match *state {
            State::Closed { .. } => {}
            State::Open { until } if now >= until => *state = State::Probing,
            State::Open { .. } | State::Probing => return None,
        }
        Some(Admission {
            breaker: self,
            now,
            told: false,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission<'_> {
    /// Redis answered, whatever it said.
    pub(super) fn answered(mut self) -> Turn {
        self.told = true;
        let mut state = self.breaker.state();
        let turn = match *state {
            State::Closed { .. } => Turn::None,
            State::Open { .. } | State::Probing => Turn::Closed,
        };
        *state = State::Closed { failures: 0 };
        turn
    }

    /// Redis did not answer. It is known to be away if it could not even be connected to.
    pub(super) fn failed(mut self, now: Instant, away: bool) -> Turn {
        self.told = true;
        let open = State::Open {
            until: now + self.breaker.pause,
        };
        let mut state = self.breaker.state();
        match *state {
            State::Closed { failures } if away || failures + 1 >= self.breaker.patience => {
                *state = open;
                Turn::Opened
            }
            State::Closed { failures } => {
                *state = State::Closed {
                    failures: failures + 1,
                };
                Turn::None
            }
            // One that was let through before it opened says nothing new.
            State::Open { .. } => Turn::None,
            State::Probing => {
                *state = open;
                Turn::None
            }
        }
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if !self.told {
            let mut state = self.breaker.state();
            if matches!(*state, State::Probing) {
                *state = State::Open { until: self.now };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monotonic;

    const PAUSE: Duration = Duration::from_secs(1);

    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::new(3, PAUSE);
        let turn = breaker.admit(now).unwrap().failed(now, true);
        assert_eq!(turn, Turn::Opened);
        breaker
    }

    #[test]
    fn it_opens_at_the_third_failure_in_a_row() {
        let now = monotonic::now();
        let breaker = Breaker::new(3, PAUSE);
        for turn in [Turn::None, Turn::None] {
            assert_eq!(breaker.admit(now).unwrap().failed(now, false), turn);
        }
        assert_eq!(breaker.admit(now).unwrap().answered(), Turn::None);
        for turn in [Turn::None, Turn::None, Turn::Opened] {
            assert_eq!(breaker.admit(now).unwrap().failed(now, false), turn);
        }
        assert!(breaker.admit(now).is_none());
    }

    #[test]
    fn after_the_pause_one_call_tries_and_the_others_are_turned_away() {
        let now = monotonic::now();
        let breaker = opened(now);
        assert!(breaker.admit(now + PAUSE / 2).is_none());
        let probe = breaker.admit(now + PAUSE).unwrap();
        assert!(breaker.admit(now + PAUSE * 2).is_none());
        assert_eq!(probe.failed(now + PAUSE * 2, false), Turn::None);
        assert!(breaker.admit(now + PAUSE * 2).is_none());
        let probe = breaker.admit(now + PAUSE * 3).unwrap();
        assert_eq!(probe.answered(), Turn::Closed);
        assert!(breaker.admit(now + PAUSE * 3).is_some());
    }

    #[test]
    fn a_probe_whose_caller_went_away_leaves_its_place() {
        let now = monotonic::now();
        let breaker = opened(now);
        drop(breaker.admit(now + PAUSE).unwrap());
        assert!(breaker.admit(now + PAUSE).is_some());
    }

    #[test]
    fn a_late_failure_does_not_put_off_the_next_probe() {
        let now = monotonic::now();
        let breaker = Breaker::new(3, PAUSE);
        let late = breaker.admit(now).unwrap();
        let first = breaker.admit(now).unwrap();
        assert_eq!(first.failed(now, true), Turn::Opened);
        assert_eq!(late.failed(now + PAUSE / 2, true), Turn::None);
        assert!(breaker.admit(now + PAUSE).is_some());
    }
}
