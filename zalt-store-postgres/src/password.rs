use sqlx::Error;
use zalt_core::id::UserId;
use zalt_core::password::PasswordPhc;
use zalt_core::store::GuardReason;
use zalt_core::user::PasswordCredential;

use crate::database::Transaction;
use crate::error::Refusal;
use crate::sql::{Columns, Value, statements};
use crate::steps::{Step, steps};
use crate::user::{self, versioned};

/// The columns of a password in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        "p.user_id, p.phc, p.set_at, p.version"
    };
}
pub(crate) use columns;

/// How many columns [`read`] takes.
pub(crate) const COLUMNS: usize = 4;

statements! {
    EXISTS = "SELECT 1 FROM zalt.passwords WHERE user_id = $1";
}

steps! {
    INSERT: Guarded [PASSWORDS] =
        "@c AS (INSERT INTO zalt.passwords (user_id, phc, set_at, version) \
         SELECT id, $2, $3, $4 FROM zalt.users WHERE id = $1 ON CONFLICT DO NOTHING RETURNING 1)";
    UPDATE: Guarded [PASSWORDS] =
        "@c AS (UPDATE zalt.passwords SET phc = $3, set_at = $4, version = $5 WHERE user_id = $1 AND version = $2 \
         RETURNING 1)";
}

pub(crate) fn insert(password: &PasswordCredential) -> Step {
    let values = vec![
        Value::id(password.user_id.as_bytes()),
        Value::text(password.phc.as_str()),
        Value::instant(password.set_at),
        Value::count(password.version),
    ];
    Step::new(INSERT, values).needing(password.user_id)
}

pub(crate) async fn why_not_inserted(
    db: &mut Transaction<'_>,
    password: &PasswordCredential,
) -> Result<GuardReason, Refusal> {
    user::found(db, password.user_id).await?;
    if db.exists(EXISTS, password.user_id.as_bytes()).await? {
        Ok(GuardReason::AlreadyExists)
    } else {
        Err(Refusal::Moved)
    }
}

pub(crate) fn update(password: &PasswordCredential) -> Step {
    let values = vec![
        Value::id(password.user_id.as_bytes()),
        Value::count(password.version),
        Value::text(password.phc.as_str()),
        Value::instant(password.set_at),
        Value::after_version(password.version),
    ];
    Step::new(UPDATE, values)
}

pub(crate) async fn why_not_updated(
    db: &mut Transaction<'_>,
    password: &PasswordCredential,
) -> Result<GuardReason, Refusal> {
    versioned(db, EXISTS, password.user_id.as_bytes()).await
}

/// Reads the columns of a password, which are all null if none is set.
pub(crate) fn read_maybe(columns: &mut Columns<'_>) -> Result<Option<PasswordCredential>, Error> {
    if columns.is_null()? {
        columns.skip(COLUMNS);
        return Ok(None);
    }
    read(columns).map(Some)
}

fn read(columns: &mut Columns<'_>) -> Result<PasswordCredential, Error> {
    Ok(PasswordCredential {
        user_id: UserId::from_bytes(columns.id()?),
        phc: columns.parsed("password hash", |text| PasswordPhc::parse(text).ok())?,
        set_at: columns.instant()?,
        version: columns.count()?,
    })
}
