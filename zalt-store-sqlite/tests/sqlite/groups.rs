//! Batches that wait are written together, and stay apart all the same.
//!
//! Somebody else holds the write lock of the file while batches are handed over, so what waits is known without any clock.

use std::time::Duration;

use zalt_core::budget::{Budget, BudgetKey, BudgetStore, Decision};
use zalt_core::store::{
    Batch, Change, CommitError, EventFilter, EventQueries, GuardFailure, GuardReason, PageLimit,
    PageRequest, Store, StoreErrorKind, UserFilter, UserQueries,
};
use zalt_store_sqlite::SqliteStore;
use zalt_store_testkit::fixtures::{EPOCH, Fixtures};

use crate::support::{Folder, block_on, hand_over, kind, sign_up};

/// The write lock of the file, in the hands of somebody else.
struct Lock(rusqlite::Connection);

impl Lock {
    fn of(folder: &Folder) -> Self {
        let db = folder.other();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self(db)
    }

    fn release(self) {
        self.0.execute_batch("COMMIT").unwrap();
    }
}

fn user_count(store: &SqliteStore) -> u64 {
    block_on(store.user_count(&UserFilter::default())).unwrap()
}

fn event_count(store: &SqliteStore) -> usize {
    let page = PageRequest {
        limit: PageLimit::MAX,
        ..PageRequest::default()
    };
    block_on(store.events(&EventFilter::default(), page))
        .unwrap()
        .data
        .len()
}

#[test]
fn what_waits_is_one_transaction() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let before = store.write_statistics();
    let lock = Lock::of(&folder);
    let commits: Vec<_> = (0..64)
        .map(|number| hand_over(&store, sign_up(&f, &format!("ada{number}")).1))
        .collect();
    lock.release();
    for commit in commits {
        block_on(commit).unwrap();
    }
    let after = store.write_statistics();
    assert_eq!(after.transactions - before.transactions, 1);
    assert_eq!(after.writes - before.writes, 64);
    assert_eq!(user_count(&store), 64);
}

#[test]
fn a_lone_batch_waits_for_nobody() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    for number in 0..5 {
        let before = store.write_statistics();
        let (_, batch) = sign_up(&f, &format!("ada{number}"));
        block_on(store.commit(batch)).unwrap();
        let after = store.write_statistics();
        assert_eq!(after.transactions - before.transactions, 1);
        assert_eq!(after.writes - before.writes, 1);
    }
}

#[test]
fn a_batch_that_is_refused_leaves_its_neighbours_alone() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let (owner, batch) = sign_up(&f, "ada");
    block_on(store.commit(batch)).unwrap();

    let before = store.write_statistics();
    let lock = Lock::of(&folder);
    // Its first change can be applied, its second can't.
    let (thief, stolen) = sign_up(&f, "ADA");
    let (first, second) = (sign_up(&f, "ben"), sign_up(&f, "cleo"));
    let twice = f.user();
    let commits = [
        hand_over(&store, first.1),
        hand_over(&store, stolen),
        hand_over(
            &store,
            Batch::new().change(Change::InsertUser(twice.clone())),
        ),
        hand_over(
            &store,
            Batch::new().change(Change::InsertUser(twice.clone())),
        ),
        hand_over(&store, second.1),
    ];
    lock.release();
    let answers = commits.map(block_on);
    let after = store.write_statistics();
    assert_eq!(after.transactions - before.transactions, 1);

    let refused = |answer: &Result<(), CommitError>| match answer {
        Err(CommitError::Guard(failure)) => Some(*failure),
        _ => None,
    };
    let taken = GuardFailure {
        change: 1,
        reason: GuardReason::IdentifierTaken,
    };
    let exists = GuardFailure {
        change: 0,
        reason: GuardReason::AlreadyExists,
    };
    assert!(answers[0].is_ok() && answers[2].is_ok() && answers[4].is_ok());
    assert_eq!(refused(&answers[1]), Some(taken));
    assert_eq!(refused(&answers[3]), Some(exists));
    for user in [&owner, &first.0, &second.0, &twice] {
        assert!(block_on(store.user(user.id)).unwrap().is_some());
    }
    assert_eq!(block_on(store.user(thief.id)).unwrap(), None);
    assert_eq!(event_count(&store), 3);
}

