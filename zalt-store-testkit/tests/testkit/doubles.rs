//! Stores that are right in all but one thing, each of which some store out there has got wrong.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use zalt_core::Timestamp;
use zalt_core::attempt::Attempt;
use zalt_core::budget::{Budget, BudgetKey, BudgetState, BudgetStore, Decision};
use zalt_core::connection::Connection;
use zalt_core::credential::CredentialHandle;
use zalt_core::event::Event;
use zalt_core::id::{AttemptId, SessionId, UserId};
use zalt_core::identifier::{Identifier, IdentifierKey};
use zalt_core::message::Message;
use zalt_core::session::Session;
use zalt_core::signing_key::SigningKeyRecord;
use zalt_core::store::memory::MemoryStore;
use zalt_core::store::{
    AttemptQueries, Batch, Change, CommitError, ConnectionQueries, Cursor, EventFilter,
    EventQueries, Expired, GuardFailure, MessageQueries, Page, PageLimit, PageRequest,
    SessionQueries, SigningKeyQueries, Store, StoreError, UserFilter, UserQueries,
};
use zalt_core::user::{Account, PasswordCredential, User};

use crate::places::Journal;

/// What a double gets wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: it shows that the wrapper alone fails no behaviour.
    None,
    /// Saving a session writes over the one that is there.
    UpsertsSessions,
    /// Whatever refresh token is presented is rotated.
    RotatesAnyRefreshToken,
    /// Changes are written one after the other, and what was written stays.
    WritesChangesOneByOne,
    /// Identifiers are looked up as they were written.
    LooksUpWithCase,
    /// An update writes over whatever version is there.
    IgnoresVersions,
    /// The events of a refused batch are appended.
    AppendsEventsRegardless,
    /// A cursor is the number of rows that were seen.
    PagesByOffset,
    /// A budget is read first and written later.
    ChecksBudgetsThenActs,
    /// A session is inserted whatever epoch it is from.
    IgnoresEpochs,
    /// An identifier that nobody verified leads to its user.
    FindsUnverified,
    /// The sweep takes what ends at the very instant, too.
    SweepsTooMuch,
    /// Text ends at its first NUL, as in C.
    CutsTextAtNul,
    /// The refused change is always said to be the first.
    NamesTheFirstChange,
    /// A count is cached until the next commit but one.
    CachesTheCount,
    /// A budget is given back outside of the commit.
    GivesBackRegardless,
}

/// A store with one fault.
#[derive(Debug)]
pub(crate) struct Double {
    inner: MemoryStore,
    fault: Fault,
    saved: Mutex<HashMap<SessionId, Session>>,
    budgets: Mutex<HashMap<BudgetKey, BudgetState>>,
    counts: Mutex<[Option<u64>; 2]>,
    looks: AtomicUsize,
    journal: Option<Arc<Journal>>,
}

