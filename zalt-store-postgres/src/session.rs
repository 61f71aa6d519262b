use std::net::IpAddr;

use sqlx::Error;
use zalt_core::Timestamp;
use zalt_core::id::{SessionId, UserId};
use zalt_core::secret::TokenDigest;
use zalt_core::session::{Authentication, RefreshState, RevokeReason, Session, Transport};
use zalt_core::store::{GuardReason, Page, PageRequest, StoreError};
use zalt_core::user::User;

use crate::database::{Database, Transaction};
use crate::error::Refusal;
use crate::sql::{Columns, Value, only_truth, statements};
use crate::steps::{Step, steps};
use crate::user;

/// The columns of a session in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        "s.id, s.user_id, s.epoch, s.transport, s.token, s.refresh_seed, s.refresh_generation, s.refresh_rotated_at, \
         s.amr, s.authenticated_at, s.last_seen_at, s.idle_expires_at, s.expires_at, s.created_at, s.revoked_at, \
         s.revoke_reason, s.ip, s.user_agent"
    };
}

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM zalt.sessions s WHERE s.id = $1");
    WITH_USER = concat!(
        "SELECT ", columns!(), ", ", user::columns!(),
        " FROM zalt.sessions s JOIN zalt.users u ON u.id = s.user_id WHERE s.id = $1"
    );
    /// The same for several at once.
    WITH_USERS = concat!(
        "SELECT ", columns!(), ", ", user::columns!(),
        " FROM zalt.sessions s JOIN zalt.users u ON u.id = s.user_id WHERE s.id = ANY($1)"
    );
    LIVE = concat!(
        "SELECT ", columns!(), " FROM zalt.sessions s WHERE s.user_id = $1 AND s.revoked_at IS NULL \
         AND s.expires_at > $2 AND s.idle_expires_at > $2 ORDER BY s.id DESC LIMIT $3"
    );
    LIVE_AFTER = concat!(
        "SELECT ", columns!(), " FROM zalt.sessions s WHERE s.user_id = $1 AND s.revoked_at IS NULL \
         AND s.expires_at > $2 AND s.idle_expires_at > $2 AND s.id < $4 ORDER BY s.id DESC LIMIT $3"
    );
    EXISTS = "SELECT 1 FROM zalt.sessions WHERE id = $1";
    REVOKED = "SELECT revoked_at IS NOT NULL FROM zalt.sessions WHERE id = $1";
    USER_STATE = "SELECT active, session_epoch FROM zalt.users WHERE id = $1";
}

steps! {
    /// The user's row is written first: whoever ends all sessions writes it too, so one of the two waits for the other and
    /// then sees what it did.
    INSERT: GuardedLast [USERS, SESSIONS] =
        "@u AS (UPDATE zalt.users SET last_sign_in_at = $14 WHERE id = $2 AND active AND session_epoch = $3 \
         RETURNING id, session_epoch), \
         @c AS (INSERT INTO zalt.sessions (id, user_id, epoch, transport, token, refresh_seed, refresh_generation, \
         refresh_rotated_at, amr, authenticated_at, last_seen_at, idle_expires_at, expires_at, created_at, revoked_at, \
         revoke_reason, sweep_at, ip, user_agent) \
         SELECT $1, u.id, u.session_epoch, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19 \
         FROM @u u ON CONFLICT DO NOTHING RETURNING 1)";
    /// Like every write that may end the session earlier than it was to, it keeps the sweep in time. Most prolong it.
    TOUCH: Guarded [SESSIONS] =
        "@c AS (UPDATE zalt.sessions SET last_seen_at = $2, idle_expires_at = $3, ip = $4, \
         sweep_at = LEAST(sweep_at, $3) WHERE id = $1 AND revoked_at IS NULL RETURNING 1)";
    ROTATE: Guarded [SESSIONS] =
        "@c AS (UPDATE zalt.sessions SET refresh_generation = $3, refresh_rotated_at = $4, last_seen_at = $4, \
         idle_expires_at = $5, ip = $6, sweep_at = LEAST(sweep_at, $5) \
         WHERE id = $1 AND revoked_at IS NULL AND refresh_generation = $2 RETURNING 1)";
    REAUTHENTICATE: Guarded [SESSIONS] =
        "@c AS (UPDATE zalt.sessions SET token = $3, amr = $4, authenticated_at = $5 \
         WHERE id = $1 AND revoked_at IS NULL AND token IS NOT DISTINCT FROM $2 RETURNING 1)";
    REVOKE: Guarded [SESSIONS] =
        "@c AS (UPDATE zalt.sessions SET revoked_at = $2, revoke_reason = $3, sweep_at = LEAST(sweep_at, $2) \
         WHERE id = $1 AND revoked_at IS NULL RETURNING 1)";
    NEXT_EPOCH: Guarded [USERS] =
        "@c AS (UPDATE zalt.users SET session_epoch = session_epoch + 1 WHERE id = $1 RETURNING 1)";
    REVOKE_OF_USER: Unguarded [SESSIONS] =
        "@r AS (UPDATE zalt.sessions SET revoked_at = $3, revoke_reason = $4, sweep_at = LEAST(sweep_at, $3) \
         WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND revoked_at IS NULL)";
}

