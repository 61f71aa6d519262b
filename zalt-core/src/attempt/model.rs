use serde::{Deserialize, Serialize};

use super::challenge::Challenge;
use super::second_factor_message::StepUp;
use crate::config::SecondFactor;
use crate::connection::{ConnectionAttempt, PendingAccount, ViaConnection};
use crate::environment::Timestamp;
use crate::error::Error;
use crate::id::{AttemptId, CredentialId, IdentifierId, SessionId, UserId};
use crate::identifier::{EmailAddress, IdentifierKey, IdentifierValue, Username};
use crate::passkey::{OwnPasskeyRequest, PasskeyRequest};
use crate::password::PasswordPhc;
use crate::safety::{AccountLink, Recovery};
use crate::secret::TokenDigest;
use crate::session::{AuthenticationMethod, Transport};
use crate::user::{Metadata, Profile};

/// One attempt, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Names the attempt.
    pub id: AttemptId,
    /// The digest of the secret that binds the attempt to the browser or device that began it.
    pub token: TokenDigest,
    /// What it is and how far it has come. A store keeps it as the JSON that `serde` makes of it.
    pub state: AttemptState,
    /// Codes that were wrong, over all challenges of this attempt.
    pub failed_codes: u32,
    /// Messages that were sent for it.
    pub sent_messages: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// From when on it is over.
    pub expires_at: Timestamp,
    /// Counts the writes of this row; an update names the version that it read.
    pub version: u64,
}

/// What an attempt is and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AttemptState {
    /// Somebody signs in, perhaps by way of a new password.
    SignIn(SignIn),
    /// Somebody signs up.
    SignUp(SignUp),
    /// A signed-in user proves to hold an address or a number.
    AddressVerification(AddressVerification),
    /// A signed-in user proves a second factor again by a code.
    StepUp(StepUp),
    /// A signed-in user asks an authenticator for something.
    Passkey(OwnPasskeyRequest),
    /// A link in a safety mail waits to be followed.
    AccountLink(AccountLink),
    /// Somebody is at a provider, or came back from it.
    Connection(ConnectionAttempt),
    /// An ID token that was handed in, and is not to be again.
    UsedIdToken,
}

/// A sign-in under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// What was typed; `None` where a passkey is to say who it is.
    pub identifier: Option<IdentifierValue>,
    /// Whose it is; `None` if nobody's, which the person at the other end is never told.
    pub user_id: Option<UserId>,
    /// How far it has come.
    pub status: SignInStatus,
    /// The code or link that is out.
    pub challenge: Option<Challenge>,
    /// The request to an authenticator that is open.
    #[serde(default)]
    pub passkey: Option<PasskeyRequest>,
    /// The identifier of the user that the challenge was sent to: what comes back counts only while it is theirs.
    pub sent_to: Option<IdentifierId>,
    /// That a reset was proved in this attempt, and over which account.
    pub reset: Option<AccountMark>,
    /// That a frozen account is recovered.
    #[serde(default)]
    pub recovery: Option<Recovery>,
    /// The first factor, once it was passed, and over which account.
    #[serde(default)]
    pub first_factor: Option<PassedFactor>,
    /// That it went through a provider, and whether an account there becomes the user's with it.
    #[serde(default)]
    pub connection: Option<ViaConnection>,
    /// How the session will be held.
    pub transport: Transport,
}

impl SignIn {
    /// A sign-in that begins with the first factor.
    pub(crate) const fn new(
        identifier: Option<IdentifierValue>,
        user_id: Option<UserId>,
        transport: Transport,
    ) -> Self {
        Self {
            identifier,
            user_id,
            status: SignInStatus::NeedsFirstFactor,
            challenge: None,
            passkey: None,
            sent_to: None,
            reset: None,
            recovery: None,
            first_factor: None,
            connection: None,
            transport,
        }
    }

    /// What was typed, for showing it again; empty where nothing was.
    pub fn identifier_text(&self) -> &str {
        let typed = self.identifier.as_ref();
        typed.map_or("", IdentifierValue::as_str)
    }