impl Double {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            inner: MemoryStore::new(),
            fault,
            saved: Mutex::default(),
            budgets: Mutex::default(),
            counts: Mutex::default(),
            looks: AtomicUsize::default(),
            journal: None,
        }
    }

    /// A store without a fault that goes on where its journal ends.
    pub(crate) fn opened(inner: MemoryStore, journal: Arc<Journal>) -> Self {
        Self {
            inner,
            journal: Some(journal),
            ..Self::new(Fault::None)
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    /// The change as the double writes it; `None` if it was written elsewhere.
    async fn bent(&self, change: Change) -> Result<Option<Change>, StoreError> {
        Ok(Some(match (self.fault, change) {
            (Fault::UpsertsSessions, Change::InsertSession(session)) => {
                if self.inner.session(session.id).await?.is_some() {
                    self.saved.lock().unwrap().insert(session.id, session);
                    return Ok(None);
                }
                Change::InsertSession(session)
            }
            (
                Fault::RotatesAnyRefreshToken,
                Change::RotateRefresh {
                    id,
                    presented,
                    at,
                    idle_expires_at,
                    ip,
                },
            ) => {
                let session = self.inner.session(id).await?;
                let current = session.and_then(|session| session.refresh);
                Change::RotateRefresh {
                    id,
                    presented: current.map_or(presented, |current| current.generation),
                    at,
                    idle_expires_at,
                    ip,
                }
            }
            (Fault::IgnoresVersions, Change::UpdateUser(user)) => {
                let stored = self.inner.user(user.id).await?;
                let version = stored.map_or(user.version, |stored| stored.version);
                Change::UpdateUser(User { version, ..user })
            }
            (Fault::IgnoresVersions, Change::UpdateIdentifier(identifier)) => {
                let account = self.inner.account(identifier.user_id).await?;
                let stored = account.and_then(|account| {
                    let mut all = account.identifiers.into_iter();
                    all.find(|stored| stored.id == identifier.id)
                });
                let version = stored.map_or(identifier.version, |stored| stored.version);
                Change::UpdateIdentifier(Identifier {
                    version,
                    ..identifier
                })
            }
            (Fault::IgnoresVersions, Change::UpdatePassword(password)) => {
                let account = self.inner.account(password.user_id).await?;
                let stored = account.and_then(|account| account.password);
                let version = stored.map_or(password.version, |stored| stored.version);
                Change::UpdatePassword(PasswordCredential {
                    version,
                    ..password
                })
            }
            (Fault::IgnoresVersions, Change::UpdateConnection(connection)) => {
                Change::UpdateConnection(self.as_stored(connection).await?)
            }
            (Fault::IgnoresVersions, Change::UpdateAttempt(attempt)) => {
                let stored = self.inner.attempt(attempt.id).await?;
                let version = stored.map_or(attempt.version, |stored| stored.version);
                Change::UpdateAttempt(Attempt { version, ..attempt })
            }
            (Fault::IgnoresEpochs, Change::InsertSession(session)) => {
                let user = self.inner.user(session.user_id).await?;
                let epoch = user.map_or(session.epoch, |user| user.session_epoch);
                Change::InsertSession(Session { epoch, ..session })
            }
            (Fault::SweepsTooMuch, Change::RemoveExpired(expired)) => {
                let moment = Duration::from_millis(1);
                Change::RemoveExpired(Expired {
                    sessions_before: expired.sessions_before + moment,
                    attempts_before: expired.attempts_before + moment,
                    budgets_before: expired.budgets_before + moment,
                    signing_keys_before: expired.signing_keys_before + moment,
                    events_before: expired.events_before.map(|before| before + moment),
                    limit: expired.limit,
                })
            }
            (Fault::CutsTextAtNul, Change::InsertSession(session)) => {
                let user_agent = session
                    .user_agent
                    .map(|text| text.split('\0').next().unwrap_or_default().to_owned());
                Change::InsertSession(Session {
                    user_agent,
                    ..session
                })
            }
            (Fault::GivesBackRegardless, Change::GiveBackBudget(key)) => {
                self.inner.give_back(key).await?;
                return Ok(None);
            }
            (_, change) => change,
        }))
    }

    /// The connection with the version that is stored.
    async fn as_stored(&self, connection: Connection) -> Result<Connection, StoreError> {
        let mut stored = self.inner.connections().await?.into_iter();
        let stored = stored.find(|stored| stored.id == connection.id);
        let version = stored.map_or(connection.version, |stored| stored.version);
        Ok(Connection {
            version,
            ..connection
        })
    }

    /// Does to the budgets that are kept here what the commit did to those of the store within.
    fn free_budgets(&self, changes: &[Change]) {
        let mut budgets = self.budgets.lock().unwrap();
        for change in changes {
            match change {
                Change::GiveBackBudget(key) => drop(budgets.remove(key)),
                Change::GiveBackTry { key, each } => {
                    if let Some(state) = budgets.get_mut(key) {
                        *state = state.with_try_back(*each);
                    }
                }
                Change::RemoveExpired(expired) => {
                    let over: Vec<_> = budgets
                        .iter()
                        .filter(|(_, state)| state.forget_at < expired.budgets_before)
                        .map(|(key, _)| *key)
                        .take(usize::try_from(expired.limit).unwrap())
                        .collect();
                    budgets.retain(|key, _| !over.contains(key));
                }
                _ => {}
            }
        }
    }

    async fn one_by_one(&self, batch: Batch) -> Result<(), CommitError> {
        for (position, change) in batch.changes.into_iter().enumerate() {
            let single = Batch::new().change(change);
            self.inner
                .commit(single)
                .await
                .map_err(|error| at(position, error))?;
            // Time for others to look: one turn is too short on a busy machine.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        }
        let events = batch.events;
        self.inner
            .commit(Batch {
                changes: Vec::new(),
                events,
            })
            .await
    }

    /// The rows from the number on that the cursor holds.
    fn offset_page<T>(rows: Vec<T>, page: PageRequest) -> Page<T> {
        let seen = page
            .after
            .map_or(0, |cursor| u128::from_be_bytes(*cursor.id()));
        let seen = usize::try_from(seen).unwrap_or(usize::MAX);
        let limit = usize::try_from(page.limit.rows()).unwrap();
        let total = rows.len();
        let data: Vec<_> = rows.into_iter().skip(seen).take(limit).collect();
        let end = seen.saturating_add(data.len());
        let next = (end < total).then(|| Cursor::after((end as u128).to_be_bytes()));
        Page { data, next }
    }
}

fn at(change: usize, error: CommitError) -> CommitError {
    match error {
        CommitError::Guard(failure) => GuardFailure { change, ..failure }.into(),
        other => other,
    }
}

#[async_trait]
impl Store for Double {
    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        if let Some(journal) = &self.journal {
            return journal.commit(&self.inner, batch).await;
        }
        if self.has(Fault::WritesChangesOneByOne) {
            return self.one_by_one(batch).await;
        }
        let mut bent = Batch::new();
        for change in batch.changes {
            bent = bent.maybe(self.bent(change).await?);
        }
        bent.events.clone_from(&batch.events);
        let changes = bent.changes.clone();
        let outcome = self.inner.commit(bent).await;
        if outcome.is_ok() {
            self.free_budgets(&changes);
        }
        if self.has(Fault::CachesTheCount) {
            let fresh = self.inner.user_count(&UserFilter::default()).await?;
            let mut counts = self.counts.lock().unwrap();
            *counts = [counts[1], Some(fresh)];
        }
        match outcome {
            Err(error) if self.has(Fault::NamesTheFirstChange) => Err(at(0, error)),
            Err(error) if self.has(Fault::AppendsEventsRegardless) => {
                let events = batch.events;
                let changes = Vec::new();
                // An id that exists fails here as well, which is neither here nor there.
                drop(self.inner.commit(Batch { changes, events }).await);
                Err(error)
            }
            outcome => outcome,
        }
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.inner.ready().await
    }
}

#[async_trait]
impl BudgetStore for Double {
    async fn take(
        &self,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        if let Some(journal) = &self.journal {
            return journal.take(&self.inner, key, budget, now).await;
        }
        if !self.has(Fault::ChecksBudgetsThenActs) {
            return self.inner.take(key, budget, now).await;
        }
        let state = self.budgets.lock().unwrap().get(&key).copied();
        let (next, decision) = budget.take(state, now);
        // Until somebody else has looked too, if anybody comes: one turn is too short on a busy machine.
        let looks = self.looks.fetch_add(1, Ordering::Relaxed) + 1;
        for _ in 0..100 {
            if self.looks.load(Ordering::Relaxed) != looks {
                break;
            }
            tokio::task::yield_now().await;
        }
        if let Some(next) = next {
            self.budgets.lock().unwrap().insert(key, next);
        }
        Ok(decision)
    }

    async fn give_back(&self, key: BudgetKey) -> Result<(), StoreError> {
        if let Some(journal) = &self.journal {
            return journal.give_back(&self.inner, key).await;
        }
        self.budgets.lock().unwrap().remove(&key);
        self.inner.give_back(key).await
    }
}

#[async_trait]
impl UserQueries for Double {
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.inner.user(id).await
    }

    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.inner.account(id).await
    }

    async fn account_by_identifier(
        &self,
        key: &IdentifierKey,
    ) -> Result<Option<Account>, StoreError> {
        let found = self.inner.account_by_identifier(key).await?;
        match self.fault {
            Fault::LooksUpWithCase => Ok(found.filter(|account| {
                let mut values = account.identifiers.iter().map(|row| row.value.as_str());
                values.any(|written| written == key.key)
            })),
            Fault::FindsUnverified if found.is_none() => {
                let filter = UserFilter {
                    identifier_prefix: Some(key.key.clone()),
                    ..UserFilter::default()
                };
                let users = self.inner.users(&filter, PageRequest::default()).await?;
                match users.data.first() {
                    Some(user) => self.inner.account(user.id).await,
                    None => Ok(None),
                }
            }
            _ => Ok(found),
        }
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
        if !self.has(Fault::PagesByOffset) {
            return self.inner.users(filter, page).await;
        }
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let limit = PageLimit::MAX;
            let read = self
                .inner
                .users(filter, PageRequest { after, limit })
                .await?;
            rows.extend(read.data);
            after = read.next;
            if after.is_none() {
                return Ok(Self::offset_page(rows, page));
            }
        }
    }

    async fn user_count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        let cached = self.counts.lock().unwrap()[0];
        match cached {
            Some(count) if *filter == UserFilter::default() => Ok(count),
            _ => self.inner.user_count(filter).await,
        }
    }
}

#[async_trait]
impl SessionQueries for Double {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let saved = self.saved.lock().unwrap().get(&id).cloned();
        match saved {
            Some(session) => Ok(Some(session)),
            None => self.inner.session(id).await,
        }
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
impl AttemptQueries for Double {
    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.inner.attempt(id).await
    }
}

#[async_trait]
impl EventQueries for Double {
    async fn events(
        &self,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        self.inner.events(filter, page).await
    }
}

#[async_trait]
impl MessageQueries for Double {
    async fn due_messages(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
        self.inner.due_messages(now, limit).await
    }

    async fn next_message_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_message_due().await
    }
}

#[async_trait]
impl SigningKeyQueries for Double {
    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.inner.signing_keys().await
    }
}

#[async_trait]
impl ConnectionQueries for Double {
    async fn connections(&self) -> Result<Vec<Connection>, StoreError> {
        self.inner.connections().await
    }
}
