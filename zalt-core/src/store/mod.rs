//! The storage contract: reads are queries, and every write is one atomic commit.
//!
//! A backend implements [`Store`] and [`BudgetStore`](crate::budget::BudgetStore) and is done when it passes
//! `zalt-store-testkit`. It never mints an id or a secret, never hashes, and never reads a clock: whatever it needs to
//! know stands in the [`Batch`] or in the arguments of the query.
//!
//! Rules that hold for every backend:
//!
//! - Absence is `None` or an empty page, not an error.
//! - A [`Change`] carries its own guard. One that fails fails the whole batch, which leaves no trace.
//! - A query sees each batch whole or not at all.
//! - A commit that was acknowledged survives a crash.
//! - Once [`Store::commit`] returned, every later query, on every replica, sees the batch.
//! - A batch whose caller went away (a dropped future) is applied whole or not at all.

mod batch;
mod cached;
mod error;
pub mod memory;
mod page;
mod query;

pub use batch::{Batch, Change, Expired};
pub use cached::{
    Announced, Invalidations, SessionCache, SessionCacheStatistics, SessionCached, Stale,
};
pub use error::{CommitError, GuardFailure, GuardReason, StoreError, StoreErrorKind};
pub use page::{Cursor, CursorError, Page, PageLimit, PageRequest};
pub use query::{
    AttemptQueries, ConnectionQueries, EventFilter, EventQueries, MessageQueries, SessionQueries,
    SigningKeyQueries, UserFilter, UserQueries,
};

/// A place to keep one application.
#[async_trait::async_trait]
pub trait Store:
    UserQueries
    + SessionQueries
    + AttemptQueries
    + EventQueries
    + MessageQueries
    + SigningKeyQueries
    + ConnectionQueries
    + Send
    + Sync
{
    /// Applies every change of the batch in order and appends every event, or does nothing.
    ///
    /// # Errors
    /// [`CommitError::Guard`] names the first change whose guard failed; the same batch would fail again.
    /// [`CommitError::Store`] says whether the same batch may be tried again.
    async fn commit(&self, batch: Batch) -> Result<(), CommitError>;

    /// Answers once the store can serve reads and writes.
    ///
    /// # Errors
    /// [`StoreError`] with the reason for which it can't.
    async fn ready(&self) -> Result<(), StoreError>;
}
