//! The log comes into the file while the store is at work, and not on the thread that writes.

use zalt_core::store::Store;
use zalt_store_sqlite::SqliteStore;
use zalt_store_testkit::fixtures::Fixtures;

use crate::support::{Folder, block_on, sign_up};

/// How many pages of the log are not in the file.
fn pages_left(folder: &Folder) -> i64 {
    let noop = "PRAGMA wal_checkpoint(NOOP)";
    let other = folder.other();
    let (log, done): (i64, i64) = other
        .query_row(noop, [], |row| Ok((row.get(1)?, row.get(2)?)))
        .unwrap();
    log - done
}

#[test]
fn after_some_writes_the_log_is_brought_in_beside_the_writer() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    for number in 0..150 {
        block_on(store.commit(sign_up(&f, &format!("ada{number}")).1)).unwrap();
    }
    // Far from what the writer would bring in by itself.
    let before = pages_left(&folder);
    assert!((200..8000).contains(&before), "{before} pages in the log");
    for number in 150..200 {
        block_on(store.commit(sign_up(&f, &format!("ada{number}")).1)).unwrap();
    }
    // Each look opens the file, which takes its time.
    let is_brought_in = (0..20_000).any(|_| pages_left(&folder) <= before / 2);
    assert!(is_brought_in, "{} pages are left", pages_left(&folder));
}

#[test]
fn whoever_reads_what_was_keeps_seeing_it() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    block_on(store.commit(sign_up(&f, "ada").1)).unwrap();
    let mut reader = folder.other();
    let snapshot = reader.transaction().unwrap();
    let users = || -> i64 {
        let count = "SELECT count(*) FROM zalt_users";
        snapshot.query_row(count, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(users(), 1);
    for number in 0..450 {
        block_on(store.commit(sign_up(&f, &format!("ada{number}")).1)).unwrap();
    }
    assert_eq!(users(), 1);
    drop(snapshot);
    block_on(store.shutdown());
    let store = SqliteStore::open(folder.file()).unwrap();
    block_on(store.integrity_check()).unwrap();
}
