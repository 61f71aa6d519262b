//! The end: what was accepted is done, and the file is left as one file.

use zalt_core::store::{SessionQueries, Store, StoreErrorKind, UserFilter, UserQueries};
use zalt_store_sqlite::{BackupError, SqliteStore};
use zalt_store_testkit::fixtures::Fixtures;

use crate::support::{Folder, block_on, hand_over, kind, sign_up};

#[test]
fn what_was_accepted_is_done_and_nothing_after() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let lock = folder.other();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let accepted: Vec<_> = (0..20)
        .map(|number| hand_over(&store, sign_up(&f, &format!("ada{number}")).1))
        .collect();
    let mut shutdown = Box::pin(store.shutdown());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(shutdown.as_mut().poll(&mut context).is_pending());
    lock.execute_batch("COMMIT").unwrap();
    lock.close().unwrap();
    block_on(shutdown);
    for commit in accepted {
        block_on(commit).unwrap();
    }

    let clone = store.clone();
    let (user, batch) = sign_up(&f, "late");
    assert_eq!(
        kind(block_on(clone.commit(batch))),
        StoreErrorKind::Unavailable
    );
    let unavailable = [
        block_on(store.user(user.id)).map(drop),
        block_on(store.session(f.session(&user).id)).map(drop),
        block_on(store.user_count(&UserFilter::default())).map(drop),
        block_on(store.ready()),
        store.schema_version().map(drop),
    ];
    for answer in unavailable {
        assert_eq!(answer.unwrap_err().kind(), StoreErrorKind::Unavailable);
    }
    let backup = block_on(store.backup(folder.path().join("backup.db")));
    assert!(
        matches!(backup, Err(BackupError::Store(error)) if error.kind() == StoreErrorKind::Unavailable)
    );

    let left: Vec<_> = folder
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["zalt.db"]);
    let store = SqliteStore::open(folder.file()).unwrap();
    let count = block_on(store.user_count(&UserFilter::default())).unwrap();
    assert_eq!(count, 20);
}

#[test]
fn ending_twice_is_ending_once() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    block_on(store.shutdown());
    block_on(store.shutdown());
    drop(store);
    SqliteStore::open(folder.file()).unwrap();
}

/// A runtime with a single thread, on which a store that blocked its caller until another task ran would hang.
#[test]
fn one_thread_is_enough() {
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let f = std::sync::Arc::new(Fixtures::new());
    runtime.block_on(async {
        let store = SqliteStore::open(folder.file()).unwrap();
        let tasks: Vec<_> = (0..20)
            .map(|number| {
                let (store, f) = (store.clone(), f.clone());
                tokio::spawn(async move {
                    let (user, batch) = sign_up(&f, &format!("ada{number}"));
                    store.commit(batch).await.unwrap();
                    assert_eq!(store.user(user.id).await.unwrap(), Some(user));
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let count = store.user_count(&UserFilter::default()).await.unwrap();
        assert_eq!(count, 20);
        store.shutdown().await;
    });
}
