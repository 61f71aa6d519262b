//! Events: what happened, for the audit log and whoever subscribes.
//!
//! An event is appended in the commit that causes it, so neither is ever there without the other. No event holds a
//! secret.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::connection::{ConnectionFailure, ConnectionKey};
use crate::environment::Timestamp;
use crate::id::{CredentialId, EventId, IdentifierId, SessionId, UserId};
use crate::identifier::Region;
use crate::session::{AuthenticationMethod, RevokeReason};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Names the event; the order of ids is the order of time.
    pub id: EventId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Whom it is about, where that is known.
    pub user_id: Option<UserId>,
    /// Who did it.
    pub actor: Actor,
    /// The address that the request came from.
    pub ip: Option<IpAddr>,
    /// The user agent, as sent, cut to 256 bytes.
    pub user_agent: Option<String>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// Who caused an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Actor {
    /// Somebody who has not proved who they are.
    Anonymous,
    /// A user.
    User(UserId),
    /// The application itself or whoever operates it.
    Application,
}

/// What happened. The `type` is stable; members are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
#[non_exhaustive]
pub enum EventKind {
    /// An account was made.
    #[serde(rename = "user.created")]
    UserCreated,
    /// Profile, metadata or username changed.
    #[serde(rename = "user.updated")]
    UserUpdated,
    /// An account was suspended.
    #[serde(rename = "user.suspended")]
    UserSuspended,
    /// A suspended or deleted account is active again.
    #[serde(rename = "user.restored")]
    UserRestored,
    /// An account was deleted; it can be restored until it is purged.
    #[serde(rename = "user.deleted")]
    UserDeleted,
    /// All that was kept of a deleted account is gone.
    #[serde(rename = "user.purged")]
    UserPurged,
    /// An account was frozen by whoever said in a safety mail that a change was not theirs.
    #[serde(rename = "user.frozen")]
    UserFrozen,
    /// Somebody with an address on a frozen account objected to a recovery through one that is not on it any more.
    #[serde(rename = "user.recovery_objected")]
    RecoveryObjected,
    /// A freeze was lifted.
    #[serde(rename = "user.unfrozen")]
    UserUnfrozen,
    /// An identifier was added.
    #[serde(rename = "identifier.added")]
    IdentifierAdded {
        /// Which.
        identifier_id: IdentifierId,
    },
    /// An identifier was verified.
    #[serde(rename = "identifier.verified")]
    IdentifierVerified {
        /// Which.
        identifier_id: IdentifierId,
    },
    /// An identifier is now the primary one of its kind.
    #[serde(rename = "identifier.made_primary")]
    IdentifierMadePrimary {
        /// Which.
        identifier_id: IdentifierId,
    },
    /// An identifier was removed.
    #[serde(rename = "identifier.removed")]
    IdentifierRemoved {
        /// Which.
        identifier_id: IdentifierId,
    },
    /// A password was set for the first time, changed or reset.
    #[serde(rename = "password.changed")]
    PasswordChanged {
        /// Whether it was reset by mail and not changed by someone who knew the old one.
        reset: bool,
    },
    /// A new password was asked for.
    #[serde(rename = "password.reset_requested")]
    PasswordResetRequested,
    /// A first factor was passed, and a second is due: somebody knows the password, or reads the mail.
    #[serde(rename = "sign_in.first_factor_passed")]
    FirstFactorPassed {
        /// Which one.
        method: AuthenticationMethod,
    },
    /// A first factor failed.
    #[serde(rename = "sign_in.failed")]
    SignInFailed {
        /// Which one.
        method: AuthenticationMethod,
    },
    /// A first factor is refused for a while after too many failures.
    #[serde(rename = "sign_in.locked")]
    SignInLocked {
        /// Which one.
        method: AuthenticationMethod,
        /// Until when; `None` until it is recovered.
        until: Option<Timestamp>,
    },
    /// A device stands in for the second factor from now on.
    #[serde(rename = "device.trusted")]
    DeviceTrusted {
        /// The device.
        credential_id: CredentialId,
    },
    /// A device was forgotten by its owner.
    #[serde(rename = "device.forgotten")]
    DeviceForgotten {
        /// The device.
        credential_id: CredentialId,
    },
    /// An authenticator app or a passkey was set up.
    #[serde(rename = "credential.added")]
    CredentialAdded {
        /// Which.
        credential_id: CredentialId,
    },
    /// A credential was removed.
    #[serde(rename = "credential.removed")]
    CredentialRemoved {
        /// Which.
        credential_id: CredentialId,
    },
    /// A credential has another name.
    #[serde(rename = "credential.renamed")]
    CredentialRenamed {
        /// Which.
        credential_id: CredentialId,
    },
    /// The counter of a passkey did not move on: somebody may have a copy of it.
    #[serde(rename = "credential.clone_suspected")]
    CredentialCloneSuspected {
        /// Which.
        credential_id: CredentialId,
        /// Where the counter was when the passkey was last used.
        last: u32,
        /// Where it was said to be now.
        shown: u32,
    },
    /// All second factors of a user were removed by the application.
    #[serde(rename = "credential.all_removed")]
    SecondFactorsReset {
        /// Why, in the words of whoever did it.
        reason: String,
    },
    /// New recovery codes took the place of those before.
    #[serde(rename = "recovery_codes.created")]
    RecoveryCodesCreated {
        /// The set.
        credential_id: CredentialId,
    },
    /// A recovery code was used.
    #[serde(rename = "recovery_codes.used")]
    RecoveryCodeUsed {
        /// How many are left.
        left: u32,
    },
    /// Somebody tried to sign up with a verified address of this user.
    #[serde(rename = "sign_up.address_taken")]
    SignUpAddressTaken,
    /// A user signed in.
    #[serde(rename = "session.created")]
    SessionCreated {
        /// The session.
        session_id: SessionId,
        /// How they proved who they are.
        amr: Vec<AuthenticationMethod>,
    },
    /// A user proved again who they are.
    #[serde(rename = "session.reauthenticated")]
    SessionReauthenticated {
        /// The session.
        session_id: SessionId,
        /// How.
        method: AuthenticationMethod,
    },
    /// A session was ended before its time.
    #[serde(rename = "session.revoked")]
    SessionRevoked {
        /// The session.
        session_id: SessionId,
        /// Why.
        reason: RevokeReason,
    },
    /// Several sessions were ended at once.
    #[serde(rename = "session.all_revoked")]
    AllSessionsRevoked {
        /// The one that was left, if any.
        except: Option<SessionId>,
        /// Why.
        reason: RevokeReason,
    },
    /// A refresh token that had been replaced was presented again; its session is over.
    #[serde(rename = "session.refresh_token_reused")]
    RefreshTokenReused {
        /// The session.
        session_id: SessionId,
        /// The generation that was presented.
        presented: u32,
        /// The generation that was current.
        current: u32,
    },
    /// A message was given up.
    #[serde(rename = "message.failed")]
    MessageFailed {
        /// How often it was tried.
        tries: u32,
    },
    /// Text messages are held back for a while: to one country, since many went there and no code came back, or all,
    /// since as many went out as may.
    #[serde(rename = "text_messages.stopped")]
    TextMessagesStopped {
        /// The country; `None` for all.
        region: Option<Region>,
        /// Until when; `None` if that is not known.
        until: Option<Timestamp>,
    },
    /// A connection was set up at run time.
    #[serde(rename = "connection.created")]
    ConnectionCreated {
        /// Its key.
        connection: ConnectionKey,
    },
    /// A connection of the store was changed, or switched on or off.
    #[serde(rename = "connection.updated")]
    ConnectionUpdated {
        /// Its key.
        connection: ConnectionKey,
        /// Whether it can be used since.
        enabled: bool,
    },
    /// A connection of the store was removed.
    #[serde(rename = "connection.deleted")]
    ConnectionDeleted {
        /// Its key.
        connection: ConnectionKey,
    },
    /// Somebody tried to come in through a connection, or to link it, and was refused.
    #[serde(rename = "sign_in.connection_failed")]
    ConnectionFailed {
        /// Its key.
        connection: ConnectionKey,
        /// Why.
        reason: ConnectionFailure,
    },
    /// An account at a provider became the user's.
    #[serde(rename = "external_account.linked")]
    ExternalAccountLinked {
        /// The credential that it is.
        credential_id: CredentialId,
        /// Through which connection.
        connection: ConnectionKey,
    },
    /// An account at a provider is the user's no more.
    #[serde(rename = "external_account.unlinked")]
    ExternalAccountUnlinked {
        /// The credential that it was.
        credential_id: CredentialId,
        /// Through which connection it last came.
        connection: ConnectionKey,
    },
    /// A new key for access tokens was made.
    #[serde(rename = "signing_key.created")]
    SigningKeyCreated {
        /// Its id.
        kid: String,
    },
}

