//! Bringing the log into the file, beside the thread that writes.
//!
//! A checkpoint writes pages all over the file and waits for the disk twice. On the writer's thread everybody who waits for a
//! write would wait for that too. SQLite lets another connection do it while writes go on; only what was written meanwhile
//! is left over, and once nobody writes for a moment nothing is, so that the log begins anew. Where writes never pause, the
//! writer takes the leftover in by itself when the log has [`LONGEST_LOG`](crate::connection::LONGEST_LOG) pages.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;
use zalt_core::store::StoreError;

use crate::connection::open_checkpointer;
use crate::options::Settings;
use crate::queue::Queue;
use crate::threads::{CloseAtEnd, spawn};

/// After how many writes the log is worth a checkpoint: each is some five pages.
const WRITES: usize = 200;

/// The writer's end of the thread that brings the log into the file.
pub(crate) struct Checkpoints {
    due: Arc<Queue<()>>,
    writes: usize,
}

impl Checkpoints {
    /// Starts the thread.
    pub(crate) fn start(
        path: &Path,
        settings: &Settings,
    ) -> Result<(Self, JoinHandle<Connection>), StoreError> {
        let db = open_checkpointer(path, settings)?;
        // One that is due covers all that was written until it begins.
        let due = Arc::new(Queue::new(1));
        let queue = Arc::clone(&due);
        let handle = spawn("zalt-sqlite-checkpoint", move || {
            let _end = CloseAtEnd::of(&queue);
            while queue.pop().is_some() {
                checkpoint(&db);
            }
            db
        })?;
        Ok((Self { due, writes: 0 }, handle))
    }

    /// Says that so much was written.
    pub(crate) fn wrote(&mut self, writes: usize) {
        self.writes += writes;
        if self.writes >= WRITES {
            self.writes = 0;
            // Full: one is due already. Closed: whoever closes the store brings in the rest.
            let _ = self.due.push(());
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.due.close();
    }
}

/// Brings in as much of the log as no reader needs any more, and keeps nobody waiting.
pub(crate) fn checkpoint(db: &Connection) {
    if let Err(error) = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the log could not be brought into the file");
    }
}
