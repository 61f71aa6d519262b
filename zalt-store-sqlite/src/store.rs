use std::fmt;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use futures_channel::oneshot;
use rusqlite::Connection;
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetKey, BudgetStore, Decision};
use zalt_core::store::{Batch, CommitError, Store, StoreError, StoreErrorKind};

use crate::backup::{self, BackupError, IntegrityError};
use crate::checkpoints::Checkpoints;
use crate::connection::{create_file, open_reader, open_writer};
use crate::options::{OpenError, Settings, SqliteOptions};
use crate::readers::Readers;
use crate::scans::Scans;
use crate::schema;
use crate::threads::spawn;
use crate::writer::{Done, Work, WriteStatistics, Writer};

/// A store in one SQLite file. Cheap to clone; the clones are one store.
///
/// When the last clone is dropped, the store ends like after [`SqliteStore::shutdown`], and the drop waits for that.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    readers: Readers,
    scans: Scans,
    writer: Writer,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    scans: Vec<JoinHandle<()>>,
    writer: JoinHandle<Connection>,
    checkpoints: JoinHandle<Connection>,
}

impl SqliteStore {
    /// Opens the store in this file with the usual options; see [`SqliteOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::builder().open(path)
    }

    /// Options to open a store with.
    pub fn builder() -> SqliteOptions {
        SqliteOptions::default()
    }

    pub(crate) fn with_settings(path: &Path, settings: Settings) -> Result<Self, OpenError> {
        // An absolute path is never one of the names that SQLite gives a meaning, such as `:memory:` and `file:`.
        let path = absolute(path).map_err(|source| OpenError::File {
            path: path.to_owned(),
            source,
        })?;
        let found = if settings.migrate {
            create_file(&path)
        } else {
            fs::metadata(&path).map(drop)
        };
        found.map_err(|source| OpenError::File {
            path: path.clone(),
            source,
        })?;
        let opened = Inner::open(path.clone(), settings);
        let inner = opened.map_err(|source| OpenError::Store { path, source })?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Copies what is committed at this moment to a new file, which only its owner can read, while the store goes on
    /// serving. A file that exists is not overwritten.
    ///
    /// The copy is a whole store: open it, or put it in the place of a file that was lost.
    pub async fn backup(&self, path: impl AsRef<Path>) -> Result<(), BackupError> {
        let path = absolute(path.as_ref()).map_err(|source| BackupError::File {
            path: path.as_ref().to_owned(),
            source,
        })?;
        self.inner
            .scans
            .run(move |db| backup::back_up(db, &path))
            .await
    }

    /// The same for a file that is not opened as a store here: whichever version of Zalt wrote it, it is copied as it is, and
    /// a server may be at work on it. The call blocks until the copy is made.
    pub fn back_up_file(path: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), BackupError> {
        let full = |path: &Path| {
            absolute(path).map_err(|source| BackupError::File {
                path: path.to_owned(),
                source,
            })
        };
        let (path, to) = (full(path.as_ref())?, full(to.as_ref())?);
        backup::back_up(&open_reader(&path, &SqliteOptions::of_one_reader())?, &to)
    }

    /// Reads the whole file and checks that it is sound. It takes time in proportion to the file, and others are served
    /// meanwhile.
    pub async fn integrity_check(&self) -> Result<(), IntegrityError> {
        self.inner.scans.run(backup::check).await
    }

    /// The version of the file's schema. It is [`SCHEMA_VERSION`](crate::SCHEMA_VERSION), unless a newer version of Zalt
    /// has changed it since the store was opened.
    pub fn schema_version(&self) -> Result<u32, StoreError> {
        self.readers().read(schema::version)
    }

    /// What the writer did since the store was opened.
    pub fn write_statistics(&self) -> WriteStatistics {
        self.inner.writer.statistics()
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Ends the store: finishes what was accepted, brings the log into the file and closes it. All calls that come later,
    /// on every clone, fail with [`StoreErrorKind::Unavailable`].
    pub async fn shutdown(&self) {
        let inner = Arc::clone(&self.inner);
        let (reply, ended) = oneshot::channel();
        // Joining the threads blocks, which the caller's runtime is to be spared.
        let end = move || {
            inner.end();
            let _ = reply.send(());
        };
        match spawn("zalt-sqlite-end", end) {
            Ok(_) => ended.await.unwrap_or(()),
            Err(_) => self.inner.end(),
        }
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.inner.readers
    }

    pub(crate) fn scans(&self) -> &Scans {
        &self.inner.scans
    }
}

impl Inner {
    fn open(path: PathBuf, settings: Settings) -> Result<Self, StoreError> {
        let db = open_writer(&path, &settings)?;
        if settings.migrate {
            schema::migrate(&db)?;
        } else {
            schema::require_current(&db)?;
        }
        let readers = Readers::open(&path, &settings)?;
        let (scans, scan_threads) = Scans::open(&path, &settings)?;
        let (checkpoints, checkpoint_thread) = Checkpoints::start(&path, &settings)?;
        let (writer, writer_thread) = Writer::start(db, path.clone(), settings, checkpoints)?;
        let threads = Threads {
            scans: scan_threads,
            writer: writer_thread,
            checkpoints: checkpoint_thread,
        };
        Ok(Self {
            path,
            readers,
            scans,
            writer,
            threads: Mutex::new(Some(threads)),
        })
    }

    fn end(&self) {
        self.writer.close();
        self.scans.close();
        self.readers.close();
        let threads = self
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(threads) = threads else {
            return;
        };
        for scan in threads.scans {
            // A thread that panicked is over as well.
            let _ = scan.join();
        }
        // The last connection to close brings the log into the file and removes it. Were two to close at once, each could
        // take the other for the last.
        let writer = threads.writer.join();
        drop(threads.checkpoints.join());
        drop(writer);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        self.inner.writer.run(Work::Batch(batch)).await.map(drop)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.readers().read(schema::version)?;
        let nothing = self.inner.writer.run(Work::Nothing).await;
        nothing.map(drop).map_err(without_guards)
    }
}

#[async_trait]
impl BudgetStore for SqliteStore {
    async fn take(
        &self,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let budget = *budget;
        let work = Work::Take { key, budget, now };
        match self.inner.writer.run(work).await {
            Ok(Done::Decided(decision)) => Ok(decision),
            Ok(Done::Written) => Err(StoreError::new(StoreErrorKind::Internal)),
            Err(error) => Err(without_guards(error)),
        }
    }

    async fn give_back(&self, key: BudgetKey) -> Result<(), StoreError> {
        let given = self.inner.writer.run(Work::GiveBack(key)).await;
        given.map(drop).map_err(without_guards)
    }
}

/// The failure of work that has no guard.
fn without_guards(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        _ => StoreError::new(StoreErrorKind::Internal),
    }
}