/// The session, live or not.
pub(crate) async fn by_id(db: &Database, id: SessionId) -> Result<Option<Session>, StoreError> {
    db.first(BY_ID, &[Value::id(id.as_bytes())], read).await
}

/// The session, live or not, with its user. While many are checked, several by one query.
pub(crate) async fn with_user(
    db: &Database,
    id: SessionId,
) -> Result<Option<(Session, User)>, StoreError> {
    let ask = |ids: Vec<SessionId>| async move {
        let (statement, ids) = match ids.as_slice() {
            [id] => (WITH_USER, Value::id(id.as_bytes())),
            ids => {
                let ids = ids.iter().map(|id| *id.as_bytes()).collect();
                (WITH_USERS, Value::Ids(ids))
            }
        };
        db.all(statement, &[ids], |columns| {
            let session = read(columns)?;
            Ok((session.id, (session, user::read(columns)?)))
        })
        .await
    };
    db.sessions.look_up(id, ask).await
}

/// The sessions of a user that are live at `now`, newest first.
pub(crate) async fn live(
    db: &Database,
    user_id: UserId,
    now: Timestamp,
    page: PageRequest,
) -> Result<Page<Session>, StoreError> {
    let mut values = vec![
        Value::id(user_id.as_bytes()),
        Value::instant(now),
        // One more than the page holds tells whether another follows.
        Value::Number(Some(i64::from(page.limit.rows()) + 1)),
    ];
    let statement = match page.after {
        None => LIVE,
        Some(cursor) => {
            values.push(Value::id(cursor.id()));
            LIVE_AFTER
        }
    };
    let rows = db.all(statement, &values, read).await?;
    Ok(Page::from_rows(rows, page.limit, |session| {
        *session.id.as_bytes()
    }))
}

pub(crate) fn insert(session: &Session) -> Result<Step, Error> {
    let refresh = session.refresh.as_ref();
    let (revoked_at, revoke_reason) = session.revoked.unzip();
    let values = vec![
        Value::id(session.id.as_bytes()),
        Value::id(session.user_id.as_bytes()),
        Value::count(session.epoch),
        Value::text(transport(session.transport)),
        Value::maybe_bytes(session.token.as_ref().map(TokenDigest::as_bytes)),
        Value::maybe_bytes(refresh.map(|refresh| &refresh.seed)),
        Value::maybe_small(refresh.map(|refresh| refresh.generation)),
        Value::maybe_instant(refresh.map(|refresh| refresh.rotated_at)),
        Value::json(&session.amr)?,
        Value::instant(session.authenticated_at),
        Value::instant(session.last_seen_at),
        Value::instant(session.idle_expires_at),
        Value::instant(session.expires_at),
        Value::instant(session.created_at),
        Value::maybe_instant(revoked_at),
        Value::maybe_text(revoke_reason.map(RevokeReason::as_str)),
        Value::instant(over_at(session)),
        Value::address(session.ip),
        Value::sent(session.user_agent.as_deref()),
    ];
    Ok(Step::new(INSERT, values).needing(session.user_id))
}

pub(crate) async fn why_not_inserted(
    db: &mut Transaction<'_>,
    session: &Session,
) -> Result<GuardReason, Refusal> {
    if db.exists(EXISTS, session.id.as_bytes()).await? {
        return Ok(GuardReason::AlreadyExists);
    }
    let values = [Value::id(session.user_id.as_bytes())];
    let state = db.first(USER_STATE, &values, |columns| {
        Ok((columns.truth()?, columns.count()?))
    });
    match state.await? {
        None => Ok(GuardReason::NotFound),
        Some((false, _)) => Ok(GuardReason::UserNotActive),
        Some((true, epoch)) if epoch != session.epoch => Ok(GuardReason::StaleEpoch),
        Some((true, _)) => Err(Refusal::Moved),
    }
}

