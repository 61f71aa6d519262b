use zalt_core::budget::BudgetKey;
use zalt_core::store::{Batch, Change, CommitError, GuardFailure};

/// The budgets that a batch gives back, taken out of it.
#[derive(Debug, Default)]
pub(super) struct Returned {
    keys: Vec<BudgetKey>,
    /// Where in the batch they stood, in order.
    positions: Vec<usize>,
}

impl Returned {
    pub(super) fn take_out(batch: &mut Batch) -> Self {
        let mut returned = Self::default();
        let mut position = 0;
        batch.changes.retain(|change| {
            if let Change::GiveBackBudget(key) = change {
                returned.keys.push(*key);
                returned.positions.push(position);
            }
            position += 1;
            !matches!(change, Change::GiveBackBudget(_))
        });
        returned
    }

    pub(super) fn keys(&self) -> &[BudgetKey] {
        &self.keys
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
            .change(Change::GiveBackBudget(key(3)))
            .change(second)
            .change(Change::GiveBackBudget(key(4)));
        let returned = Returned::take_out(&mut batch);
        assert_eq!(batch.changes, kept);
        assert_eq!(returned.keys(), [key(1), key(2), key(3), key(4)]);
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
