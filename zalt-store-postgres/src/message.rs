use sqlx::Error;
use zalt_core::Timestamp;
use zalt_core::id::MessageId;
use zalt_core::message::Message;
use zalt_core::secret::Sealed;
use zalt_core::store::{GuardReason, StoreError};

use crate::database::{Database, Transaction};
use crate::error::Refusal;
use crate::sql::{Columns, Value, only_instant, statements};
use crate::steps::{Step, steps};
use crate::user::versioned;

statements! {
    DUE =
        "SELECT id, created_at, due_at, expires_at, tries, version, content FROM zalt.messages \
         WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";
    NEXT_DUE = "SELECT due_at FROM zalt.messages ORDER BY due_at, id LIMIT 1";
    EXISTS = "SELECT 1 FROM zalt.messages WHERE id = $1";
}

steps! {
    INSERT: Guarded [MESSAGES] =
        "@c AS (INSERT INTO zalt.messages (id, created_at, due_at, expires_at, tries, version, content) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING 1)";
    UPDATE: Guarded [MESSAGES] =
        "@c AS (UPDATE zalt.messages SET created_at = $3, due_at = $4, expires_at = $5, tries = $6, version = $7, \
         content = $8 WHERE id = $1 AND version = $2 RETURNING 1)";
    DELETE: Guarded [MESSAGES] =
        "@c AS (DELETE FROM zalt.messages WHERE id = $1 AND version = $2 RETURNING 1)";
}

/// Messages that are due at `now`, the longest due first.
pub(crate) async fn due(
    db: &Database,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    db.all(DUE, &[Value::instant(now), Value::small(limit)], read)
        .await
}

/// When the next message is due.
pub(crate) async fn next_due(db: &Database) -> Result<Option<Timestamp>, StoreError> {
    db.first(NEXT_DUE, &[], only_instant).await
}

pub(crate) fn insert(message: &Message) -> Step {
    let values = vec![
        Value::id(message.id.as_bytes()),
        Value::instant(message.created_at),
        Value::instant(message.due_at),
        Value::instant(message.expires_at),
        Value::small(message.tries),
        Value::count(message.version),
        Value::bytes(message.content.as_bytes()),
    ];
    Step::new(INSERT, values)
}

pub(crate) async fn why_not_inserted(
    db: &mut Transaction<'_>,
    message: &Message,
) -> Result<GuardReason, Refusal> {
    if db.exists(EXISTS, message.id.as_bytes()).await? {
        Ok(GuardReason::AlreadyExists)
    } else {
        Err(Refusal::Moved)
    }
}

pub(crate) fn update(message: &Message) -> Step {
    let values = vec![
        Value::id(message.id.as_bytes()),
        Value::count(message.version),
        Value::instant(message.created_at),
        Value::instant(message.due_at),
        Value::instant(message.expires_at),
        Value::small(message.tries),
        Value::after_version(message.version),
        Value::bytes(message.content.as_bytes()),
    ];
    Step::new(UPDATE, values)
}

pub(crate) fn delete(id: MessageId, version: u64) -> Step {
    let values = vec![Value::id(id.as_bytes()), Value::count(version)];
    Step::new(DELETE, values)
}

/// Why a message of this version was not written.
pub(crate) async fn why_not_written(
    db: &mut Transaction<'_>,
    id: MessageId,
) -> Result<GuardReason, Refusal> {
    versioned(db, EXISTS, id.as_bytes()).await
}

fn read(columns: &mut Columns<'_>) -> Result<Message, Error> {
    Ok(Message {
        id: MessageId::from_bytes(columns.id()?),
        created_at: columns.instant()?,
        due_at: columns.instant()?,
        expires_at: columns.instant()?,
        tries: columns.small()?,
        version: columns.count()?,
        content: Sealed::from_bytes(columns.bytes()?),
    })
}
