use sqlx::Error;
use sqlx::postgres::PgRow;
use zalt_core::credential::CredentialHandle;
use zalt_core::id::UserId;
use zalt_core::identifier::IdentifierKey;
use zalt_core::store::{GuardReason, Page, PageRequest, StoreError, UserFilter};
use zalt_core::user::{Account, ImageUrl, Metadata, Name, Profile, User, UserMetadata, UserStatus};

use crate::database::{Database, Transaction};
use crate::error::Refusal;
use crate::sql::{Columns, Statement, Value, only_number, statements};
use crate::steps::{Step, steps};
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

/// A user with what belongs to it: a row for each identifier and for each credential, or one if there is neither. The last
/// columns are those of an identifier where `part` is 0, and of a credential where it is 1.
macro_rules! account {
    ($from:literal, $condition:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", ",
            password::columns!(),
            ", b.part, b.id, b.user_id, b.created_at, b.version, b.kind, b.value, b.verified_at, b.is_primary, b.handle, \
             b.name, b.last_used_at, b.state FROM ",
            $from,
            " LEFT JOIN zalt.passwords p ON p.user_id = u.id LEFT JOIN LATERAL (\
             SELECT 0::BIGINT AS part, i.id, i.user_id, i.created_at, i.version, i.kind, i.value, i.verified_at, \
             i.is_primary, NULL::BYTEA AS handle, NULL::TEXT AS name, NULL::BIGINT AS last_used_at, NULL::JSON AS state \
             FROM zalt.identifiers i WHERE i.user_id = u.id \
             UNION ALL \
             SELECT 1, c.id, c.user_id, c.created_at, c.version, NULL, NULL, NULL, NULL, c.handle, c.name, c.last_used_at, \
             c.state FROM zalt.credentials c WHERE c.user_id = u.id) b ON true WHERE ",
            $condition,
            " ORDER BY b.part, b.id"
        )
    };
}

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM zalt.users u WHERE u.id = $1");
    ACCOUNT = account!("zalt.users u", "u.id = $1");
    ACCOUNT_BY_IDENTIFIER = account!(
        "zalt.identifiers o JOIN zalt.users u ON u.id = o.user_id",
        "o.kind = $1 AND o.key = $2 AND o.verified_at IS NOT NULL"
    );
    ACCOUNT_BY_CREDENTIAL = account!(
        "zalt.credentials o JOIN zalt.users u ON u.id = o.user_id",
        "o.handle = $1"
    );
    EXISTS = "SELECT 1 FROM zalt.users WHERE id = $1";
    COUNT = "SELECT sum(users)::BIGINT FROM zalt.user_counts WHERE active IN ($1, $2)";
}

steps! {
    INSERT: Guarded [USERS, USER_COUNTS] =
        "@c AS (INSERT INTO zalt.users (id, suspended_at, deleted_at, session_epoch, last_sign_in_at, created_at, \
         updated_at, version, first_name, last_name, image_url, public_metadata, private_metadata, unsafe_metadata, \
         frozen_at, recovered_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $16, $17) ON CONFLICT DO NOTHING RETURNING active), \
         @n AS (UPDATE zalt.user_counts k SET users = k.users + 1 FROM @c c WHERE k.shard = $15 AND k.active = c.active)";
    /// Leaves the epoch and the last sign-in alone: they move without the version. What the row was before is read beside it:
    /// of one version, there is one status.
    UPDATE: Guarded [USERS, USER_COUNTS] =
        "@c AS (UPDATE zalt.users u SET suspended_at = $3, deleted_at = $4, created_at = $5, updated_at = $6, version = $7, \
         first_name = $8, last_name = $9, image_url = $10, public_metadata = $11, private_metadata = $12, \
         unsafe_metadata = $13, frozen_at = $15, recovered_at = $16 FROM zalt.users o \
         WHERE u.id = $1 AND u.version = $2 AND o.id = $1 AND o.version = $2 RETURNING u.active, o.active AS was), \
         @n AS (UPDATE zalt.user_counts k SET users = k.users + CASE WHEN k.active = c.active THEN 1 ELSE -1 END \
         FROM @c c WHERE c.active <> c.was AND k.shard = $14)";
    /// What belongs to the user goes with it by foreign keys.
    PURGE: Guarded [USERS, USER_COUNTS, IDENTIFIERS, PASSWORDS, CREDENTIALS, SESSIONS] =
        "@c AS (DELETE FROM zalt.users WHERE id = $1 AND version = $2 RETURNING active), \
         @n AS (UPDATE zalt.user_counts k SET users = k.users - 1 FROM @c c WHERE k.shard = $3 AND k.active = c.active)";
}

