use sqlx::Error;
use zalt_core::connection::{Connection, ConnectionKey};
use zalt_core::id::ConnectionId;
use zalt_core::store::{GuardReason, StoreError};

use crate::database::{Database, Transaction};
use crate::error::Refusal;
use crate::sql::{Columns, Value, statements};
use crate::steps::{Step, steps};
use crate::user::versioned;

statements! {
    ALL = "SELECT id, key, created_at, updated_at, version, state FROM zalt.connections ORDER BY id";
    EXISTS = "SELECT 1 FROM zalt.connections WHERE id = $1";
    TAKEN = "SELECT 1 FROM zalt.connections WHERE id = $1 OR key = $2";
}

steps! {
    INSERT: Guarded [CONNECTIONS] =
        "@c AS (INSERT INTO zalt.connections (id, key, created_at, updated_at, version, state) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING 1)";
    UPDATE: Guarded [CONNECTIONS] =
        "@c AS (UPDATE zalt.connections SET created_at = $3, updated_at = $4, version = $5, state = $6 \
         WHERE id = $1 AND version = $2 RETURNING 1)";
    DELETE: Guarded [CONNECTIONS] =
        "@c AS (DELETE FROM zalt.connections WHERE id = $1 AND version = $2 RETURNING 1)";
}

/// Every connection, oldest first.
pub(crate) async fn list(db: &Database) -> Result<Vec<Connection>, StoreError> {
    db.all(ALL, &[], read).await
}

pub(crate) fn insert(connection: &Connection) -> Result<Step, Error> {
    let values = vec![
        Value::id(connection.id.as_bytes()),
        Value::text(connection.key.as_str()),
        Value::instant(connection.created_at),
        Value::instant(connection.updated_at),
        Value::count(connection.version),
        Value::json(&connection.state)?,
    ];
    Ok(Step::new(INSERT, values))
}

pub(crate) async fn why_not_inserted(
    db: &mut Transaction<'_>,
    connection: &Connection,
) -> Result<GuardReason, Refusal> {
    let (id, key) = (connection.id.as_bytes(), connection.key.as_str());
    if db.any(TAKEN, &[Value::id(id), Value::text(key)]).await? {
        Ok(GuardReason::AlreadyExists)
    } else {
        Err(Refusal::Moved)
    }
}

pub(crate) fn update(connection: &Connection) -> Result<Step, Error> {
    let values = vec![
        Value::id(connection.id.as_bytes()),
        Value::count(connection.version),
        Value::instant(connection.created_at),
        Value::instant(connection.updated_at),
        Value::after_version(connection.version),
        Value::json(&connection.state)?,
    ];
    Ok(Step::new(UPDATE, values))
}

pub(crate) fn delete(id: ConnectionId, version: u64) -> Step {
    let values = vec![Value::id(id.as_bytes()), Value::count(version)];
    Step::new(DELETE, values)
}

/// Why a connection of this version was not written.
pub(crate) async fn why_not_written(
    db: &mut Transaction<'_>,
    id: ConnectionId,
) -> Result<GuardReason, Refusal> {
    versioned(db, EXISTS, id.as_bytes()).await
}

fn read(columns: &mut Columns<'_>) -> Result<Connection, Error> {
    Ok(Connection {
        id: ConnectionId::from_bytes(columns.id()?),
        key: columns.parsed("key of a connection", |text| {
            ConnectionKey::parse(text).ok()
        })?,
        created_at: columns.instant()?,
        updated_at: columns.instant()?,
        version: columns.count()?,
        state: columns.json("state of a connection")?,
    })
}
