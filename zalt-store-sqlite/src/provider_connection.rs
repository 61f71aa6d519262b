use rusqlite::{Connection as Database, Error, params};
use zalt_core::connection::{Connection, ConnectionKey};
use zalt_core::id::ConnectionId;
use zalt_core::store::GuardReason;

use crate::error::Applied;
use crate::sql::{Columns, all, execute, statements};
use crate::user::{next_version, to_json, versioned};

statements! {
    ALL = "SELECT id, key, created_at, updated_at, version, state FROM zalt_connections ORDER BY id";
    EXISTS = "SELECT 1 FROM zalt_connections WHERE id = ?1";
    INSERT =
        "INSERT INTO zalt_connections (id, key, created_at, updated_at, version, state) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    UPDATE =
        "UPDATE zalt_connections SET created_at = ?3, updated_at = ?4, version = ?5, state = ?6 \
         WHERE id = ?1 AND version = ?2";
    DELETE = "DELETE FROM zalt_connections WHERE id = ?1 AND version = ?2";
}

/// Every connection, oldest first.
pub(crate) fn list(db: &Database) -> Result<Vec<Connection>, Error> {
    all(db, ALL, [], read)
}

pub(crate) fn insert(db: &Database, connection: &Connection) -> Applied {
    let written = execute(
        db,
        INSERT,
        params![
            connection.id.as_bytes(),
            connection.key.as_str(),
            connection.created_at.unix_millis(),
            connection.updated_at.unix_millis(),
            connection.version.cast_signed(),
            to_json(&connection.state)?,
        ],
    )?;
    if written == 1 {
        Ok(())
    } else {
        Err(GuardReason::AlreadyExists.into())
    }
}

pub(crate) fn update(db: &Database, connection: &Connection) -> Applied {
    let written = execute(
        db,
        UPDATE,
        params![
            connection.id.as_bytes(),
            connection.version.cast_signed(),
            connection.created_at.unix_millis(),
            connection.updated_at.unix_millis(),
            next_version(connection.version),
            to_json(&connection.state)?,
        ],
    )?;
    versioned(written, db, EXISTS, connection.id.as_bytes())
}

pub(crate) fn delete(db: &Database, id: ConnectionId, version: u64) -> Applied {
    let written = execute(db, DELETE, params![id.as_bytes(), version.cast_signed()])?;
    versioned(written, db, EXISTS, id.as_bytes())
}

fn read(columns: &mut Columns<'_, '_>) -> Result<Connection, Error> {
    Ok(Connection {
        id: ConnectionId::from_bytes(columns.value()?),
        key: columns.parsed("key of a connection", |text| {
            ConnectionKey::parse(text).ok()
        })?,
        created_at: columns.instant()?,
        updated_at: columns.instant()?,
        version: columns.count()?,
        state: columns.json("state of a connection")?,
    })
}
