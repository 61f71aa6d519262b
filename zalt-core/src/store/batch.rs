use std::time::Duration;

use crate::attempt::Attempt;
use crate::budget::BudgetKey;
use crate::connection::Connection;
use crate::credential::Credential;
use crate::environment::Timestamp;
use crate::event::Event;
use crate::id::{ConnectionId, CredentialId, IdentifierId, MessageId, SessionId, UserId};
use crate::identifier::Identifier;
use crate::message::Message;
use crate::secret::TokenDigest;
use crate::session::{Authentication, RevokeReason, Session};
use crate::signing_key::SigningKeyRecord;
use crate::user::{PasswordCredential, User};

/// What one use case writes: its changes and the events that they cause, all or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Applied in order; each sees what those before it did.
    pub changes: Vec<Change>,
    /// Appended if every change was applied. An id that exists is a defect of the caller's and fails the batch with
    /// [`CommitError::Store`](super::CommitError::Store).
    pub events: Vec<Event>,
}

impl Batch {
    /// A batch that does nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a change.
    #[must_use]
    pub fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// Adds several changes.
    #[must_use]
    pub fn all(mut self, changes: impl IntoIterator<Item = Change>) -> Self {
        self.changes.extend(changes);
        self
    }

    /// Adds an event.
    #[must_use]
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// Adds all of another batch.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.changes.extend(other.changes);
        self.events.extend(other.events);
        self
    }

    /// Adds a change if there is one.
    #[must_use]
    pub fn maybe(mut self, change: Option<Change>) -> Self {
        self.changes.extend(change);
        self
    }
}

