use rusqlite::{Connection, Error, params};
use zalt_core::attempt::Attempt;
use zalt_core::id::AttemptId;
use zalt_core::secret::TokenDigest;
use zalt_core::store::GuardReason;

use crate::error::Applied;
use crate::sql::{Columns, execute, first, statements};
use crate::user::{next_version, to_json, versioned};

statements! {
    BY_ID =
        "SELECT id, token, failed_codes, sent_messages, created_at, expires_at, version, state FROM zalt_attempts \
         WHERE id = ?1";
    EXISTS = "SELECT 1 FROM zalt_attempts WHERE id = ?1";
    INSERT =
        "INSERT INTO zalt_attempts (id, token, failed_codes, sent_messages, created_at, expires_at, version, state) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
    UPDATE =
        "UPDATE zalt_attempts SET token = ?3, failed_codes = ?4, sent_messages = ?5, created_at = ?6, expires_at = ?7, \
         version = ?8, state = ?9 WHERE id = ?1 AND version = ?2";
}

/// The attempt, expired or not.
pub(crate) fn by_id(db: &Connection, id: AttemptId) -> Result<Option<Attempt>, Error> {
    first(db, BY_ID, [id.as_bytes()], read)
}

pub(crate) fn insert(db: &Connection, attempt: &Attempt) -> Applied {
    let written = execute(
        db,
        INSERT,
        params![
            attempt.id.as_bytes(),
            attempt.token.as_bytes(),
            attempt.failed_codes,
            attempt.sent_messages,
            attempt.created_at.unix_millis(),
            attempt.expires_at.unix_millis(),
            attempt.version.cast_signed(),
            to_json(&attempt.state)?,
        ],
    )?;
    if written == 1 {
        Ok(())
    } else {
        Err(GuardReason::AlreadyExists.into())
    }
}

pub(crate) fn update(db: &Connection, attempt: &Attempt) -> Applied {
    let written = execute(
        db,
        UPDATE,
        params![
            attempt.id.as_bytes(),
            attempt.version.cast_signed(),
            attempt.token.as_bytes(),
            attempt.failed_codes,
            attempt.sent_messages,
            attempt.created_at.unix_millis(),
            attempt.expires_at.unix_millis(),
            next_version(attempt.version),
            to_json(&attempt.state)?,
        ],
    )?;
    versioned(written, db, EXISTS, attempt.id.as_bytes())
}

fn read(columns: &mut Columns<'_, '_>) -> Result<Attempt, Error> {
    Ok(Attempt {
        id: AttemptId::from_bytes(columns.value()?),
        token: TokenDigest::from_bytes(columns.value()?),
        failed_codes: columns.value()?,
        sent_messages: columns.value()?,
        created_at: columns.instant()?,
        expires_at: columns.instant()?,
        version: columns.count()?,
        state: columns.json("state of an attempt")?,
    })
}
