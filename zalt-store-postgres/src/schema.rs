use std::time::Duration;

use sqlx::Error;
use zalt_core::store::{StoreError, StoreErrorKind};

use crate::connections::Lease;
use crate::database::{Database, Sql};
use crate::error::{code, is_lost, is_rolled_back, is_taken, store_error};
use crate::sql::{Columns, Statement, Value, arguments, statements};

/// One step of the schema. It was published, so it never changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) version: u32,
    /// The oldest version of this crate's schema whose code reads and writes it.
    pub(crate) compatible_from: u32,
    pub(crate) sql: &'static str,
}

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        compatible_from: 1,
        sql: include_str!("../migrations/0001_first.sql"),
    },
    Migration {
        version: 2,
        // What doesn't know of second factors would sign people in without theirs: it is no longer ready.
        compatible_from: 2,
        sql: include_str!("../migrations/0002_credentials.sql"),
    },
    Migration {
        version: 3,
        // What doesn't know that an account is frozen would sign people in to it.
        compatible_from: 3,
        sql: include_str!("../migrations/0003_factors.sql"),
    },
    Migration {
        version: 4,
        // What doesn't know of external accounts can't read an account that has one.
        compatible_from: 4,
        sql: include_str!("../migrations/0004_connections.sql"),
    },
];

/// The version of the schema that this crate reads and writes.
pub const SCHEMA_VERSION: u32 = 4;

statements! {
    VERSION = "SELECT version, compatible_from FROM zalt.schema_version WHERE id = 1";
    LOCKED = "SELECT version, compatible_from FROM zalt.schema_version WHERE id = 1 FOR UPDATE";
    /// A standby, and a server that was told to take no writes, say that transactions are read-only.
    READY =
        "SELECT version, compatible_from, current_setting('transaction_read_only') = 'on' \
         FROM zalt.schema_version WHERE id = 1";
    SCHEMA = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname::TEXT = $1";
    SET = "UPDATE zalt.schema_version SET version = $1, compatible_from = $2 WHERE id = 1";
}

const CREATE_SCHEMA: Statement = Statement {
    name: "create schema",
    sql: "CREATE SCHEMA IF NOT EXISTS",
};

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS zalt.schema_version (\
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1), version BIGINT NOT NULL, compatible_from BIGINT NOT NULL); \
    INSERT INTO zalt.schema_version (id, version, compatible_from) VALUES (1, 0, 0) ON CONFLICT DO NOTHING";

/// A migration that can't have its locks lets those through who serve, and tries again: a lock that is waited for holds up
/// everybody who comes after.
const LIMITS: &str = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = 0";

/// How often a step of the schema is tried while others are in its way: about a minute of waiting.
const TRIES: u32 = 60;

/// A schema that was written by a newer version of Zalt, which this one can't serve.
#[derive(Debug, thiserror::Error)]
#[error(
    "the schema has version {version}, which serves from version {compatible_from} on, and this version of Zalt knows \
     {SCHEMA_VERSION} at the most"
)]
struct Newer {
    version: u32,
    compatible_from: u32,
}

/// A schema that is not there or was written by an older version of Zalt.
#[derive(Debug, thiserror::Error)]
#[error("the schema has version {found}, and this version of Zalt needs {SCHEMA_VERSION}")]
struct Older {
    found: u32,
}

/// What the database says of its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    version: u32,
    compatible_from: u32,
}

impl Found {
    fn read(columns: &mut Columns<'_>) -> Result<Self, Error> {
        Ok(Self {
            version: columns.small()?,
            compatible_from: columns.small()?,
        })
    }

    fn served(self) -> Result<Self, StoreError> {
        if SCHEMA_VERSION >= self.compatible_from {
            return Ok(self);
        }
        let Self {
            version,
            compatible_from,
        } = self;
        Err(StoreError::with_source(
            StoreErrorKind::NewerSchema,
            Newer {
                version,
                compatible_from,
            },
        ))
    }
}

/// Fails unless the schema is one that this crate serves and can be written to.
pub(crate) async fn ready(db: &Database) -> Result<(), StoreError> {
    let found = db.first(READY, &[], |columns| {
        Ok((Found::read(columns)?, columns.truth()?))
    });
    let (found, is_read_only) = found
        .await?
        .ok_or_else(|| StoreError::new(StoreErrorKind::Corrupt))?;
    found.served()?;
    if is_read_only {
        return Err(StoreError::new(StoreErrorKind::ReadOnly));
    }
    Ok(())
}

