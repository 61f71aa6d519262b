//! Messages: mail and SMS on their way to people.
//!
//! A message is queued in the very commit that causes it, with its content sealed, and sent later by the
//! [`Worker`](crate::Worker). So a crash loses none, none goes out for a commit that failed, and a request takes the
//! same time whether or not it causes one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::SecondFactor;
use crate::environment::Timestamp;
use crate::id::MessageId;
use crate::secret::Sealed;

/// A message in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Names the message; a sender may use it to recognise one that is sent again.
    pub id: MessageId,
    /// The recipient and content, sealed for this id: they hold codes and links.
    pub content: Sealed,
    /// When it was queued.
    pub created_at: Timestamp,
    /// From when on it may be taken by a worker: now, after a pause between tries, or when a lease runs out.
    pub due_at: Timestamp,
    /// When it is given up: nobody wants a code that has expired.
    pub expires_at: Timestamp,
    /// How often sending it was begun.
    pub tries: u32,
    /// Counts the writes of this row; an update names the version that it read.
    pub version: u64,
}

/// What a person is told. `Debug` shows the kind and never a code or link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// A code, and perhaps a link, to verify an address at sign-up or on the account page.
    VerifyEmailAddress {
        /// Six digits.
        code: String,
        /// A link to the same effect.
        link: Option<String>,
        /// For how many minutes both work.
        valid_minutes: u32,
    },
    /// A code to verify a phone number of the account.
    VerifyPhoneNumber {
        /// Six digits.
        code: String,
        /// For how many minutes it works.
        valid_minutes: u32,
    },
    /// A code, and perhaps a link, to sign in.
    SignIn {
        /// Six digits.
        code: String,
        /// A link to the same effect.
        link: Option<String>,
        /// For how many minutes both work.
        valid_minutes: u32,
    },
    /// A code to prove a second factor, at a sign-in or before a change of the account.
    SecondFactor {
        /// Six digits.
        code: String,
        /// For how many minutes it works.
        valid_minutes: u32,
    },
    /// A code, and perhaps a link, to set a new password.
    ResetPassword {
        /// Six digits.
        code: String,
        /// A link to the same effect.
        link: Option<String>,
        /// For how many minutes both work.
        valid_minutes: u32,
    },
    /// Somebody tried to sign up with an address that already has an account.
    AccountExists {
        /// Where to sign in.
        sign_in_url: Option<String>,
    },
    /// The password was changed or reset.
    PasswordChanged,
    /// A second factor or passkey was set up.
    SecondFactorAdded {
        /// Which kind; `None` in messages that were queued before it was noted.
        #[serde(default)]
        factor: Option<SecondFactor>,
    },
    /// A second factor or passkey was removed.
    SecondFactorRemoved {
        /// As above.
        #[serde(default)]
        factor: Option<SecondFactor>,
    },
    /// The application took all second factors away.
    SecondFactorsReset,
    /// New recovery codes took the place of those before.
    RecoveryCodesCreated,
    /// A recovery code was used to sign in.
    RecoveryCodeUsed {
        /// How many are left.
        left: u32,
    },
    /// Somebody signed in from a device that the account was not known from.
    NewDevice {
        /// The user agent, as sent.
        user_agent: Option<String>,
        /// The address.
        ip: Option<String>,
    },
    /// The username was set, changed or removed.
    UsernameChanged {
        /// What it is now.
        username: Option<String>,
    },
    /// Another address is the primary one.
    PrimaryEmailAddressChanged {
        /// The address.
        address: String,
    },
    /// The account was frozen, with the link by which its owner recovers it.
    AccountFrozen {
        /// The link.
        link: String,
        /// For how many minutes it works.
        valid_minutes: u32,
    },
    /// The account was frozen, with the link by which an address that is not on it any more recovers it later.
    RecoveryHeld {
        /// The link.
        link: String,
        /// After how many minutes it works, if nobody objects.
        opens_in_minutes: u32,
        /// For how many minutes it works from then on.
        valid_minutes: u32,
    },
    /// The account was frozen by somebody who reads another address, where the mails that recover it went.
    RecoveryByAnother {
        /// After how many minutes an address that is not on the account any more recovers it, unless the safety link of the mail
        /// is used; `None` if there is no such.
        held_minutes: Option<u32>,
    },
    /// A frozen account was recovered.
    AccountRecovered,
    /// An address was added to the account and verified.
    EmailAddressAdded {
        /// The address.
        address: String,
    },
    /// An address was removed from the account.
    EmailAddressRemoved {
        /// The address.
        address: String,
    },
    /// A phone number was added to the account and verified.
    PhoneNumberAdded {
        /// The number.
        number: String,
    },
    /// A phone number was removed from the account.
    PhoneNumberRemoved {
        /// The number.
        number: String,
    },
    /// An account at a provider leads into the account from now on.
    ExternalAccountLinked {
        /// What people call the provider.
        provider: String,
    },
    /// An account at a provider does not lead into the account any more.
    ExternalAccountUnlinked {
        /// What people call the provider.
        provider: String,
    },
    /// The account was deleted.
    AccountDeleted,
}

