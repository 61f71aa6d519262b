//! No room: a typed error, nothing half written, and life goes on once there is room again.

use zalt_core::message::Message;
use zalt_core::secret::Sealed;
use zalt_core::store::{Batch, Change, MessageQueries, Store, StoreErrorKind};
use zalt_store_sqlite::SqliteStore;
use zalt_store_testkit::fixtures::{EPOCH, Fixtures};

use crate::support::{Folder, block_on, hand_over, kind, ran};

fn message(f: &Fixtures, bytes: usize) -> Message {
    Message {
        content: Sealed::from_bytes(vec![7; bytes]),
        ..f.message()
    }
}

fn enqueue(message: &Message) -> Batch {
    Batch::new().change(Change::EnqueueMessage(message.clone()))
}

/// Writes until the store is full and returns what it took.
fn fill(store: &SqliteStore, f: &Fixtures) -> Vec<Message> {
    let mut taken = Vec::new();
    loop {
        let next = message(f, 20_000);
        match block_on(store.commit(enqueue(&next))) {
            Ok(()) => taken.push(next),
            full => {
                assert_eq!(kind(full), StoreErrorKind::Full);
                return taken;
            }
        }
        assert!(taken.len() < 1000, "there was no limit");
    }
}

fn due(store: &SqliteStore) -> Vec<Message> {
    let far = EPOCH + zalt_store_testkit::fixtures::DAY;
    block_on(store.due_messages(far, 10_000)).unwrap()
}

fn recovers(store: &SqliteStore, f: &Fixtures, make_room: impl FnOnce(&[Message])) {
    let taken = fill(store, f);
    assert!(!taken.is_empty());
    assert_eq!(due(store), taken);
    make_room(&taken);
    let next = message(f, 20_000);
    block_on(store.commit(enqueue(&next))).unwrap();
    assert!(due(store).contains(&next));
    block_on(store.integrity_check()).unwrap();
}

#[test]
fn past_its_limit_a_file_is_full_until_rows_are_removed() {
    let folder = Folder::new();
    let store = SqliteStore::builder()
        .max_bytes(1 << 20)
        .open(folder.file())
        .unwrap();
    recovers(&store, &Fixtures::new(), |taken| {
        let batch = taken.iter().take(5).fold(Batch::new(), |batch, message| {
            batch.change(Change::DeleteMessage {
                id: message.id,
                version: message.version,
            })
        });
        block_on(store.commit(batch)).unwrap();
    });
    drop(store);
    assert!(std::fs::metadata(folder.file()).unwrap().len() <= 1 << 20);
}

/// What is too large for the room that is left fails alone, though SQLite gives up the whole transaction over it.
#[test]
fn a_batch_that_does_not_fit_leaves_its_group_alone() {
    let folder = Folder::new();
    let store = SqliteStore::builder()
        .max_bytes(1 << 20)
        .open(folder.file())
        .unwrap();
    let f = Fixtures::new();
    let small: Vec<_> = (0..6).map(|_| message(&f, 100)).collect();
    let huge = message(&f, 4 << 20);

    let lock = folder.other();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let before = store.write_statistics();
    let mut commits: Vec<_> = small
        .iter()
        .map(|message| hand_over(&store, enqueue(message)))
        .collect();
    commits.insert(3, hand_over(&store, enqueue(&huge)));
    let last = message(&f, 100);
    commits.push(hand_over(&store, enqueue(&last)));
    lock.execute_batch("COMMIT").unwrap();

    for (position, commit) in commits.into_iter().enumerate() {
        let committed = block_on(commit);
        if position == 3 {
            assert_eq!(kind(committed), StoreErrorKind::Full);
        } else {
            committed.unwrap();
        }
    }
    let after = store.write_statistics();
    assert_eq!(after.transactions - before.transactions, 1);
    assert_eq!(due(&store).len(), 7);
}

/// A file system of two megabytes, which only root can mount; elsewhere the limit of the file stands for it.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_full_until_there_is_room() {
    struct Mounted<'a>(&'a std::path::Path);
    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            ran("umount", &[self.0.as_os_str()]);
        }
    }
    let folder = Folder::new();
    let arguments = ["-t", "tmpfs", "-o", "size=2m", "tmpfs"];
    let mut arguments: Vec<_> = arguments.iter().map(std::ffi::OsStr::new).collect();
    arguments.push(folder.path().as_os_str());
    if !ran("mount", &arguments) {
        eprintln!("skipped: only root can mount a small file system");
        return;
    }
    let _mounted = Mounted(folder.path());
    let ballast = folder.path().join("ballast");
    std::fs::write(&ballast, vec![1; 1 << 20]).unwrap();
    let store = SqliteStore::open(folder.file()).unwrap();
    recovers(&store, &Fixtures::new(), |_| {
        std::fs::remove_file(&ballast).unwrap();
    });
    drop(store);
}
