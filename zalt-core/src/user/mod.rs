//! Users: who they are to the application, and what state their account is in.

mod account;
mod administration;
mod metadata;
mod new_user;
mod password;
mod profile;

use serde::{Deserialize, Serialize};

pub use account::{ProfileUpdate, Users};
pub use metadata::{Metadata, MetadataError};
pub use new_user::NewUser;
pub(crate) use new_user::taken;
pub(crate) use password::NewPassword;
pub use profile::{ImageUrl, Name, Profile, ProfileError};

use crate::credential::{Credential, CredentialState, RecoveryCodes, Totp};
use crate::environment::Timestamp;
use crate::error::Error;
use crate::id::{IdentifierId, UserId};
use crate::identifier::{EmailAddress, Identifier, IdentifierKind, IdentifierValue};
use crate::passkey::Passkey;
use crate::password::PasswordPhc;

/// One user.
///
/// Every change to anything that belongs to a user rides with an update of this row. Rules over the whole account
/// ("the last way in stays") are therefore never raced: the loser's version no longer matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Names the user.
    pub id: UserId,
    /// Whether the account may be used.
    pub status: UserStatus,
    /// What the user shows of themselves.
    pub profile: Profile,
    /// What the application keeps with the user.
    pub metadata: UserMetadata,
    /// Grows whenever sessions are ended wholesale. A sign-in that began before may not insert its session after.
    pub session_epoch: u64,
    /// Since when nobody signs in, because the owner said that somebody else is at it. The owner recovers the account
    /// through an address of theirs, or the application lifts it.
    pub frozen_at: Option<Timestamp>,
    /// When that was last lifted. The links of safety mails from before then do nothing any more.
    pub recovered_at: Option<Timestamp>,
    /// When the user last signed in.
    pub last_sign_in_at: Option<Timestamp>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When anything of the account last changed.
    pub updated_at: Timestamp,
    /// Counts the writes of this row; an update names the version that it read.
    pub version: u64,
}

impl User {
    /// Whether this user may sign in and use sessions.
    pub const fn is_usable(&self) -> bool {
        self.status.is_active() && self.frozen_at.is_none()
    }

    /// Refuses a user who may not sign in. To be asked after a proof was right: it tells about the account.
    pub(crate) const fn require_usable(&self) -> Result<(), Error> {
        if !self.status.is_active() {
            return Err(Error::AccountSuspended);
        }
        if self.frozen_at.is_some() {
            return Err(Error::AccountFrozen);
        }
        Ok(())
    }
}

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum UserStatus {
    /// It may.
    Active,
    /// An administrator has suspended it: no sign-in, no session.
    Suspended {
        /// Since when.
        at: Timestamp,
    },
    /// It was deleted and is kept for the time in which that can be undone; its identifiers stay taken.
    Deleted {
        /// Since when.
        at: Timestamp,
    },
}

impl UserStatus {
    /// Whether sign-ins and sessions are possible.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active)
    }
}

/// The three kinds of metadata, by who may see and write them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserMetadata {
    /// The application writes it; the user sees it.
    pub public: Metadata,
    /// The application writes it; the user never sees it.
    pub private: Metadata,
    /// The user writes it: never to be trusted.
    #[serde(rename = "unsafe")]
    pub unsafe_: Metadata,
}

/// A password as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordCredential {
    /// Whose it is.
    pub user_id: UserId,
    /// The hash with its parameters.
    pub phc: PasswordPhc,
    /// When the password was last set; a rehash does not move it.
    pub set_at: Timestamp,
    /// Counts the writes of this row; an update names the version that it read.
    pub version: u64,
}

/// A user with all that sign-in and the account pages need, read in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user: User,
    /// Every identifier of the user, oldest first.
    pub identifiers: Vec<Identifier>,
    /// The password, if one is set.
    pub password: Option<PasswordCredential>,
    /// Every other credential of the user, oldest first.
    pub credentials: Vec<Credential>,
}

impl Account {
    /// The identifier of this kind that is primary.
    pub fn primary(&self, kind: IdentifierKind) -> Option<&Identifier> {
        self.identifiers
            .iter()
            .find(|identifier| identifier.primary && identifier.value.kind() == kind)
    }

    /// The identifier of this id, if it is verified.
    pub(crate) fn verified(&self, id: IdentifierId) -> Option<&Identifier> {
        let mut identifiers = self.identifiers.iter();
        identifiers.find(|identifier| identifier.id == id && identifier.verified_at.is_some())
    }

    /// The addresses that were verified.
    pub(crate) fn verified_addresses(&self) -> impl Iterator<Item = (&EmailAddress, Timestamp)> {
        self.identifiers
            .iter()
            .filter_map(|identifier| match &identifier.value {
                IdentifierValue::EmailAddress(address) => Some((address, identifier.verified_at?)),
                _ => None,
            })
    }

    /// The authenticator apps that were confirmed.
    pub fn totp(&self) -> impl Iterator<Item = (&Credential, &Totp)> {
        self.credentials
            .iter()
            .filter_map(|credential| match &credential.state {
                CredentialState::Totp(totp) if totp.confirmed_at.is_some() => {
                    Some((credential, totp))
                }
                _ => None,
            })
    }

    /// The passkeys.
    pub fn passkeys(&self) -> impl Iterator<Item = (&Credential, &Passkey)> {
        self.credentials
            .iter()
            .filter_map(|credential| match &credential.state {
                CredentialState::Passkey(passkey) => Some((credential, passkey)),
                _ => None,
            })
    }

    /// The recovery codes, if there are any.
    pub fn recovery_codes(&self) -> Option<(&Credential, &RecoveryCodes)> {
        self.credentials
            .iter()
            .find_map(|credential| match &credential.state {
                CredentialState::RecoveryCodes(codes) => Some((credential, codes)),
                _ => None,
            })
    }
}
