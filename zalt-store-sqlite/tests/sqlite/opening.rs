//! Opening: new files, files of others, and several who open at once.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Barrier;

use zalt_core::store::{Store, StoreErrorKind, UserFilter, UserQueries};
use zalt_store_sqlite::{OpenError, OptionsError, SCHEMA_VERSION, SqliteStore};
use zalt_store_testkit::fixtures::Fixtures;

use crate::support::{Folder, block_on, sign_up};

#[test]
fn a_new_file_has_the_schema_and_is_ready() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    assert_eq!(store.schema_version().unwrap(), SCHEMA_VERSION);
    assert_eq!(store.path(), folder.file());
    block_on(store.ready()).unwrap();
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_is_made() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let (_, batch) = sign_up(&Fixtures::new(), "ada");
    block_on(store.commit(batch)).unwrap();
    let mut names = Vec::new();
    for entry in folder.path().read_dir().unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.path());
        names.push(entry.file_name());
    }
    names.sort();
    assert_eq!(names, ["zalt.db", "zalt.db-shm", "zalt.db-wal"]);
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let folder = Folder::new();
    let error = SqliteStore::open(folder.path().join("no/zalt.db")).unwrap_err();
    let OpenError::File { source, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn options_are_checked_before_anything_is_made() {
    let folder = Folder::new();
    let opened = SqliteStore::builder().readers(0).open(folder.file());
    let Err(OpenError::Options(error)) = opened else {
        panic!("{opened:?}");
    };
    assert_eq!(error, OptionsError::Readers);
    assert!(!folder.file().exists());
}

/// Names to which SQLite gives a meaning are names of files here.
#[test]
fn a_store_is_always_a_file() {
    let name = format!(":memory:{}", std::process::id());
    let store = SqliteStore::open(&name).unwrap();
    let path = store.path().to_owned();
    drop(store);
    assert!(path.is_absolute());
    fs::remove_file(path).unwrap();
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let folder = Folder::new();
    drop(SqliteStore::open(folder.file()).unwrap());
    let newer = SCHEMA_VERSION + 1;
    let add = "INSERT INTO zalt_schema (version, name) VALUES (?1, 'from the future')";
    folder.other().execute(add, [newer]).unwrap();
    let error = SqliteStore::open(folder.file()).unwrap_err();
    assert_eq!(error.kind(), Some(StoreErrorKind::NewerSchema));
    let newest = "SELECT max(version) FROM zalt_schema";
    let found: u32 = folder
        .other()
        .query_row(newest, [], |row| row.get(0))
        .unwrap();
    assert_eq!(found, newer);
}

#[test]
fn a_tool_that_may_not_migrate_is_refused_and_changes_nothing() {
    let folder = Folder::new();
    let open = || SqliteStore::builder().migrate(false).open(folder.file());
    assert!(matches!(open(), Err(OpenError::File { .. })));
    assert!(!folder.file().exists());

    fs::write(folder.file(), "").unwrap();
    let error = open().unwrap_err();
    assert_eq!(error.kind(), Some(StoreErrorKind::OlderSchema));
    let tables = "SELECT count(*) FROM sqlite_schema";
    let found: u32 = folder
        .other()
        .query_row(tables, [], |row| row.get(0))
        .unwrap();
    assert_eq!(found, 0);

    drop(SqliteStore::open(folder.file()).unwrap());
    assert_eq!(open().unwrap().schema_version().unwrap(), SCHEMA_VERSION);
}

#[test]
fn many_may_open_a_new_file_at_once() {
    const HANDLES: usize = 8;
    let folder = Folder::new();
    let barrier = Barrier::new(HANDLES);
    let f = Fixtures::new();
    std::thread::scope(|scope| {
        for handle in 0..HANDLES {
            let (barrier, folder, f) = (&barrier, &folder, &f);
            scope.spawn(move || {
                barrier.wait();
                let store = SqliteStore::open(folder.file()).unwrap();
                let (user, batch) = sign_up(f, &format!("ada{handle}"));
                block_on(store.commit(batch)).unwrap();
                assert_eq!(block_on(store.user(user.id)).unwrap(), Some(user));
            });
        }
    });
    let store = SqliteStore::open(folder.file()).unwrap();
    let count = block_on(store.user_count(&UserFilter::default())).unwrap();
    assert_eq!(count, HANDLES as u64);
    block_on(store.integrity_check()).unwrap();
}

const CHILD_FILE: &str = "ZALT_TEST_CHILD_FILE";
const CHILD_USERS: u32 = 25;

#[test]
fn several_processes_may_share_a_file() {
    const PROCESSES: u32 = 4;
    let folder = Folder::new();
    let children: Vec<_> = (0..PROCESSES)
        .map(|number| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "opening::one_of_several_processes", "--ignored"])
                .env(CHILD_FILE, folder.file())
                .env("ZALT_TEST_CHILD_NUMBER", number.to_string())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = SqliteStore::open(folder.file()).unwrap();
    let count = block_on(store.user_count(&UserFilter::default())).unwrap();
    assert_eq!(count, u64::from(PROCESSES * CHILD_USERS));
    block_on(store.integrity_check()).unwrap();
}

#[test]
#[ignore = "started by several_processes_may_share_a_file"]
fn one_of_several_processes() {
    let file = std::env::var_os(CHILD_FILE).unwrap();
    let number: u32 = std::env::var("ZALT_TEST_CHILD_NUMBER")
        .unwrap()
        .parse()
        .unwrap();
    let store = SqliteStore::open(file).unwrap();
    // Every process mints the same ids from the start on, so each begins somewhere else.
    let f = Fixtures::new();
    for _ in 0..number * 1000 {
        f.now();
        f.bytes::<8>();
    }
    for user in 0..CHILD_USERS {
        let (user, batch) = sign_up(&f, &format!("ada{number}.{user}"));
        block_on(store.commit(batch)).unwrap();
        assert_eq!(block_on(store.user(user.id)).unwrap(), Some(user));
    }
}
