use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures_channel::oneshot;
use rusqlite::Connection;
use zalt_core::store::{StoreError, StoreErrorKind};

use crate::connection::open_reader;
use crate::options::Settings;
use crate::queue::Queue;
use crate::threads::{CloseAtEnd, refused, spawn};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Threads for lists and counts, which may take long enough to hold up the runtime that a caller runs on.
pub(crate) struct Scans {
    queue: Arc<Queue<Job>>,
}

impl Scans {
    pub(crate) fn open(
        path: &Path,
        settings: &Settings,
    ) -> Result<(Self, Vec<JoinHandle<()>>), StoreError> {
        let queue = Arc::new(Queue::new(settings.queue_length));
        // Should a later one fail to open, dropping `scans` ends the earlier ones.
        let scans = Self {
            queue: Arc::clone(&queue),
        };
        let threads = (0..settings.scan_threads)
            .map(|_| {
                let db = open_reader(path, settings)?;
                let queue = Arc::clone(&queue);
                spawn("zalt-sqlite-scan", move || serve(&queue, &db))
            })
            .collect::<Result<_, _>>()?;
        Ok((scans, threads))
    }

    /// Runs `scan` on one of the threads. A caller that goes away before its turn has nothing run.
    pub(crate) async fn run<T, E>(
        &self,
        scan: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = move |db: &Connection| {
            if !reply.is_canceled() {
                let _ = reply.send(scan(db));
            }
        };
        self.queue.push(Box::new(job)).map_err(refused)?;
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::Internal).into()))
    }

    pub(crate) fn close(&self) {
        self.queue.close();
    }
}

impl Drop for Scans {
    fn drop(&mut self) {
        self.close();
    }
}

fn serve(queue: &Arc<Queue<Job>>, db: &Connection) {
    let _end = CloseAtEnd::of(queue);
    while let Some(job) = queue.pop() {
        // The caller learns of a panic by the reply that never comes; the thread goes on for the others.
        let _ = catch_unwind(AssertUnwindSafe(|| job(db)));
    }
}
