//! A host keeps its own tables in the same file.

use zalt_core::store::{Batch, Change, Store, UserQueries};
use zalt_store_sqlite::SqliteStore;
use zalt_store_testkit::fixtures::Fixtures;

use crate::support::{Folder, block_on, sign_up};

#[test]
fn a_file_that_a_host_made_stays_as_it_is() {
    let folder = Folder::new();
    let host = folder.other();
    host.execute_batch(
        "CREATE TABLE users (name TEXT) STRICT; INSERT INTO users VALUES ('grace'); PRAGMA user_version = 7; \
         PRAGMA application_id = 42;",
    )
    .unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(folder.file(), mode).unwrap();
    }
    let store = SqliteStore::open(folder.file()).unwrap();
    block_on(store.commit(sign_up(&Fixtures::new(), "ada").1)).unwrap();
    let name: String = host
        .query_row("SELECT name FROM users", [], |row| row.get(0))
        .unwrap();
    assert_eq!(name, "grace");
    for (pragma, value) in [("user_version", 7), ("application_id", 42)] {
        let found: i64 = host
            .pragma_query_value(None, pragma, |row| row.get(0))
            .unwrap();
        assert_eq!(found, value, "{pragma}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = folder.file().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
    block_on(store.integrity_check()).unwrap();
}

#[test]
fn a_host_s_rows_go_with_their_user() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let f = Fixtures::new();
    let ((ada, first), (ben, second)) = (sign_up(&f, "ada"), sign_up(&f, "ben"));
    block_on(store.commit(first)).unwrap();
    block_on(store.commit(second)).unwrap();
    let host = folder.other();
    host.execute_batch(
        "CREATE TABLE notes (owner BLOB NOT NULL REFERENCES zalt_users (id) ON DELETE CASCADE, text TEXT) STRICT;
         CREATE INDEX notes_of_owner ON notes (owner);",
    )
    .unwrap();
    for user in [&ada, &ben] {
        let insert = "INSERT INTO notes VALUES (?1, 'remember the milk')";
        host.execute(insert, [user.id.as_bytes()]).unwrap();
    }
    let purge = Batch::new().change(Change::PurgeUser {
        id: ada.id,
        version: ada.version,
    });
    block_on(store.commit(purge)).unwrap();
    let owners: Vec<[u8; 16]> = host
        .prepare("SELECT owner FROM notes")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(owners, [*ben.id.as_bytes()]);
}

#[test]
fn readers_and_a_writing_host_do_not_disturb_each_other() {
    let folder = Folder::new();
    let store = SqliteStore::builder()
        .readers(1)
        .open(folder.file())
        .unwrap();
    let f = Fixtures::new();
    let (ada, batch) = sign_up(&f, "ada");
    block_on(store.commit(batch)).unwrap();
    let host = folder.other();
    host.execute_batch("CREATE TABLE hits (n INTEGER) STRICT")
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let account = block_on(store.account(ada.id)).unwrap().unwrap();
                    assert_eq!(account.identifiers.len(), 1);
                }
            });
        }
        scope.spawn(|| {
            for number in 0..20 {
                block_on(store.commit(sign_up(&f, &format!("ben{number}")).1)).unwrap();
            }
        });
        for number in 0..20 {
            host.execute("INSERT INTO hits VALUES (?1)", [number])
                .unwrap();
        }
    });
    block_on(store.integrity_check()).unwrap();
}
