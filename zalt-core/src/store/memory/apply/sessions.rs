use super::{Applied, Refusal, absent, found, next};
use crate::environment::Timestamp;
use crate::id::{SessionId, UserId};
use crate::session::{RefreshState, RevokeReason, Session};
use crate::store::memory::state::State;
use crate::store::{GuardReason, StoreErrorKind};
use crate::user::User;

pub(super) fn insert_session(state: &mut State, session: Session) -> Applied {
    absent(state.session(session.id).is_some())?;
    let user = found(state.users.get(&session.user_id))?;
    if !user.status.is_active() {
        return Err(GuardReason::UserNotActive.into());
    }
    if user.session_epoch != session.epoch {
        return Err(GuardReason::StaleEpoch.into());
    }
    let user = User {
        last_sign_in_at: Some(session.created_at),
        ..user.clone()
    };
    state.users.put(user.id, user);
    state.put_session(session);
    Ok(())
}

/// Writes a session anew that exists and is not revoked.
pub(super) fn edit_session(
    state: &mut State,
    id: SessionId,
    edit: impl FnOnce(Session) -> Result<Session, Refusal>,
) -> Applied {
    let session = found(state.session(id))?;
    if session.revoked.is_some() {
        return Err(GuardReason::SessionRevoked.into());
    }
    let session = edit(session.clone())?;
    state.put_session(session);
    Ok(())
}

pub(super) fn rotated(
    refresh: Option<RefreshState>,
    presented: u32,
    at: Timestamp,
) -> Result<RefreshState, Refusal> {
    let current = refresh
        .filter(|refresh| refresh.generation == presented)
        .ok_or(GuardReason::RefreshNotCurrent)?;
    let generation = presented
        .checked_add(1)
        .ok_or(Refusal::Store(StoreErrorKind::Internal))?;
    Ok(RefreshState {
        generation,
        rotated_at: at,
        ..current
    })
}

pub(super) fn revoke_user_sessions(
    state: &mut State,
    user_id: UserId,
    except: Option<SessionId>,
    revoked: (Timestamp, RevokeReason),
) -> Applied {
    let mut user = found(state.users.get(&user_id))?.clone();
    user.session_epoch = next(user.session_epoch)?;
    state.users.put(user_id, user);
    let ended: Vec<_> = state
        .sessions_of(user_id, None)
        .filter(|session| session.revoked.is_none() && Some(session.id) != except)
        .cloned()
        .collect();
    for session in ended {
        state.put_session(Session {
            revoked: Some(revoked),
            ..session
        });
    }
    Ok(())
}