/// The version of the schema.
pub(crate) async fn version(db: &Database) -> Result<u32, StoreError> {
    db.first(VERSION, &[], Found::read)
        .await?
        .map(|found| found.version)
        .ok_or_else(|| StoreError::new(StoreErrorKind::Corrupt))
}

/// Brings the schema up to date. Safe when several replicas do so at once, and while an older version serves: each step is one
/// short transaction that holds the row of the version, looks again whether it is still due, and never waits long for a lock.
pub(crate) async fn migrate(db: &Database, migrations: &[Migration]) -> Result<(), StoreError> {
    if known(db).await.map_err(store_error)?.is_none() {
        let mut patience = Patience::new();
        while let Err(error) = begin(db).await {
            patience.after(error).await?;
        }
    }
    let found = known_by_now(db).await?;
    found.served()?;
    for migration in migrations {
        if found.version < migration.version {
            let mut patience = Patience::new();
            while let Err(error) = step(db, *migration).await {
                patience.after(error).await?;
            }
        }
    }
    known_by_now(db).await?.served().map(drop)
}

async fn known_by_now(db: &Database) -> Result<Found, StoreError> {
    let found = known(db).await.map_err(store_error)?;
    found.ok_or_else(|| StoreError::new(StoreErrorKind::Corrupt))
}

/// Refuses a schema that is not up to date.
pub(crate) async fn require_current(db: &Database) -> Result<(), StoreError> {
    let found = known(db).await.map_err(store_error)?;
    let found = found.map(Found::served).transpose()?;
    match found.map_or(0, |found| found.version) {
        SCHEMA_VERSION.. => Ok(()),
        found => Err(StoreError::with_source(
            StoreErrorKind::OlderSchema,
            Older { found },
        )),
    }
}

