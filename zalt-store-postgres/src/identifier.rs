use sqlx::Error;
use zalt_core::id::{IdentifierId, UserId};
use zalt_core::identifier::{
    EmailAddress, Identifier, IdentifierKind, IdentifierValue, PhoneNumber, Username,
};
use zalt_core::store::GuardReason;

use crate::database::Transaction;
use crate::error::Refusal;
use crate::sql::{Columns, Value, statements};
use crate::steps::{Step, steps};
use crate::user::{self, versioned};

/// How many columns of an account's list only identifiers have.
pub(crate) const OWN_COLUMNS: usize = 4;

statements! {
    EXISTS = "SELECT 1 FROM zalt.identifiers WHERE id = $1";
    /// Whether the user has the key already, or, if this one is verified, anybody owns it.
    TAKEN =
        "SELECT 1 FROM zalt.identifiers \
         WHERE kind = $2 AND key = $3 AND (user_id = $1 OR ($4 AND verified_at IS NOT NULL)) LIMIT 1";
}

steps! {
    INSERT: Guarded [IDENTIFIERS] =
        "@c AS (INSERT INTO zalt.identifiers (id, user_id, kind, key, value, verified_at, is_primary, created_at, version) \
         SELECT $1, id, $3, $4, $5, $6, $7, $8, $9 FROM zalt.users WHERE id = $2 ON CONFLICT DO NOTHING RETURNING 1)";
    UPDATE: Guarded [IDENTIFIERS] =
        "@c AS (UPDATE zalt.identifiers SET verified_at = $3, is_primary = $4, created_at = $5, version = $6 \
         WHERE id = $1 AND version = $2 RETURNING 1)";
    DELETE: Guarded [IDENTIFIERS] =
        "@c AS (DELETE FROM zalt.identifiers WHERE id = $1 AND version = $2 RETURNING 1)";
}

pub(crate) fn insert(identifier: &Identifier) -> Step {
    let key = identifier.value.key();
    let values = vec![
        Value::id(identifier.id.as_bytes()),
        Value::id(identifier.user_id.as_bytes()),
        Value::text(key.kind.as_str()),
        Value::text(key.key),
        Value::text(identifier.value.as_str()),
        Value::maybe_instant(identifier.verified_at),
        Value::Truth(identifier.primary),
        Value::instant(identifier.created_at),
        Value::count(identifier.version),
    ];
    Step::new(INSERT, values).needing(identifier.user_id)
}

pub(crate) async fn why_not_inserted(
    db: &mut Transaction<'_>,
    identifier: &Identifier,
) -> Result<GuardReason, Refusal> {
    if db.exists(EXISTS, identifier.id.as_bytes()).await? {
        return Ok(GuardReason::AlreadyExists);
    }
    user::found(db, identifier.user_id).await?;
    let key = identifier.value.key();
    let values = [
        Value::id(identifier.user_id.as_bytes()),
        Value::text(key.kind.as_str()),
        Value::text(key.key),
        Value::Truth(identifier.verified_at.is_some()),
    ];
    if db.any(TAKEN, &values).await? {
        Ok(GuardReason::IdentifierTaken)
    } else {
        Err(Refusal::Moved)
    }
}

/// The one unique index that an update can run into is that of verified owners.
pub(crate) fn update(identifier: &Identifier) -> Step {
    let values = vec![
        Value::id(identifier.id.as_bytes()),
        Value::count(identifier.version),
        Value::maybe_instant(identifier.verified_at),
        Value::Truth(identifier.primary),
        Value::instant(identifier.created_at),
        Value::after_version(identifier.version),
    ];
    Step::new(UPDATE, values)
}

pub(crate) fn delete(id: IdentifierId, version: u64) -> Step {
    let values = vec![Value::id(id.as_bytes()), Value::count(version)];
    Step::new(DELETE, values)
}

/// Why an identifier of this version was not written.
pub(crate) async fn why_not_written(
    db: &mut Transaction<'_>,
    id: IdentifierId,
) -> Result<GuardReason, Refusal> {
    versioned(db, EXISTS, id.as_bytes()).await
}

/// The least text that is greater than every text that begins with `prefix`; `None` if there is none such.
///
/// Keys are compared by their UTF-8 bytes, whose order is that of code points. So the last character that has a successor
/// gets it, and what followed is dropped.
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

/// Reads the columns of an identifier, as an account lists them.
pub(crate) fn read(columns: &mut Columns<'_>) -> Result<Identifier, Error> {
    Ok(Identifier {
        id: IdentifierId::from_bytes(columns.id()?),
        user_id: UserId::from_bytes(columns.id()?),
        created_at: columns.instant()?,
        version: columns.count()?,
        value: {
            let kind = columns.name("kind of identifier")?;
            columns.parsed("identifier of its kind", |text| parse(kind, text))?
        },
        verified_at: columns.maybe_instant()?,
        primary: columns.truth()?,
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