/// One write with the guard that makes it safe.
///
/// "Names the version that it read" means: the row is written only if its `version` equals the value in the change, and
/// the row that is written has that value plus one. Otherwise the guard fails with
/// [`VersionMismatch`](super::GuardReason::VersionMismatch), or [`NotFound`](super::GuardReason::NotFound) if there is no row.
///
/// An insert whose id exists fails with [`AlreadyExists`](super::GuardReason::AlreadyExists). What it writes, the `version`
/// too, is as it was given.
///
/// Guards are tried in the order in which they are listed, and the first that fails is the one that is named. Instants and
/// addresses are written as they are given: replicas' clocks differ, and a store doesn't judge between them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Inserts a user.
    InsertUser(User),
    /// Writes a user over the version that it names. The row keeps its `session_epoch`, which only
    /// [`RevokeUserSessions`](Self::RevokeUserSessions) moves, and its `last_sign_in_at`, which only
    /// [`InsertSession`](Self::InsertSession) does: an update that was decided before those could else turn them back.
    UpdateUser(User),
    /// Removes a user and all that belongs to it: identifiers, password, credentials, sessions. Its events stay.
    /// Guard: the user exists and has this version.
    PurgeUser {
        /// Which user.
        id: UserId,
        /// The version that was read.
        version: u64,
    },

    /// Inserts an identifier.
    ///
    /// Guards: its user exists ([`NotFound`](super::GuardReason::NotFound)); the user does not have the same key
    /// already; and if it is verified, nobody else owns the key verified
    /// ([`IdentifierTaken`](super::GuardReason::IdentifierTaken) for both).
    InsertIdentifier(Identifier),
    /// Writes an identifier over the version that it names. The row keeps its user and value.
    /// Guard: if it is verified now, nobody else owns the key verified.
    UpdateIdentifier(Identifier),
    /// Removes an identifier of the version that it names.
    DeleteIdentifier {
        /// Which identifier.
        id: IdentifierId,
        /// The version that was read.
        version: u64,
    },

    /// Gives a user their first password. Guards: the user exists and has none
    /// ([`AlreadyExists`](super::GuardReason::AlreadyExists)).
    InsertPassword(PasswordCredential),
    /// Writes a password over the version that it names.
    UpdatePassword(PasswordCredential),

    /// Inserts a credential.
    ///
    /// Guards: its user exists ([`NotFound`](super::GuardReason::NotFound)); and nobody has a credential with its handle
    /// ([`CredentialTaken`](super::GuardReason::CredentialTaken)).
    InsertCredential(Credential),
    /// Writes a credential over the version that it names. The row keeps its user and handle.
    UpdateCredential(Credential),
    /// Removes a credential of the version that it names.
    DeleteCredential {
        /// Which credential.
        id: CredentialId,
        /// The version that was read.
        version: u64,
    },

    /// Inserts a session and notes its `created_at` as the user's `last_sign_in_at`; the user's `version` stays as it is.
    ///
    /// Guards: its user exists, is active ([`UserNotActive`](super::GuardReason::UserNotActive)), and has the session's
    /// epoch ([`StaleEpoch`](super::GuardReason::StaleEpoch)): a sign-in that began before all sessions were ended
    /// does not end after.
    InsertSession(Session),
    /// Notes that a session was used. Guard: it exists and is not revoked
    /// ([`SessionRevoked`](super::GuardReason::SessionRevoked)). It is never inserted again.
    TouchSession {
        /// Which session.
        id: SessionId,
        /// When it was used.
        last_seen_at: Timestamp,
        /// The new end of its idle time.
        idle_expires_at: Timestamp,
        /// Where from.
        ip: Option<std::net::IpAddr>,
    },
    /// Replaces the refresh token that is current. Guards: the session exists, is not revoked, and `presented` is the
    /// current generation ([`RefreshNotCurrent`](super::GuardReason::RefreshNotCurrent)). The next one is `presented` + 1.
    RotateRefresh {
        /// Which session.
        id: SessionId,
        /// The generation of the token that was presented.
        presented: u32,
        /// When: the session's `rotated_at` and `last_seen_at` from now on.
        at: Timestamp,
        /// The new end of the session's idle time.
        idle_expires_at: Timestamp,
        /// Where from.
        ip: Option<std::net::IpAddr>,
    },
    /// Notes a new authentication within a session and, where it is held by a cookie, replaces its token. Nothing else
    /// of the session changes.
    ///
    /// Guards: the session exists, is not revoked, and has `expected` as its token
    /// ([`VersionMismatch`](super::GuardReason::VersionMismatch)).
    ReauthenticateSession {
        /// Which session.
        id: SessionId,
        /// The digest of the token that the request had.
        expected: Option<TokenDigest>,
        /// The digest of the token that takes its place.
        token: Option<TokenDigest>,
        /// How the user proved who they are, all methods of the session together.
        amr: Vec<Authentication>,
        /// When: the session's `authenticated_at` from now on.
        at: Timestamp,
    },
    /// Ends a session. Guard: it exists and is not revoked yet.
    RevokeSession {
        /// Which session.
        id: SessionId,
        /// When.
        at: Timestamp,
        /// Why.
        reason: RevokeReason,
    },
    /// Ends every session of a user that is not revoked yet, except one, and moves the user's session epoch on by one.
    /// Guard: the user exists. The user's `version` stays as it is.
    RevokeUserSessions {
        /// Whose.
        user_id: UserId,
        /// The one that stays.
        except: Option<SessionId>,
        /// When.
        at: Timestamp,
        /// Why.
        reason: RevokeReason,
    },

    /// Inserts an attempt.
    InsertAttempt(Attempt),
    /// Writes an attempt over the version that it names.
    UpdateAttempt(Attempt),

    /// Queues a message.
    EnqueueMessage(Message),
    /// Writes a message over the version that it names: a lease, or the next try.
    UpdateMessage(Message),
    /// Removes a message of the version that it names: it was sent or given up.
    DeleteMessage {
        /// Which message.
        id: MessageId,
        /// The version that was read.
        version: u64,
    },

    /// Adds a connection. Guard: there is none of its id, and none of its key
    /// ([`AlreadyExists`](super::GuardReason::AlreadyExists) for both).
    InsertConnection(Connection),
    /// Writes a connection over the version that it names. The row keeps its key.
    UpdateConnection(Connection),
    /// Removes a connection of the version that it names.
    DeleteConnection {
        /// Which connection.
        id: ConnectionId,
        /// The version that was read.
        version: u64,
    },

    /// Adds a signing key. Guards: there is none of the same `kid`; and the newest key by `(created_at, kid)` is the one named
    /// ([`NotNewestKey`](super::GuardReason::NotNewestKey)), so that of several replicas that rotate at once one does.
    InsertSigningKey {
        /// The key.
        key: SigningKeyRecord,
        /// The newest one when this was decided; `None` if there was none.
        newest: Option<String>,
    },

    /// Gives a budget back, in the same commit as the success that earned it. No guard.
    GiveBackBudget(BudgetKey),
    /// Gives one try of a [`Budget::Rate`](crate::budget::Budget::Rate) back, in the same commit as the success that earned it:
    /// the `until` and `forget_at` of its state, if there is one, move forward by `each`, to 0 at the least. No guard.
    GiveBackTry {
        /// Which budget.
        key: BudgetKey,
        /// In what time one try comes back by itself ([`Budget::each`](crate::budget::Budget::each)).
        each: Duration,
    },

    /// Removes what is over. No guard.
    RemoveExpired(Expired),
}

/// What the sweep removes, at most `limit` rows of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expired {
    /// Sessions whose `expires_at`, `idle_expires_at` or revocation lies before this.
    pub sessions_before: Timestamp,
    /// Attempts whose `expires_at` lies before this.
    pub attempts_before: Timestamp,
    /// Budgets whose `forget_at` lies before this.
    pub budgets_before: Timestamp,
    /// Signing keys whose `expires_at` lies before this.
    pub signing_keys_before: Timestamp,
    /// Events that happened before this; `None` keeps them all.
    pub events_before: Option<Timestamp>,
    /// The most rows of each kind, so that no commit is held up for long.
    pub limit: u32,
}
