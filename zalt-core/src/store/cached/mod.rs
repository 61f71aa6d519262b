//! A cache in front of the one query that every request of a signed-in person makes.

mod cache;
mod invalidation;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use cache::{SessionCache, SessionCacheStatistics};
pub use invalidation::{Announced, Invalidations, Stale};

use super::{
    AttemptQueries, Batch, CommitError, ConnectionQueries, EventFilter, EventQueries,
    MessageQueries, Page, PageRequest, SessionQueries, SigningKeyQueries, Store, StoreError,
    UserFilter, UserQueries,
};
use crate::attempt::Attempt;
use crate::budget::{Budget, BudgetKey, BudgetStore, Decision};
use crate::connection::Connection;
use crate::credential::CredentialHandle;
use crate::environment::{Clock, Timestamp};
use crate::event::Event;
use crate::id::{AttemptId, SessionId, UserId};
use crate::identifier::IdentifierKey;
use crate::message::Message;
use crate::session::Session;
use crate::signing_key::SigningKeyRecord;
use crate::user::{Account, User};

/// A store with a [`SessionCache`] in front of its `session_with_user`. Every other query goes through.
///
/// What is committed through this value is seen by it at once. What others commit to the same store is seen after the
/// cache's `max_age` at the latest, and sooner where [`Invalidations`] carry the word: see there for the bound.
pub struct SessionCached<S: ?Sized> {
    cache: Arc<SessionCache>,
    invalidations: Option<Arc<dyn Invalidations>>,
    clock: Arc<dyn Clock>,
    store: Arc<S>,
}

impl<S: Store + ?Sized> SessionCached<S> {
    /// Puts the cache in front of the store. The only replica of an application needs no more.
    pub const fn new(store: Arc<S>, cache: Arc<SessionCache>, clock: Arc<dyn Clock>) -> Self {
        Self {
            cache,
            invalidations: None,
            clock,
            store,
        }
    }

    /// Tells other replicas what is committed here, and uses the cache only while this one hears of them. The other end
    /// of the invalidations has to [`forget`](SessionCache::forget) in the same cache.
    #[must_use]
    pub fn told_by(mut self, invalidations: Arc<dyn Invalidations>) -> Self {
        self.invalidations = Some(invalidations);
        self
    }

    /// The store behind the cache.
    pub const fn store(&self) -> &Arc<S> {
        &self.store
    }

    /// The cache in front of it.
    pub const fn cache(&self) -> &Arc<SessionCache> {
        &self.cache
    }

    fn hears_of_others(&self) -> bool {
        self.invalidations
            .as_ref()
            .is_none_or(|invalidations| invalidations.is_current())
    }
}

#[async_trait]
impl<S: Store + ?Sized> Store for SessionCached<S> {
    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let mut telling = Telling {
            stale: Stale::after(&batch),
            cache: &self.cache,
            invalidations: self.invalidations.as_deref(),
        };
        let result = self.store.commit(batch).await;
        if matches!(result, Err(CommitError::Guard(_))) {
            // Nothing was written here, but perhaps elsewhere: what made the guard fail may be news to this cache alone.
            self.cache.forget(&telling.stale);
            telling.stale.clear();
        }
        if let Some(announced) = telling.tell() {
            announced.await;
        }
        result
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.store.ready().await
    }
}

/// What is to be forgotten once a commit is over, however it ends: one that failed, or whose caller went away, may have
/// been applied.
struct Telling<'s> {
    stale: Vec<Stale>,
    cache: &'s SessionCache,
    invalidations: Option<&'s dyn Invalidations>,
}

impl Telling<'_> {
    fn tell(&mut self) -> Option<Announced> {
        if self.stale.is_empty() {
            return None;
        }
        let stale = std::mem::take(&mut self.stale);
        self.cache.forget(&stale);
        self.invalidations
            .map(|invalidations| invalidations.announce(stale))
    }
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        // It is on its way; nobody is left to wait until it has arrived.
        drop(self.tell());
    }
}

#[async_trait]
impl<S: Store + ?Sized> SessionQueries for SessionCached<S> {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.store.session(id).await
    }

    async fn session_with_user(
        &self,
        id: SessionId,
    ) -> Result<Option<(Session, User)>, StoreError> {
        if !self.hears_of_others() {
            self.cache.bypassed();
        } else if let Some(found) = self.cache.find(id, self.clock.now()) {
            return Ok(Some(found));
        }
        let before = self.cache.before_query();
        let read_at = self.clock.now();
        let found = self.store.session_with_user(id).await?;
        if let Some(found) = &found {
            self.cache.insert(before, found, read_at);
        }
        Ok(found)
    }

    async fn live_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Session>, StoreError> {
        self.store.live_sessions(user_id, now, page).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> UserQueries for SessionCached<S> {
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.store.user(id).await
    }

    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.store.account(id).await
    }

    async fn account_by_identifier(
        &self,
        key: &IdentifierKey,
    ) -> Result<Option<Account>, StoreError> {
        self.store.account_by_identifier(key).await
    }

    async fn account_by_credential(
        &self,
        handle: CredentialHandle,
    ) -> Result<Option<Account>, StoreError> {
        self.store.account_by_credential(handle).await
    }

    async fn users(
        &self,
        filter: &UserFilter,
        page: PageRequest,
    ) -> Result<Page<User>, StoreError> {
        self.store.users(filter, page).await
    }

    async fn user_count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        self.store.user_count(filter).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> AttemptQueries for SessionCached<S> {
    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.store.attempt(id).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> EventQueries for SessionCached<S> {
    async fn events(
        &self,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        self.store.events(filter, page).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> MessageQueries for SessionCached<S> {
    async fn due_messages(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
        self.store.due_messages(now, limit).await
    }

    async fn next_message_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.store.next_message_due().await
    }
}

#[async_trait]
impl<S: Store + ?Sized> SigningKeyQueries for SessionCached<S> {
    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.store.signing_keys().await
    }
}

#[async_trait]
impl<S: Store + ?Sized> ConnectionQueries for SessionCached<S> {
    async fn connections(&self) -> Result<Vec<Connection>, StoreError> {
        self.store.connections().await
    }
}

#[async_trait]
impl<S: Store + BudgetStore + ?Sized> BudgetStore for SessionCached<S> {
    async fn take(
        &self,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        self.store.take(key, budget, now).await
    }

    async fn give_back(&self, key: BudgetKey) -> Result<(), StoreError> {
        self.store.give_back(key).await
    }
}

impl<S: ?Sized> fmt::Debug for SessionCached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCached")
            .field("cache", &self.cache)
            .field("invalidations", &self.invalidations)
            .finish_non_exhaustive()
    }
}
