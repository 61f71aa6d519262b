use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use zalt_core::store::{StoreError, StoreErrorKind};

use crate::queue::{Queue, Refused};

/// Starts a thread of the store's own.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, StoreError> {
    Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| StoreError::with_source(StoreErrorKind::Unavailable, error))
}

/// Why a queue refused a job, as the contract says it.
pub(crate) fn refused(refused: Refused) -> StoreError {
    StoreError::new(match refused {
        Refused::Full => StoreErrorKind::Busy,
        Refused::Closed => StoreErrorKind::Unavailable,
    })
}

/// Sees to it that nobody waits for a thread that is gone: when its thread ends, for whatever reason, the queue is closed,
/// and what still waits in it is dropped together with its reply.
pub(crate) struct CloseAtEnd<T>(Arc<Queue<T>>);

impl<T> CloseAtEnd<T> {
    pub(crate) fn of(queue: &Arc<Queue<T>>) -> Self {
        Self(Arc::clone(queue))
    }
}

impl<T> Drop for CloseAtEnd<T> {
    fn drop(&mut self) {
        self.0.close();
        self.0.drain_into(&mut Vec::new(), usize::MAX);
    }
}
