use sqlx::Error;
use zalt_core::credential::{Credential, CredentialHandle};
use zalt_core::id::{CredentialId, UserId};
use zalt_core::store::GuardReason;
use zalt_core::user::Name;

use crate::database::Transaction;
use crate::error::Refusal;
use crate::identifier;
use crate::sql::{Columns, Value, statements};
use crate::steps::{Step, steps};
use crate::user::{self, versioned};

statements! {
    EXISTS = "SELECT 1 FROM zalt.credentials WHERE id = $1";
    TAKEN = "SELECT 1 FROM zalt.credentials WHERE handle = $1";
}

steps! {
    INSERT: Guarded [CREDENTIALS] =
        "@c AS (INSERT INTO zalt.credentials (id, user_id, handle, name, created_at, last_used_at, version, state) \
         SELECT $1, id, $3, $4, $5, $6, $7, $8 FROM zalt.users WHERE id = $2 ON CONFLICT DO NOTHING RETURNING 1)";
    UPDATE: Guarded [CREDENTIALS] =
        "@c AS (UPDATE zalt.credentials SET name = $3, created_at = $4, last_used_at = $5, version = $6, state = $7 \
         WHERE id = $1 AND version = $2 RETURNING 1)";
    DELETE: Guarded [CREDENTIALS] =
        "@c AS (DELETE FROM zalt.credentials WHERE id = $1 AND version = $2 RETURNING 1)";
}

pub(crate) fn insert(credential: &Credential) -> Result<Step, Error> {
    let handle = credential.handle.as_ref().map(CredentialHandle::as_bytes);
    let values = vec![
        Value::id(credential.id.as_bytes()),
        Value::id(credential.user_id.as_bytes()),
        Value::maybe_bytes(handle),
        Value::maybe_text(credential.name.as_ref().map(Name::as_str)),
        Value::instant(credential.created_at),
        Value::maybe_instant(credential.last_used_at),
        Value::count(credential.version),
        Value::json(&credential.state)?,
    ];
    Ok(Step::new(INSERT, values).needing(credential.user_id))
}

pub(crate) async fn why_not_inserted(
    db: &mut Transaction<'_>,
    credential: &Credential,
) -> Result<GuardReason, Refusal> {
    if db.exists(EXISTS, credential.id.as_bytes()).await? {
        return Ok(GuardReason::AlreadyExists);
    }
    user::found(db, credential.user_id).await?;
    let handle = credential.handle.as_ref().map(CredentialHandle::as_bytes);
    if handle.is_some() && db.any(TAKEN, &[Value::maybe_bytes(handle)]).await? {
        Ok(GuardReason::CredentialTaken)
    } else {
        Err(Refusal::Moved)
    }
}

pub(crate) fn update(credential: &Credential) -> Result<Step, Error> {
    let values = vec![
        Value::id(credential.id.as_bytes()),
        Value::count(credential.version),
        Value::maybe_text(credential.name.as_ref().map(Name::as_str)),
        Value::instant(credential.created_at),
        Value::maybe_instant(credential.last_used_at),
        Value::after_version(credential.version),
        Value::json(&credential.state)?,
    ];
    Ok(Step::new(UPDATE, values))
}

pub(crate) fn delete(id: CredentialId, version: u64) -> Step {
    let values = vec![Value::id(id.as_bytes()), Value::count(version)];
    Step::new(DELETE, values)
}

/// Why a credential of this version was not written.
pub(crate) async fn why_not_written(
    db: &mut Transaction<'_>,
    id: CredentialId,
) -> Result<GuardReason, Refusal> {
    versioned(db, EXISTS, id.as_bytes()).await
}

/// Reads the columns of a credential, as an account lists them.
pub(crate) fn read(columns: &mut Columns<'_>) -> Result<Credential, Error> {
    Ok(Credential {
        id: CredentialId::from_bytes(columns.id()?),
        user_id: UserId::from_bytes(columns.id()?),
        created_at: columns.instant()?,
        version: columns.count()?,
        handle: {
            columns.skip(identifier::OWN_COLUMNS);
            columns.maybe_digest()?.map(CredentialHandle::from_bytes)
        },
        name: columns.maybe_parsed("name", |text| Name::parse(text).ok())?,
        last_used_at: columns.maybe_instant()?,
        state: columns.json("state of a credential")?,
    })
}
