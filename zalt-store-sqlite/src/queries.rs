//! The reads of the contract, each where it runs: by key on the caller's thread, lists and counts on threads of the store.

use async_trait::async_trait;
use zalt_core::Timestamp;
use zalt_core::attempt::Attempt;
use zalt_core::connection::Connection;
use zalt_core::credential::CredentialHandle;
use zalt_core::event::Event;
use zalt_core::id::{AttemptId, SessionId, UserId};
use zalt_core::identifier::IdentifierKey;
use zalt_core::message::Message;
use zalt_core::session::Session;
use zalt_core::signing_key::SigningKeyRecord;
use zalt_core::store::{
    AttemptQueries, ConnectionQueries, EventFilter, EventQueries, MessageQueries, Page,
    PageRequest, SessionQueries, SigningKeyQueries, StoreError, UserFilter, UserQueries,
};
use zalt_core::user::{Account, User};

use crate::error::store_error;
use crate::{
    SqliteStore, attempt, event, message, provider_connection, session, signing_key, user,
};

#[async_trait]
impl UserQueries for SqliteStore {
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.readers().read(|db| user::by_id(db, id))
    }

    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.readers().snapshot(|db| user::account(db, id))
    }

    async fn account_by_identifier(
        &self,
        key: &IdentifierKey,
    ) -> Result<Option<Account>, StoreError> {
        self.readers()
            .snapshot(|db| user::account_by_identifier(db, key))
    }

    async fn account_by_credential(
        &self,
        handle: CredentialHandle,
    ) -> Result<Option<Account>, StoreError> {
        self.readers()
            .snapshot(|db| user::account_by_credential(db, handle))
    }

    async fn users(
        &self,
        filter: &UserFilter,
        page: PageRequest,
    ) -> Result<Page<User>, StoreError> {
        let filter = filter.clone();
        self.scans()
            .run(move |db| user::list(db, &filter, page).map_err(store_error))
            .await
    }

    async fn user_count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        let filter = filter.clone();
        self.scans()
            .run(move |db| user::count(db, &filter).map_err(store_error))
            .await
    }
}

#[async_trait]
impl SessionQueries for SqliteStore {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.readers().read(|db| session::by_id(db, id))
    }

    async fn session_with_user(
        &self,
        id: SessionId,
    ) -> Result<Option<(Session, User)>, StoreError> {
        self.readers().read(|db| session::with_user(db, id))
    }

    async fn live_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Session>, StoreError> {
        self.scans()
            .run(move |db| session::live(db, user_id, now, page).map_err(store_error))
            .await
    }
}

#[async_trait]
impl AttemptQueries for SqliteStore {
    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.readers().read(|db| attempt::by_id(db, id))
    }
}

#[async_trait]
impl EventQueries for SqliteStore {
    async fn events(
        &self,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        let filter = filter.clone();
        self.scans()
            .run(move |db| event::list(db, &filter, page).map_err(store_error))
            .await
    }
}

#[async_trait]
impl MessageQueries for SqliteStore {
    async fn due_messages(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
        self.scans()
            .run(move |db| message::due(db, now, limit).map_err(store_error))
            .await
    }

    async fn next_message_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers().read(message::next_due)
    }
}

#[async_trait]
impl SigningKeyQueries for SqliteStore {
    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.readers().read(signing_key::list)
    }
}

#[async_trait]
impl ConnectionQueries for SqliteStore {
    async fn connections(&self) -> Result<Vec<Connection>, StoreError> {
        self.readers().read(provider_connection::list)
    }
}
