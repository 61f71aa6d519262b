use sqlx::Error;
use sqlx::error::DatabaseError;
use zalt_core::store::{CommitError, GuardFailure, GuardReason, StoreError, StoreErrorKind};

/// Why a change was not applied, before anybody says which of the batch it was.
#[derive(Debug)]
pub(crate) enum Refusal {
    Guard(GuardReason),
    /// The guard failed, and when the reason was looked for it held again: somebody else has written meanwhile.
    Moved,
    Postgres(Error),
    /// A newer `zalt-core` made a change that this store does not know.
    Unsupported,
}

impl From<GuardReason> for Refusal {
    fn from(reason: GuardReason) -> Self {
        Self::Guard(reason)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Postgres(error)
    }
}

/// Why a batch was not committed.
#[derive(Debug)]
pub(crate) enum Failed {
    Guard(GuardFailure),
    /// Nothing was written for sure, and another try may go through.
    Again(Error),
    /// A guard failed in a way that has no reason any more.
    Moved,
    Store(StoreError),
}

impl Failed {
    /// What an error means before a commit was asked for: whatever it is, nothing was written.
    pub(crate) fn before_commit(error: Error) -> Self {
        if may_pass(&error) {
            Self::Again(error)
        } else {
            Self::Store(store_error(error))
        }
    }

    /// What an error means when it is the answer to a statement that commits itself.
    ///
    /// A server that is shut down says so in place of the answer: it looks whether it has to go before it commits, and not
    /// between a commit and its answer.
    pub(crate) fn at_statement(error: Error) -> Self {
        if code(&error) == Some("57P01") {
            Self::Again(error)
        } else {
            Self::at_commit(error)
        }
    }

    /// What an error means when it is the answer to a commit.
    pub(crate) fn at_commit(error: Error) -> Self {
        if is_rolled_back(&error) || is_stale(&error) {
            Self::Again(error)
        } else if is_lost(&error) || code(&error) == Some("40003") {
            Self::Store(with_kind(StoreErrorKind::Unknown, error))
        } else {
            Self::Store(store_error(error))
        }
    }

    /// The failure of what has no guard, or whose tries are used up.
    pub(crate) fn into_store_error(self) -> StoreError {
        match self {
            Self::Again(error) => store_error(error),
            Self::Moved => StoreError::new(StoreErrorKind::Busy),
            Self::Store(error) => error,
            Self::Guard(_) => StoreError::new(StoreErrorKind::Internal),
        }
    }

    pub(crate) fn refused(change: usize, refusal: Refusal) -> Self {
        match refusal {
            Refusal::Guard(reason) => Self::Guard(GuardFailure { change, reason }),
            Refusal::Moved => Self::Moved,
            Refusal::Postgres(error) => Self::before_commit(error),
            Refusal::Unsupported => Self::Store(StoreError::new(StoreErrorKind::Internal)),
        }
    }
}

impl From<Failed> for CommitError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Guard(failure) => failure.into(),
            failed => failed.into_store_error().into(),
        }
    }
}

/// A column that holds something else than Zalt writes there. It names the place and never repeats the content, which
/// may be personal.
#[derive(Debug, thiserror::Error)]
#[error("column {column} holds no valid {expected}")]
pub(crate) struct Unreadable {
    pub(crate) column: String,
    pub(crate) expected: &'static str,
}

/// What the server reported. Its detail, and the message of an error about a value, can repeat what a row holds: they are
/// left out.
#[derive(Debug, thiserror::Error)]
#[error("PostgreSQL reported {code}: {message}")]
pub(crate) struct Reported {
    code: String,
    message: String,
}

impl Reported {
    fn of(error: &dyn DatabaseError) -> Self {
        let code = error.code().unwrap_or_default().into_owned();
        let message = if code.starts_with("22") {
            "a value is not as it has to be".to_owned()
        } else {
            error.message().to_owned()
        };
        Self { code, message }
    }
}

/// The contract's error for one of the driver's, which stays its cause.
pub(crate) fn store_error(error: Error) -> StoreError {
    with_kind(kind(&error), error)
}

fn with_kind(kind: StoreErrorKind, error: Error) -> StoreError {
    match error {
        Error::Database(error) => StoreError::with_source(kind, Reported::of(&*error)),
        error => StoreError::with_source(kind, error),
    }
}

/// The five letters by which the server names an error.
pub(crate) fn code(error: &Error) -> Option<&str> {
    match error {
        Error::Database(error) => error
            .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
            .map(sqlx::postgres::PgDatabaseError::code),
        _ => None,
    }
}

