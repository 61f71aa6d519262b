use sqlx::Error;
use zalt_core::attempt::Attempt;
use zalt_core::id::AttemptId;
use zalt_core::secret::TokenDigest;
use zalt_core::store::{GuardReason, StoreError};

use crate::database::{Database, Transaction};
use crate::error::Refusal;
use crate::sql::{Columns, Value, statements};
use crate::steps::{Step, steps};
use crate::user::versioned;

statements! {
    BY_ID =
        "SELECT id, token, failed_codes, sent_messages, created_at, expires_at, version, state FROM zalt.attempts \
         WHERE id = $1";
    EXISTS = "SELECT 1 FROM zalt.attempts WHERE id = $1";
}

steps! {
    INSERT: Guarded [ATTEMPTS] =
        "@c AS (INSERT INTO zalt.attempts (id, token, failed_codes, sent_messages, created_at, expires_at, version, state) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING 1)";
    UPDATE: Guarded [ATTEMPTS] =
        "@c AS (UPDATE zalt.attempts SET token = $3, failed_codes = $4, sent_messages = $5, created_at = $6, \
         expires_at = $7, version = $8, state = $9 WHERE id = $1 AND version = $2 RETURNING 1)";
}

/// The attempt, expired or not.
pub(crate) async fn by_id(db: &Database, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
    db.first(BY_ID, &[Value::id(id.as_bytes())], read).await
}

pub(crate) fn insert(attempt: &Attempt) -> Result<Step, Error> {
    let values = vec![
        Value::id(attempt.id.as_bytes()),
        Value::bytes(attempt.token.as_bytes()),
        Value::small(attempt.failed_codes),
        Value::small(attempt.sent_messages),
        Value::instant(attempt.created_at),
        Value::instant(attempt.expires_at),
        Value::count(attempt.version),
        Value::json(&attempt.state)?,
    ];
    Ok(Step::new(INSERT, values))
}

pub(crate) async fn why_not_inserted(
    db: &mut Transaction<'_>,
    attempt: &Attempt,
) -> Result<GuardReason, Refusal> {
    if db.exists(EXISTS, attempt.id.as_bytes()).await? {
        Ok(GuardReason::AlreadyExists)
    } else {
        Err(Refusal::Moved)
    }
}

pub(crate) fn update(attempt: &Attempt) -> Result<Step, Error> {
    let values = vec![
        Value::id(attempt.id.as_bytes()),
        Value::count(attempt.version),
        Value::bytes(attempt.token.as_bytes()),
        Value::small(attempt.failed_codes),
        Value::small(attempt.sent_messages),
        Value::instant(attempt.created_at),
        Value::instant(attempt.expires_at),
        Value::after_version(attempt.version),
        Value::json(&attempt.state)?,
    ];
    Ok(Step::new(UPDATE, values))
}

pub(crate) async fn why_not_updated(
    db: &mut Transaction<'_>,
    attempt: &Attempt,
) -> Result<GuardReason, Refusal> {
    versioned(db, EXISTS, attempt.id.as_bytes()).await
}

fn read(columns: &mut Columns<'_>) -> Result<Attempt, Error> {
    Ok(Attempt {
        id: AttemptId::from_bytes(columns.id()?),
        token: TokenDigest::from_bytes(columns.digest()?),
        failed_codes: columns.small()?,
        sent_messages: columns.small()?,
        created_at: columns.instant()?,
        expires_at: columns.instant()?,
        version: columns.count()?,
        state: columns.json("state of an attempt")?,
    })
}
