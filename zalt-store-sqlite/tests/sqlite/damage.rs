//! Files and rows that can't be read are a typed error, never a panic and never a wrong answer.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};

use zalt_core::event::EventKind;
use zalt_core::store::{
    AttemptQueries, Batch, Change, EventFilter, EventQueries, PageRequest, SessionQueries, Store,
    StoreError, StoreErrorKind, UserFilter, UserQueries,
};
use zalt_store_sqlite::{IntegrityError, SqliteStore};
use zalt_store_testkit::fixtures::Fixtures;

use crate::support::{Folder, block_on, kind, sign_up};

fn is_corrupt<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    assert_eq!(result.unwrap_err().kind(), StoreErrorKind::Corrupt);
}

fn overwrite(folder: &Folder, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(folder.file()).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = Folder::new();
    let text = "a file that somebody else needs\n".repeat(1000);
    std::fs::write(folder.file(), &text).unwrap();
    let error = SqliteStore::open(folder.file()).unwrap_err();
    assert_eq!(error.kind(), Some(StoreErrorKind::Corrupt));
    assert_eq!(std::fs::read_to_string(folder.file()).unwrap(), text);
}

#[test]
fn a_garbled_header_is_refused() {
    let folder = Folder::new();
    drop(SqliteStore::open(folder.file()).unwrap());
    overwrite(&folder, 0, b"SQLite format 9\0");
    let error = SqliteStore::open(folder.file()).unwrap_err();
    assert_eq!(error.kind(), Some(StoreErrorKind::Corrupt));
}

#[test]
fn a_cut_file_is_refused() {
    let folder = Folder::new();
    drop(SqliteStore::open(folder.file()).unwrap());
    let file = OpenOptions::new().write(true).open(folder.file()).unwrap();
    file.set_len(5000).unwrap();
    let error = SqliteStore::open(folder.file()).unwrap_err();
    assert_eq!(error.kind(), Some(StoreErrorKind::Corrupt));
}

/// Overwrites the page at the root of a table.
fn damage(folder: &Folder, table: &str) {
    let db = folder.other();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let root: u64 = db
        .query_row(root, [table], |row| row.get::<_, i64>(0))
        .unwrap()
        .try_into()
        .unwrap();
    let size: u32 = db
        .pragma_query_value(None, "page_size", |row| row.get(0))
        .unwrap();
    db.close().unwrap();
    let garbage = vec![0xa5; usize::try_from(size).unwrap()];
    overwrite(folder, (root - 1) * u64::from(size), &garbage);
}

#[test]
fn a_damaged_page_fails_who_reads_it_and_nobody_else() {
    let folder = Folder::new();
    let f = Fixtures::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let (user, batch) = sign_up(&f, "ada");
    let session = f.session(&user);
    let batch = batch.change(Change::InsertSession(session.clone()));
    block_on(store.commit(batch)).unwrap();
    drop(store);
    damage(&folder, "zalt_sessions");

    let store = SqliteStore::open(folder.file()).unwrap();
    is_corrupt(block_on(store.session(session.id)));
    is_corrupt(block_on(store.session_with_user(session.id)));
    let insert = Batch::new().change(Change::InsertSession(f.session(&user)));
    assert_eq!(
        kind(block_on(store.commit(insert))),
        StoreErrorKind::Corrupt
    );
    assert!(block_on(store.user(user.id)).unwrap().is_some());
    let (other, batch) = sign_up(&f, "ben");
    block_on(store.commit(batch)).unwrap();
    assert_eq!(block_on(store.user(other.id)).unwrap(), Some(other));

    match block_on(store.integrity_check()) {
        Err(IntegrityError::Damaged(findings)) => assert!(!findings.is_empty()),
        other => panic!("the damage was not found: {other:?}"),
    }
}

#[test]
fn a_sound_file_passes_its_check() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let (_, batch) = sign_up(&Fixtures::new(), "ada");
    block_on(store.commit(batch)).unwrap();
    block_on(store.integrity_check()).unwrap();
}

