use std::collections::BTreeSet;
use std::ops::Bound;

use async_trait::async_trait;

use super::MemoryStore;
use super::state::State;
use crate::attempt::Attempt;
use crate::connection::Connection;
use crate::credential::CredentialHandle;
use crate::environment::Timestamp;
use crate::event::Event;
use crate::id::{AttemptId, EventId, IdentifierId, SessionId, UserId};
use crate::identifier::{IdentifierKey, IdentifierKind};
use crate::message::Message;
use crate::session::Session;
use crate::signing_key::SigningKeyRecord;
use crate::store::{
    AttemptQueries, ConnectionQueries, EventFilter, EventQueries, MessageQueries, Page,
    PageRequest, SessionQueries, SigningKeyQueries, StoreError, UserFilter, UserQueries,
};
use crate::user::{Account, User, UserStatus};

#[async_trait]
impl UserQueries for MemoryStore {
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.state().users.get(&id).cloned())
    }

    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        Ok(account(&self.state(), id))
    }

    async fn account_by_identifier(
        &self,
        key: &IdentifierKey,
    ) -> Result<Option<Account>, StoreError> {
        let state = self.state();
        let owner = state.owners.get(key).and_then(|id| state.identifier(*id));
        Ok(owner.and_then(|owner| account(&state, owner.user_id)))
    }

    async fn account_by_credential(
        &self,
        handle: CredentialHandle,
    ) -> Result<Option<Account>, StoreError> {
        let state = self.state();
        let owner = state.handles.get(&handle);
        let owner = owner.and_then(|id| state.credential(*id));
        Ok(owner.and_then(|owner| account(&state, owner.user_id)))
    }

    async fn users(
        &self,
        filter: &UserFilter,
        page: PageRequest,
    ) -> Result<Page<User>, StoreError> {
        let state = self.state();
        let before = page.after.map(|cursor| UserId::from_bytes(*cursor.id()));
        let rows = matching_users(&state, filter, before).cloned();
        Ok(page_of(rows, page, |user| *user.id.as_bytes()))
    }

    async fn user_count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        let count = matching_users(&self.state(), filter, None).count();
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

#[async_trait]
impl SessionQueries for MemoryStore {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.state().session(id).cloned())
    }

    async fn session_with_user(
        &self,
        id: SessionId,
    ) -> Result<Option<(Session, User)>, StoreError> {
        let state = self.state();
        let session = state.session(id);
        Ok(session.and_then(|session| {
            let user = state.users.get(&session.user_id)?;
            Some((session.clone(), user.clone()))
        }))
    }

    async fn live_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Session>, StoreError> {
        let before = page.after.map(|cursor| SessionId::from_bytes(*cursor.id()));
        let state = self.state();
        let rows = state
            .sessions_of(user_id, before)
            .filter(|session| session.is_live(now))
            .cloned();
        Ok(page_of(rows, page, |session| *session.id.as_bytes()))
    }
}

#[async_trait]
impl AttemptQueries for MemoryStore {
    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        Ok(self.state().attempts.get(&id).cloned())
    }
}

#[async_trait]
impl EventQueries for MemoryStore {
    async fn events(
        &self,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        let end = match page.after {
            Some(cursor) => Bound::Excluded(EventId::from_bytes(*cursor.id())),
            None => Bound::Unbounded,
        };
        let state = self.state();
        let rows = state
            .events
            .range((Bound::Unbounded, end))
            .rev()
            .map(|(_, event)| event)
            .filter(|event| filter.user_id.is_none() || event.user_id == filter.user_id)
            .filter(|event| {
                let kind = filter.kind.as_deref();
                kind.is_none_or(|kind| event.kind.name() == kind)
            })
            .cloned();
        Ok(page_of(rows, page, |event| *event.id.as_bytes()))
    }
}

#[async_trait]
impl MessageQueries for MemoryStore {
    async fn due_messages(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let state = self.state();
        Ok(state
            .due
            .iter()
            .take_while(|((due_at, _), ())| *due_at <= now)
            .filter_map(|((_, id), ())| state.message(*id))
            .take(limit)
            .cloned()
            .collect())
    }

    async fn next_message_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let state = self.state();
        Ok(state.due.iter().next().map(|((due_at, _), ())| *due_at))
    }
}

#[async_trait]
impl SigningKeyQueries for MemoryStore {
    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        let state = self.state();
        Ok(state
            .signing_keys
            .iter()
            .map(|(_, key)| key.clone())
            .collect())
    }
}

#[async_trait]
impl ConnectionQueries for MemoryStore {
    async fn connections(&self) -> Result<Vec<Connection>, StoreError> {
        let state = self.state();
        let rows = state.connections.iter();
        Ok(rows.map(|(_, connection)| connection.clone()).collect())
    }
}

fn account(state: &State, id: UserId) -> Option<Account> {
    Some(Account {
        user: state.users.get(&id)?.clone(),
        identifiers: state.identifiers_of(id).cloned().collect(),
        password: state.passwords.get(&id).cloned(),
        credentials: state.credentials_of(id).cloned().collect(),
    })
}

/// The users that the filter holds and whose ids lie before `before`, newest first.
fn matching_users<'a>(
    state: &'a State,
    filter: &'a UserFilter,
    before: Option<UserId>,
) -> Box<dyn Iterator<Item = &'a User> + 'a> {
    let end = before.map_or(Bound::Unbounded, Bound::Excluded);
    let range = (Bound::Unbounded, end);
    let matches = |user: &&User| {
        let deleted_before = filter
            .deleted_before
            .is_none_or(|before| matches!(user.status, UserStatus::Deleted { at } if at < before));
        let active = filter.active;
        deleted_before && active.is_none_or(|active| user.status.is_active() == active)
    };
    match &filter.identifier_prefix {
        None => Box::new(
            state
                .users
                .range(range)
                .rev()
                .map(|(_, user)| user)
                .filter(matches),
        ),
        Some(prefix) => Box::new(
            users_with_prefix(state, &prefix.to_lowercase())
                .into_iter()
                .rev()
                .filter(move |id| before.is_none_or(|before| *id < before))
                .filter_map(|id| state.users.get(&id))
                .filter(matches),
        ),
    }
}

fn users_with_prefix(state: &State, prefix: &str) -> BTreeSet<UserId> {
    let kinds = [
        IdentifierKind::EmailAddress,
        IdentifierKind::PhoneNumber,
        IdentifierKind::Username,
    ];
    let with_kind = |kind| {
        let first = IdentifierKey {
            kind,
            key: prefix.to_owned(),
        };
        state
            .keys
            .range((first, IdentifierId::from_bytes([0; 16]))..)
            .take_while(move |((key, _), _)| key.kind == kind && key.key.starts_with(prefix))
            .map(|(_, user_id)| *user_id)
    };
    kinds.into_iter().flat_map(with_kind).collect()
}

fn page_of<T>(
    rows: impl Iterator<Item = T>,
    page: PageRequest,
    id: impl Fn(&T) -> [u8; 16],
) -> Page<T> {
    // One more than the page holds tells whether another follows.
    let wanted = usize::try_from(page.limit.rows()).unwrap_or(usize::MAX);
    Page::from_rows(
        rows.take(wanted.saturating_add(1)).collect(),
        page.limit,
        id,
    )
}