    /// The account at a provider that becomes the user's once the sign-in is complete.
    pub(crate) fn pending_account(&self) -> Option<&PendingAccount> {
        self.connection.as_ref()?.pending.as_ref()
    }

    /// The key of what was typed. Where nothing was, there is nothing but a passkey to go on with.
    pub(crate) fn typed(&self) -> Result<IdentifierKey, Error> {
        let typed = self.identifier.as_ref().map(IdentifierValue::key);
        typed.ok_or(Error::AttemptStep)
    }
}

/// A first factor that was passed. It is worth nothing once the account has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedFactor {
    /// Which.
    pub method: AuthenticationMethod,
    /// With which passkey, if it was one: the same does not count for a second factor.
    #[serde(default)]
    pub passkey: Option<CredentialId>,
    /// To which identifier the code or link was sent, if it was one, or which address the user has both here and at the provider: it
    /// counts while that is the account's.
    #[serde(default)]
    pub sent_to: Option<IdentifierId>,
    /// With which account at a provider, if it was one that is the user's already.
    #[serde(default)]
    pub external_account: Option<CredentialId>,
    /// What the account was like then.
    pub account: AccountMark,
    /// The kinds of second factor that go with it and that the account had then: what is shown, and not what decides.
    #[serde(default)]
    pub offered: Vec<SecondFactor>,
}

/// What an account was like when something was proved about it. The proof is worth nothing once this has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountMark {
    /// When the password of that time was set.
    pub password_set_at: Option<Timestamp>,
    /// The user's [`session_epoch`](crate::user::User::session_epoch) of that time.
    pub session_epoch: u64,
}

/// How far a sign-in has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignInStatus {
    /// A first factor has to be passed: a password, a code or a link.
    NeedsFirstFactor,
    /// A second factor has to be passed.
    NeedsSecondFactor,
    /// The first factor was passed, and everybody needs a second: one has to be set up.
    NeedsMfaEnrollment,
    /// A reset was proved; a new password has to be set, after which the first factor is due again.
    NeedsNewPassword,
    /// A frozen account is being recovered: its owner has to look through what was added lately.
    NeedsReview,
    /// A session was made. Nothing leads on from here.
    Complete,
}

/// A sign-up under way. There is no user until it is complete, so that none is ever half made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUp {
    /// The address that has to be verified.
    pub email_address: EmailAddress,
    /// The username, if one is wanted.
    pub username: Option<Username>,
    /// The rest of the profile.
    pub profile: Profile,
    /// What the user's own metadata starts with.
    pub unsafe_metadata: Metadata,
    /// The password's hash; `None` for an account without a password.
    pub password: Option<PasswordPhc>,
    /// Whether the address had an owner when the attempt began. The person is not told; its owner gets a mail.
    pub address_taken: bool,
    /// How far it has come.
    pub status: SignUpStatus,
    /// The code or link that is out.
    pub challenge: Option<Challenge>,
    /// That it came through a provider, whose account becomes the user's.
    #[serde(default)]
    pub connection: Option<ViaConnection>,
    /// How the session will be held.
    pub transport: Transport,
}

/// How far a sign-up has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignUpStatus {
    /// Something is still to be given or verified.
    MissingRequirements,
    /// The user and a session were made. Nothing leads on from here.
    Complete,
}

/// A signed-in user's proof of holding an address or a number that they added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressVerification {
    /// Whose address it is to be.
    pub user_id: UserId,
    /// The session that asked, without which the code is worth nothing.
    pub session_id: SessionId,
    /// The identifier to verify.
    pub identifier_id: IdentifierId,
    /// The identifier's version once this message was sent. A newer message moves it on, which voids this one.
    pub identifier_version: u64,
    /// The address or number.
    pub address: IdentifierValue,
    /// Whether the address had an owner when the message was sent: no proof is right then, which is not told.
    pub address_taken: bool,
    /// The code or link that is out; gone once it was used.
    pub challenge: Option<Challenge>,
}