/// The user with this id.
pub(crate) async fn by_id(db: &Database, id: UserId) -> Result<Option<User>, StoreError> {
    db.first(BY_ID, &[Value::id(id.as_bytes())], read).await
}

/// The user with what belongs to it.
pub(crate) async fn account(db: &Database, id: UserId) -> Result<Option<Account>, StoreError> {
    db.whole(ACCOUNT, &[Value::id(id.as_bytes())], read_account)
        .await
}

/// The account that owns this identifier verified.
pub(crate) async fn account_by_identifier(
    db: &Database,
    key: &IdentifierKey,
) -> Result<Option<Account>, StoreError> {
    if cannot_be_kept(&key.key) {
        return Ok(None);
    }
    let values = [Value::text(key.kind.as_str()), Value::text(&*key.key)];
    db.whole(ACCOUNT_BY_IDENTIFIER, &values, read_account).await
}

/// The account that has the credential of this handle.
pub(crate) async fn account_by_credential(
    db: &Database,
    handle: CredentialHandle,
) -> Result<Option<Account>, StoreError> {
    let values = [Value::bytes(handle.as_bytes())];
    db.whole(ACCOUNT_BY_CREDENTIAL, &values, read_account).await
}

/// Users, newest first.
pub(crate) async fn list(
    db: &Database,
    filter: &UserFilter,
    page: PageRequest,
) -> Result<Page<User>, StoreError> {
    let Some(mut search) = Search::new(filter) else {
        return Ok(Page::from_rows(Vec::new(), page.limit, |user: &User| {
            *user.id.as_bytes()
        }));
    };
    if let Some(cursor) = page.after {
        search.and_older(cursor.id());
    }
    let sql = search.list_sql(page);
    let rows = db.listed(&sql, &search.values, read).await?;
    Ok(Page::from_rows(rows, page.limit, |user| {
        *user.id.as_bytes()
    }))
}

/// How many users the filter holds.
pub(crate) async fn count(db: &Database, filter: &UserFilter) -> Result<u64, StoreError> {
    let counts = if is_counted(filter) {
        let (one, other) = filter.active.map_or((false, true), |only| (only, only));
        let values = [Value::Truth(one), Value::Truth(other)];
        db.counted(COUNT, &values, only_number).await?
    } else {
        let Some(search) = Search::new(filter) else {
            return Ok(0);
        };
        let sql = search.count_sql();
        db.listed(&sql, &search.values, only_number).await?.pop()
    };
    Ok(counts.flatten().map_or(0, i64::cast_unsigned))
}

/// Whether the number of these users is kept, so that nobody has to count them.
const fn is_counted(filter: &UserFilter) -> bool {
    filter.identifier_prefix.is_none() && filter.deleted_before.is_none()
}

/// Whether no column can hold this text, so that no row has it: PostgreSQL knows no U+0000.
pub(crate) fn cannot_be_kept(text: &str) -> bool {
    text.contains('\0')
}

/// A filter as conditions, each only where it is wanted, so that PostgreSQL finds the index for it.
struct Search {
    conditions: Vec<String>,
    values: Vec<Value>,
    by_deletion: bool,
}

impl Search {
    /// `None` where nothing can be found.
    fn new(filter: &UserFilter) -> Option<Self> {
        let mut search = Self {
            conditions: Vec::new(),
            values: Vec::new(),
            by_deletion: false,
        };
        if let Some(before) = filter.deleted_before {
            search.by_deletion = true;
            search.values.push(Value::instant(before));
        }
        if let Some(active) = filter.active {
            let place = search.place(Value::Truth(active));
            search.conditions.push(format!("u.active = {place}"));
        }
        if let Some(prefix) = &filter.identifier_prefix {
            if cannot_be_kept(prefix) {
                return None;
            }
            search.and_prefix(prefix.to_lowercase());
        }
        Some(search)
    }

