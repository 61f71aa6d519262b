use std::net::IpAddr;

use rusqlite::{Connection, Error, params};
use zalt_core::Timestamp;
use zalt_core::id::{SessionId, UserId};
use zalt_core::secret::TokenDigest;
use zalt_core::session::{Authentication, RefreshState, RevokeReason, Session, Transport};
use zalt_core::store::{GuardReason, Page, PageRequest};
use zalt_core::user::User;

use crate::error::{Applied, Refusal};
use crate::sql::{Columns, all, execute, exists, first, only, statements};
use crate::user::{self, to_json};

/// The columns of a session in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        "s.id, s.user_id, s.epoch, s.transport, s.token, s.refresh_seed, s.refresh_generation, s.refresh_rotated_at, \
         s.amr, s.authenticated_at, s.last_seen_at, s.idle_expires_at, s.expires_at, s.created_at, s.revoked_at, \
         s.revoke_reason, s.ip, s.user_agent"
    };
}

statements! {
    BY_ID = concat!("SELECT ", columns!(), " FROM zalt_sessions s WHERE s.id = ?1");
    WITH_USER = concat!(
        "SELECT ", columns!(), ", ", user::columns!(),
        " FROM zalt_sessions s JOIN zalt_users u ON u.id = s.user_id WHERE s.id = ?1"
    );
    LIVE = concat!(
        "SELECT ", columns!(), " FROM zalt_sessions s WHERE s.user_id = ?1 AND s.id < ?2 AND s.revoked_at IS NULL \
         AND s.expires_at > ?3 AND s.idle_expires_at > ?3 ORDER BY s.id DESC LIMIT ?4"
    );
    EXISTS = "SELECT 1 FROM zalt_sessions WHERE id = ?1";
    REVOKED = "SELECT revoked_at IS NOT NULL FROM zalt_sessions WHERE id = ?1";
    USER_ACTIVE = "SELECT active FROM zalt_users WHERE id = ?1";
    INSERT =
        "INSERT INTO zalt_sessions (id, user_id, epoch, transport, token, refresh_seed, refresh_generation, \
         refresh_rotated_at, amr, authenticated_at, last_seen_at, idle_expires_at, expires_at, created_at, revoked_at, \
         revoke_reason, sweep_at, ip, user_agent) \
         SELECT ?1, id, session_epoch, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19 \
         FROM zalt_users WHERE id = ?2 AND active AND session_epoch = ?3 ON CONFLICT DO NOTHING";
    NOTE_SIGN_IN = "UPDATE zalt_users SET last_sign_in_at = ?2 WHERE id = ?1";
    /// Keeps the sweep in time for a session that will be over earlier than it was to be. Most writes prolong it, and this
    /// one finds nothing to do.
    SWEEP_EARLIER = "UPDATE zalt_sessions SET sweep_at = ?2 WHERE id = ?1 AND sweep_at > ?2";
    TOUCH =
        "UPDATE zalt_sessions SET last_seen_at = ?2, idle_expires_at = ?3, ip = ?4 \
         WHERE id = ?1 AND revoked_at IS NULL";
    ROTATE =
        "UPDATE zalt_sessions SET refresh_generation = ?3, refresh_rotated_at = ?4, last_seen_at = ?4, \
         idle_expires_at = ?5, ip = ?6 WHERE id = ?1 AND revoked_at IS NULL AND refresh_generation = ?2";
    REAUTHENTICATE =
        "UPDATE zalt_sessions SET token = ?3, amr = ?4, authenticated_at = ?5 \
         WHERE id = ?1 AND revoked_at IS NULL AND token IS ?2";
    REVOKE =
        "UPDATE zalt_sessions SET revoked_at = ?2, revoke_reason = ?3, sweep_at = min(sweep_at, ?2) \
         WHERE id = ?1 AND revoked_at IS NULL";
    NEXT_EPOCH = "UPDATE zalt_users SET session_epoch = session_epoch + 1 WHERE id = ?1";
    REVOKE_OF_USER =
        "UPDATE zalt_sessions SET revoked_at = ?3, revoke_reason = ?4, sweep_at = min(sweep_at, ?3) \
         WHERE user_id = ?1 AND id IS NOT ?2 AND revoked_at IS NULL";
}