/// What an error means where nothing was to be committed.
pub(crate) fn kind(error: &Error) -> StoreErrorKind {
    match error {
        Error::PoolTimedOut => StoreErrorKind::Busy,
        Error::PoolClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::WorkerCrashed
        | Error::BeginFailed => StoreErrorKind::Unavailable,
        Error::Decode(_) | Error::ColumnDecode { .. } => StoreErrorKind::Corrupt,
        Error::Database(_) => code(error).map_or(StoreErrorKind::Internal, reported_kind),
        _ => StoreErrorKind::Internal,
    }
}

fn reported_kind(code: &str) -> StoreErrorKind {
    match code {
        // A lock or a statement took too long, was cancelled or gave way; or the server has no connection, no memory or
        // nothing else left for the moment.
        "57014" | "55P03" | "40001" | "40P01" | "53000" | "53200" | "53300" | "53400" => {
            StoreErrorKind::Busy
        }
        // The disk is full.
        "53100" => StoreErrorKind::Full,
        // A standby, or a server that was told to take no writes.
        "25006" => StoreErrorKind::ReadOnly,
        "XX001" | "XX002" => StoreErrorKind::Corrupt,
        // A file of the server can't be read or written; or it lets nobody of that name in, or not to this database.
        "58000" | "58030" | "28000" | "28P01" | "3D000" => StoreErrorKind::Unavailable,
        code if code.starts_with("08") || code.starts_with("57P") => StoreErrorKind::Unavailable,
        _ => StoreErrorKind::Internal,
    }
}

/// The server undid the transaction and says that it may be tried again.
pub(crate) fn is_rolled_back(error: &Error) -> bool {
    matches!(code(error), Some("40001" | "40P01"))
}

/// The connection is gone, or no longer to be trusted.
pub(crate) fn is_lost(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::WorkerCrashed => true,
        _ => code(error).is_some_and(|code| code.starts_with("08") || code.starts_with("57P")),
    }
}

/// What wrote nothing may go through on another try. Who waited in vain for an answer does not wait for another.
pub(crate) fn may_pass(error: &Error) -> bool {
    let in_vain = matches!(error, Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut);
    !in_vain && (is_rolled_back(error) || is_lost(error) || is_stale(error))
}

/// A statement that this connection had prepared no longer is, or no longer fits the schema: "cached plan must not change
/// result type" is the one feature that a migration can take away. It was not run.
pub(crate) fn is_stale(error: &Error) -> bool {
    matches!(code(error), Some("26000" | "0A000"))
}

/// The server takes no writes.
pub(crate) fn is_read_only(error: &Error) -> bool {
    code(error) == Some("25006")
}

/// A constraint kept a row out: another row has the same key, or a row that it refers to is gone.
pub(crate) fn is_constraint(error: &Error) -> bool {
    is_taken(error) || is_orphaned(error)
}

pub(crate) fn is_taken(error: &Error) -> bool {
    code(error) == Some("23505")
}

pub(crate) fn is_orphaned(error: &Error) -> bool {
    code(error) == Some("23503")
}

/// A guard of a statement of several changes failed: it divides by the rows that were written.
pub(crate) fn is_guard(error: &Error) -> bool {
    code(error) == Some("22012")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_kind() {
        use StoreErrorKind::{Busy, Corrupt, Full, Internal, ReadOnly, Unavailable};
        for (code, expected) in [
            ("57014", Busy),
            ("55P03", Busy),
            ("53300", Busy),
            ("40001", Busy),
            ("53100", Full),
            ("25006", ReadOnly),
            ("57P01", Unavailable),
            ("57P03", Unavailable),
            ("08006", Unavailable),
            ("XX001", Corrupt),
            ("42P01", Internal),
            ("23514", Internal),
        ] {
            assert_eq!(reported_kind(code), expected, "{code}");
        }
    }

    #[test]
    fn a_connection_lost_at_a_commit_leaves_it_open_whether_it_was_applied() {
        let lost = || Error::Io(std::io::ErrorKind::UnexpectedEof.into());
        let Failed::Store(error) = Failed::at_commit(lost()) else {
            panic!("a commit that may have been applied is not tried again");
        };
        assert_eq!(error.kind(), StoreErrorKind::Unknown);
        assert!(matches!(Failed::before_commit(lost()), Failed::Again(_)));
    }
}
