use serde::{Deserialize, Serialize};

use super::provider::{IdTokenProblem, ProviderError};
use crate::error::Error;

/// Why nobody came in through a connection, for the audit log. Names are only ever added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionFailure {
    /// What came back belongs to no attempt of this browser: perhaps somebody was to be signed in to another's account.
    StateMismatch,
    /// What came back belongs to an attempt with another connection.
    OtherConnection,
    /// The answer is from another provider than the one that was asked.
    IssuerMismatch,
    /// It came back before.
    Replayed,
    /// The person said no at the provider.
    RefusedByPerson,
    /// The provider said no.
    RefusedByProvider,
    /// The answer lacks what it needs, or is longer than any is.
    AnswerIncomplete,
    /// The provider could not be reached.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
    /// Its answer can't be read.
    BadAnswer,
    /// The ID token was not signed by it.
    IdTokenSignature,
    /// The ID token was issued by or for somebody else.
    IdTokenParty,
    /// The ID token is over, or not valid yet.
    IdTokenTime,
    /// The ID token belongs to another request.
    IdTokenNonce,
    /// The ID token is signed in a way that is not accepted, or not at all.
    IdTokenAlgorithm,
    /// The ID token can't be read, or names nobody.
    IdTokenMalformed,
    /// The connection is not set up right.
    Misconfigured,
    /// The connection was switched off, or is gone.
    SwitchedOff,
    /// The account at the provider belongs to somebody else here.
    AccountTaken,
    /// The account here is suspended, deleted or frozen.
    AccountNotUsable,
    /// The rules for new accounts say no.
    SignUpRefused,
    /// The session that asked for the link is over, or another.
    SessionOver,
}

impl ConnectionFailure {
    /// What whoever came is told.
    pub(crate) const fn error(self) -> Error {
        match self {
            Self::StateMismatch
            | Self::OtherConnection
            | Self::IssuerMismatch
            | Self::Replayed
            | Self::SessionOver => Error::ConnectionStateMismatch,
            Self::RefusedByPerson | Self::RefusedByProvider => Error::ConnectionRefused,
            Self::Unreachable | Self::TimedOut | Self::BadAnswer | Self::Misconfigured => {
                Error::ConnectionUnavailable
            }
            Self::AnswerIncomplete
            | Self::IdTokenSignature
            | Self::IdTokenParty
            | Self::IdTokenTime
            | Self::IdTokenNonce
            | Self::IdTokenAlgorithm
            | Self::IdTokenMalformed => Error::ConnectionAnswerInvalid,
            Self::SwitchedOff => Error::ConnectionNotFound,
            Self::AccountTaken => Error::ExternalAccountTaken,
            Self::AccountNotUsable => Error::AccountSuspended,
            Self::SignUpRefused => Error::SignUpClosed,
        }
    }
}

impl From<&ProviderError> for ConnectionFailure {
    fn from(error: &ProviderError) -> Self {
        match error {
            ProviderError::Unreachable => Self::Unreachable,
            ProviderError::TimedOut => Self::TimedOut,
            ProviderError::BadAnswer { .. } => Self::BadAnswer,
            ProviderError::Refused { .. } => Self::RefusedByProvider,
            ProviderError::IssuerMismatch => Self::IssuerMismatch,
            ProviderError::Misconfigured(_) => Self::Misconfigured,
            ProviderError::IdTokenInvalid(problem) => match problem {
                IdTokenProblem::Signature => Self::IdTokenSignature,
                IdTokenProblem::Issuer
                | IdTokenProblem::Audience
                | IdTokenProblem::AuthorizedParty => Self::IdTokenParty,
                IdTokenProblem::Expired | IdTokenProblem::NotYetValid => Self::IdTokenTime,
                IdTokenProblem::Nonce => Self::IdTokenNonce,
                IdTokenProblem::Algorithm => Self::IdTokenAlgorithm,
                IdTokenProblem::Malformed | IdTokenProblem::Subject => Self::IdTokenMalformed,
            },
        }
    }
}
