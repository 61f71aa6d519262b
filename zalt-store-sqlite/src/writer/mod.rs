//! The one thread that writes.
//!
//! It takes all that waits into one transaction, each job under a savepoint of its own, and answers when the transaction
//! is on the disk. So one sync serves everybody who waited for the one before, and a lone caller waits for nobody.

mod apply;
mod group;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use futures_channel::oneshot;
use rusqlite::Connection;
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetKey, Decision};
use zalt_core::store::{Batch, CommitError, StoreError, StoreErrorKind};

use crate::checkpoints::{Checkpoints, checkpoint};
use crate::connection::open_writer;
use crate::options::Settings;
use crate::queue::Queue;
use crate::sql::execute;
use crate::threads::{CloseAtEnd, refused, spawn};

/// One thing to be done whole or not at all.
pub(crate) enum Work {
    Batch(Batch),
    Take {
        key: BudgetKey,
        budget: Budget,
        now: Timestamp,
    },
    GiveBack(BudgetKey),
    /// Shows that writes are possible.
    Nothing,
}

/// What work that was done answers.
pub(crate) enum Done {
    Written,
    Decided(Decision),
}

type Answer = Result<Done, CommitError>;

struct Job {
    work: Work,
    reply: oneshot::Sender<Answer>,
}

/// What the writer did since the store was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteStatistics {
    /// Transactions that were committed, each with one sync.
    pub transactions: u64,
    /// Batches and budgets that those transactions held.
    pub writes: u64,
}

/// The callers' end of the writer.
pub(crate) struct Writer {
    queue: Arc<Queue<Job>>,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Counters {
    transactions: AtomicU64,
    writes: AtomicU64,
}

impl Writer {
    /// Starts the thread on a connection whose schema is up to date.
    pub(crate) fn start(
        db: Connection,
        path: PathBuf,
        settings: Settings,
        checkpoints: Checkpoints,
    ) -> Result<(Self, JoinHandle<Connection>), StoreError> {
        let writer = Self {
            queue: Arc::new(Queue::new(settings.queue_length)),
            counters: Arc::default(),
        };
        let thread = WriterThread {
            db,
            path,
            settings,
            queue: Arc::clone(&writer.queue),
            counters: Arc::clone(&writer.counters),
            checkpoints,
        };
        let handle = spawn("zalt-sqlite-writer", move || thread.run())?;
        Ok((writer, handle))
    }

    /// Does the work and answers once it can't be lost any more.
    ///
    /// A caller that goes away before its turn has nothing done, one that goes away later has it done whole.
    pub(crate) async fn run(&self, work: Work) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.queue.push(Job { work, reply }).map_err(refused)?;
        // Without an answer the thread panicked over the job, perhaps after the commit.
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::Unknown).into()))
    }

    pub(crate) fn statistics(&self) -> WriteStatistics {
        WriteStatistics {
            transactions: self.counters.transactions.load(Ordering::Relaxed),
            writes: self.counters.writes.load(Ordering::Relaxed),
        }
    }

    /// Takes no more work on; what was taken on is still done.
    pub(crate) fn close(&self) {
        self.queue.close();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

struct WriterThread {
    db: Connection,
    path: PathBuf,
    settings: Settings,
    queue: Arc<Queue<Job>>,
    counters: Arc<Counters>,
    checkpoints: Checkpoints,
}

impl WriterThread {
    /// Works until the queue is closed and empty, and hands the connection back.
    fn run(mut self) -> Connection {
        let _end = CloseAtEnd::of(&self.queue);
        while let Some(job) = self.queue.pop() {
            // A defect must not take the thread down, on which everybody depends.
            let served = catch_unwind(AssertUnwindSafe(|| self.serve(job)));
            if served.is_err() {
                tracing::error!("a write panicked; the writer goes on without it");
                self.recover();
            }
        }
        // Whoever opens the file next finds no log to work through. SQLite does so itself when the last connection is
        // closed, but others may have the file open.
        checkpoint(&self.db);
        self.db
    }

    /// Makes sure that no transaction is open.
    fn recover(&mut self) {
        if self.db.is_autocommit() || execute(&self.db, "ROLLBACK", []).is_ok() {
            return;
        }
        match open_writer(&self.path, &self.settings) {
            Ok(db) => self.db = db,
            Err(error) => tracing::error!(%error, "the writer could not open its file anew"),
        }
    }
}