impl EventKind {
    /// The stable name, such as `session.created`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
            Self::UserSuspended => "user.suspended",
            Self::UserRestored => "user.restored",
            Self::UserDeleted => "user.deleted",
            Self::UserPurged => "user.purged",
            Self::UserFrozen => "user.frozen",
            Self::RecoveryObjected => "user.recovery_objected",
            Self::UserUnfrozen => "user.unfrozen",
            Self::FirstFactorPassed { .. } => "sign_in.first_factor_passed",
            Self::DeviceTrusted { .. } => "device.trusted",
            Self::DeviceForgotten { .. } => "device.forgotten",
            Self::IdentifierAdded { .. } => "identifier.added",
            Self::IdentifierVerified { .. } => "identifier.verified",
            Self::IdentifierMadePrimary { .. } => "identifier.made_primary",
            Self::IdentifierRemoved { .. } => "identifier.removed",
            Self::PasswordChanged { .. } => "password.changed",
            Self::PasswordResetRequested => "password.reset_requested",
            Self::SignInFailed { .. } => "sign_in.failed",
            Self::SignInLocked { .. } => "sign_in.locked",
            Self::CredentialAdded { .. } => "credential.added",
            Self::CredentialRemoved { .. } => "credential.removed",
            Self::CredentialRenamed { .. } => "credential.renamed",
            Self::CredentialCloneSuspected { .. } => "credential.clone_suspected",
            Self::SecondFactorsReset { .. } => "credential.all_removed",
            Self::RecoveryCodesCreated { .. } => "recovery_codes.created",
            Self::RecoveryCodeUsed { .. } => "recovery_codes.used",
            Self::SignUpAddressTaken => "sign_up.address_taken",
            Self::SessionCreated { .. } => "session.created",
            Self::SessionReauthenticated { .. } => "session.reauthenticated",
            Self::SessionRevoked { .. } => "session.revoked",
            Self::AllSessionsRevoked { .. } => "session.all_revoked",
            Self::RefreshTokenReused { .. } => "session.refresh_token_reused",
            Self::MessageFailed { .. } => "message.failed",
            Self::TextMessagesStopped { .. } => "text_messages.stopped",
            Self::ConnectionCreated { .. } => "connection.created",
            Self::ConnectionUpdated { .. } => "connection.updated",
            Self::ConnectionDeleted { .. } => "connection.deleted",
            Self::ConnectionFailed { .. } => "sign_in.connection_failed",
            Self::ExternalAccountLinked { .. } => "external_account.linked",
            Self::ExternalAccountUnlinked { .. } => "external_account.unlinked",
            Self::SigningKeyCreated { .. } => "signing_key.created",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_flat_json_with_its_stable_name() {
        let kind = EventKind::SessionCreated {
            session_id: SessionId::from_bytes([0; 16]),
            amr: vec![AuthenticationMethod::Password],
        };
        let event = Event {
            id: EventId::from_bytes([0; 16]),
            occurred_at: Timestamp::from_unix_millis(0),
            user_id: None,
            actor: Actor::Anonymous,
            ip: None,
            user_agent: None,
            request_id: None,
            kind: kind.clone(),
        };
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["type"], kind.name());
        assert_eq!(json["data"]["amr"][0], "pwd");
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }
}
