use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use zalt_core::Timestamp;
use zalt_core::attempt::Attempt;
use zalt_core::budget::{Budget, BudgetKey, BudgetStore, Decision};
use zalt_core::connection::Connection;
use zalt_core::credential::CredentialHandle;
use zalt_core::event::Event;
use zalt_core::id::{AttemptId, SessionId, UserId};
use zalt_core::identifier::IdentifierKey;
use zalt_core::message::Message;
use zalt_core::session::Session;
use zalt_core::signing_key::SigningKeyRecord;
use zalt_core::store::memory::MemoryStore;
use zalt_core::store::{
    AttemptQueries, Batch, CommitError, ConnectionQueries, EventFilter, EventQueries,
    MessageQueries, Page, PageRequest, SessionQueries, SigningKeyQueries, Store, StoreError,
    StoreErrorKind, UserFilter, UserQueries,
};
use zalt_core::user::{Account, User};

/// A store in memory that several applications may share and a test can break.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultyStore {
    inner: Arc<MemoryStore>,
    pub(crate) faults: Arc<Faults>,
}

/// What goes wrong, and what was counted.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// No commit is applied: there is no room left.
    pub(crate) full: AtomicBool,
    /// Commits are applied, and their callers never hear of it.
    pub(crate) silent: AtomicBool,
    /// The signing keys can't be read.
    pub(crate) no_keys: AtomicBool,
    pub(crate) commits: AtomicUsize,
    pub(crate) key_reads: AtomicUsize,
    pub(crate) account_reads: AtomicUsize,
}

/// No test makes as many commits; one that never ends does.
const ENDLESS: usize = 10_000;

#[async_trait]
impl Store for FaultyStore {
    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let commits = self.faults.commits.fetch_add(1, Ordering::SeqCst);
        assert!(commits < ENDLESS, "commits without end");
        if self.faults.full.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Full).into());
        }
        let result = self.inner.commit(batch).await;
        if self.faults.silent.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
        result
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.inner.ready().await
    }
}

#[async_trait]
impl BudgetStore for FaultyStore {
    async fn take(
        &self,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        self.inner.take(key, budget, now).await
    }

    async fn give_back(&self, key: BudgetKey) -> Result<(), StoreError> {
        self.inner.give_back(key).await
    }
}

#[async_trait]
impl UserQueries for FaultyStore {
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.inner.user(id).await
    }

    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.faults.account_reads.fetch_add(1, Ordering::SeqCst);
        self.inner.account(id).await
    }

    async fn account_by_identifier(
        &self,
        key: &IdentifierKey,
    ) -> Result<Option<Account>, StoreError> {
        self.inner.account_by_identifier(key).await
    }

    async fn account_by_credential(
        &self,
        handle: CredentialHandle,
    ) -> Result<Option<Account>, StoreError> {
        self.inner.account_by_credential(handle).await
    }

    async fn users(
        &self,
        filter: &UserFilter,
        page: PageRequest,
    ) -> Result<Page<User>, StoreError> {
        self.inner.users(filter, page).await
    }

    async fn user_count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        self.inner.user_count(filter).await
    }
}

#[async_trait]
impl SessionQueries for FaultyStore {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.inner.session(id).await
    }

    async fn session_with_user(
        &self,
        id: SessionId,
    ) -> Result<Option<(Session, User)>, StoreError> {
        self.inner.session_with_user(id).await
    }

    async fn live_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Session>, StoreError> {
        self.inner.live_sessions(user_id, now, page).await
    }
}

#[async_trait]
impl AttemptQueries for FaultyStore {
    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.inner.attempt(id).await
    }
}

#[async_trait]
impl EventQueries for FaultyStore {
    async fn events(
        &self,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        self.inner.events(filter, page).await
    }
}

#[async_trait]
impl MessageQueries for FaultyStore {
    async fn due_messages(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
        self.inner.due_messages(now, limit).await
    }

    async fn next_message_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_message_due().await
    }
}

#[async_trait]
impl SigningKeyQueries for FaultyStore {
    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.faults.key_reads.fetch_add(1, Ordering::SeqCst);
        if self.faults.no_keys.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Unavailable));
        }
        self.inner.signing_keys().await
    }
}

#[async_trait]
impl ConnectionQueries for FaultyStore {
    async fn connections(&self) -> Result<Vec<Connection>, StoreError> {
        self.inner.connections().await
    }
}