/// The session, live or not.
pub(crate) fn by_id(db: &Connection, id: SessionId) -> Result<Option<Session>, Error> {
    first(db, BY_ID, [id.as_bytes()], read)
}

/// The session, live or not, with its user.
pub(crate) fn with_user(db: &Connection, id: SessionId) -> Result<Option<(Session, User)>, Error> {
    first(db, WITH_USER, [id.as_bytes()], |columns| {
        Ok((read(columns)?, user::read(columns)?))
    })
}

/// The sessions of a user that are live at `now`, newest first.
pub(crate) fn live(
    db: &Connection,
    user_id: UserId,
    now: Timestamp,
    page: PageRequest,
) -> Result<Page<Session>, Error> {
    let before = page.after.map(|cursor| cursor.id().to_vec());
    // A blob one byte longer than every id stands after them all.
    let before = before.unwrap_or_else(|| vec![0xff; 17]);
    let limit = i64::from(page.limit.rows()) + 1;
    let rows = all(
        db,
        LIVE,
        params![user_id.as_bytes(), before, now.unix_millis(), limit],
        read,
    )?;
    Ok(Page::from_rows(rows, page.limit, |session| {
        *session.id.as_bytes()
    }))
}

pub(crate) fn insert(db: &Connection, session: &Session) -> Applied {
    let refresh = session.refresh.as_ref();
    let (revoked_at, revoke_reason) = session.revoked.unzip();
    let written = execute(
        db,
        INSERT,
        params![
            session.id.as_bytes(),
            session.user_id.as_bytes(),
            session.epoch.cast_signed(),
            transport(session.transport),
            session.token.as_ref().map(TokenDigest::as_bytes),
            refresh.map(|refresh| refresh.seed),
            refresh.map(|refresh| refresh.generation),
            refresh.map(|refresh| refresh.rotated_at.unix_millis()),
            to_json(&session.amr)?,
            session.authenticated_at.unix_millis(),
            session.last_seen_at.unix_millis(),
            session.idle_expires_at.unix_millis(),
            session.expires_at.unix_millis(),
            session.created_at.unix_millis(),
            revoked_at.map(Timestamp::unix_millis),
            revoke_reason.map(RevokeReason::as_str),
            over_at(session).unix_millis(),
            address(session.ip),
            session.user_agent,
        ],
    )?;
    if written != 1 {
        return Err(why_not_inserted(db, session)?.into());
    }
    execute(
        db,
        NOTE_SIGN_IN,
        params![session.user_id.as_bytes(), session.created_at.unix_millis()],
    )?;
    Ok(())
}

fn why_not_inserted(db: &Connection, session: &Session) -> Result<GuardReason, Error> {
    if exists(db, EXISTS, [session.id.as_bytes()])? {
        return Ok(GuardReason::AlreadyExists);
    }
    let active = first(db, USER_ACTIVE, [session.user_id.as_bytes()], |columns| {
        columns.value()
    })?;
    Ok(match active {
        None => GuardReason::NotFound,
        Some(false) => GuardReason::UserNotActive,
        Some(true) => GuardReason::StaleEpoch,
    })
}

pub(crate) fn touch(
    db: &Connection,
    id: SessionId,
    last_seen_at: Timestamp,
    idle_expires_at: Timestamp,
    ip: Option<IpAddr>,
) -> Applied {
    sweep_earlier(db, id, idle_expires_at)?;
    let written = execute(
        db,
        TOUCH,
        params![
            id.as_bytes(),
            last_seen_at.unix_millis(),
            idle_expires_at.unix_millis(),
            address(ip),
        ],
    )?;
    written_or(written, db, id, GuardReason::SessionRevoked)
}

pub(crate) fn rotate(
    db: &Connection,
    id: SessionId,
    presented: u32,
    at: Timestamp,
    idle_expires_at: Timestamp,
    ip: Option<IpAddr>,
) -> Applied {
    sweep_earlier(db, id, idle_expires_at)?;
    // Past the last generation the column's own check refuses the write.
    let next = i64::from(presented) + 1;
    let written = execute(
        db,
        ROTATE,
        params![
            id.as_bytes(),
            presented,
            next,
            at.unix_millis(),
            idle_expires_at.unix_millis(),
            address(ip),
        ],
    )?;
    written_or(written, db, id, GuardReason::RefreshNotCurrent)
}