#[test]
fn a_row_without_its_user_is_found() {
    let folder = Folder::new();
    let f = Fixtures::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let (_, batch) = sign_up(&f, "ada");
    block_on(store.commit(batch)).unwrap();
    let db = folder.other();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    db.execute("DELETE FROM zalt_users", []).unwrap();
    let Err(IntegrityError::Damaged(findings)) = block_on(store.integrity_check()) else {
        panic!("the row was not found");
    };
    assert_eq!(
        findings,
        ["a row of zalt_identifiers refers to a row of zalt_users that is not there"]
    );
}

#[test]
fn a_column_that_makes_no_sense_is_corrupt() {
    let folder = Folder::new();
    let f = Fixtures::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let (user, batch) = sign_up(&f, "ada");
    let (session, bearer) = (f.session(&user), f.bearer_session(&user));
    let attempt = f.attempt();
    let batch = batch
        .change(Change::InsertPassword(f.password(&user)))
        .change(Change::InsertSession(session.clone()))
        .change(Change::InsertSession(bearer.clone()))
        .change(Change::InsertAttempt(attempt.clone()))
        .event(f.event(None, EventKind::PasswordChanged { reset: true }));
    block_on(store.commit(batch)).unwrap();
    let reads = || {
        [
            block_on(store.user(user.id)).map(drop),
            block_on(store.users(&UserFilter::default(), PageRequest::default())).map(drop),
            block_on(store.account(user.id)).map(drop),
            block_on(store.session(session.id)).map(drop),
            block_on(store.session(bearer.id)).map(drop),
            block_on(store.session_with_user(session.id)).map(drop),
            block_on(store.attempt(attempt.id)).map(drop),
            block_on(store.events(&EventFilter::default(), PageRequest::default())).map(drop),
        ]
    };
    assert!(reads().iter().all(Result::is_ok));

    let db = folder.other();
    db.pragma_update(None, "ignore_check_constraints", true)
        .unwrap();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    for (table, column, value) in [
        ("zalt_users", "public_metadata", "'{'"),
        ("zalt_users", "private_metadata", "'[1]'"),
        ("zalt_users", "image_url", "'javascript:alert(1)'"),
        ("zalt_users", "first_name", "''"),
        ("zalt_identifiers", "kind", "'nickname'"),
        ("zalt_identifiers", "value", "'nobody'"),
        ("zalt_passwords", "phc", "'hunter2'"),
        ("zalt_sessions", "token", "x'00'"),
        ("zalt_sessions", "transport", "'carrier pigeon'"),
        ("zalt_sessions", "amr", "'pwd'"),
        ("zalt_sessions", "ip", "'localhost'"),
        ("zalt_sessions", "refresh_seed", "x'00'"),
        ("zalt_sessions", "refresh_generation", "-1"),
        ("zalt_sessions", "refresh_generation", "4294967296"),
        ("zalt_sessions", "refresh_rotated_at", "NULL"),
        ("zalt_attempts", "state", "'{\"kind\":\"sign_in\"}'"),
        ("zalt_attempts", "failed_codes", "-1"),
        ("zalt_attempts", "token", "x''"),
        ("zalt_events", "kind", "'user.vanished'"),
        ("zalt_events", "data", "NULL"),
        ("zalt_events", "actor", "'god'"),
        ("zalt_events", "user_id", "x'00'"),
    ] {
        let copy = format!("CREATE TEMP TABLE kept AS SELECT * FROM {table}");
        db.execute_batch(&copy).unwrap();
        let garble = format!("UPDATE {table} SET {column} = {value}");
        db.execute(&garble, []).unwrap();
        let mut failed = 0;
        for error in reads().into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{garble}");
            failed += 1;
        }
        assert!(failed > 0, "{garble}");
        restore(&db, table);
    }
    assert!(reads().iter().all(Result::is_ok));
}

/// Brings back what the rows of a table were, column by column: those that are computed can't be written.
fn restore(db: &rusqlite::Connection, table: &str) {
    let columns: Vec<String> = db
        .prepare("SELECT name FROM pragma_table_info(?1)")
        .unwrap()
        .query_map([table], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let columns = columns.join(", ");
    db.execute_batch(&format!(
        "DELETE FROM {table}; INSERT INTO {table} ({columns}) SELECT {columns} FROM temp.kept; DROP TABLE temp.kept;"
    ))
    .unwrap();
}
