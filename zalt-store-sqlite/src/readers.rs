use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use rusqlite::{Connection, Error};
use zalt_core::store::{StoreError, StoreErrorKind};

use crate::connection::open_reader;
use crate::error::store_error;
use crate::options::Settings;
use crate::sql::execute;

/// Connections for reads by key. Such a read takes a few microseconds, less than it takes to hand it to another thread
/// and back, so it runs where it is called.
///
/// No read transaction outlives the call: every read sees what was committed before it began, and none keeps the log
/// from being brought into the file.
pub(crate) struct Readers {
    first: Slot,
    others: Vec<Slot>,
    turn: AtomicUsize,
}

/// Empty once the store was shut down.
type Slot = Mutex<Option<Connection>>;

impl Readers {
    pub(crate) fn open(path: &Path, settings: &Settings) -> Result<Self, StoreError> {
        let open = || open_reader(path, settings).map(|db| Mutex::new(Some(db)));
        Ok(Self {
            first: open()?,
            others: (1..settings.readers)
                .map(|_| open())
                .collect::<Result<_, _>>()?,
            turn: AtomicUsize::new(0),
        })
    }

    /// Runs one statement.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let slot = self.slot();
        let db = slot
            .as_ref()
            .ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable))?;
        read(db).map_err(store_error)
    }

    /// Runs several statements that see one and the same moment.
    pub(crate) fn snapshot<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.read(|db| {
            execute(db, "BEGIN", [])?;
            let result = read(db);
            let ended = execute(db, "ROLLBACK", []);
            result.and_then(|value| ended.map(|_| value))
        })
    }

    /// Waits for the reads that run, and refuses all others.
    pub(crate) fn close(&self) {
        for slot in self.slots() {
            lock(slot).take();
        }
    }

    /// A connection that is free: the first one if possible, whose pages and statements are the warmest.
    fn slot(&self) -> MutexGuard<'_, Option<Connection>> {
        for slot in self.slots() {
            match slot.try_lock() {
                Ok(free) => return free,
                Err(TryLockError::Poisoned(_)) => return lock(slot),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        // All are in use, for the few microseconds of a read: wait for one, each caller for another.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let other = turn.checked_rem(self.others.len().saturating_add(1));
        lock(
            other
                .and_then(|other| self.others.get(other))
                .unwrap_or(&self.first),
        )
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

fn lock(slot: &Slot) -> MutexGuard<'_, Option<Connection>> {
    slot.lock().unwrap_or_else(|poisoned| {
        // Somebody panicked in a read; the transaction that they may have left open would show its moment for ever.
        let slot = poisoned.into_inner();
        if let Some(db) = slot.as_ref().filter(|db| !db.is_autocommit()) {
            let _ = execute(db, "ROLLBACK", []);
        }
        slot
    })
}
