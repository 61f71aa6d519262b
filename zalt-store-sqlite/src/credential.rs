use rusqlite::{Connection, Error, params};
use zalt_core::Timestamp;
use zalt_core::credential::{Credential, CredentialHandle};
use zalt_core::id::{CredentialId, UserId};
use zalt_core::store::GuardReason;
use zalt_core::user::Name;

use crate::error::Applied;
use crate::sql::{Columns, all, execute, exists, first, statements};
use crate::user::{self, next_version, to_json, versioned};

statements! {
    OF_USER =
        "SELECT id, user_id, handle, name, created_at, last_used_at, version, state FROM zalt_credentials \
         WHERE user_id = ?1 ORDER BY id";
    OWNER = "SELECT user_id FROM zalt_credentials WHERE handle = ?1";
    EXISTS = "SELECT 1 FROM zalt_credentials WHERE id = ?1";
    INSERT =
        "INSERT INTO zalt_credentials (id, user_id, handle, name, created_at, last_used_at, version, state) \
         SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8 FROM zalt_users WHERE id = ?2 ON CONFLICT DO NOTHING";
    UPDATE =
        "UPDATE zalt_credentials SET name = ?3, created_at = ?4, last_used_at = ?5, version = ?6, state = ?7 \
         WHERE id = ?1 AND version = ?2";
    DELETE = "DELETE FROM zalt_credentials WHERE id = ?1 AND version = ?2";
}

/// The credentials of a user, oldest first.
pub(crate) fn of_user(db: &Connection, user_id: UserId) -> Result<Vec<Credential>, Error> {
    all(db, OF_USER, [user_id.as_bytes()], read)
}

/// Who has the credential of this handle.
pub(crate) fn owner(db: &Connection, handle: CredentialHandle) -> Result<Option<UserId>, Error> {
    first(db, OWNER, [handle.as_bytes()], |columns| {
        columns.value().map(UserId::from_bytes)
    })
}

pub(crate) fn insert(db: &Connection, credential: &Credential) -> Applied {
    let written = execute(
        db,
        INSERT,
        params![
            credential.id.as_bytes(),
            credential.user_id.as_bytes(),
            credential.handle.as_ref().map(CredentialHandle::as_bytes),
            credential.name.as_ref().map(Name::as_str),
            credential.created_at.unix_millis(),
            credential.last_used_at.map(Timestamp::unix_millis),
            credential.version.cast_signed(),
            to_json(&credential.state)?,
        ],
    )?;
    if written == 1 {
        return Ok(());
    }
    if exists(db, EXISTS, [credential.id.as_bytes()])? {
        return Err(GuardReason::AlreadyExists.into());
    }
    user::found(db, credential.user_id)?;
    Err(GuardReason::CredentialTaken.into())
}

pub(crate) fn update(db: &Connection, credential: &Credential) -> Applied {
    let written = execute(
        db,
        UPDATE,
        params![
            credential.id.as_bytes(),
            credential.version.cast_signed(),
            credential.name.as_ref().map(Name::as_str),
            credential.created_at.unix_millis(),
            credential.last_used_at.map(Timestamp::unix_millis),
            next_version(credential.version),
            to_json(&credential.state)?,
        ],
    )?;
    versioned(written, db, EXISTS, credential.id.as_bytes())
}

pub(crate) fn delete(db: &Connection, id: CredentialId, version: u64) -> Applied {
    let written = execute(db, DELETE, params![id.as_bytes(), version.cast_signed()])?;
    versioned(written, db, EXISTS, id.as_bytes())
}

fn read(columns: &mut Columns<'_, '_>) -> Result<Credential, Error> {
    Ok(Credential {
        id: CredentialId::from_bytes(columns.value()?),
        user_id: UserId::from_bytes(columns.value()?),
        handle: columns
            .value::<Option<_>>()?
            .map(CredentialHandle::from_bytes),
        name: columns.maybe_parsed("name", |text| Name::parse(text).ok())?,
        created_at: columns.instant()?,
        last_used_at: columns.maybe_instant()?,
        version: columns.count()?,
        state: columns.json("state of a credential")?,
    })
}
