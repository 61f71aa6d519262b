use rusqlite::ErrorCode;
use rusqlite::ffi;
use zalt_core::store::{CommitError, GuardFailure, GuardReason, StoreError, StoreErrorKind};

/// Why a change was not applied, before anybody says which of the batch it was.
#[derive(Debug)]
pub(crate) enum Refusal {
    Guard(GuardReason),
    Sqlite(rusqlite::Error),
    /// A newer `zalt-core` made a change that this store does not know.
    Unsupported,
}

/// What applying a change comes to.
pub(crate) type Applied = Result<(), Refusal>;

impl Refusal {
    pub(crate) fn at(self, change: usize) -> CommitError {
        match self {
            Self::Guard(reason) => GuardFailure { change, reason }.into(),
            Self::Sqlite(error) => store_error(error).into(),
            Self::Unsupported => StoreError::new(StoreErrorKind::Internal).into(),
        }
    }
}

impl From<GuardReason> for Refusal {
    fn from(reason: GuardReason) -> Self {
        Self::Guard(reason)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
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

/// The contract's error for one of SQLite's, which stays its cause.
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
    StoreError::with_source(kind(&error), error)
}

/// What an error of SQLite means outside of a `COMMIT`, where nothing was written yet.
pub(crate) fn kind(error: &rusqlite::Error) -> StoreErrorKind {
    use rusqlite::Error::{
        FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, SqlInputError,
        SqliteFailure, Utf8Error,
    };
    match error {
        SqliteFailure(failure, _) | SqlInputError { error: failure, .. } => failure_kind(*failure),
        FromSqlConversionFailure(..)
        | IntegralValueOutOfRange(..)
        | InvalidColumnType(..)
        | Utf8Error(..) => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Internal,
    }
}

/// What an error of SQLite means when `COMMIT` returned it.
///
/// The commit record may have reached the file before the call failed, and recovery after a crash would then find and
/// apply it. Only where the record can't be complete, or was never begun, is it certain that nothing was written.
pub(crate) fn commit_kind(error: &rusqlite::Error) -> StoreErrorKind {
    match error.sqlite_error_code() {
        Some(ErrorCode::SystemIoFailure) => StoreErrorKind::Unknown,
        _ => kind(error),
    }
}

fn failure_kind(failure: ffi::Error) -> StoreErrorKind {
    match failure.extended_code {
        ffi::SQLITE_IOERR_CORRUPTFS => return StoreErrorKind::Corrupt,
        // The index of the log could not grow.
        ffi::SQLITE_IOERR_SHMSIZE => return StoreErrorKind::Full,
        _ => {}
    }
    match failure.code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => StoreErrorKind::Busy,
        ErrorCode::DiskFull => StoreErrorKind::Full,
        ErrorCode::ReadOnly => StoreErrorKind::ReadOnly,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreErrorKind::Corrupt,
        ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied
        | ErrorCode::SystemIoFailure
        | ErrorCode::OutOfMemory
        | ErrorCode::OperationInterrupted => StoreErrorKind::Unavailable,
        _ => StoreErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn each_code_has_its_kind() {
        use StoreErrorKind::{Busy, Corrupt, Full, Internal, ReadOnly, Unavailable};
        for (code, expected) in [
            (ffi::SQLITE_FULL, Full),
            (ffi::SQLITE_IOERR_SHMSIZE, Full),
            (ffi::SQLITE_READONLY, ReadOnly),
            (ffi::SQLITE_READONLY_DBMOVED, ReadOnly),
            (ffi::SQLITE_CORRUPT, Corrupt),
            (ffi::SQLITE_CORRUPT_INDEX, Corrupt),
            (ffi::SQLITE_IOERR_CORRUPTFS, Corrupt),
            (ffi::SQLITE_NOTADB, Corrupt),
            (ffi::SQLITE_BUSY, Busy),
            (ffi::SQLITE_BUSY_SNAPSHOT, Busy),
            (ffi::SQLITE_LOCKED, Busy),
            (ffi::SQLITE_PROTOCOL, Busy),
            (ffi::SQLITE_IOERR_READ, Unavailable),
            (ffi::SQLITE_CANTOPEN, Unavailable),
            (ffi::SQLITE_NOMEM, Unavailable),
            (ffi::SQLITE_CONSTRAINT_NOTNULL, Internal),
            (ffi::SQLITE_ERROR, Internal),
        ] {
            assert_eq!(kind(&failure(code)), expected, "{code}");
        }
    }

    #[test]
    fn a_commit_that_failed_while_it_was_synced_may_have_been_written() {
        assert_eq!(
            commit_kind(&failure(ffi::SQLITE_IOERR_FSYNC)),
            StoreErrorKind::Unknown
        );
        assert_eq!(
            commit_kind(&failure(ffi::SQLITE_FULL)),
            StoreErrorKind::Full
        );
    }
}
