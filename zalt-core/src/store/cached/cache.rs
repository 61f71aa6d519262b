use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;

use super::invalidation::Stale;
use crate::config::SessionCacheConfig;
use crate::environment::Timestamp;
use crate::id::SessionId;
use crate::session::Session;
use crate::user::User;

/// Sessions with their users, as they were read a short while ago.
///
/// Whatever is [forgotten](Self::forget) counts up the generation of its row, and an entry is used only while its
/// generations are the ones that it was read at. Rows share generations by hash; a collision only costs a query.
pub struct SessionCache {
    entries: Cache<SessionId, Entry>,
    generations: Box<[AtomicU64]>,
    /// Counts up when everything is forgotten.
    era: AtomicU64,
    /// Counts whatever is forgotten, so that a query which a write overtook is not cached.
    writes: AtomicU64,
    hasher: RandomState,
    config: SessionCacheConfig,
    hits: AtomicU64,
    misses: AtomicU64,
    bypasses: AtomicU64,
}

/// How often a [`SessionCache`] was of use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionCacheStatistics {
    /// Checks that it answered.
    pub hits: u64,
    /// Checks that it had no fresh answer for, so that the store was asked.
    pub misses: u64,
    /// Checks that went to the store because this replica did not hear of the others just then.
    pub bypasses: u64,
    /// Sessions that it holds just now.
    pub entries: u64,
}

#[derive(Clone)]
struct Entry {
    value: Arc<(Session, User)>,
    read_at: Timestamp,
    generations: Generations,
}

/// At which generations of its session, its user and the whole cache an entry was read.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Generations {
    session: u64,
    user: u64,
    era: u64,
}

/// Taken before a query whose answer is to be cached.
#[derive(Clone, Copy)]
pub(super) struct BeforeQuery(u64);

const SLOTS: usize = 4096;

impl SessionCache {
    /// An empty cache.
    pub fn new(config: SessionCacheConfig) -> Self {
        Self {
            entries: Cache::new(config.capacity),
            generations: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            era: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            hasher: RandomState::new(),
            config,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            bypasses: AtomicU64::new(0),
        }
    }

    /// Uses what is stale for no answer that begins after this.
    pub fn forget(&self, stale: &[Stale]) {
        if stale.is_empty() {
            return;
        }
        self.writes.fetch_add(1, Ordering::SeqCst);
        for stale in stale {
            let counter = match stale {
                Stale::Session(id) => self.generation(id.as_bytes()),
                Stale::User(id) => self.generation(id.as_bytes()),
                Stale::Everything => {
                    self.entries.clear();
                    Some(&self.era)
                }
            };
            if let Some(counter) = counter {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    /// How often it was of use since it was made.
    pub fn statistics(&self) -> SessionCacheStatistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SessionCacheStatistics {
            hits: read(&self.hits),
            misses: read(&self.misses),
            bypasses: read(&self.bypasses),
            entries: self.entries.len() as u64,
        }
    }

    pub(super) fn find(&self, id: SessionId, now: Timestamp) -> Option<(Session, User)> {
        let found = self.find_fresh(id, now);
        let counter = if found.is_some() {
            &self.hits
        } else {
            &self.misses
        };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    /// Counts a check that was not allowed to ask.
    pub(super) fn bypassed(&self) {
        self.bypasses.fetch_add(1, Ordering::Relaxed);
    }

    fn find_fresh(&self, id: SessionId, now: Timestamp) -> Option<(Session, User)> {
        let entry = self.entries.get(&id)?;
        let fresh = now >= entry.read_at
            && now.since(entry.read_at) <= self.config.max_age
            && self.generations_of(&entry.value) == entry.generations;
        fresh.then(|| (*entry.value).clone())
    }

    pub(super) fn before_query(&self) -> BeforeQuery {
        BeforeQuery(self.writes.load(Ordering::SeqCst))
    }

    /// Keeps what the query answered, unless something was written since it began, at `read_at`.
    pub(super) fn insert(&self, before: BeforeQuery, value: &(Session, User), read_at: Timestamp) {
        let generations = self.generations_of(value);
        if self.before_query().0 == before.0 {
            self.entries.insert(
                value.0.id,
                Entry {
                    value: Arc::new(value.clone()),
                    read_at,
                    generations,
                },
            );
        }
    }

    fn generations_of(&self, value: &(Session, User)) -> Generations {
        let read = |id| {
            self.generation(id)
                .map_or(0, |generation| generation.load(Ordering::SeqCst))
        };
        Generations {
            session: read(value.0.id.as_bytes()),
            user: read(value.1.id.as_bytes()),
            era: self.era.load(Ordering::SeqCst),
        }
    }

    fn generation(&self, id: &[u8; 16]) -> Option<&AtomicU64> {
        let slot = usize::try_from(self.hasher.hash_one(id) % SLOTS as u64).unwrap_or(0);
        self.generations.get(slot)
    }
}

impl fmt::Debug for SessionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCache")
            .field("config", &self.config)
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}
