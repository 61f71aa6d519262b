use async_trait::async_trait;

use super::error::StoreError;
use super::page::{Page, PageRequest};
use crate::attempt::Attempt;
use crate::connection::Connection;
use crate::credential::CredentialHandle;
use crate::environment::Timestamp;
use crate::event::Event;
use crate::id::{AttemptId, SessionId, UserId};
use crate::identifier::IdentifierKey;
use crate::message::Message;
use crate::session::Session;
use crate::signing_key::SigningKeyRecord;
use crate::user::{Account, User};

/// Reads users and what belongs to them.
#[async_trait]
pub trait UserQueries: Send + Sync {
    /// The user, whatever its status.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user with identifiers, password and credentials, whatever its status, in one round trip.
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// The account that owns this identifier *verified*, whatever its status, in one round trip. An identifier that
    /// is not verified leads nowhere.
    async fn account_by_identifier(
        &self,
        key: &IdentifierKey,
    ) -> Result<Option<Account>, StoreError>;

    /// The account that has the credential of this handle, whatever its status, in one round trip.
    async fn account_by_credential(
        &self,
        handle: CredentialHandle,
    ) -> Result<Option<Account>, StoreError>;

    /// Users, newest first.
    async fn users(&self, filter: &UserFilter, page: PageRequest)
    -> Result<Page<User>, StoreError>;

    /// How many users there are, exactly.
    async fn user_count(&self, filter: &UserFilter) -> Result<u64, StoreError>;
}

/// Which users a list holds. An empty filter holds all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Only those that are active (`true`) or not (`false`).
    pub active: Option<bool>,
    /// Only those with an identifier, verified or not, whose key begins with this, compared as keys are: in lower case.
    pub identifier_prefix: Option<String>,
    /// Only those that were deleted before this, for the purge.
    pub deleted_before: Option<Timestamp>,
}

/// Reads sessions.
#[async_trait]
pub trait SessionQueries: Send + Sync {
    /// The session, live or not.
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// The session, live or not, with its user, in one round trip.
    async fn session_with_user(&self, id: SessionId)
    -> Result<Option<(Session, User)>, StoreError>;

    /// The sessions of a user that are live at `now`, newest first.
    async fn live_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
        page: PageRequest,
    ) -> Result<Page<Session>, StoreError>;
}

/// Reads attempts.
#[async_trait]
pub trait AttemptQueries: Send + Sync {
    /// The attempt, expired or not.
    async fn attempt(&self, id: AttemptId) -> Result<Option<Attempt>, StoreError>;
}

/// Reads events.
#[async_trait]
pub trait EventQueries: Send + Sync {
    /// Events, newest first.
    async fn events(
        &self,
        filter: &EventFilter,
        page: PageRequest,
    ) -> Result<Page<Event>, StoreError>;
}

/// Which events a list holds. An empty filter holds all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only those about this user.
    pub user_id: Option<UserId>,
    /// Only those of this type, such as `session.created`.
    pub kind: Option<String>,
}

/// Reads the message queue.
#[async_trait]
pub trait MessageQueries: Send + Sync {
    /// Messages that are due at `now`, the longest due first, at most `limit`.
    async fn due_messages(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError>;

    /// When the next message is due; `None` if the queue is empty.
    async fn next_message_due(&self) -> Result<Option<Timestamp>, StoreError>;
}

/// Reads signing keys.
#[async_trait]
pub trait SigningKeyQueries: Send + Sync {
    /// Every signing key, oldest first by `(created_at, kid)`.
    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError>;
}

/// Reads connections.
#[async_trait]
pub trait ConnectionQueries: Send + Sync {
    /// Every connection, oldest first by id. There are a hundred at most, which core sees to.
    async fn connections(&self) -> Result<Vec<Connection>, StoreError>;
}
