use rusqlite::{Connection, Error, params};
use zalt_core::Timestamp;
use zalt_core::id::MessageId;
use zalt_core::message::Message;
use zalt_core::secret::Sealed;
use zalt_core::store::GuardReason;

use crate::error::Applied;
use crate::sql::{Columns, all, execute, first, only, statements};
use crate::user::{next_version, versioned};

statements! {
    DUE =
        "SELECT id, created_at, due_at, expires_at, tries, version, content FROM zalt_messages \
         WHERE due_at <= ?1 ORDER BY due_at, id LIMIT ?2";
    NEXT_DUE = "SELECT min(due_at) FROM zalt_messages";
    EXISTS = "SELECT 1 FROM zalt_messages WHERE id = ?1";
    INSERT =
        "INSERT INTO zalt_messages (id, created_at, due_at, expires_at, tries, version, content) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    UPDATE =
        "UPDATE zalt_messages SET created_at = ?3, due_at = ?4, expires_at = ?5, tries = ?6, version = ?7, \
         content = ?8 WHERE id = ?1 AND version = ?2";
    DELETE = "DELETE FROM zalt_messages WHERE id = ?1 AND version = ?2";
}

/// Messages that are due at `now`, the longest due first.
pub(crate) fn due(db: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Message>, Error> {
    all(db, DUE, params![now.unix_millis(), limit], read)
}

/// When the next message is due.
pub(crate) fn next_due(db: &Connection) -> Result<Option<Timestamp>, Error> {
    let due_at: Option<Option<i64>> = first(db, NEXT_DUE, [], only)?;
    Ok(due_at.flatten().map(Timestamp::from_unix_millis))
}

pub(crate) fn insert(db: &Connection, message: &Message) -> Applied {
    let written = execute(
        db,
        INSERT,
        params![
            message.id.as_bytes(),
            message.created_at.unix_millis(),
            message.due_at.unix_millis(),
            message.expires_at.unix_millis(),
            message.tries,
            message.version.cast_signed(),
            message.content.as_bytes(),
        ],
    )?;
    if written == 1 {
        Ok(())
    } else {
        Err(GuardReason::AlreadyExists.into())
    }
}

pub(crate) fn update(db: &Connection, message: &Message) -> Applied {
    let written = execute(
        db,
        UPDATE,
        params![
            message.id.as_bytes(),
            message.version.cast_signed(),
            message.created_at.unix_millis(),
            message.due_at.unix_millis(),
            message.expires_at.unix_millis(),
            message.tries,
            next_version(message.version),
            message.content.as_bytes(),
        ],
    )?;
    versioned(written, db, EXISTS, message.id.as_bytes())
}

pub(crate) fn delete(db: &Connection, id: MessageId, version: u64) -> Applied {
    let written = execute(db, DELETE, params![id.as_bytes(), version.cast_signed()])?;
    versioned(written, db, EXISTS, id.as_bytes())
}

fn read(columns: &mut Columns<'_, '_>) -> Result<Message, Error> {
    Ok(Message {
        id: MessageId::from_bytes(columns.value()?),
        created_at: columns.instant()?,
        due_at: columns.instant()?,
        expires_at: columns.instant()?,
        tries: columns.value()?,
        version: columns.count()?,
        content: Sealed::from_bytes(columns.value()?),
    })
}
