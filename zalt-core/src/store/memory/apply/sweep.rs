use crate::store::Expired;
use crate::store::memory::state::State;

pub(super) fn remove_expired(state: &mut State, expired: &Expired) {
    let limit = usize::try_from(expired.limit).unwrap_or(usize::MAX);

    let before = expired.sessions_before;
    let sessions: Vec<_> = state
        .sessions()
        .filter(|session| {
            session.expires_at < before
                || session.idle_expires_at < before
                || session.revoked.is_some_and(|(at, _)| at < before)
        })
        .map(|session| session.id)
        .take(limit)
        .collect();
    for id in sessions {
        state.remove_session(id);
    }

    macro_rules! sweep {
        ($table:ident, $row:ident => $over:expr) => {{
            let over: Vec<_> = state
                .$table
                .iter()
                .filter(|(_, $row)| $over)
                .map(|(key, _)| key.clone())
                .take(limit)
                .collect();
            for key in over {
                state.$table.remove(&key);
            }
        }};
    }
    sweep!(attempts, row => row.expires_at < expired.attempts_before);
    sweep!(budgets, row => row.forget_at < expired.budgets_before);
    sweep!(signing_keys, row => row.expires_at < expired.signing_keys_before);
    if let Some(before) = expired.events_before {
        sweep!(events, row => row.occurred_at < before);
    }
}
