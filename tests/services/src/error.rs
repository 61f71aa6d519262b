use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use thiserror::Error;

/// Why a service could not be started, changed or asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The machine does not have the program.
    #[error("{program} is missing: apt-get install {package}, or what your system calls it")]
    Missing {
        /// The program that was looked for.
        program: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// PostgreSQL refuses to run as root, and there is no other account to run it as.
    #[error(
        "PostgreSQL does not run as root and there is no account named {0}: apt-get install postgresql makes it"
    )]
    NoAccount(&'static str),
    /// The operating system refused something.
    #[error("can't {doing}: {source}")]
    Io {
        /// What was to be done.
        doing: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A program that was to do one thing and end did not end well.
    #[error("{program} ended with {status}: {said}")]
    Failed {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to its error stream.
        said: String,
    },
    /// The service ended while it was starting, on every port that was tried.
    #[error("{service} ended with {status} while starting; its log says:\n{log}")]
    Ended {
        /// The service.
        service: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote since it was started.
        log: String,
    },
    /// Something did not come about in time.
    #[error("{waited_for} did not come about within {after:?}; the log says:\n{log}")]
    TimedOut {
        /// What was waited for.
        waited_for: String,
        /// For how long.
        after: Duration,
        /// What the service wrote since it was started.
        log: String,
    },
    /// No port was free, of all that were tried.
    #[error("no free port was found on 127.0.0.1")]
    NoPort,
    /// The service is stopped: start it again first.
    #[error("{0} is stopped")]
    Stopped(&'static str),
    /// The service runs: stop it first.
    #[error("{0} runs already")]
    Running(&'static str),
    /// The service answered with an error.
    #[error("{service} answered: {reply}")]
    Refused {
        /// The service.
        service: &'static str,
        /// Its own words.
        reply: String,
    },
}

/// Says what was being done when the operating system refused.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, ServiceError>;
}

impl<T> Doing<T> for Result<T, io::Error> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, ServiceError> {
        self.map_err(|source| ServiceError::Io {
            doing: what(),
            source,
        })
    }
}