impl Notice {
    /// The code in it, if it has one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::VerifyEmailAddress { code, .. }
            | Self::VerifyPhoneNumber { code, .. }
            | Self::SignIn { code, .. }
            | Self::SecondFactor { code, .. }
            | Self::ResetPassword { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The link in it, if it has one.
    pub fn link(&self) -> Option<&str> {
        match self {
            Self::VerifyEmailAddress { link, .. }
            | Self::SignIn { link, .. }
            | Self::ResetPassword { link, .. }
            | Self::AccountExists { sign_in_url: link } => link.as_deref(),
            Self::AccountFrozen { link, .. } => Some(link),
            _ => None,
        }
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VerifyEmailAddress { .. } => "VerifyEmailAddress",
            Self::VerifyPhoneNumber { .. } => "VerifyPhoneNumber",
            Self::SignIn { .. } => "SignIn",
            Self::SecondFactor { .. } => "SecondFactor",
            Self::ResetPassword { .. } => "ResetPassword",
            Self::AccountExists { .. } => "AccountExists",
            Self::PasswordChanged => "PasswordChanged",
            Self::SecondFactorAdded { .. } => "SecondFactorAdded",
            Self::SecondFactorRemoved { .. } => "SecondFactorRemoved",
            Self::SecondFactorsReset => "SecondFactorsReset",
            Self::RecoveryCodesCreated => "RecoveryCodesCreated",
            Self::RecoveryCodeUsed { .. } => "RecoveryCodeUsed",
            Self::NewDevice { .. } => "NewDevice",
            Self::UsernameChanged { .. } => "UsernameChanged",
            Self::PrimaryEmailAddressChanged { .. } => "PrimaryEmailAddressChanged",
            Self::AccountFrozen { .. } => "AccountFrozen",
            Self::RecoveryHeld { .. } => "RecoveryHeld",
            Self::RecoveryByAnother { .. } => "RecoveryByAnother",
            Self::AccountRecovered => "AccountRecovered",
            Self::EmailAddressAdded { .. } => "EmailAddressAdded",
            Self::EmailAddressRemoved { .. } => "EmailAddressRemoved",
            Self::PhoneNumberAdded { .. } => "PhoneNumberAdded",
            Self::PhoneNumberRemoved { .. } => "PhoneNumberRemoved",
            Self::ExternalAccountLinked { .. } => "ExternalAccountLinked",
            Self::ExternalAccountUnlinked { .. } => "ExternalAccountUnlinked",
            Self::AccountDeleted => "AccountDeleted",
        })
    }
}

/// A message as a [`Mailer`] gets it.
///
/// `Debug` leaves the link out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The address, in the form for an envelope.
    pub to: String,
    /// What it says; the mailer's templates put it into words.
    pub notice: Notice,
    /// The name of the application, for the greeting and the subject.
    pub application_name: String,
    /// Where to say that it wasn't them, in the mails that tell of a change to those whose account it is.
    #[serde(default)]
    pub safety_link: Option<String>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("to", &self.to)
            .field("notice", &self.notice)
            .field("application_name", &self.application_name)
            .finish_non_exhaustive()
    }
}

/// A text message as an [`SmsSender`] gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sms {
    /// The number in E.164.
    pub to: String,
    /// What it says.
    pub notice: Notice,
    /// The name of the application.
    pub application_name: String,
    /// The host on whose pages a browser may fill in the code.
    #[serde(default)]
    pub host: Option<String>,
}

/// Sends mail.
#[async_trait::async_trait]
pub trait Mailer: Send + Sync + fmt::Debug {
    /// Hands one mail over. `id` is the same for every try, for an idempotency key or a `Message-ID`.
    ///
    /// # Errors
    /// [`SendError::Temporary`] has the worker try again later; [`SendError::Permanent`] gives the message up.
    async fn send(&self, id: MessageId, mail: &Mail) -> Result<(), SendError>;
}

/// Sends text messages.
#[async_trait::async_trait]
pub trait SmsSender: Send + Sync + fmt::Debug {
    /// Hands one text message over. `id` is the same for every try.
    ///
    /// # Errors
    /// [`SendError::Temporary`] has the worker try again later; [`SendError::Permanent`] gives the message up.
    async fn send(&self, id: MessageId, sms: &Sms) -> Result<(), SendError>;
}

/// Why a message could not be handed over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// It may work later: the service is away or asks to wait.
    #[error("the message could not be sent for now")]
    Temporary(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It never will: the recipient or the content is refused.
    #[error("the message was refused")]
    Permanent(#[source] Box<dyn std::error::Error + Send + Sync>),
}
