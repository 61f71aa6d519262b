use rusqlite::{Connection, Error};
use zalt_core::store::{StoreError, StoreErrorKind};

use crate::error::store_error;

/// One step of the schema. It was published, so it never changes.
struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "first",
        sql: include_str!("../migrations/0001_first.sql"),
    },
    Migration {
        version: 2,
        name: "credentials",
        sql: include_str!("../migrations/0002_credentials.sql"),
    },
    Migration {
        version: 3,
        name: "identifiers_by_user",
        sql: include_str!("../migrations/0003_identifiers_by_user.sql"),
    },
    Migration {
        version: 4,
        name: "factors",
        sql: include_str!("../migrations/0004_factors.sql"),
    },
    Migration {
        version: 5,
        name: "connections",
        sql: include_str!("../migrations/0005_connections.sql"),
    },
];

/// The version of the schema that this crate reads and writes.
pub const SCHEMA_VERSION: u32 = 5;

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS zalt_schema (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT";

/// A file that was written by a newer version of Zalt.
#[derive(Debug, thiserror::Error)]
#[error(
    "the schema of the file has version {found}, and this version of Zalt knows {SCHEMA_VERSION} at the most"
)]
struct Newer {
    found: u32,
}

/// A file that was written by an older version of Zalt, or by none.
#[derive(Debug, thiserror::Error)]
#[error(
    "the schema of the file has version {found}, and this version of Zalt needs {SCHEMA_VERSION}"
)]
struct Older {
    found: u32,
}

/// Brings the schema up to date. Safe when several processes do so at once: each step is one transaction that looks again
/// whether it is still due.
pub(crate) fn migrate(db: &Connection) -> Result<(), StoreError> {
    for migration in MIGRATIONS {
        if known(db)? < migration.version {
            step(db, migration)?;
        }
    }
    Ok(())
}

/// Refuses a schema that is not up to date.
pub(crate) fn require_current(db: &Connection) -> Result<(), StoreError> {
    match known(db)? {
        SCHEMA_VERSION => Ok(()),
        found => Err(StoreError::with_source(
            StoreErrorKind::OlderSchema,
            Older { found },
        )),
    }
}

fn step(db: &Connection, migration: &Migration) -> Result<(), StoreError> {
    let run = |sql| db.execute_batch(sql).map_err(store_error);
    run("BEGIN IMMEDIATE")?;
    let stepped = known(db).and_then(|version| {
        if version >= migration.version {
            return run("COMMIT");
        }
        run(CREATE_TABLE)?;
        run(migration.sql)?;
        db.execute(
            "INSERT INTO zalt_schema (version, name) VALUES (?1, ?2)",
            (migration.version, migration.name),
        )
        .map_err(store_error)?;
        run("COMMIT")
    });
    if !db.is_autocommit() {
        run("ROLLBACK")?;
    }
    stepped
}

/// The version of the file's schema, if this crate can read it; 0 if it has none yet.
fn known(db: &Connection) -> Result<u32, StoreError> {
    match version(db).map_err(store_error)? {
        found if found > SCHEMA_VERSION => Err(StoreError::with_source(
            StoreErrorKind::NewerSchema,
            Newer { found },
        )),
        known => Ok(known),
    }
}

/// The version of the file's schema; 0 if it has none yet.
pub(crate) fn version(db: &Connection) -> Result<u32, Error> {
    // The table itself and not what this connection remembers of the schema: another process may have made it meanwhile.
    let made = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'zalt_schema'";
    if db.prepare(made)?.exists([])? {
        let newest = "SELECT coalesce(max(version), 0) FROM zalt_schema";
        db.query_row(newest, [], |row| row.get(0))
    } else {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_to_the_one_that_is_written() {
        let versions: Vec<_> = MIGRATIONS.iter().map(|step| step.version).collect();
        assert_eq!(versions, (1..=SCHEMA_VERSION).collect::<Vec<_>>());
    }

    #[test]
    fn every_name_is_prefixed() {
        let db = Connection::open_in_memory().unwrap();
        migrate(&db).unwrap();
        let names: Vec<String> = db
            .prepare("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_autoindex_zalt_%'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(!names.is_empty());
        for name in names {
            assert!(name.starts_with("zalt_"), "{name}");
        }
    }

    #[test]
    fn a_step_that_fails_leaves_nothing() {
        let db = Connection::open_in_memory().unwrap();
        let broken = Migration {
            version: 1,
            name: "broken",
            sql: "CREATE TABLE zalt_a (a INTEGER) STRICT; CREATE TABLE zalt_a (a INTEGER) STRICT;",
        };
        assert_eq!(
            step(&db, &broken).unwrap_err().kind(),
            StoreErrorKind::Internal
        );
        assert!(db.is_autocommit());
        assert!(!db.table_exists(None, "zalt_a").unwrap());
        assert!(!db.table_exists(None, "zalt_schema").unwrap());
        migrate(&db).unwrap();
        assert_eq!(version(&db).unwrap(), SCHEMA_VERSION);
    }
    #[test]
    fn identifiers_outlive_their_new_order() {
        let db = Connection::open_in_memory().unwrap();
        db.pragma_update(None, "foreign_keys", true).unwrap();
        step(&db, &MIGRATIONS[0]).unwrap();
        let rows = "SELECT hex(id), hex(user_id), kind, key, value, verified_at, is_primary, created_at, version \
                    FROM zalt_identifiers ORDER BY id";
        let read = || -> Vec<Vec<rusqlite::types::Value>> {
            let mut statement = db.prepare(rows).unwrap();
            let columns = statement.column_count();
            let read = statement.query_map([], |row| (0..columns).map(|n| row.get(n)).collect());
            read.unwrap().collect::<Result<_, _>>().unwrap()
        };
        db.execute_batch(
            "INSERT INTO zalt_users (id, session_epoch, created_at, updated_at, version, public_metadata, private_metadata, \
             unsafe_metadata) VALUES (zeroblob(16), 0, 1, 1, 0, '{}', '{}', '{}'); \
             INSERT INTO zalt_identifiers VALUES \
             (x'02020202020202020202020202020202', zeroblob(16), 'username', 'ada', 'Ada', 5, 0, 3, 7), \
             (x'01010101010101010101010101010101', zeroblob(16), 'email_address', 'a@x.org', 'A@x.org', NULL, 1, 4, 0);",
        )
        .unwrap();
        let before = read();
        migrate(&db).unwrap();
        assert_eq!(read(), before);
        // Its guards and its tie to the user came along.
        let taken = "INSERT INTO zalt_identifiers SELECT x'03030303030303030303030303030303', user_id, kind, key, value, \
                     verified_at, is_primary, created_at, version FROM zalt_identifiers WHERE kind = 'username'";
        assert!(db.execute(taken, []).is_err());
        db.execute("DELETE FROM zalt_users", []).unwrap();
        assert!(read().is_empty());
    }
}
