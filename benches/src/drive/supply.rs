use std::sync::Mutex;

use crate::adapter::{Operation, Subject};
use crate::load::Random;

use super::failure::Failure;

/// Long enough and uncommon enough for any product's rules.
const STRANGERS_PASSWORD: &str = "Quiet-Harbour-58-Lanterns";

/// Among whom somebody is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Everybody, all alike probable: what caches help least with.
    Everybody,
    /// Always the same few.
    Few(usize),
}

/// For whom an operation is done.
pub(super) enum Supply {
    /// Whoever is chosen may be chosen by others at the same time.
    Shared { subjects: Vec<Subject>, seed: u64 },
    /// Whoever is chosen is nobody else's until the operation is over: what they hold is spent by it, and comes anew.
    Exclusive {
        free: Mutex<(Vec<Subject>, Random)>,
        /// Whether they come back.
        renewed: bool,
    },
    /// Somebody new each time.
    Strangers { run: String, password: String },
}

impl Supply {
    pub(super) fn new(operation: Operation, subjects: Vec<Subject>, seed: u64) -> Self {
        match operation {
            Operation::Refresh | Operation::Revoke => Self::Exclusive {
                free: Mutex::new((subjects, Random::seeded(seed))),
                renewed: operation == Operation::Refresh,
            },
            _ => Self::Shared { subjects, seed },
        }
    }

    pub(super) fn strangers(run: &str) -> Self {
        Self::Strangers {
            run: run.to_owned(),
            password: STRANGERS_PASSWORD.to_owned(),
        }
    }

    /// Somebody for the operation of this number.
    pub(super) fn take(&self, index: usize) -> Result<Subject, Failure> {
        match self {
            Self::Shared { subjects, seed } => {
                // The same numbers choose the same people, in whatever order the operations come to run.
                let mut random = Random::seeded(seed ^ (index as u64).wrapping_mul(0x9e37_79b9));
                let chosen = subjects.get(random.below(subjects.len()));
                chosen.cloned().ok_or(Failure::NobodyFree)
            }
            Self::Exclusive { free, .. } => {
                let mut free = free.lock().unwrap();
                let (subjects, random) = &mut *free;
                if subjects.is_empty() {
                    return Err(Failure::NobodyFree);
                }
                let chosen = random.below(subjects.len());
                Ok(subjects.swap_remove(chosen))
            }
            Self::Strangers { run, password } => {
                let email = format!("stranger-{run}-{index}@example.com");
                Ok(Subject::new(&email, password))
            }
        }
    }

    /// Is over for somebody, who holds what was taken from now on.
    pub(super) fn put_back(&self, mut subject: Subject, taken: Subject) {
        if let Self::Exclusive {
            free,
            renewed: true,
        } = self
        {
            subject.take_over(taken);
            free.lock().unwrap().0.push(subject);
        }
    }

    /// Everybody who is there at the end.
    pub(super) fn into_subjects(self) -> Vec<Subject> {
        match self {
            Self::Shared { subjects, .. } => subjects,
            Self::Exclusive { free, .. } => free.into_inner().unwrap().0,
            Self::Strangers { .. } => Vec::new(),
        }
    }
}
