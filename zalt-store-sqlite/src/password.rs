use rusqlite::{Connection, Error, params};
use zalt_core::id::UserId;
use zalt_core::password::PasswordPhc;
use zalt_core::store::GuardReason;
use zalt_core::user::PasswordCredential;

use crate::error::Applied;
use crate::sql::{Columns, execute, first, statements};
use crate::user::{self, next_version, versioned};

statements! {
    OF_USER = "SELECT user_id, phc, set_at, version FROM zalt_passwords WHERE user_id = ?1";
    EXISTS = "SELECT 1 FROM zalt_passwords WHERE user_id = ?1";
    INSERT =
        "INSERT INTO zalt_passwords (user_id, phc, set_at, version) \
         SELECT id, ?2, ?3, ?4 FROM zalt_users WHERE id = ?1 ON CONFLICT DO NOTHING";
    UPDATE = "UPDATE zalt_passwords SET phc = ?3, set_at = ?4, version = ?5 WHERE user_id = ?1 AND version = ?2";
}

/// The password of a user, if one is set.
pub(crate) fn of_user(
    db: &Connection,
    user_id: UserId,
) -> Result<Option<PasswordCredential>, Error> {
    first(db, OF_USER, [user_id.as_bytes()], read)
}

pub(crate) fn insert(db: &Connection, password: &PasswordCredential) -> Applied {
    let written = execute(
        db,
        INSERT,
        params![
            password.user_id.as_bytes(),
            password.phc.as_str(),
            password.set_at.unix_millis(),
            password.version.cast_signed(),
        ],
    )?;
    if written == 1 {
        return Ok(());
    }
    user::found(db, password.user_id)?;
    Err(GuardReason::AlreadyExists.into())
}

pub(crate) fn update(db: &Connection, password: &PasswordCredential) -> Applied {
    let written = execute(
        db,
        UPDATE,
        params![
            password.user_id.as_bytes(),
            password.version.cast_signed(),
            password.phc.as_str(),
            password.set_at.unix_millis(),
            next_version(password.version),
        ],
    )?;
    versioned(written, db, EXISTS, password.user_id.as_bytes())
}

fn read(columns: &mut Columns<'_, '_>) -> Result<PasswordCredential, Error> {
    Ok(PasswordCredential {
        user_id: UserId::from_bytes(columns.value()?),
        phc: columns.parsed("password hash", |text| PasswordPhc::parse(text).ok())?,
        set_at: columns.instant()?,
        version: columns.count()?,
    })
}
