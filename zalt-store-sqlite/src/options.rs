use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zalt_core::store::{StoreError, StoreErrorKind};

use crate::SqliteStore;

/// How a [`SqliteStore`] is opened. The defaults are right for most; all of it is checked when the store is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    readers: Option<usize>,
    scan_threads: usize,
    queue_length: usize,
    busy_timeout: Duration,
    cache_kib: u32,
    max_bytes: Option<u64>,
    migrate: bool,
}

/// A setting that is out of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// See [`SqliteOptions::readers`].
    #[error("readers is a number from 1 to 256")]
    Readers,
    /// See [`SqliteOptions::scan_threads`].
    #[error("scan_threads is a number from 1 to 64")]
    ScanThreads,
    /// See [`SqliteOptions::queue_length`].
    #[error("queue_length is a number from 1 to 65536")]
    QueueLength,
    /// See [`SqliteOptions::busy_timeout`].
    #[error("busy_timeout is at most 60 seconds")]
    BusyTimeout,
    /// See [`SqliteOptions::cache_kib`].
    #[error("cache_kib is a number from 64 to 1048576")]
    Cache,
    /// See [`SqliteOptions::max_bytes`].
    #[error("max_bytes is at least 1048576")]
    MaxBytes,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A setting is out of its range.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The file could not be made.
    #[error("{} can't be created", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could not be opened as a store, for example because it is no database
    /// ([`Corrupt`](StoreErrorKind::Corrupt)), a newer version of Zalt wrote it
    /// ([`NewerSchema`](StoreErrorKind::NewerSchema)), or an older one did and it was to be left as it is
    /// ([`OlderSchema`](StoreErrorKind::OlderSchema)).
    #[error("{} can't be opened", path.display())]
    Store {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
}

impl OpenError {
    /// What kind of failure the store met, if it came that far.
    pub const fn kind(&self) -> Option<StoreErrorKind> {
        match self {
            Self::Store { source, .. } => Some(source.kind()),
            Self::Options(_) | Self::File { .. } => None,
        }
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            readers: None,
            scan_threads: 2,
            queue_length: 1024,
            busy_timeout: Duration::from_secs(5),
            cache_kib: 2048,
            max_bytes: None,
            migrate: true,
        }
    }
}

impl SqliteOptions {
    /// How many connections answer reads by key, on the threads of their callers: 1 to 256, by default as many as there
    /// are cores and at least 2. More than threads that read at once are of no use.
    #[must_use]
    pub const fn readers(mut self, readers: usize) -> Self {
        self.readers = Some(readers);
        self
    }

    /// How many threads answer lists and counts: 1 to 64, 2 by default.
    #[must_use]
    pub const fn scan_threads(mut self, threads: usize) -> Self {
        self.scan_threads = threads;
        self
    }

    /// How many writes, and how many lists, may wait at once: 1 to 65536, 1024 by default. Past it callers get
    /// [`StoreErrorKind::Busy`] at once.
    #[must_use]
    pub const fn queue_length(mut self, length: usize) -> Self {
        self.queue_length = length;
        self
    }

    /// How long a write waits for a lock that somebody else holds, such as another process on the same file: at most
    /// 60 seconds, 5 by default. Then it fails with [`StoreErrorKind::Busy`].
    #[must_use]
    pub const fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How many KiB of pages each connection may keep in memory: 64 to 1048576, 2048 by default.
    #[must_use]
    pub const fn cache_kib(mut self, kib: u32) -> Self {
        self.cache_kib = kib;
        self
    }

    /// How large the file may grow, to the page: at least 1 MiB, without a limit by default. Past it writes fail with
    /// [`StoreErrorKind::Full`], which leaves room on the disk for those who share it.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Whether what is not there yet is made and an older schema is brought up to date: yes by default. A tool that works
    /// beside a server says no, and is refused then.
    #[must_use]
    pub const fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// Opens the store in this file. What is not there yet is made: the file, which only its owner can read, and the
    /// schema. An older schema is brought up to date.
    ///
    /// The call blocks for a moment, which at the start of a program does no harm.
    pub fn open(self, path: impl AsRef<Path>) -> Result<SqliteStore, OpenError> {
        let settings = self.checked()?;
        SqliteStore::with_settings(path.as_ref(), settings)
    }

    fn checked(self) -> Result<Settings, OptionsError> {
        let cores = || std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
        let within = |ok: bool, error| if ok { Ok(()) } else { Err(error) };
        let readers = self.readers.unwrap_or_else(|| cores().min(256));
        within((1..=256).contains(&readers), OptionsError::Readers)?;
        within(
            (1..=64).contains(&self.scan_threads),
            OptionsError::ScanThreads,
        )?;
        within(
            (1..=65536).contains(&self.queue_length),
            OptionsError::QueueLength,
        )?;
        within(
            self.busy_timeout <= Duration::from_mins(1),
            OptionsError::BusyTimeout,
        )?;
        within(
            (64..=1_048_576).contains(&self.cache_kib),
            OptionsError::Cache,
        )?;
        within(
            self.max_bytes.is_none_or(|bytes| bytes >= 1 << 20),
            OptionsError::MaxBytes,
        )?;
        Ok(self.settings(readers))
    }

    /// The defaults, for a single connection that reads.
    pub(crate) fn of_one_reader() -> Settings {
        Self::default().settings(1)
    }

    const fn settings(&self, readers: usize) -> Settings {
        Settings {
            readers,
            scan_threads: self.scan_threads,
            queue_length: self.queue_length,
            busy_timeout: self.busy_timeout,
            cache_kib: self.cache_kib,
            max_bytes: self.max_bytes,
            migrate: self.migrate,
        }
    }
}

/// Options that were checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) readers: usize,
    pub(crate) scan_threads: usize,
    pub(crate) queue_length: usize,
    pub(crate) busy_timeout: Duration,
    pub(crate) cache_kib: u32,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) migrate: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_has_its_range() {
        let options = SqliteOptions::default;
        for (options, error) in [
            (options().readers(0), OptionsError::Readers),
            (options().readers(257), OptionsError::Readers),
            (options().scan_threads(0), OptionsError::ScanThreads),
            (options().queue_length(0), OptionsError::QueueLength),
            (
                options().busy_timeout(Duration::from_secs(61)),
                OptionsError::BusyTimeout,
            ),
            (options().cache_kib(1), OptionsError::Cache),
            (options().max_bytes(1000), OptionsError::MaxBytes),
        ] {
            assert_eq!(options.checked().unwrap_err(), error);
        }
        assert!(options().checked().unwrap().readers >= 2);
    }
}
