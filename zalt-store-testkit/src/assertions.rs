//! What behaviours ask of a store, and what they say when it answers otherwise.

use zalt_core::Timestamp;
use zalt_core::event::Event;
use zalt_core::id::{SessionId, UserId};
use zalt_core::identifier::IdentifierValue;
use zalt_core::session::Session;
use zalt_core::store::{
    Batch, Change, CommitError, Cursor, EventFilter, Expired, GuardFailure, GuardReason, PageLimit,
    PageRequest, UserFilter,
};
use zalt_core::user::{Account, User};

use crate::SharedStore;
use crate::fixtures::Fixtures;

/// What can be committed as it stands.
pub(crate) trait IntoBatch {
    fn into_batch(self) -> Batch;
}

impl IntoBatch for Batch {
    fn into_batch(self) -> Batch {
        self
    }
}

impl IntoBatch for Change {
    fn into_batch(self) -> Batch {
        Batch::new().change(self)
    }
}

impl IntoBatch for Vec<Change> {
    fn into_batch(self) -> Batch {
        Batch {
            changes: self,
            events: Vec::new(),
        }
    }
}

impl<const N: usize> IntoBatch for [Change; N] {
    fn into_batch(self) -> Batch {
        Vec::from(self).into_batch()
    }
}

/// Commits a batch that has to be applied.
#[track_caller]
pub(crate) fn commit(
    store: &SharedStore,
    batch: impl IntoBatch,
) -> impl Future<Output = ()> + Send {
    let caller = std::panic::Location::caller();
    let batch = batch.into_batch();
    async move {
        if let Err(error) = store.commit(batch).await {
            panic!("the batch at {caller} has to be applied but failed: {error:?}");
        }
    }
}

/// Commits a batch that has to be refused for the guard of the change at this position.
#[track_caller]
pub(crate) fn refused(
    store: &SharedStore,
    batch: impl IntoBatch,
    change: usize,
    reason: GuardReason,
) -> impl Future<Output = ()> + Send {
    let caller = std::panic::Location::caller();
    let batch = batch.into_batch();
    async move {
        match store.commit(batch).await {
            Err(CommitError::Guard(failure)) => assert_eq!(
                failure,
                GuardFailure { change, reason },
                "the batch at {caller} was refused for another reason"
            ),
            Err(error) => {
                panic!("the batch at {caller} has to be refused by a guard but failed: {error:?}")
            }
            Ok(()) => panic!("the batch at {caller} has to be refused ({reason}) but was applied"),
        }
    }
}

pub(crate) async fn user(store: &SharedStore, id: UserId) -> User {
    let user = store.user(id).await.expect("the query has to succeed");
    user.expect("the user has to exist")
}

pub(crate) async fn account(store: &SharedStore, id: UserId) -> Account {
    let account = store.account(id).await.expect("the query has to succeed");
    account.expect("the account has to exist")
}

pub(crate) async fn session(store: &SharedStore, id: SessionId) -> Session {
    let session = store.session(id).await.expect("the query has to succeed");
    session.expect("the session has to exist")
}

/// Every event that the filter holds, newest first, read page by page.
pub(crate) async fn all_events(store: &SharedStore, filter: &EventFilter) -> Vec<Event> {
    let mut events = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .events(filter, page(after, 100))
            .await
            .expect("the query has to succeed");
        events.extend(page.data);
        after = page.next;
        if after.is_none() {
            return events;
        }
    }
}

/// Every user that the filter holds, newest first, read page by page, and counted as well.
pub(crate) async fn all_users(store: &SharedStore, filter: &UserFilter) -> Vec<UserId> {
    let mut users = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .users(filter, page(after, 100))
            .await
            .expect("the query has to succeed");
        users.extend(page.data.into_iter().map(|user| user.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let count = store
        .user_count(filter)
        .await
        .expect("the query has to succeed");
    assert_eq!(
        count,
        users.len() as u64,
        "the count of {filter:?} differs from its list"
    );
    users
}

pub(crate) const fn page(after: Option<Cursor>, limit: u32) -> PageRequest {
    PageRequest {
        after,
        limit: PageLimit::clamped(limit),
    }
}

pub(crate) const FIRST_PAGE: PageRequest = page(None, 100);

/// The ids of every session of the user that is live at `now`, newest first, read page by page.
pub(crate) async fn all_sessions(
    store: &SharedStore,
    user_id: UserId,
    now: Timestamp,
) -> Vec<SessionId> {
    let mut sessions = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .live_sessions(user_id, now, page(after, 100))
            .await
            .expect("the query has to succeed");
        sessions.extend(page.data.into_iter().map(|session| session.id));
        after = page.next;
        if after.is_none() {
            return sessions;
        }
    }
}

/// A sweep that removes nothing, to be filled in.
pub(crate) const NOTHING_EXPIRED: Expired = Expired {
    sessions_before: Timestamp::from_unix_millis(0),
    attempts_before: Timestamp::from_unix_millis(0),
    budgets_before: Timestamp::from_unix_millis(0),
    signing_keys_before: Timestamp::from_unix_millis(0),
    events_before: None,
    limit: 100,
};

/// A user that is in the store.
pub(crate) async fn new_user(store: &SharedStore, f: &Fixtures) -> User {
    let user = f.user();
    commit(store, Change::InsertUser(user.clone())).await;
    user
}

/// Two users that are in the store.
pub(crate) async fn two_users(store: &SharedStore, f: &Fixtures) -> (User, User) {
    let users = (f.user(), f.user());
    commit(
        store,
        [
            Change::InsertUser(users.0.clone()),
            Change::InsertUser(users.1.clone()),
        ],
    )
    .await;
    users
}

/// The account that an identifier leads to.
pub(crate) async fn owner(store: &SharedStore, value: &IdentifierValue) -> Option<Account> {
    store
        .account_by_identifier(&value.key())
        .await
        .expect("the query has to succeed")
}
