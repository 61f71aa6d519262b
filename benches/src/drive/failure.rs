use crate::adapter::{Names, TakeError};
use crate::client::SendError;

/// Why an operation did not succeed. Reports count the alike.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A step had no good answer.
    #[error("step {step}: {reason}")]
    Step {
        /// Which step, counted from 1.
        step: usize,
        /// What was wrong.
        reason: String,
    },
    /// There was no answer.
    #[error(transparent)]
    Send(#[from] SendError),
    /// More were asked for at once than there is anybody for.
    #[error("nobody was free")]
    NobodyFree,
    /// A mail was to come, and nothing receives any.
    #[error("there is no mailbox")]
    NoMailbox,
}

impl Failure {
    pub(super) fn step(step: usize, error: TakeError, names: &Names) -> Self {
        let reason = match error {
            TakeError::Status(status) => format!("status {status}"),
            TakeError::Missing(slot) => format!("nobody gave {}", names.name(slot)),
            TakeError::Unfit(slot) => format!("{} does not fit there", names.name(slot)),
            TakeError::NotThere(slot) => format!("no {} in the answer", names.name(slot)),
        };
        Self::Step { step, reason }
    }
}
