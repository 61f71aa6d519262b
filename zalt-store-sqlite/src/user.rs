use rusqlite::types::Value;
use rusqlite::{Connection, Error, ToSql, params, params_from_iter};
use zalt_core::Timestamp;
use zalt_core::credential::CredentialHandle;
use zalt_core::id::UserId;
use zalt_core::identifier::IdentifierKey;
use zalt_core::store::{GuardReason, Page, PageRequest, UserFilter};
use zalt_core::user::{Account, ImageUrl, Metadata, Name, Profile, User, UserMetadata, UserStatus};

use crate::error::Applied;
use crate::sql::{Columns, all, execute, exists, first, only, statements};
use crate::{credential, identifier, password};

/// The columns of a user in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        "u.id, u.suspended_at, u.deleted_at, u.session_epoch, u.last_sign_in_at, u.created_at, u.updated_at, u.version, \
         u.first_name, u.last_name, u.image_url, u.public_metadata, u.private_metadata, u.unsafe_metadata, \
         u.frozen_at, u.recovered_at"
    };
}
pub(crate) use columns;

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM zalt_users u WHERE u.id = ?1");
    VERIFIED_OWNER =
        "SELECT user_id FROM zalt_identifiers WHERE kind = ?1 AND key = ?2 AND verified_at IS NOT NULL";
    EXISTS = "SELECT 1 FROM zalt_users WHERE id = ?1";
    COUNT = "SELECT sum(users) FROM zalt_user_counts WHERE active IN (?1, ?2)";
    INSERT =
        "INSERT INTO zalt_users (id, suspended_at, deleted_at, session_epoch, last_sign_in_at, created_at, updated_at, \
         version, first_name, last_name, image_url, public_metadata, private_metadata, unsafe_metadata, frozen_at, \
         recovered_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) ON CONFLICT DO NOTHING";
    /// Leaves the epoch and the last sign-in alone: they move without the version.
    UPDATE =
        "UPDATE zalt_users SET suspended_at = ?3, deleted_at = ?4, created_at = ?5, updated_at = ?6, version = ?7, \
         first_name = ?8, last_name = ?9, image_url = ?10, public_metadata = ?11, private_metadata = ?12, \
         unsafe_metadata = ?13, frozen_at = ?14, recovered_at = ?15 WHERE id = ?1 AND version = ?2";
    /// What belongs to the user goes with it by foreign keys.
    PURGE = "DELETE FROM zalt_users WHERE id = ?1 AND version = ?2";
}

/// The user with this id.
pub(crate) fn by_id(db: &Connection, id: UserId) -> Result<Option<User>, Error> {
    first(db, BY_ID, [id.as_bytes()], read)
}

/// The user with what belongs to it. The caller holds a read transaction, so that all parts are of one moment.
pub(crate) fn account(db: &Connection, id: UserId) -> Result<Option<Account>, Error> {
    let Some(user) = by_id(db, id)? else {
        return Ok(None);
    };
    Ok(Some(Account {
        user,
        identifiers: identifier::of_user(db, id)?,
        password: password::of_user(db, id)?,
        credentials: credential::of_user(db, id)?,
    }))
}

/// The account that owns this identifier verified. The caller holds a read transaction.
pub(crate) fn account_by_identifier(
    db: &Connection,
    key: &IdentifierKey,
) -> Result<Option<Account>, Error> {
    let owner = first(
        db,
        VERIFIED_OWNER,
        params![key.kind.as_str(), key.key],
        |columns| columns.value().map(UserId::from_bytes),
    )?;
    match owner {
        Some(id) => account(db, id),
        None => Ok(None),
    }
}

/// The account that has the credential of this handle. The caller holds a read transaction.
pub(crate) fn account_by_credential(
    db: &Connection,
    handle: CredentialHandle,
) -> Result<Option<Account>, Error> {
    match credential::owner(db, handle)? {
        Some(id) => account(db, id),
        None => Ok(None),
    }
}

/// Users, newest first.
pub(crate) fn list(
    db: &Connection,
    filter: &UserFilter,
    page: PageRequest,
) -> Result<Page<User>, Error> {
    let mut search = Search::new(filter);
    if let Some(cursor) = page.after {
        search.and_older(cursor.id());
    }
    // One more than the page holds tells whether another follows.
    search
        .values
        .push(Value::Integer(i64::from(page.limit.rows()) + 1));
    let sql = search.list_sql();
    let rows = all(db, &sql, params_from_iter(search.values), read)?;
    Ok(Page::from_rows(rows, page.limit, |user| {
        *user.id.as_bytes()
    }))
}

