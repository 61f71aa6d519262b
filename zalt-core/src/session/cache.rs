use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;

use super::model::Session;
use crate::config::SessionCacheConfig;
use crate::environment::Timestamp;
use crate::id::{SessionId, UserId};
use crate::store::{Batch, Change};
use crate::user::User;

/// Sessions with their users, as they were read a short while ago.
///
/// Every write counts up the generations of the rows that it touches, and an entry is used only while both of its
/// generations are the ones that it was read at. Rows share generations by hash; a collision only costs a query.
pub(crate) struct SessionCache {
    entries: Cache<SessionId, Entry>,
    generations: Box<[AtomicU64]>,
    /// Counts every invalidation, so that a query which one overtook is not cached.
    writes: AtomicU64,
    hasher: RandomState,
    config: SessionCacheConfig,
}

/// A session with its user, shared by the requests that use it.
pub(crate) type SessionAndUser = Arc<(Session, User)>;

#[derive(Clone)]
struct Entry {
    value: SessionAndUser,
    read_at: Timestamp,
    generations: (u64, u64),
}

/// Rows to forget once a commit is over.
pub(crate) struct Invalidation<'c> {
    cache: &'c SessionCache,
    slots: Vec<usize>,
}

impl Drop for Invalidation<'_> {
    fn drop(&mut self) {
        self.cache.invalidate(&self.slots);
    }
}

/// Taken before a query whose answer is to be cached.
#[derive(Clone, Copy)]
pub(crate) struct BeforeQuery(u64);

const SLOTS: usize = 4096;

impl SessionCache {
    pub(crate) fn new(config: SessionCacheConfig) -> Self {
        Self {
            entries: Cache::new(config.capacity),
            generations: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            writes: AtomicU64::new(0),
            hasher: RandomState::new(),
            config,
        }
    }

    pub(crate) fn find(&self, id: SessionId, now: Timestamp) -> Option<SessionAndUser> {
        let entry = self.entries.get(&id)?;
        let fresh = now >= entry.read_at
            && now.since(entry.read_at) <= self.config.max_age
            && self.generations_of(&entry.value) == entry.generations;
        fresh.then_some(entry.value)
    }

    pub(crate) fn before_query(&self) -> BeforeQuery {
        BeforeQuery(self.writes.load(Ordering::SeqCst))
    }

    /// Keeps what the query answered, unless something was written since it began.
    pub(crate) fn insert(&self, before: BeforeQuery, value: SessionAndUser, now: Timestamp) {
        let generations = self.generations_of(&value);
        if self.before_query().0 == before.0 {
            self.entries.insert(
                value.0.id,
                Entry {
                    value,
                    read_at: now,
                    generations,
                },
            );
        }
    }

    /// Forgets the rows that a batch touches when what is returned is dropped.
    pub(crate) fn invalidate_after(&self, batch: &Batch) -> Invalidation<'_> {
        let slots = batch
            .changes
            .iter()
            .filter_map(|change| self.slot_of_change(change))
            .collect();
        Invalidation { cache: self, slots }
    }

    fn invalidate(&self, slots: &[usize]) {
        if slots.is_empty() {
            return;
        }
        self.writes.fetch_add(1, Ordering::SeqCst);
        for slot in slots {
            if let Some(generation) = self.generations.get(*slot) {
                generation.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn slot_of_change(&self, change: &Change) -> Option<usize> {
        match change {
            Change::UpdateUser(user) => Some(self.user_slot(user.id)),
            Change::PurgeUser { id, .. } => Some(self.user_slot(*id)),
            Change::RevokeUserSessions { user_id, .. } => Some(self.user_slot(*user_id)),
            // The user's last sign-in moves with it.
            Change::InsertSession(session) => Some(self.user_slot(session.user_id)),
            Change::TouchSession { id, .. }
            | Change::RotateRefresh { id, .. }
            | Change::ReauthenticateSession { id, .. }
            | Change::RevokeSession { id, .. } => Some(self.session_slot(*id)),
            // Sweeps remove only what is over, which no check lets pass anyway.
            Change::RemoveExpired(_)
            | Change::InsertUser(_)
            | Change::InsertIdentifier(_)
            | Change::UpdateIdentifier(_)
            | Change::DeleteIdentifier { .. }
            | Change::InsertPassword(_)
            | Change::UpdatePassword(_)
            | Change::InsertAttempt(_)
            | Change::UpdateAttempt(_)
            | Change::EnqueueMessage(_)
            | Change::UpdateMessage(_)
            | Change::DeleteMessage { .. }
            | Change::InsertSigningKey { .. }
            | Change::GiveBackBudget(_) => None,
        }
    }

    fn generations_of(&self, value: &(Session, User)) -> (u64, u64) {
        let read = |slot: usize| {
            self.generations
                .get(slot)
                .map_or(0, |generation| generation.load(Ordering::SeqCst))
        };
        (
            read(self.session_slot(value.0.id)),
            read(self.user_slot(value.1.id)),
        )
    }

    fn session_slot(&self, id: SessionId) -> usize {
        self.slot(id.as_bytes())
    }

    fn user_slot(&self, id: UserId) -> usize {
        self.slot(id.as_bytes())
    }

    fn slot(&self, id: &[u8; 16]) -> usize {
        usize::try_from(self.hasher.hash_one(id) % SLOTS as u64).unwrap_or(0)
    }
}
