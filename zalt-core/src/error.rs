//! What can go wrong, in one place: every error that a caller of core meets, and the one table of stable codes.

use std::time::Duration;

use crate::connection::{ConnectionKeyError, SettingsProblem};
use crate::environment::RngError;
use crate::id::IdError;
use crate::identifier::{
    EmailAddressError, IdentifierError, IdentifierKind, PhoneNumberError, UsernameError,
};
use crate::passkey::PasskeyRefusal;
use crate::password::{HashError, PasswordError, PasswordRefusal};
use crate::secret::SealError;
use crate::session::Assurance;
use crate::store::{CommitError, CursorError, GuardReason, StoreError};
use crate::user::{MetadataError, ProfileError};

/// Why an operation was refused or failed. In either case nothing of it was done, unless a variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not an e-mail address.
    #[error(transparent)]
    EmailAddress(#[from] EmailAddressError),
    /// The text is not a phone number.
    #[error(transparent)]
    PhoneNumber(#[from] PhoneNumberError),
    /// The text is not a username.
    #[error(transparent)]
    Username(#[from] UsernameError),
    /// The text is none of the kinds of identifier.
    #[error(transparent)]
    Identifier(#[from] IdentifierError),
    /// A part of the profile can't be kept.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The metadata can't be kept.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The text can't be a password at all.
    #[error(transparent)]
    PasswordFormat(#[from] PasswordError),
    /// The policy refuses the new password.
    #[error(transparent)]
    PasswordRefused(#[from] PasswordRefusal),
    /// A password has to be given.
    #[error("a password is needed")]
    PasswordRequired,
    /// The text is not an id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The text is not a cursor.
    #[error(transparent)]
    Cursor(#[from] CursorError),

    /// The identifier and the password don't belong together. It is not said which of the two is wrong.
    #[error("the identifier or the password is wrong")]
    CredentialsIncorrect,
    /// The code is not the one that was sent last, or it was used, or it has expired.
    #[error("the code is wrong or no longer valid")]
    CodeIncorrect,
    /// The link is not the one that was sent last, or it was used, or it has expired.
    #[error("the link is wrong or no longer valid")]
    LinkIncorrect,
    /// The passkey was not accepted. Why, is for logs and tests only, but for a request that is over: make another.
    #[error("the passkey was not accepted")]
    PasskeyRefused(#[source] PasskeyRefusal),
    /// Too many codes were wrong, or too many messages were asked for. Another attempt has to be begun.
    #[error("this attempt is used up: begin again")]
    AttemptExhausted,
    /// There is no such attempt, it has expired, or it was begun by somebody else.
    #[error("the attempt does not exist or has expired: begin again")]
    AttemptNotFound,
    /// The attempt has come too far for this step, or not far enough.
    #[error("the attempt is not at this step")]
    AttemptStep,
    /// A second factor has to be passed before there is a session.
    #[error("a second factor is needed")]
    SecondFactorRequired,
    /// Everybody needs a second factor, and the user has none: one has to be set up before the session may do anything else.
    #[error("a second factor has to be set up first")]
    MfaEnrollmentRequired,
    /// The application does not allow this factor, to nobody.
    #[error("this factor is not allowed here: use another")]
    FactorNotAllowed,
    /// Too many tries. The same answer is given for identifiers that exist and ones that don't.
    #[error("too many tries: wait, or use another way to sign in")]
    RateLimited {
        /// When to come back; `None` if waiting does not help and another way has to be taken.
        retry_after: Option<Duration>,
    },
    /// New accounts are not accepted.
    #[error("sign-up is closed")]
    SignUpClosed,
    /// The account is suspended. Said only to somebody who passed a factor.
    #[error("the account is suspended")]
    AccountSuspended,

    /// The owner has frozen the account, since somebody else was at it. Said only to somebody who passed a factor.
    #[error("the account is frozen: recover it through the mail that was sent")]
    AccountFrozen,

    /// The address of the link is not the account's any more: it recovers the account only if nobody objects for a while.
    #[error("this address recovers the account later, if nobody objects")]
    RecoveryHeld {
        /// How long to wait.
        retry_after: Duration,
    },

    /// Nobody is signed in: there is no token, or it is not a valid one.
    #[error("not signed in")]
    Unauthenticated,
    /// The session has expired or was ended.
    #[error("the session is over: sign in again")]
    SessionOver,
    /// The refresh token is not one of this server's, or its session is over.
    #[error("the refresh token is not valid: sign in again")]
    RefreshTokenInvalid,
    /// The user has to prove again who they are before this.
    #[error("prove again who you are before this")]
    ReauthenticationRequired {
        /// How recent it has to be.
        max_age: Duration,
        /// By how many factors.
        assurance: Assurance,
    },

    /// There is no such thing, or it belongs to somebody else.
    #[error("not found")]
    NotFound,
    /// The username belongs to somebody else.
    #[error("the username is taken")]
    UsernameTaken,
    /// The address is this user's already, or somebody proved before that it is theirs.
    #[error("the e-mail address is taken")]
    EmailAddressTaken,
    /// The number is this user's already, or somebody proved before that it is theirs.
    #[error("the phone number is taken")]
    PhoneNumberTaken,
    /// No text messages are sent to the number: its country is not among those that the application serves, or it is no
    /// number of a mobile phone.
    #[error("no text messages are sent to this phone number")]
    PhoneNumberNotAllowed,
    /// The account has as many addresses as it may have.
    #[error("the account has as many addresses as it may have: remove one first")]
    TooManyIdentifiers,
    /// Without it nobody could sign in or recover the account.
    #[error("the last verified address of an account stays")]
    LastIdentifier,
    /// Only a verified address can be the primary one.
    #[error("verify the address first")]
    IdentifierNotVerified,
    /// The account has as many credentials as it may have.
    #[error("the account has as many credentials as it may have: remove one first")]
    TooManyCredentials,
    /// Everybody needs a second factor, and it is the user's only one.
    #[error("a second factor is required: set up another before this one is removed")]
    LastSecondFactor,
    /// Without it nobody could sign in to the account.
    #[error("the last way to sign in stays: set up another before this one is removed")]
    LastWayIn,
    /// There is no such connection, or nobody can use it now.
    #[error("there is no such connection, or it is switched off")]
    ConnectionNotFound,
    /// What came back from a provider was not begun in this browser, or it came back before.
    #[error("this sign-in was not begun here, or it is over: begin again")]
    ConnectionStateMismatch,
    /// The person, or the provider, said no.
    #[error("the provider did not let you in: begin again")]
    ConnectionRefused,
    /// The provider can't be reached, is too slow, or makes no sense.
    #[error("the provider can't be used at the moment: try again, or use another way to sign in")]
    ConnectionUnavailable,
    /// What came back from a provider can't be accepted.
    #[error("the provider's answer is not valid: begin again")]
    ConnectionAnswerInvalid,
    /// The account at the provider belongs to somebody else here.
    #[error("this account at the provider is linked to another account here")]
    ExternalAccountTaken,
    /// The address is neither a page of the application nor on its list.
    #[error("the return address is not allowed")]
    ReturnAddressNotAllowed,
    /// There is no token of the provider that works: the user has to sign in with it again.
    #[error("the provider has to be signed in with again")]
    ProviderTokenMissing,
    /// Another process gets the next token of the provider.
    #[error("the provider's token is being replaced: ask again shortly")]
    ProviderTokenBusy {
        /// When.
        retry_after: Duration,
    },
    /// The text can't be the key of a connection.
    #[error(transparent)]
    ConnectionKey(#[from] ConnectionKeyError),
    /// There is a connection of this key.
    #[error("there is a connection of this key")]
    ConnectionKeyTaken,
    /// A setting of a connection has to change.
    #[error(transparent)]
    ConnectionSettings(#[from] SettingsProblem),
    /// There are as many connections as there may be.
    #[error("there are as many connections as there may be: remove one first")]
    TooManyConnections,
    /// Somebody else changed the same thing at the same time.
    #[error("changed by another request at the same time: read it again and repeat")]
    Conflict,

    /// More passwords are waiting to be hashed than the queue takes.
    #[error("too many sign-ins at once: try again shortly")]
    Overloaded {
        /// When to come back.
        retry_after: Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sealed value does not open: a key is missing from the configuration, or the data was changed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No randomness, so nothing that needs it.
    #[error(transparent)]
    Rng(#[from] RngError),
    /// A defect, or a part of the process that is gone.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

/// The stable name of an error, the same in every adapter.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// The stable names of all errors: clients and translations may rely on them. Only ever added to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)+
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

codes! {
    /// A field holds something that it can't hold.
    InvalidField = "invalid_field";
    /// A field that is needed is not there.
    MissingField = "missing_field";
    /// The request has a field that the operation does not know.
    UnknownField = "unknown_field";
    /// The body is not JSON, or not in the form that the operation takes.
    MalformedBody = "malformed_body";
    /// The body is longer than the server takes.
    BodyTooLarge = "body_too_large";
    /// The body is not sent as JSON.
    UnsupportedMediaType = "unsupported_media_type";
    /// The path is known, but not with this method.
    MethodNotAllowed = "method_not_allowed";
    /// A browser sent the request from another site.
    CrossOrigin = "cross_origin";
    /// The new password is shorter than the policy's minimum.
    PasswordTooShort = "password_too_short";
    /// The new password is longer than the policy's maximum.
    PasswordTooLong = "password_too_long";
    /// The new password is among those that are tried first.
    PasswordCommon = "password_common";
    /// The new password is the user's name, address, or the product's name.
    PasswordContext = "password_context";
    /// The identifier or the password is wrong.
    CredentialsIncorrect = "credentials_incorrect";
    /// The code is wrong or no longer valid.
    CodeIncorrect = "code_incorrect";
    /// The link is wrong or no longer valid.
    LinkIncorrect = "link_incorrect";
    /// The passkey was not accepted.
    PasskeyRefused = "passkey_refused";
    /// The request that the passkey answers is over.
    PasskeyRequestOver = "passkey_request_over";
    /// The attempt is used up.
    AttemptExhausted = "attempt_exhausted";
    /// The attempt does not exist or has expired.
    AttemptNotFound = "attempt_not_found";
    /// The attempt is not at this step.
    AttemptStep = "attempt_step";
    /// A second factor has to be passed before there is a session.
    SecondFactorRequired = "second_factor_required";
    /// A second factor has to be set up before this session may do anything else.
    MfaEnrollmentRequired = "mfa_enrollment_required";
    /// The application does not allow this factor.
    FactorNotAllowed = "factor_not_allowed";
    /// Too many tries.
    RateLimited = "rate_limited";
    /// New accounts are not accepted.
    SignUpClosed = "sign_up_closed";
    /// The account is suspended.
    AccountSuspended = "account_suspended";
    /// The account is frozen until its owner has recovered it.
    AccountFrozen = "account_frozen";
    /// The recovery waits, since others can object to it.
    RecoveryHeld = "recovery_held";
    /// Not signed in.
    Unauthenticated = "unauthenticated";
    /// The session has expired or was ended.
    SessionOver = "session_over";
    /// The refresh token is not valid.
    RefreshTokenInvalid = "refresh_token_invalid";
    /// Authentication is too long ago.
    ReauthenticationRequired = "reauthentication_required";
    /// There is no such thing for this caller.
    NotFound = "not_found";
    /// The username is taken.
    UsernameTaken = "username_taken";
    /// The e-mail address is taken.
    EmailAddressTaken = "email_address_taken";
    /// The phone number is taken.
    PhoneNumberTaken = "phone_number_taken";
    /// No text messages are sent to the phone number.
    PhoneNumberNotAllowed = "phone_number_not_allowed";
    /// The account has as many identifiers as it may have.
    TooManyIdentifiers = "too_many_identifiers";
    /// The last verified address stays.
    LastIdentifier = "last_identifier";
    /// The identifier has to be verified first.
    IdentifierNotVerified = "identifier_not_verified";
    /// The account has as many credentials as it may have.
    TooManyCredentials = "too_many_credentials";
    /// The last second factor stays where one is required.
    LastSecondFactor = "last_second_factor";
    /// The last way to sign in stays.
    LastWayIn = "last_way_in";
    /// There is no such connection, or nobody can use it now.
    ConnectionNotFound = "connection_not_found";
    /// What came back from a provider was not begun in this browser, or it came back before.
    ConnectionStateMismatch = "connection_state_mismatch";
    /// The person, or the provider, said no.
    ConnectionRefused = "connection_refused";
    /// The provider can't be used at the moment.
    ConnectionUnavailable = "connection_unavailable";
    /// What came back from a provider can't be accepted.
    ConnectionAnswerInvalid = "connection_answer_invalid";
    /// The account at the provider belongs to somebody else here.
    ExternalAccountTaken = "external_account_taken";
    /// The address is neither a page of the application nor on its list.
    ReturnAddressNotAllowed = "return_address_not_allowed";
    /// The provider has to be signed in with again.
    ProviderTokenMissing = "provider_token_missing";
    /// The provider's token is being replaced.
    ProviderTokenBusy = "provider_token_busy";
    /// There is a connection of this key.
    ConnectionKeyTaken = "connection_key_taken";
    /// A setting of a connection has to change.
    ConnectionSettingsInvalid = "connection_settings_invalid";
    /// There are as many connections as there may be.
    TooManyConnections = "too_many_connections";
    /// Changed by another request at the same time.
    Conflict = "conflict";
    /// More work than the server takes on.
    Overloaded = "overloaded";
    /// Something that the server depends on is away.
    Unavailable = "unavailable";
    /// A defect of the server.
    Internal = "internal";
}

impl Error {
    /// The stable name of the error.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::EmailAddress(_)
            | Self::PhoneNumber(_)
            | Self::Username(_)
            | Self::Identifier(_)
            | Self::Profile(_)
            | Self::Metadata(_)
            | Self::PasswordFormat(_)
            | Self::Id(_)
            | Self::ConnectionKey(_)
            | Self::Cursor(_) => ErrorCode::InvalidField,
            Self::PasswordRequired => ErrorCode::MissingField,
            Self::PasswordRefused(refusal) => match refusal {
                PasswordRefusal::TooShort { .. } => ErrorCode::PasswordTooShort,
                PasswordRefusal::TooLong { .. } => ErrorCode::PasswordTooLong,
                PasswordRefusal::Common => ErrorCode::PasswordCommon,
                PasswordRefusal::ContainsContext { .. } => ErrorCode::PasswordContext,
            },
            Self::CredentialsIncorrect => ErrorCode::CredentialsIncorrect,
            Self::CodeIncorrect => ErrorCode::CodeIncorrect,
            Self::LinkIncorrect => ErrorCode::LinkIncorrect,
            Self::PasskeyRefused(PasskeyRefusal::NoRequest) => ErrorCode::PasskeyRequestOver,
            Self::PasskeyRefused(_) => ErrorCode::PasskeyRefused,
            Self::AttemptExhausted => ErrorCode::AttemptExhausted,
            Self::AttemptNotFound => ErrorCode::AttemptNotFound,
            Self::AttemptStep => ErrorCode::AttemptStep,
            Self::SecondFactorRequired => ErrorCode::SecondFactorRequired,
            Self::MfaEnrollmentRequired => ErrorCode::MfaEnrollmentRequired,
            Self::FactorNotAllowed => ErrorCode::FactorNotAllowed,
            Self::TooManyCredentials => ErrorCode::TooManyCredentials,
            Self::LastSecondFactor => ErrorCode::LastSecondFactor,
            Self::LastWayIn => ErrorCode::LastWayIn,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::SignUpClosed => ErrorCode::SignUpClosed,
            Self::ConnectionNotFound => ErrorCode::ConnectionNotFound,
            Self::ConnectionStateMismatch => ErrorCode::ConnectionStateMismatch,
            Self::ConnectionRefused => ErrorCode::ConnectionRefused,
            Self::ConnectionUnavailable => ErrorCode::ConnectionUnavailable,
            Self::ConnectionAnswerInvalid => ErrorCode::ConnectionAnswerInvalid,
            Self::ExternalAccountTaken => ErrorCode::ExternalAccountTaken,
            Self::ReturnAddressNotAllowed => ErrorCode::ReturnAddressNotAllowed,
            Self::ProviderTokenMissing => ErrorCode::ProviderTokenMissing,
            Self::ProviderTokenBusy { .. } => ErrorCode::ProviderTokenBusy,
            Self::ConnectionKeyTaken => ErrorCode::ConnectionKeyTaken,
            Self::ConnectionSettings(_) => ErrorCode::ConnectionSettingsInvalid,
            Self::TooManyConnections => ErrorCode::TooManyConnections,
            Self::AccountSuspended => ErrorCode::AccountSuspended,
            Self::AccountFrozen => ErrorCode::AccountFrozen,
            Self::RecoveryHeld { .. } => ErrorCode::RecoveryHeld,
            Self::Unauthenticated => ErrorCode::Unauthenticated,
            Self::SessionOver => ErrorCode::SessionOver,
            Self::RefreshTokenInvalid => ErrorCode::RefreshTokenInvalid,
            Self::ReauthenticationRequired { .. } => ErrorCode::ReauthenticationRequired,
            Self::NotFound => ErrorCode::NotFound,
            Self::UsernameTaken => ErrorCode::UsernameTaken,
            Self::EmailAddressTaken => ErrorCode::EmailAddressTaken,
            Self::PhoneNumberTaken => ErrorCode::PhoneNumberTaken,
            Self::PhoneNumberNotAllowed => ErrorCode::PhoneNumberNotAllowed,
            Self::TooManyIdentifiers => ErrorCode::TooManyIdentifiers,
            Self::LastIdentifier => ErrorCode::LastIdentifier,
            Self::IdentifierNotVerified => ErrorCode::IdentifierNotVerified,
            Self::Conflict => ErrorCode::Conflict,
            Self::Overloaded { .. } => ErrorCode::Overloaded,
            Self::Store(_) => ErrorCode::Unavailable,
            Self::Seal(_) | Self::Rng(_) | Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// What is said of an identifier of this kind that somebody else has.
    pub(crate) const fn taken(kind: IdentifierKind) -> Self {
        match kind {
            IdentifierKind::EmailAddress => Self::EmailAddressTaken,
            IdentifierKind::PhoneNumber => Self::PhoneNumberTaken,
            IdentifierKind::Username => Self::UsernameTaken,
        }
    }

    /// The input field that is meant, where one is.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::EmailAddress(_) | Self::EmailAddressTaken => Some("email_address"),
            Self::PhoneNumber(_) | Self::PhoneNumberTaken | Self::PhoneNumberNotAllowed => {
                Some("phone_number")
            }
            Self::Username(_) | Self::UsernameTaken => Some("username"),
            Self::Identifier(_) => Some("identifier"),
            Self::Profile(ProfileError::ImageUrl) => Some("image_url"),
            Self::Profile(_) => Some("name"),
            Self::Metadata(_) => Some("unsafe_metadata"),
            Self::PasswordFormat(_) | Self::PasswordRefused(_) | Self::PasswordRequired => {
                Some("password")
            }
            Self::CodeIncorrect => Some("code"),
            Self::PasskeyRefused(_) => Some("credential"),
            Self::Id(_) => Some("id"),
            Self::ConnectionKey(_) | Self::ConnectionKeyTaken => Some("key"),
            Self::ReturnAddressNotAllowed => Some("return_to"),
            Self::Cursor(_) => Some("after"),
            _ => None,
        }
    }

    /// How long to wait before the same call may succeed, where that is known.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => *retry_after,
            Self::Overloaded { retry_after }
            | Self::ProviderTokenBusy { retry_after }
            | Self::RecoveryHeld { retry_after } => Some(*retry_after),
            Self::Store(error) if error.is_retryable() => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl From<HashError> for Error {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded { retry_after } => Self::Overloaded { retry_after },
            HashError::Rng(error) => Self::Rng(error),
            _ => Self::Internal("the hashing pool failed"),
        }
    }
}

/// What a refused batch means where the operation has nothing better to say.
impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => Self::Store(error),
            CommitError::Guard(failure) => match failure.reason {
                GuardReason::NotFound => Self::NotFound,
                GuardReason::IdentifierTaken => Self::EmailAddressTaken,
                GuardReason::CredentialTaken => {
                    Self::PasskeyRefused(PasskeyRefusal::AlreadyRegistered)
                }
                GuardReason::UserNotActive => Self::AccountSuspended,
                GuardReason::SessionRevoked => Self::SessionOver,
                _ => Self::Conflict,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_distinct_snake_case_words() {
        let codes: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        assert!(
            codes
                .iter()
                .all(|code| code.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        );
    }
}