/// How many users the filter holds.
pub(crate) fn count(db: &Connection, filter: &UserFilter) -> Result<u64, Error> {
    let count: Option<i64> = if is_counted(filter) {
        let (one, other) = filter.active.map_or((false, true), |only| (only, only));
        first(db, COUNT, params![one, other], only)?
    } else {
        let search = Search::new(filter);
        let sql = search.count_sql();
        first(db, &sql, params_from_iter(search.values), only)?
    };
    Ok(count.map_or(0, i64::cast_unsigned))
}

/// Whether the number of these users is kept, so that nobody has to count them.
const fn is_counted(filter: &UserFilter) -> bool {
    filter.identifier_prefix.is_none() && filter.deleted_before.is_none()
}

/// A filter as conditions, each only where it is wanted, so that SQLite finds the index for it.
struct Search {
    conditions: Vec<&'static str>,
    values: Vec<Value>,
    by_deletion: bool,
}

impl Search {
    fn new(filter: &UserFilter) -> Self {
        let mut search = Self {
            conditions: Vec::new(),
            values: Vec::new(),
            by_deletion: filter.deleted_before.is_some(),
        };
        if let Some(active) = filter.active {
            search.and("u.active = ?", Value::Integer(i64::from(active)));
        }
        if let Some(before) = filter.deleted_before {
            search.and("u.deleted_at < ?", Value::Integer(before.unix_millis()));
        }
        if let Some(prefix) = &filter.identifier_prefix {
            search.and_prefix(prefix.to_lowercase());
        }
        search
    }

    fn and(&mut self, condition: &'static str, value: Value) {
        self.conditions.push(condition);
        self.values.push(value);
    }

    /// Few users were deleted and not purged yet. To have them found by when, and then sorted, a plus keeps SQLite from
    /// going through all users in the order of the list.
    const fn by_deletion<T: Copy>(&self, so: T, otherwise: T) -> T {
        if self.by_deletion { so } else { otherwise }
    }

    fn and_older(&mut self, id: &[u8; 16]) {
        let condition = self.by_deletion("+u.id < ?", "u.id < ?");
        self.and(condition, Value::Blob(id.to_vec()));
    }

    fn and_prefix(&mut self, prefix: String) {
        match identifier::end_of_prefix(&prefix) {
            Some(end) => {
                self.and(
                    "u.id IN (SELECT user_id FROM zalt_identifiers WHERE key >= ? AND key < ?)",
                    Value::Text(prefix),
                );
                self.values.push(Value::Text(end));
            }
            None => self.and(
                "u.id IN (SELECT user_id FROM zalt_identifiers WHERE key >= ?)",
                Value::Text(prefix),
            ),
        }
    }

    fn list_sql(&self) -> String {
        format!(
            "SELECT {} FROM zalt_users u{} ORDER BY {} DESC LIMIT ?",
            columns!(),
            self.where_clause(),
            self.by_deletion("+u.id", "u.id"),
        )
    }

    fn count_sql(&self) -> String {
        format!("SELECT count(*) FROM zalt_users u{}", self.where_clause())
    }

    fn where_clause(&self) -> String {
        if self.conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", self.conditions.join(" AND "))
        }
    }
}

pub(crate) fn insert(db: &Connection, user: &User) -> Applied {
    let (suspended_at, deleted_at) = status_columns(user.status);
    let metadata = MetadataText::of(&user.metadata)?;
    let written = execute(
        db,
        INSERT,
        params![
            user.id.as_bytes(),
            suspended_at,
            deleted_at,
            user.session_epoch.cast_signed(),
            user.last_sign_in_at.map(Timestamp::unix_millis),
            user.created_at.unix_millis(),
            user.updated_at.unix_millis(),
            user.version.cast_signed(),
            user.profile.first_name.as_ref().map(Name::as_str),
            user.profile.last_name.as_ref().map(Name::as_str),
            user.profile.image_url.as_ref().map(ImageUrl::as_str),
            metadata.public,
            metadata.private,
            metadata.unsafe_,
            user.frozen_at.map(Timestamp::unix_millis),
            user.recovered_at.map(Timestamp::unix_millis),
        ],
    )?;
    if written == 1 {
        Ok(())
    } else {
        Err(GuardReason::AlreadyExists.into())
    }
}

pub(crate) fn update(db: &Connection, user: &User) -> Applied {
    let (suspended_at, deleted_at) = status_columns(user.status);
    let metadata = MetadataText::of(&user.metadata)?;
    let written = execute(
        db,
        UPDATE,
        params![
            user.id.as_bytes(),
            user.version.cast_signed(),
            suspended_at,
            deleted_at,
            user.created_at.unix_millis(),
            user.updated_at.unix_millis(),
            next_version(user.version),
            user.profile.first_name.as_ref().map(Name::as_str),
            user.profile.last_name.as_ref().map(Name::as_str),
            user.profile.image_url.as_ref().map(ImageUrl::as_str),
            metadata.public,
            metadata.private,
            metadata.unsafe_,
            user.frozen_at.map(Timestamp::unix_millis),
            user.recovered_at.map(Timestamp::unix_millis),
        ],
    )?;
    versioned(written, db, EXISTS, user.id.as_bytes())
}

