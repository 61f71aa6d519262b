use std::time::Duration;

use zalt_core::budget::BudgetKey;
use zalt_core::store::{Batch, Change, CommitError, GuardFailure};

/// The budgets that a batch gives back, taken out of it.
#[derive(Debug, Default)]
pub(super) struct Returned {
    budgets: Vec<GivenBack>,
    /// Where in the batch they stood, in order.
    positions: Vec<usize>,
}

/// What a batch gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GivenBack {
    /// All of a budget.
    Whole(BudgetKey),
    /// One try, of which one comes back by itself in this time.
    Try(BudgetKey, Duration),
}

impl GivenBack {
    const fn by(change: &Change) -> Option<Self> {
        match change {
            Change::GiveBackBudget(key) => Some(Self::Whole(*key)),
            Change::GiveBackTry { key, each } => Some(Self::Try(*key, *each)),
            _ => None,
        }
    }
}

impl Returned {
    pub(super) fn take_out(batch: &mut Batch) -> Self {
        let mut returned = Self::default();
        let mut position = 0;
        batch.changes.retain(|change| {
            let given = GivenBack::by(change);
            if let Some(given) = given {
                returned.budgets.push(given);
                returned.positions.push(position);
            }
            position += 1;
            given.is_none()
        });
        returned
    }

    pub(super) fn budgets(&self) -> &[GivenBack] {
        &self.budgets
    }

    /// A failed guard names its change by its place in the batch as the caller had it.
    pub(super) fn restore_positions(&self, error: CommitError) -> CommitError {
        let CommitError::Guard(GuardFailure { mut change, reason }) = error else {
            return error;
        };
        for position in &self.positions {
            if *position <= change {
                change += 1;
            }
        }
        GuardFailure { change, reason }.into()
    }
}

#[cfg(test)]
mod tests {
    use zalt_core::id::{IdentifierId, MessageId};
    use zalt_core::store::GuardReason;

    use super::*;

    #[test]
    fn a_guard_is_named_by_its_place_in_the_whole_batch() {
        let key = |number| BudgetKey::from_bytes([number; 32]);
        let kept = [
            Change::DeleteIdentifier {
                id: IdentifierId::from_bytes([1; 16]),
                version: 1,
            },
            Change::DeleteMessage {
                id: MessageId::from_bytes([2; 16]),
                version: 1,
            },
        ];
        let [first, second] = kept.clone();
        let mut batch = Batch::new()
            .change(Change::GiveBackBudget(key(1)))
            .change(first)
            .change(Change::GiveBackBudget(key(2)))
            .change(Change::GiveBackTry {
                key: key(3),
                each: Duration::from_secs(3),
            })
            .change(second)
            .change(Change::GiveBackBudget(key(4)));
        let returned = Returned::take_out(&mut batch);
        assert_eq!(batch.changes, kept);
        let given = [
            GivenBack::Whole(key(1)),
            GivenBack::Whole(key(2)),
            GivenBack::Try(key(3), Duration::from_secs(3)),
            GivenBack::Whole(key(4)),
        ];
        assert_eq!(returned.budgets(), given);
        for (change, expected) in [(0, 1), (1, 4)] {
            let reason = GuardReason::NotFound;
            let error = returned.restore_positions(GuardFailure { change, reason }.into());
            let CommitError::Guard(failure) = error else {
                panic!("{error}");
            };
            assert_eq!(failure.change, expected);
        }
    }
}
