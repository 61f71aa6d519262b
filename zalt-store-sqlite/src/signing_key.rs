use rusqlite::{Connection, Error, params};
use zalt_core::secret::Sealed;
use zalt_core::signing_key::SigningKeyRecord;
use zalt_core::store::GuardReason;

use crate::error::Applied;
use crate::sql::{Columns, all, execute, exists, statements};

statements! {
    ALL =
        "SELECT kid, alg, created_at, signs_from, expires_at, private_key FROM zalt_signing_keys \
         ORDER BY created_at, kid";
    EXISTS = "SELECT 1 FROM zalt_signing_keys WHERE kid = ?1";
    /// `IS` holds for two nulls too: no key was there, and none is.
    INSERT =
        "INSERT INTO zalt_signing_keys (kid, alg, created_at, signs_from, expires_at, private_key) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6 \
         WHERE ?7 IS (SELECT kid FROM zalt_signing_keys ORDER BY created_at DESC, kid DESC LIMIT 1) \
         ON CONFLICT DO NOTHING";
}

/// Every signing key, oldest first.
pub(crate) fn list(db: &Connection) -> Result<Vec<SigningKeyRecord>, Error> {
    all(db, ALL, [], read)
}

pub(crate) fn insert(db: &Connection, key: &SigningKeyRecord, newest: Option<&str>) -> Applied {
    let written = execute(
        db,
        INSERT,
        params![
            key.kid,
            key.alg,
            key.created_at.unix_millis(),
            key.signs_from.unix_millis(),
            key.expires_at.unix_millis(),
            key.private_key.as_bytes(),
            newest,
        ],
    )?;
    if written == 1 {
        Ok(())
    } else if exists(db, EXISTS, [&key.kid])? {
        Err(GuardReason::AlreadyExists.into())
    } else {
        Err(GuardReason::NotNewestKey.into())
    }
}

fn read(columns: &mut Columns<'_, '_>) -> Result<SigningKeyRecord, Error> {
    Ok(SigningKeyRecord {
        kid: columns.value()?,
        alg: columns.value()?,
        created_at: columns.instant()?,
        signs_from: columns.instant()?,
        expires_at: columns.instant()?,
        private_key: Sealed::from_bytes(columns.value()?),
    })
}
