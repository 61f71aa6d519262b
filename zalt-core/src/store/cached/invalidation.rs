use std::fmt;
use std::pin::Pin;

use crate::id::{SessionId, UserId};
use crate::store::{Batch, Change};

/// What a cache must not answer with any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stale {
    /// A session was written.
    Session(SessionId),
    /// A user was written, or all of the user's sessions.
    User(UserId),
    /// Nobody knows what was written.
    Everything,
}

impl Stale {
    /// What a batch makes stale once it is committed.
    pub fn after(batch: &Batch) -> Vec<Self> {
        batch
            .changes
            .iter()
            .filter_map(Self::after_change)
            .collect()
    }

    const fn after_change(change: &Change) -> Option<Self> {
        match change {
            Change::UpdateUser(user) => Some(Self::User(user.id)),
            Change::PurgeUser { id, .. } => Some(Self::User(*id)),
            Change::RevokeUserSessions { user_id, .. } => Some(Self::User(*user_id)),
            // The user's last sign-in moves with it.
            Change::InsertSession(session) => Some(Self::User(session.user_id)),
            Change::TouchSession { id, .. }
            | Change::RotateRefresh { id, .. }
            | Change::ReauthenticateSession { id, .. }
            | Change::RevokeSession { id, .. } => Some(Self::Session(*id)),
            // Sweeps remove only what is over, which no check lets pass anyway.
            Change::RemoveExpired(_)
            | Change::InsertUser(_)
            | Change::InsertIdentifier(_)
            | Change::UpdateIdentifier(_)
            | Change::DeleteIdentifier { .. }
            | Change::InsertPassword(_)
            | Change::UpdatePassword(_)
            | Change::InsertCredential(_)
            | Change::UpdateCredential(_)
            | Change::DeleteCredential { .. }
            | Change::InsertAttempt(_)
            | Change::UpdateAttempt(_)
            | Change::EnqueueMessage(_)
            | Change::UpdateMessage(_)
            | Change::DeleteMessage { .. }
            | Change::InsertConnection(_)
            | Change::UpdateConnection(_)
            | Change::DeleteConnection { .. }
            | Change::InsertSigningKey { .. }
            | Change::GiveBackBudget(_)
            | Change::GiveBackTry { .. } => None,
        }
    }
}

/// Done when the other replicas can hear an announcement, or when that takes too long to wait for.
pub type Announced = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How the replicas of one application tell each other what they wrote.
///
/// An implementation promises: whatever was announced successfully before some instant is in the cache of every replica
/// whose [`is_current`](Self::is_current) says yes later than a stated bound after that instant. A replica that is cut off,
/// or that was stopped for a while, says no until it has caught up; its cache is then bypassed, so that each check costs
/// a query and stays right.
///
/// A commit that was made can't fail any more, so an announcement has no error. While it can't be made, it is tried again;
/// until then, and after the death of a process between its commit and its announcement, another replica's entry lives on
/// to the `max_age` of its cache. That is the bound of the worst case, and a reason to keep it short.
pub trait Invalidations: Send + Sync + fmt::Debug {
    /// Tells the other replicas. The announcement is on its way when this returns, even if the future is dropped.
    fn announce(&self, stale: Vec<Stale>) -> Announced;

    /// Whether this replica has heard what the others announced. Asked on each use of the cache: it neither waits nor locks.
    fn is_current(&self) -> bool;
}
