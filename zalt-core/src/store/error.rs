use std::error::Error as StdError;
use std::fmt;

/// Why a batch was not committed. In either case it left no trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// A guard failed.
    #[error(transparent)]
    Guard(#[from] GuardFailure),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The first guard of a batch that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("change {change} of the batch was refused: {reason}")]
pub struct GuardFailure {
    /// The position of its change, from 0.
    pub change: usize,
    /// Why it failed.
    pub reason: GuardReason,
}

/// Why a guard failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GuardReason {
    /// The row, or the user that it belongs to, does not exist.
    #[error("the row does not exist")]
    NotFound,
    /// A row with this id exists, or the user has a password.
    #[error("the row exists already")]
    AlreadyExists,
    /// Somebody else wrote the row since it was read.
    #[error("the row was changed since it was read")]
    VersionMismatch,
    /// Another user owns the identifier verified, or this user has it already.
    #[error("the identifier is taken")]
    IdentifierTaken,
    /// Somebody has a credential with this handle.
    #[error("the credential is registered already")]
    CredentialTaken,
    /// The user is suspended or deleted.
    #[error("the user is not active")]
    UserNotActive,
    /// All sessions of the user were ended since the sign-in began.
    #[error("the user's sessions were ended since the sign-in began")]
    StaleEpoch,
    /// The session is over.
    #[error("the session was revoked")]
    SessionRevoked,
    /// The refresh token that was presented is not the current one.
    #[error("the refresh token is not the current one")]
    RefreshNotCurrent,
    /// Another signing key was added since the rotation was decided.
    #[error("another signing key was added meanwhile")]
    NotNewestKey,
}

/// A store could not answer.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What kind of failure a store met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It can't be reached or is shutting down. Nothing was written; worth trying again.
    Unavailable,
    /// It has more work than it takes on, or a lock was not to be had in time. Nothing was written; worth trying again.
    Busy,
    /// The connection was lost while a commit was under way: it may have been applied or not. The guards make it safe
    /// to read again and decide anew.
    Unknown,
    /// There is no room left. Nothing was written.
    Full,
    /// It can only be read.
    ReadOnly,
    /// What is stored can't be read or contradicts itself.
    Corrupt,
    /// The schema was written by a newer version of Zalt.
    NewerSchema,
    /// The schema is not there or was written by an older version of Zalt, and was not to be brought up to date.
    OlderSchema,
    /// Anything else; a defect in the backend.
    Internal,
}

impl StoreError {
    /// An error of this kind without a cause.
    pub const fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// An error of this kind with the driver's error as its cause.
    pub fn with_source(
        kind: StoreErrorKind,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    /// What kind of failure it is.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the same call may succeed a little later, and can't have been applied already.
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Unavailable | StoreErrorKind::Busy
        )
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => "the store can't be reached",
            StoreErrorKind::Busy => "the store is busy",
            StoreErrorKind::Unknown => "the connection to the store was lost during a commit",
            StoreErrorKind::Full => "the store has no room left",
            StoreErrorKind::ReadOnly => "the store can only be read",
            StoreErrorKind::Corrupt => "the store holds data that can't be read",
            StoreErrorKind::NewerSchema => "the store's schema is newer than this version of Zalt",
            StoreErrorKind::OlderSchema => "the store's schema is older than this version of Zalt",
            StoreErrorKind::Internal => "the store failed",
        })
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