    /// Takes a parameter and says how the statement names it.
    fn place(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn and_older(&mut self, id: &[u8; 16]) {
        let place = self.place(Value::id(id));
        self.conditions.push(format!("u.id < {place}"));
    }

    fn and_prefix(&mut self, prefix: String) {
        let end = identifier::end_of_prefix(&prefix);
        let from = self.place(Value::text(prefix));
        let to = end.map(|end| self.place(Value::text(end)));
        let before = to.map_or_else(String::new, |to| format!(" AND key < {to}"));
        self.conditions.push(format!(
            "u.id IN (SELECT user_id FROM zalt.identifiers WHERE key >= {from}{before})"
        ));
    }

    fn list_sql(&mut self, page: PageRequest) -> String {
        // One more than the page holds tells whether another follows.
        let limit = self.place(Value::Number(Some(i64::from(page.limit.rows()) + 1)));
        format!(
            "SELECT {} FROM {} u{} ORDER BY u.id DESC LIMIT {limit}",
            columns!(),
            self.users(),
            self.where_clause(),
        )
    }

    fn count_sql(&self) -> String {
        format!(
            "SELECT count(*) FROM {} u{}",
            self.users(),
            self.where_clause()
        )
    }

    /// Few users were deleted and not purged yet. The offset of nothing has them found by when, and sorted after, and keeps
    /// PostgreSQL from going through all users in the order of the list.
    const fn users(&self) -> &'static str {
        if self.by_deletion {
            "(SELECT * FROM zalt.users WHERE deleted_at < $1 OFFSET 0)"
        } else {
            "zalt.users"
        }
    }

    fn where_clause(&self) -> String {
        if self.conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", self.conditions.join(" AND "))
        }
    }
}

pub(crate) fn insert(user: &User) -> Result<Step, Error> {
    let [suspended_at, deleted_at] = status_values(user.status);
    let [first_name, last_name, image_url] = profile_values(&user.profile);
    let [public, private, unsafe_] = metadata_values(&user.metadata)?;
    let values = vec![
        Value::id(user.id.as_bytes()),
        suspended_at,
        deleted_at,
        Value::count(user.session_epoch),
        Value::maybe_instant(user.last_sign_in_at),
        Value::instant(user.created_at),
        Value::instant(user.updated_at),
        Value::count(user.version),
        first_name,
        last_name,
        image_url,
        public,
        private,
        unsafe_,
        shard(user.id),
        Value::maybe_instant(user.frozen_at),
        Value::maybe_instant(user.recovered_at),
    ];
    Ok(Step::new(INSERT, values).making(user.id))
}

pub(crate) async fn why_not_inserted(
    db: &mut Transaction<'_>,
    user: &User,
) -> Result<GuardReason, Refusal> {
    if db.exists(EXISTS, user.id.as_bytes()).await? {
        Ok(GuardReason::AlreadyExists)
    } else {
        Err(Refusal::Moved)
    }
}

pub(crate) fn update(user: &User) -> Result<Step, Error> {
    let [suspended_at, deleted_at] = status_values(user.status);
    let [first_name, last_name, image_url] = profile_values(&user.profile);
    let [public, private, unsafe_] = metadata_values(&user.metadata)?;
    let values = vec![
        Value::id(user.id.as_bytes()),
        Value::count(user.version),
        suspended_at,
        deleted_at,
        Value::instant(user.created_at),
        Value::instant(user.updated_at),
        Value::after_version(user.version),
        first_name,
        last_name,
        image_url,
        public,
        private,
        unsafe_,
        shard(user.id),
        Value::maybe_instant(user.frozen_at),
        Value::maybe_instant(user.recovered_at),
    ];
    Ok(Step::new(UPDATE, values))
}

pub(crate) fn purge(id: UserId, version: u64) -> Step {
    let values = vec![Value::id(id.as_bytes()), Value::count(version), shard(id)];
    Step::new(PURGE, values)
}

/// Why a user of this version was not written.
pub(crate) async fn why_not_written(
    db: &mut Transaction<'_>,
    id: UserId,
) -> Result<GuardReason, Refusal> {
    versioned(db, EXISTS, id.as_bytes()).await
}

/// Fails unless the user exists.
pub(crate) async fn found(db: &mut Transaction<'_>, id: UserId) -> Result<(), Refusal> {
    if db.exists(EXISTS, id.as_bytes()).await? {
        Ok(())
    } else {
        Err(GuardReason::NotFound.into())
    }
}

