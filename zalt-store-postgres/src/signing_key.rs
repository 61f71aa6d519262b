use sqlx::Error;
use zalt_core::secret::Sealed;
use zalt_core::signing_key::SigningKeyRecord;
use zalt_core::store::{GuardReason, StoreError};

use crate::database::{Database, Transaction};
use crate::error::Refusal;
use crate::sql::{Columns, Value, statements};
use crate::steps::{Step, steps};

statements! {
    ALL =
        "SELECT kid, alg, created_at, signs_from, expires_at, private_key FROM zalt.signing_keys \
         ORDER BY created_at, kid";
    EXISTS = "SELECT 1 FROM zalt.signing_keys WHERE kid = $1";
}

steps! {
    TAKE_TURN: Guarded [SIGNING_KEY_TURN] =
        "@c AS (UPDATE zalt.signing_key_turn SET turn = turn + 1 WHERE id = 1 RETURNING 1)";
    /// `IS NOT DISTINCT FROM` holds for two nulls too: no key was there, and none is.
    INSERT: Guarded [SIGNING_KEYS] =
        "@c AS (INSERT INTO zalt.signing_keys (kid, alg, created_at, signs_from, expires_at, private_key) \
         SELECT $1, $2, $3, $4, $5, $6 WHERE $7 IS NOT DISTINCT FROM \
         (SELECT kid FROM zalt.signing_keys ORDER BY created_at DESC, kid DESC LIMIT 1) \
         ON CONFLICT DO NOTHING RETURNING 1)";
}

/// Every signing key, oldest first.
pub(crate) async fn list(db: &Database) -> Result<Vec<SigningKeyRecord>, StoreError> {
    db.all(ALL, &[], read).await
}

/// First the turn, which waits for whoever adds a key at the moment, then the key, in a statement that sees theirs.
pub(crate) fn insert(key: &SigningKeyRecord, newest: Option<&str>) -> [Step; 2] {
    let values = vec![
        Value::text(&*key.kid),
        Value::text(&*key.alg),
        Value::instant(key.created_at),
        Value::instant(key.signs_from),
        Value::instant(key.expires_at),
        Value::bytes(key.private_key.as_bytes()),
        Value::maybe_text(newest),
    ];
    let take_turn = Step::new(TAKE_TURN, Vec::new());
    [take_turn, Step::new(INSERT, values).fresh()]
}

pub(crate) async fn why_not_inserted(
    db: &mut Transaction<'_>,
    key: &SigningKeyRecord,
) -> Result<GuardReason, Refusal> {
    if db.any(EXISTS, &[Value::text(&*key.kid)]).await? {
        Ok(GuardReason::AlreadyExists)
    } else {
        Ok(GuardReason::NotNewestKey)
    }
}

fn read(columns: &mut Columns<'_>) -> Result<SigningKeyRecord, Error> {
    Ok(SigningKeyRecord {
        kid: columns.text()?,
        alg: columns.text()?,
        created_at: columns.instant()?,
        signs_from: columns.instant()?,
        expires_at: columns.instant()?,
        private_key: Sealed::from_bytes(columns.bytes()?),
    })
}