pub(crate) fn purge(db: &Connection, id: UserId, version: u64) -> Applied {
    let written = execute(db, PURGE, params![id.as_bytes(), version.cast_signed()])?;
    versioned(written, db, EXISTS, id.as_bytes())
}

/// Fails unless the user exists.
pub(crate) fn found(db: &Connection, id: UserId) -> Applied {
    if exists(db, EXISTS, [id.as_bytes()])? {
        Ok(())
    } else {
        Err(GuardReason::NotFound.into())
    }
}

/// Says why a write that names the version it read wrote nothing, if it wrote nothing.
pub(crate) fn versioned(
    written: usize,
    db: &Connection,
    exists_sql: &str,
    id: impl ToSql,
) -> Applied {
    if written == 1 {
        Ok(())
    } else if exists(db, exists_sql, [id])? {
        Err(GuardReason::VersionMismatch.into())
    } else {
        Err(GuardReason::NotFound.into())
    }
}

/// The version after this one, as it is kept. The last one has none, which its column refuses once the guard held.
pub(crate) fn next_version(version: u64) -> Option<i64> {
    version.checked_add(1).map(u64::cast_signed)
}

struct MetadataText {
    public: String,
    private: String,
    unsafe_: String,
}

impl MetadataText {
    fn of(metadata: &UserMetadata) -> Result<Self, Error> {
        Ok(Self {
            public: to_json(&metadata.public)?,
            private: to_json(&metadata.private)?,
            unsafe_: to_json(&metadata.unsafe_)?,
        })
    }
}

/// The JSON text of a value.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

const fn status_columns(status: UserStatus) -> (Option<i64>, Option<i64>) {
    match status {
        UserStatus::Active => (None, None),
        UserStatus::Suspended { at } => (Some(at.unix_millis()), None),
        UserStatus::Deleted { at } => (None, Some(at.unix_millis())),
    }
}

/// Reads the columns of a user.
pub(crate) fn read(columns: &mut Columns<'_, '_>) -> Result<User, Error> {
    Ok(User {
        id: UserId::from_bytes(columns.value()?),
        status: match (columns.maybe_instant()?, columns.maybe_instant()?) {
            (None, None) => UserStatus::Active,
            (Some(at), None) => UserStatus::Suspended { at },
            (_, Some(at)) => UserStatus::Deleted { at },
        },
        session_epoch: columns.count()?,
        last_sign_in_at: columns.maybe_instant()?,
        created_at: columns.instant()?,
        updated_at: columns.instant()?,
        version: columns.count()?,
        profile: Profile {
            first_name: columns.maybe_parsed("name", |text| Name::parse(text).ok())?,
            last_name: columns.maybe_parsed("name", |text| Name::parse(text).ok())?,
            image_url: columns.maybe_parsed("URL", |text| ImageUrl::parse(text).ok())?,
        },
        metadata: UserMetadata {
            public: metadata(columns)?,
            private: metadata(columns)?,
            unsafe_: metadata(columns)?,
        },
        frozen_at: columns.maybe_instant()?,
        recovered_at: columns.maybe_instant()?,
    })
}

fn metadata(columns: &mut Columns<'_, '_>) -> Result<Metadata, Error> {
    columns.parsed("JSON object", |text| match text {
        // Most users have none; reading those costs nothing.
        "{}" => Some(Metadata::default()),
        text => serde_json::from_str(text).ok(),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Every statement that a filter can turn into.
    pub(crate) fn searches() -> Vec<(String, String)> {
        let mut statements = Vec::new();
        for active in [None, Some(true), Some(false)] {
            for identifier_prefix in [None, Some("ada".to_owned()), Some("\u{10ffff}".to_owned())] {
                for deleted_before in [None, Some(Timestamp::from_unix_millis(1))] {
                    let filter = UserFilter {
                        active,
                        identifier_prefix: identifier_prefix.clone(),
                        deleted_before,
                    };
                    let mut search = Search::new(&filter);
                    if !is_counted(&filter) {
                        statements.push((format!("count {filter:?}"), search.count_sql()));
                    }
                    statements.push((format!("first page {filter:?}"), search.list_sql()));
                    search.and_older(&[0; 16]);
                    statements.push((format!("next page {filter:?}"), search.list_sql()));
                }
            }
        }
        statements
    }
}
