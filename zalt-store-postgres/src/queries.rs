//! The reads of the contract: one statement each, which is one round trip.

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

use crate::{
    PostgresStore, attempt, event, message, provider_connection, session, signing_key, user,
};

#[async_trait]
impl UserQueries for PostgresStore {
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        user::by_id(self.database(), id).await
    }

    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        user::account(self.database(), id).await
    }

    async fn account_by_identifier(
        &self,
        key: &IdentifierKey,
    ) -> Result<Option<Account>, StoreError> {
        user::account_by_identifier(self.database(), key).await
    }

    async fn account_by_credential(
        &self,
        handle: CredentialHandle,
    ) -> Result<Option<Account>, StoreError> {
        user::account_by_credential(self.database(), handle).await
    }

    async fn users(
        &self,
        filter: &UserFilter,
        page: PageRequest,
    ) -> Result<Page<User>, StoreError> {
        user::list(self.database(), filter, page).await
    }

    async fn user_count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        user::count(self.database(), filter).await
    }
}

#[async_trait]
impl SessionQueries for PostgresStore {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        session::by_id(self.database(), id).await
    }

    async fn session_with_user(
        &self,
        id: SessionId,
    ) -> Result<Option<(Session, User)>, StoreError> {
        session::with_user(self.database(), id).await
    }

    async fn live_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Session>, StoreError> {
        session::live(self.database(), user_id, now, page).await
    }
}

#[async_trait]
impl AttemptQueries for PostgresStore {
    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        attempt::by_id(self.database(), id).await
    }
}

#[async_trait]
impl EventQueries for PostgresStore {
    async fn events(
        &self,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        event::list(self.database(), filter, page).await
    }
}

#[async_trait]
impl MessageQueries for PostgresStore {
    async fn due_messages(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
        message::due(self.database(), now, limit).await
    }

    async fn next_message_due(&self) -> Result<Option<Timestamp>, StoreError> {
        message::next_due(self.database()).await
    }
}

#[async_trait]
impl SigningKeyQueries for PostgresStore {
    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        signing_key::list(self.database()).await
    }
}

#[async_trait]
impl ConnectionQueries for PostgresStore {
    async fn connections(&self) -> Result<Vec<Connection>, StoreError> {
        provider_connection::list(self.database()).await
    }
}