/// A host's foreign key that is checked at the end fails the `COMMIT` of the whole group.
#[test]
fn a_batch_that_breaks_the_commit_fails_alone() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let (ada, batch) = sign_up(&f, "ada");
    block_on(store.commit(batch)).unwrap();
    let host = folder.other();
    host.execute_batch(
        "CREATE TABLE invoices (customer BLOB NOT NULL REFERENCES zalt_users (id) DEFERRABLE INITIALLY DEFERRED)",
    )
    .unwrap();
    host.execute("INSERT INTO invoices VALUES (?1)", [ada.id.as_bytes()])
        .unwrap();

    let lock = Lock::of(&folder);
    let purge = Batch::new().change(Change::PurgeUser {
        id: ada.id,
        version: ada.version,
    });
    let (first, second) = (sign_up(&f, "ben"), sign_up(&f, "cleo"));
    let commits = [
        hand_over(&store, first.1),
        hand_over(&store, purge),
        hand_over(&store, second.1),
    ];
    lock.release();
    let [before, purge, after] = commits.map(block_on);
    before.unwrap();
    after.unwrap();
    assert_eq!(kind(purge), StoreErrorKind::Internal);
    for user in [&ada, &first.0, &second.0] {
        assert!(block_on(store.user(user.id)).unwrap().is_some());
    }
}

#[test]
fn everybody_who_waits_learns_that_the_file_stays_locked() {
    let folder = Folder::new();
    let store = SqliteStore::builder()
        .busy_timeout(Duration::from_millis(20))
        .open(folder.file())
        .unwrap();
    let f = Fixtures::new();
    let lock = Lock::of(&folder);
    let commits: Vec<_> = (0..10)
        .map(|number| hand_over(&store, sign_up(&f, &format!("ada{number}")).1))
        .collect();
    for commit in commits {
        assert_eq!(kind(block_on(commit)), StoreErrorKind::Busy);
    }
    // Reads don't need the lock.
    assert_eq!(user_count(&store), 0);
    let ready = block_on(store.ready()).unwrap_err();
    assert_eq!(ready.kind(), StoreErrorKind::Busy);
    lock.release();
    block_on(store.ready()).unwrap();
    block_on(store.commit(sign_up(&f, "ada").1)).unwrap();
    assert_eq!(user_count(&store), 1);
}

#[test]
fn past_its_bound_the_queue_refuses_at_once() {
    let folder = Folder::new();
    let store = SqliteStore::builder()
        .queue_length(4)
        .open(folder.file())
        .unwrap();
    let f = Fixtures::new();
    let lock = Lock::of(&folder);
    let mut accepted = Vec::new();
    let refused = loop {
        let mut commit = store.commit(sign_up(&f, &format!("ada{}", accepted.len())).1);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match commit.as_mut().poll(&mut context) {
            std::task::Poll::Ready(answer) => break answer,
            std::task::Poll::Pending => accepted.push(commit),
        }
    };
    assert_eq!(kind(refused), StoreErrorKind::Busy);
    // The writer may hold one besides those that wait.
    assert!((4..=5).contains(&accepted.len()), "{}", accepted.len());
    let expected = accepted.len() as u64;
    lock.release();
    for commit in accepted {
        block_on(commit).unwrap();
    }
    assert_eq!(user_count(&store), expected);
}

#[test]
fn what_nobody_waits_for_any_more_is_not_begun() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let lock = Lock::of(&folder);
    let (gone, batch) = sign_up(&f, "ada");
    let (kept, other) = sign_up(&f, "ben");
    drop(hand_over(&store, batch));
    let other = hand_over(&store, other);
    lock.release();
    block_on(other).unwrap();
    assert_eq!(block_on(store.user(gone.id)).unwrap(), None);
    assert!(block_on(store.user(kept.id)).unwrap().is_some());
    assert_eq!(event_count(&store), 1);
}

#[test]
fn budgets_share_the_transaction_of_the_batches() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let key = BudgetKey::from_bytes([1; 32]);
    let budget = Budget::Rate {
        tries: 3,
        period: Duration::from_mins(1),
    };
    let before = store.write_statistics();
    let lock = Lock::of(&folder);
    let commit = hand_over(&store, sign_up(&f, "ada").1);
    let mut takes: Vec<_> = (0..5).map(|_| store.take(key, &budget, EPOCH)).collect();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for take in &mut takes {
        assert!(take.as_mut().poll(&mut context).is_pending());
    }
    lock.release();
    block_on(commit).unwrap();
    let granted = takes
        .into_iter()
        .map(|take| block_on(take).unwrap())
        .filter(|decision| *decision == Decision::Granted)
        .count();
    assert_eq!(granted, 3);
    let after = store.write_statistics();
    assert_eq!(after.transactions - before.transactions, 1);
    assert_eq!(after.writes - before.writes, 6);
}