fn sweep_earlier(db: &Connection, id: SessionId, at: Timestamp) -> Result<(), Error> {
    execute(db, SWEEP_EARLIER, params![id.as_bytes(), at.unix_millis()]).map(drop)
}

/// From when on the session is over if nothing else happens to it.
fn over_at(session: &Session) -> Timestamp {
    let over = session.idle_expires_at.min(session.expires_at);
    session.revoked.map_or(over, |(at, _)| over.min(at))
}

pub(crate) fn reauthenticate(
    db: &Connection,
    id: SessionId,
    expected: Option<&TokenDigest>,
    token: Option<&TokenDigest>,
    amr: &[Authentication],
    at: Timestamp,
) -> Applied {
    let written = execute(
        db,
        REAUTHENTICATE,
        params![
            id.as_bytes(),
            expected.map(TokenDigest::as_bytes),
            token.map(TokenDigest::as_bytes),
            to_json(&amr)?,
            at.unix_millis(),
        ],
    )?;
    written_or(written, db, id, GuardReason::VersionMismatch)
}

pub(crate) fn revoke(
    db: &Connection,
    id: SessionId,
    at: Timestamp,
    reason: RevokeReason,
) -> Applied {
    let written = execute(
        db,
        REVOKE,
        params![id.as_bytes(), at.unix_millis(), reason.as_str()],
    )?;
    written_or(written, db, id, GuardReason::SessionRevoked)
}

pub(crate) fn revoke_of_user(
    db: &Connection,
    user_id: UserId,
    except: Option<SessionId>,
    at: Timestamp,
    reason: RevokeReason,
) -> Applied {
    if execute(db, NEXT_EPOCH, [user_id.as_bytes()])? != 1 {
        return Err(GuardReason::NotFound.into());
    }
    execute(
        db,
        REVOKE_OF_USER,
        params![
            user_id.as_bytes(),
            except.as_ref().map(SessionId::as_bytes),
            at.unix_millis(),
            reason.as_str(),
        ],
    )?;
    Ok(())
}

/// Says why a write to a session wrote nothing, if it wrote nothing: there is none, it is revoked, or the change's own
/// guard failed.
fn written_or(written: usize, db: &Connection, id: SessionId, own: GuardReason) -> Applied {
    if written == 1 {
        return Ok(());
    }
    let revoked = first(db, REVOKED, [id.as_bytes()], only)?;
    Err(Refusal::Guard(match revoked {
        None => GuardReason::NotFound,
        Some(true) => GuardReason::SessionRevoked,
        Some(false) => own,
    }))
}

const fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Cookie => "cookie",
        Transport::Bearer => "bearer",
    }
}

/// An address as it is kept.
pub(crate) fn address(ip: Option<IpAddr>) -> Option<String> {
    ip.map(|ip| ip.to_string())
}

fn read(columns: &mut Columns<'_, '_>) -> Result<Session, Error> {
    Ok(Session {
        id: SessionId::from_bytes(columns.value()?),
        user_id: UserId::from_bytes(columns.value()?),
        epoch: columns.count()?,
        transport: columns.name("transport")?,
        token: columns.value::<Option<_>>()?.map(TokenDigest::from_bytes),
        refresh: refresh(columns)?,
        amr: columns.json("list of methods")?,
        authenticated_at: columns.instant()?,
        last_seen_at: columns.instant()?,
        idle_expires_at: columns.instant()?,
        expires_at: columns.instant()?,
        created_at: columns.instant()?,
        revoked: columns.maybe_instant()?.zip(columns.maybe_name("reason")?),
        ip: columns.maybe_ip()?,
        user_agent: columns.value()?,
    })
}

fn refresh(columns: &mut Columns<'_, '_>) -> Result<Option<RefreshState>, Error> {
    let seed: Option<[u8; 32]> = columns.value()?;
    let generation: Option<u32> = columns.value()?;
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