pub(crate) fn touch(
    id: SessionId,
    last_seen_at: Timestamp,
    idle_expires_at: Timestamp,
    ip: Option<IpAddr>,
) -> Step {
    let values = vec![
        Value::id(id.as_bytes()),
        Value::instant(last_seen_at),
        Value::instant(idle_expires_at),
        Value::address(ip),
    ];
    Step::new(TOUCH, values)
}

pub(crate) fn rotate(
    id: SessionId,
    presented: u32,
    at: Timestamp,
    idle_expires_at: Timestamp,
    ip: Option<IpAddr>,
) -> Step {
    let values = vec![
        Value::id(id.as_bytes()),
        Value::small(presented),
        // Past the last generation the column's own check refuses the write.
        Value::Number(Some(i64::from(presented) + 1)),
        Value::instant(at),
        Value::instant(idle_expires_at),
        Value::address(ip),
    ];
    Step::new(ROTATE, values)
}

pub(crate) fn reauthenticate(
    id: SessionId,
    expected: Option<&TokenDigest>,
    token: Option<&TokenDigest>,
    amr: &[Authentication],
    at: Timestamp,
) -> Result<Step, Error> {
    let values = vec![
        Value::id(id.as_bytes()),
        Value::maybe_bytes(expected.map(TokenDigest::as_bytes)),
        Value::maybe_bytes(token.map(TokenDigest::as_bytes)),
        Value::json(&amr)?,
        Value::instant(at),
    ];
    Ok(Step::new(REAUTHENTICATE, values))
}

pub(crate) fn revoke(id: SessionId, at: Timestamp, reason: RevokeReason) -> Step {
    let values = vec![
        Value::id(id.as_bytes()),
        Value::instant(at),
        Value::text(reason.as_str()),
    ];
    Step::new(REVOKE, values)
}

/// First the user's row, which waits for sign-ins that are under way, then the sessions, in a statement that sees what those
/// inserted.
pub(crate) fn revoke_of_user(
    user_id: UserId,
    except: Option<SessionId>,
    at: Timestamp,
    reason: RevokeReason,
) -> [Step; 2] {
    let next_epoch = Step::new(NEXT_EPOCH, vec![Value::id(user_id.as_bytes())]);
    let values = vec![
        Value::id(user_id.as_bytes()),
        Value::maybe_id(except.as_ref().map(SessionId::as_bytes)),
        Value::instant(at),
        Value::text(reason.as_str()),
    ];
    [next_epoch, Step::new(REVOKE_OF_USER, values).fresh()]
}

/// Why a write to a session wrote nothing: there is none, it is revoked, or the change's own guard failed.
pub(crate) async fn why_not_written(
    db: &mut Transaction<'_>,
    id: SessionId,
    own: Option<GuardReason>,
) -> Result<GuardReason, Refusal> {
    let values = [Value::id(id.as_bytes())];
    match db.first(REVOKED, &values, only_truth).await? {
        None => Ok(GuardReason::NotFound),
        Some(true) => Ok(GuardReason::SessionRevoked),
        Some(false) => own.ok_or(Refusal::Moved),
    }
}

/// From when on the session is over if nothing else happens to it.
fn over_at(session: &Session) -> Timestamp {
    let over = session.idle_expires_at.min(session.expires_at);
    session.revoked.map_or(over, |(at, _)| over.min(at))
}

const fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Cookie => "cookie",
        Transport::Bearer => "bearer",
    }
}

fn read(columns: &mut Columns<'_>) -> Result<Session, Error> {
    Ok(Session {
        id: SessionId::from_bytes(columns.id()?),
        user_id: UserId::from_bytes(columns.id()?),
        epoch: columns.count()?,
        transport: columns.name("transport")?,
        token: columns.maybe_digest()?.map(TokenDigest::from_bytes),
        refresh: refresh(columns)?,
        amr: columns.json("list of methods")?,
        authenticated_at: columns.instant()?,
        last_seen_at: columns.instant()?,
        idle_expires_at: columns.instant()?,
        expires_at: columns.instant()?,
        created_at: columns.instant()?,
        revoked: columns.maybe_instant()?.zip(columns.maybe_name("reason")?),
        ip: columns.maybe_ip()?,
        user_agent: columns.sent()?,
    })
}

fn refresh(columns: &mut Columns<'_>) -> Result<Option<RefreshState>, Error> {
    let seed = columns.maybe_digest()?;
    let generation = columns.maybe_small()?;
    let rotated_at = columns.maybe_instant()?;
    match (seed, generation, rotated_at) {
        (Some(seed), Some(generation), Some(rotated_at)) => Ok(Some(RefreshState {
            seed,
            generation,
            rotated_at,
        })),
        (None, None, None) => Ok(None),
        _ => Err(columns.contradiction("state of a refresh token")),
    }
}
