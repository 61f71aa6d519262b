use rusqlite::{Connection, Error, ffi, params};
use zalt_core::Timestamp;
use zalt_core::id::{IdentifierId, UserId};
use zalt_core::identifier::{
    EmailAddress, Identifier, IdentifierKind, IdentifierValue, PhoneNumber, Username,
};
use zalt_core::store::GuardReason;

use crate::error::Applied;
use crate::sql::{Columns, all, execute, exists, statements};
use crate::user::{self, next_version, versioned};

statements! {
    OF_USER =
        "SELECT id, user_id, kind, value, verified_at, is_primary, created_at, version FROM zalt_identifiers \
         WHERE user_id = ?1 ORDER BY id";
    EXISTS = "SELECT 1 FROM zalt_identifiers WHERE id = ?1";
    INSERT =
        "INSERT INTO zalt_identifiers (id, user_id, kind, key, value, verified_at, is_primary, created_at, version) \
         SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM zalt_users WHERE id = ?2 ON CONFLICT DO NOTHING";
    UPDATE =
        "UPDATE zalt_identifiers SET verified_at = ?3, is_primary = ?4, created_at = ?5, version = ?6 \
         WHERE id = ?1 AND version = ?2";
    DELETE = "DELETE FROM zalt_identifiers WHERE id = ?1 AND version = ?2";
}

/// The identifiers of a user, oldest first.
pub(crate) fn of_user(db: &Connection, user_id: UserId) -> Result<Vec<Identifier>, Error> {
    all(db, OF_USER, [user_id.as_bytes()], read)
}

pub(crate) fn insert(db: &Connection, identifier: &Identifier) -> Applied {
    let key = identifier.value.key();
    let written = execute(
        db,
        INSERT,
        params![
            identifier.id.as_bytes(),
            identifier.user_id.as_bytes(),
            key.kind.as_str(),
            key.key,
            identifier.value.as_str(),
            identifier.verified_at.map(Timestamp::unix_millis),
            identifier.primary,
            identifier.created_at.unix_millis(),
            identifier.version.cast_signed(),
        ],
    )?;
    if written == 1 {
        return Ok(());
    }
    if exists(db, EXISTS, [identifier.id.as_bytes()])? {
        return Err(GuardReason::AlreadyExists.into());
    }
    user::found(db, identifier.user_id)?;
    Err(GuardReason::IdentifierTaken.into())
}

pub(crate) fn update(db: &Connection, identifier: &Identifier) -> Applied {
    let id = identifier.id.as_bytes();
    let written = execute(
        db,
        UPDATE,
        params![
            id,
            identifier.version.cast_signed(),
            identifier.verified_at.map(Timestamp::unix_millis),
            identifier.primary,
            identifier.created_at.unix_millis(),
            next_version(identifier.version),
        ],
    );
    match written {
        // The one unique index that an update can run into is that of verified owners.
        Err(error) if error.sqlite_extended_error_code() == Some(ffi::SQLITE_CONSTRAINT_UNIQUE) => {
            Err(GuardReason::IdentifierTaken.into())
        }
        written => versioned(written?, db, EXISTS, id),
    }
}

pub(crate) fn delete(db: &Connection, id: IdentifierId, version: u64) -> Applied {
    let written = execute(db, DELETE, params![id.as_bytes(), version.cast_signed()])?;
    versioned(written, db, EXISTS, id.as_bytes())
}

/// The least text that is greater than every text that begins with `prefix`; `None` if there is none such.
///
/// SQLite compares text by its UTF-8 bytes, whose order is that of code points. So the last character that has a
/// successor gets it, and what followed is dropped.
pub(crate) fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // The range skips the surrogates, which are no characters.
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

fn read(columns: &mut Columns<'_, '_>) -> Result<Identifier, Error> {
    Ok(Identifier {
        id: IdentifierId::from_bytes(columns.value()?),
        user_id: UserId::from_bytes(columns.value()?),
        value: {
            let kind = columns.name("kind of identifier")?;
            columns.parsed("identifier of its kind", |text| parse(kind, text))?
        },
        verified_at: columns.maybe_instant()?,
        primary: columns.value()?,
        created_at: columns.instant()?,
        version: columns.count()?,
    })
}

fn parse(kind: IdentifierKind, text: &str) -> Option<IdentifierValue> {
    match kind {
        IdentifierKind::EmailAddress => EmailAddress::parse(text)
            .map(IdentifierValue::EmailAddress)
            .ok(),
        IdentifierKind::PhoneNumber => PhoneNumber::from_e164(text)
            .map(IdentifierValue::PhoneNumber)
            .ok(),
        IdentifierKind::Username => Username::parse(text).map(IdentifierValue::Username).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_its_successor() {
        for (prefix, end) in [
            ("ada", Some("adb")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{7f}", Some("\u{80}")),
            ("\u{10ffff}\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(end_of_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