/// What the database says of its schema; `None` if there is none yet.
async fn known(db: &Database) -> Result<Option<Found>, Error> {
    let sql = Sql {
        text: db.texts.of(VERSION),
        is_usual: false,
    };
    match crate::database::query(&db.connections, &sql, &[]).await {
        Ok(rows) => rows
            .first()
            .map(|row| Found::read(&mut Columns::of(row)))
            .transpose(),
        // No such table, no such schema.
        Err(error) if matches!(code(&error), Some("42P01" | "3F000")) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the schema, if it is not there, and the table of its version. Whoever may not make schemas has it made by somebody
/// else.
async fn begin(db: &Database) -> Result<(), Error> {
    let mut lease = transaction(db).await?;
    let name = db.texts.names().schema();
    let is_there = rows(&mut lease, db, SCHEMA, &[Value::text(name)]).await?;
    if is_there.is_empty() {
        let create = format!("{} \"{name}\"", CREATE_SCHEMA.sql);
        lease.run(create.into()).await?;
    }
    let create = db.texts.names().qualify(CREATE_TABLE);
    lease.run(create.into()).await?;
    lease.commit().await
}

async fn step(db: &Database, migration: Migration) -> Result<(), Error> {
    let mut lease = transaction(db).await?;
    let found = rows(&mut lease, db, LOCKED, &[]).await?;
    let found = found.first().ok_or(Error::RowNotFound)?;
    let found = Found::read(&mut Columns::of(found))?;
    if found.version >= migration.version {
        return lease.roll_back().await;
    }
    let sql = db.texts.names().qualify(migration.sql);
    lease.run(sql.into()).await?;
    let values = [
        Value::small(migration.version),
        Value::small(migration.compatible_from),
    ];
    rows(&mut lease, db, SET, &values).await?;
    lease.commit().await
}

async fn transaction(db: &Database) -> Result<Lease, Error> {
    let mut lease = db.connections.lease().await?;
    lease.begin().await?;
    // A table may take its time to be rebuilt.
    lease.wait_for_ever();
    lease.run(LIMITS.into()).await?;
    Ok(lease)
}

async fn rows(
    lease: &mut Lease,
    db: &Database,
    statement: Statement,
    values: &[Value],
) -> Result<Vec<sqlx::postgres::PgRow>, Error> {
    let sql = Sql {
        text: db.texts.of(statement),
        is_usual: false,
    };
    lease.rows(&sql, arguments(values)?).await
}

/// Waits while what is in the way passes: others who make the same at this moment, a lock that is held, a connection that was
/// lost.
struct Patience(u32);

impl Patience {
    const fn new() -> Self {
        Self(0)
    }

    async fn after(&mut self, error: Error) -> Result<(), StoreError> {
        if self.0 >= TRIES || !passes(&error) {
            return Err(store_error(error));
        }
        self.0 += 1;
        let wait = Duration::from_millis(50) * self.0.min(20);
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

fn passes(error: &Error) -> bool {
    // A lock that was not to be had; a schema, table or type that somebody else made first.
    let others = matches!(
        code(error),
        Some("55P03" | "42P06" | "42P07" | "42710" | "XX000")
    );
    others || is_taken(error) || is_rolled_back(error) || is_lost(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PostgresStore;
    use crate::test_schema::Schema;
    use zalt_core::id::{SessionId, UserId};
    use zalt_core::session::Session;
    use zalt_core::store::{Batch, Change, SessionQueries, Store, UserQueries};
    use zalt_core::user::User;
    use zalt_core::{Rng, SystemRng};
    use zalt_store_testkit::fixtures::Fixtures;

    #[test]
    fn versions_count_up_to_the_one_that_is_written() {
        let versions: Vec<_> = MIGRATIONS.iter().map(|step| step.version).collect();
        assert_eq!(versions, (1..=SCHEMA_VERSION).collect::<Vec<_>>());
        for migration in MIGRATIONS {
            assert!(migration.compatible_from <= migration.version);
        }
    }

    /// What later versions may bring: another column, another index, another table.
    const LATER: &[Migration] = &[
        Migration {
            version: SCHEMA_VERSION + 1,
            compatible_from: SCHEMA_VERSION,
            sql: "ALTER TABLE zalt.users ADD COLUMN nickname TEXT; \
                  CREATE INDEX zalt_users_by_nickname ON zalt.users (nickname)",
        },
        Migration {
            version: SCHEMA_VERSION + 2,
            compatible_from: SCHEMA_VERSION,
            sql: "CREATE TABLE zalt.devices (id UUID PRIMARY KEY, user_id UUID REFERENCES zalt.users (id)); \
                  ALTER TABLE zalt.sessions ADD COLUMN device_id UUID REFERENCES zalt.devices (id)",
        },
    ];

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs PostgreSQL: cargo xtask test"]
    async fn an_old_store_serves_while_newer_ones_migrate() {
        let schema = Schema::new();
        let old = schema.store().await;
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let serving: Vec<_> = (0..4)
            .map(|_| {
                let (old, stopped) = (old.clone(), stopped.clone());
                tokio::spawn(async move {
                    let mut served = 0;
                    while !*stopped.borrow() {
                        serve(&old).await;
                        served += 1;
                    }
                    served
                })
            })
            .collect();
        let migrations: &'static [Migration] = [MIGRATIONS, LATER].concat().leak();
        for _ in 0..10 {
            serve(&old).await;
        }
        let mut newer = Vec::new();
        for _ in 0..3 {
            let store = schema.store().await;
            newer.push(tokio::spawn(async move {
                migrate(store.database(), migrations).await.unwrap();
                version(store.database()).await.unwrap()
            }));
        }
        for version in newer {
            assert_eq!(version.await.unwrap(), SCHEMA_VERSION + 2);
        }
        for _ in 0..10 {
            serve(&old).await;
        }
        stop.send(true).unwrap();
        for task in serving {
            assert!(task.await.unwrap() > 0);
        }
        old.ready().await.unwrap();
    }

    /// Signs somebody up and looks at their session; neither may fail.
    async fn serve(store: &PostgresStore) {
        let f = Fixtures::new();
        // Others make the same rows, so their ids have to differ.
        let user = User {
            id: UserId::from_bytes(random_id()),
            ..f.user()
        };
        let session = Session {
            id: SessionId::from_bytes(random_id()),
            ..f.session(&user)
        };
        let batch = Batch::new()
            .change(Change::InsertUser(user.clone()))
            .change(Change::InsertSession(session.clone()));
        store.commit(batch).await.unwrap();
        let read = store.session_with_user(session.id).await.unwrap();
        assert_eq!(read.unwrap().0, session);
        store.account(user.id).await.unwrap().unwrap();
    }

    fn random_id() -> [u8; 16] {
        let mut id = [0; 16];
        SystemRng.fill(&mut id).unwrap();
        id
    }
}
