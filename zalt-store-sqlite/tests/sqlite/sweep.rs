//! The sweep finds sessions by an instant that uses do not move, and is neither early nor late for it.

use zalt_core::Timestamp;
use zalt_core::session::Session;
use zalt_core::store::{Batch, Change, Expired, SessionQueries, Store};
use zalt_store_sqlite::SqliteStore;
use zalt_store_testkit::fixtures::{DAY, EPOCH, Fixtures};

use crate::support::{Folder, block_on, sign_up};

fn sweep(store: &SqliteStore, before: Timestamp, limit: u32) {
    let never = Timestamp::from_unix_millis(0);
    let expired = Expired {
        sessions_before: before,
        attempts_before: never,
        budgets_before: never,
        signing_keys_before: never,
        events_before: None,
        limit,
    };
    block_on(store.commit(Batch::new().change(Change::RemoveExpired(expired)))).unwrap();
}

fn touch(session: &Session, idle_expires_at: Timestamp) -> Batch {
    Batch::new().change(Change::TouchSession {
        id: session.id,
        last_seen_at: session.last_seen_at,
        idle_expires_at,
        ip: None,
    })
}

fn left(store: &SqliteStore, sessions: &[Session]) -> Vec<usize> {
    let there = |session: &Session| block_on(store.session(session.id)).unwrap().is_some();
    let numbered = sessions.iter().enumerate();
    numbered
        .filter(|(_, session)| there(session))
        .map(|(number, _)| number)
        .collect()
}

#[test]
fn a_session_goes_when_it_is_over_however_that_moved() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let (user, batch) = sign_up(&f, "ada");
    let sessions: Vec<_> = (0..5).map(|_| f.session(&user)).collect();
    let batch = sessions.iter().cloned().fold(batch, |batch, session| {
        batch.change(Change::InsertSession(session))
    });
    block_on(store.commit(batch)).unwrap();

    // All end after seven idle days: one is used on, one is cut short, one is used on and then revoked.
    block_on(store.commit(touch(&sessions[1], EPOCH + DAY * 14))).unwrap();
    block_on(store.commit(touch(&sessions[2], EPOCH + DAY))).unwrap();
    block_on(store.commit(touch(&sessions[3], EPOCH + DAY * 14))).unwrap();
    let revoke = Change::RevokeSession {
        id: sessions[3].id,
        at: EPOCH + DAY * 3,
        reason: zalt_core::session::RevokeReason::SignedOut,
    };
    block_on(store.commit(Batch::new().change(revoke))).unwrap();
    block_on(store.commit(touch(&sessions[4], EPOCH + DAY * 20))).unwrap();

    let sweep_on = |day: u32| sweep(&store, EPOCH + DAY * day, 100);
    sweep_on(1);
    assert_eq!(left(&store, &sessions), [0, 1, 2, 3, 4]);
    sweep_on(2);
    assert_eq!(left(&store, &sessions), [0, 1, 3, 4]);
    sweep_on(4);
    assert_eq!(left(&store, &sessions), [0, 1, 4]);
    sweep_on(8);
    assert_eq!(left(&store, &sessions), [1, 4]);
    // The sweep has moved it on; it is cut short after that.
    block_on(store.commit(touch(&sessions[4], EPOCH + DAY * 9))).unwrap();
    sweep_on(10);
    assert_eq!(left(&store, &sessions), [1]);
    sweep_on(14);
    assert_eq!(left(&store, &sessions), [1]);
    sweep_on(15);
    assert_eq!(left(&store, &sessions), [0_usize; 0]);
}

/// Sessions that were used on stand before those that are over, and more of them than the limit.
#[test]
fn sessions_in_use_do_not_hide_those_that_are_over() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let (user, batch) = sign_up(&f, "ada");
    let sessions: Vec<_> = (0..12).map(|_| f.session(&user)).collect();
    let batch = sessions.iter().cloned().fold(batch, |batch, session| {
        batch.change(Change::InsertSession(session))
    });
    block_on(store.commit(batch)).unwrap();
    for session in &sessions[..8] {
        block_on(store.commit(touch(session, EPOCH + DAY * 14))).unwrap();
    }
    sweep(&store, EPOCH + DAY * 8, 3);
    assert_eq!(left(&store, &sessions), [0, 1, 2, 3, 4, 5, 6, 7, 11]);
    sweep(&store, EPOCH + DAY * 8, 3);
    assert_eq!(left(&store, &sessions), [0, 1, 2, 3, 4, 5, 6, 7]);
}
