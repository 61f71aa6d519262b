//! The queries, each to the store or its cache.

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
    PageRequest, SessionQueries, SigningKeyQueries, Store, StoreError, UserFilter, UserQueries,
};
use zalt_core::user::{Account, User};

use super::RedisStore;

#[async_trait]
impl<S: Store + ?Sized> SessionQueries for RedisStore<S> {
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.cached.session(id).await
    }

    async fn session_with_user(
        &self,
        id: SessionId,
    ) -> Result<Option<(Session, User)>, StoreError> {
        self.cached.session_with_user(id).await
    }

    async fn live_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Session>, StoreError> {
        self.cached.live_sessions(user_id, now, page).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> UserQueries for RedisStore<S> {
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.cached.user(id).await
    }

    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.cached.account(id).await
    }

    async fn account_by_identifier(
        &self,
        key: &IdentifierKey,
    ) -> Result<Option<Account>, StoreError> {
        self.cached.account_by_identifier(key).await
    }

    async fn account_by_credential(
        &self,
        handle: CredentialHandle,
    ) -> Result<Option<Account>, StoreError> {
        self.cached.account_by_credential(handle).await
    }

    async fn users(
        &self,
        filter: &UserFilter,
        page: PageRequest,
    ) -> Result<Page<User>, StoreError> {
        self.cached.users(filter, page).await
    }

    async fn user_count(&self, filter: &UserFilter) -> Result<u64, StoreError> {
        self.cached.user_count(filter).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> AttemptQueries for RedisStore<S> {
    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.cached.attempt(id).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> EventQueries for RedisStore<S> {
    async fn events(
        &self,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        self.cached.events(filter, page).await
    }
}

#[async_trait]
impl<S: Store + ?Sized> MessageQueries for RedisStore<S> {
    async fn due_messages(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
        self.cached.due_messages(now, limit).await
    }

    async fn next_message_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.cached.next_message_due().await
    }
}

#[async_trait]
impl<S: Store + ?Sized> SigningKeyQueries for RedisStore<S> {
    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        self.cached.signing_keys().await
    }
}

#[async_trait]
impl<S: Store + ?Sized> ConnectionQueries for RedisStore<S> {
    async fn connections(&self) -> Result<Vec<Connection>, StoreError> {
        self.cached.connections().await
    }
}
