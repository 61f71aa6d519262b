//! Backups are whole stores, taken while the store is in use.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::Connection;
use zalt_core::store::{
    EventFilter, EventQueries, PageLimit, PageRequest, Store, UserFilter, UserQueries,
};
use zalt_store_sqlite::{BackupError, SqliteStore};
use zalt_store_testkit::fixtures::Fixtures;

use crate::support::{Folder, block_on, sign_up};

#[test]
fn a_backup_beside_writers_is_whole_and_up_to_date() {
    const WRITERS: usize = 4;
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let acknowledged = AtomicU64::new(0);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, f, acknowledged, ended) = (&store, &f, &acknowledged, &ended);
            scope.spawn(move || {
                let mut number = 0;
                while !ended.load(Ordering::Relaxed) {
                    let (_, batch) = sign_up(f, &format!("ada{writer}.{number}"));
                    block_on(store.commit(batch)).unwrap();
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                    number += 1;
                }
            });
        }
        for round in 0..4 {
            // The writers have to get somewhere between two backups.
            while acknowledged.load(Ordering::Relaxed) < (round + 1) * 10 {
                std::thread::yield_now();
            }
            let path = folder.path().join(format!("backup{round}.db"));
            let before = acknowledged.load(Ordering::Relaxed);
            block_on(store.backup(&path)).unwrap();
            check(&path, before);
        }
        ended.store(true, Ordering::Relaxed);
    });
    assert!(!folder.path().join("backup0.db.partial").exists());
}

/// Every batch had a user, an identifier and an event.
fn check(path: &std::path::Path, at_least: u64) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let copy = SqliteStore::open(path).unwrap();
    block_on(copy.integrity_check()).unwrap();
    let users = block_on(copy.user_count(&UserFilter::default())).unwrap();
    let with_identifier = UserFilter {
        identifier_prefix: Some("ada".to_owned()),
        ..UserFilter::default()
    };
    assert!(users >= at_least, "{users} of {at_least}");
    assert_eq!(block_on(copy.user_count(&with_identifier)).unwrap(), users);
    assert_eq!(event_count(&copy), users);
}

fn event_count(store: &SqliteStore) -> u64 {
    let mut count = 0;
    let mut page = PageRequest {
        limit: PageLimit::MAX,
        ..PageRequest::default()
    };
    loop {
        let events = block_on(store.events(&EventFilter::default(), page)).unwrap();
        count += events.data.len() as u64;
        match events.next {
            Some(next) => page.after = Some(next),
            None => return count,
        }
    }
}

#[test]
fn a_backup_takes_the_place_of_a_lost_file() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let (user, batch) = sign_up(&f, "ada");
    block_on(store.commit(batch)).unwrap();
    let backup = folder.path().join("backup.db");
    block_on(store.backup(&backup)).unwrap();
    drop(store);
    std::fs::rename(backup, folder.file()).unwrap();
    let store = SqliteStore::open(folder.file()).unwrap();
    assert_eq!(block_on(store.user(user.id)).unwrap(), Some(user));
    block_on(store.commit(sign_up(&f, "ben").1)).unwrap();
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "mine").unwrap();
    let error = block_on(store.backup(&taken)).unwrap_err();
    assert!(matches!(error, BackupError::Exists(path) if path == taken));
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "mine");

    // The store's own file is not a place for its backup either.
    let error = block_on(store.backup(folder.file())).unwrap_err();
    assert!(matches!(error, BackupError::Exists(path) if path == folder.file()));

    let leftover = folder.path().join("backup.db.partial");
    std::fs::write(&leftover, "half").unwrap();
    let error = block_on(store.backup(folder.path().join("backup.db"))).unwrap_err();
    assert!(matches!(error, BackupError::Exists(path) if path == leftover));
}

#[test]
fn a_backup_that_has_no_place_leaves_nothing() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let error = block_on(store.backup(folder.path().join("no/backup.db"))).unwrap_err();
    let BackupError::File { source, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
    assert!(!folder.path().join("no").exists());
}

#[test]
fn a_file_that_is_not_opened_is_copied_whichever_version_wrote_it() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let (_, batch) = sign_up(&f, "ada");
    block_on(store.commit(batch)).unwrap();
    drop(store);
    let version = |db: &Connection| {
        db.query_row("SELECT max(version) FROM zalt_schema", [], |row| {
            row.get::<_, u32>(0)
        })
        .unwrap()
    };
    let newer = "INSERT INTO zalt_schema (version, name) VALUES (9999, 'newer')";
    assert!(folder.other().execute(newer, []).unwrap() > 0);
    let path = folder.path().join("backup.db");
    SqliteStore::back_up_file(folder.file(), &path).unwrap();
    assert_eq!(version(&Connection::open(&path).unwrap()), 9999);
    let again = SqliteStore::back_up_file(folder.file(), &path).unwrap_err();
    assert!(matches!(again, BackupError::Exists(_)));
    let nowhere = folder.path().join("nowhere.db");
    let missing = SqliteStore::back_up_file(&nowhere, folder.path().join("other.db"));
    assert!(matches!(missing, Err(BackupError::Store(_))));
    assert!(!nowhere.exists());
}
