//! What went wrong, and what it means for a store.

use std::fmt;

use redis::{ErrorKind, RedisError, ServerErrorKind};
use zalt_core::store::{StoreError, StoreErrorKind};

/// The code with which our script answers when a state can't be read.
pub(crate) const UNREADABLE: &str = "ZALTSTATE";

/// Why a command got no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It did not fit into its time.
    #[error("Redis did not answer in time")]
    Timeout,
    /// Others have just found Redis away.
    #[error("Redis was away a moment ago")]
    Away,
    /// The connection could not be made.
    #[error("Redis can't be connected to")]
    Connect(#[source] RedisError),
    /// The connection was lost, or the command never went out.
    #[error("the connection to Redis was lost")]
    Lost(#[source] RedisError),
    /// Redis answered with an error, or with something that makes no sense.
    #[error("Redis refused a command")]
    Refused(#[source] RedisError),
}

impl Failure {
    /// Sorts an error that a command on an open connection ended in.
    pub(crate) fn of_command(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::Io if error.is_timeout() => Self::Timeout,
            ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::AuthenticationFailed
            | ErrorKind::ClusterConnectionNotFound => Self::Lost(error),
            _ => Self::Refused(error),
        }
    }

    /// Whether the connection is to be replaced: it is gone, or leads to a server that is the primary no longer.
    pub(crate) fn ends_connection(&self) -> bool {
        match self {
            Self::Timeout | Self::Lost(_) => true,
            Self::Refused(error) => {
                matches!(error.kind(), ErrorKind::Server(ServerErrorKind::ReadOnly))
            }
            Self::Away | Self::Connect(_) => false,
        }
    }

    /// Whether the server only wants to see a script that it does not know yet.
    pub(crate) fn asks_for_script(&self) -> bool {
        matches!(self, Self::Refused(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
    }

    /// A word for metrics.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Away => "away",
            Self::Connect(_) => "connect",
            Self::Lost(_) => "lost",
            Self::Refused(_) => "refused",
        }
    }

    fn kind(&self) -> StoreErrorKind {
        let Self::Refused(error) = self else {
            return StoreErrorKind::Unavailable;
        };
        match error.kind() {
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask,
            ) => StoreErrorKind::Unavailable,
            ErrorKind::Server(ServerErrorKind::ReadOnly) => StoreErrorKind::ReadOnly,
            _ => match error.code() {
                Some("OOM") => StoreErrorKind::Full,
                Some("BUSY") => StoreErrorKind::Busy,
                Some("MISCONF" | "NOREPLICAS") => StoreErrorKind::Unavailable,
                Some("WRONGTYPE" | UNREADABLE) => StoreErrorKind::Corrupt,
                _ => StoreErrorKind::Internal,
            },
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::with_source(failure.kind(), failure)
    }
}

/// An error with its causes, on one line of a log.
pub(crate) struct Causes<'e>(pub(crate) &'e (dyn std::error::Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn kind(error: RedisError) -> StoreErrorKind {
        StoreError::from(Failure::of_command(error)).kind()
    }

    fn io(kind: io::ErrorKind) -> RedisError {
        io::Error::from(kind).into()
    }

    #[test]
    fn a_lost_connection_and_a_timeout_are_worth_trying_again() {
        for error in [io::ErrorKind::TimedOut, io::ErrorKind::ConnectionReset] {
            let failure = Failure::of_command(io(error));
            assert!(failure.ends_connection());
            assert!(StoreError::from(failure).is_retryable());
        }
    }

    #[test]
    fn what_redis_says_has_its_kind() {
        let said = |code: &str| redis::make_extension_error(code.to_owned(), None);
        assert_eq!(kind(said("OOM")), StoreErrorKind::Full);
        assert_eq!(kind(said("BUSY")), StoreErrorKind::Busy);
        assert_eq!(kind(said("NOREPLICAS")), StoreErrorKind::Unavailable);
        assert_eq!(kind(said("WRONGTYPE")), StoreErrorKind::Corrupt);
        assert_eq!(kind(said(UNREADABLE)), StoreErrorKind::Corrupt);
        assert_eq!(kind(said("ERR")), StoreErrorKind::Internal);
    }

    #[test]
    fn causes_stand_on_one_line() {
        let failure = Failure::Lost(io(io::ErrorKind::BrokenPipe));
        let text = Causes(&failure).to_string();
        assert!(text.starts_with("the connection to Redis was lost: "));
        assert!(!text.contains('\n'));
    }
}