/// Why a write that names the version it read wrote nothing.
pub(crate) async fn versioned(
    db: &mut Transaction<'_>,
    exists: Statement,
    id: &[u8; 16],
) -> Result<GuardReason, Refusal> {
    if db.exists(exists, id).await? {
        Ok(GuardReason::VersionMismatch)
    } else {
        Ok(GuardReason::NotFound)
    }
}

/// Which of the rows of counts has this user among its own. The end of an id is random.
fn shard(id: UserId) -> Value {
    let [.., last] = *id.as_bytes();
    Value::small(u32::from(last & 15))
}

fn status_values(status: UserStatus) -> [Value; 2] {
    let (suspended_at, deleted_at) = match status {
        UserStatus::Active => (None, None),
        UserStatus::Suspended { at } => (Some(at), None),
        UserStatus::Deleted { at } => (None, Some(at)),
    };
    [suspended_at, deleted_at].map(Value::maybe_instant)
}

fn profile_values(profile: &Profile) -> [Value; 3] {
    [
        Value::maybe_text(profile.first_name.as_ref().map(Name::as_str)),
        Value::maybe_text(profile.last_name.as_ref().map(Name::as_str)),
        Value::maybe_text(profile.image_url.as_ref().map(ImageUrl::as_str)),
    ]
}

fn metadata_values(metadata: &UserMetadata) -> Result<[Value; 3], Error> {
    Ok([
        Value::json(&metadata.public)?,
        Value::json(&metadata.private)?,
        Value::json(&metadata.unsafe_)?,
    ])
}

fn read_account(rows: &[PgRow]) -> Result<Option<Account>, Error> {
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let mut columns = Columns::of(first);
    let user = read(&mut columns)?;
    let password = password::read_maybe(&mut columns)?;
    let (mut identifiers, mut credentials) = (Vec::new(), Vec::new());
    for row in rows {
        let mut columns = Columns::of(row);
        columns.skip(COLUMNS + password::COLUMNS);
        match columns.maybe_number()? {
            Some(0) => identifiers.push(identifier::read(&mut columns)?),
            Some(_) => credentials.push(credential::read(&mut columns)?),
            // There is neither.
            None => {}
        }
    }
    Ok(Some(Account {
        user,
        identifiers,
        password,
        credentials,
    }))
}

/// How many columns [`read`] takes.
const COLUMNS: usize = 16;

/// Reads the columns of a user.
pub(crate) fn read(columns: &mut Columns<'_>) -> Result<User, Error> {
    Ok(User {
        id: UserId::from_bytes(columns.id()?),
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

fn metadata(columns: &mut Columns<'_>) -> Result<Metadata, Error> {
    columns.parsed("JSON object", |text| match text {
        // Most users have none; reading those costs nothing.
        "{}" => Some(Metadata::default()),
        text => serde_json::from_str(text).ok(),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use zalt_core::Timestamp;
    use zalt_core::store::PageLimit;

    /// Every statement that a filter can turn into, with its parameters.
    pub(crate) fn searches() -> Vec<(String, String, Vec<Value>)> {
        let mut statements = Vec::new();
        for active in [None, Some(true), Some(false)] {
            for identifier_prefix in [None, Some("ada".to_owned()), Some("\u{10ffff}".to_owned())] {
                for deleted_before in [None, Some(Timestamp::from_unix_millis(1))] {
                    let filter = UserFilter {
                        active,
                        identifier_prefix: identifier_prefix.clone(),
                        deleted_before,
                    };
                    let search = || Search::new(&filter).unwrap();
                    if !is_counted(&filter) {
                        let search = search();
                        statements.push((
                            format!("count {filter:?}"),
                            search.count_sql(),
                            search.values,
                        ));
                    }
                    let page = PageRequest {
                        after: None,
                        limit: PageLimit::default(),
                    };
                    let mut first = search();
                    let sql = first.list_sql(page);
                    statements.push((format!("first page {filter:?}"), sql, first.values));
                    let mut next = search();
                    next.and_older(&[0x80; 16]);
                    let sql = next.list_sql(page);
                    statements.push((format!("next page {filter:?}"), sql, next.values));
                }
            }
        }
        statements
    }
}
