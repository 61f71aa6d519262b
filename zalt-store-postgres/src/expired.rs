use zalt_core::store::Expired;

use crate::sql::Value;
use crate::steps::{Step, steps};

/// From when on a session is over, for whichever of the three reasons comes first.
macro_rules! over_at {
    () => {
        "LEAST(idle_expires_at, expires_at, COALESCE(revoked_at, expires_at))"
    };
}

steps! {
    /// Sessions that were used since the sweep was to look at them. Like the other sweeps, it leaves out what somebody is
    /// writing at the moment: nobody waits for a sweep, and it waits for nobody.
    PROLONGED_SESSIONS: Unguarded [SESSIONS] = concat!(
        "@s AS (UPDATE zalt.sessions SET sweep_at = ", over_at!(), " WHERE id = ANY (ARRAY \
         (SELECT id FROM zalt.sessions WHERE sweep_at < $1 AND ", over_at!(), " >= $1 \
         ORDER BY sweep_at LIMIT $2 FOR UPDATE SKIP LOCKED)))"
    );
    SESSIONS: Unguarded [SESSIONS] = concat!(
        "@s AS (DELETE FROM zalt.sessions WHERE id = ANY (ARRAY \
         (SELECT id FROM zalt.sessions WHERE sweep_at < $1 AND ", over_at!(), " < $1 \
         ORDER BY sweep_at LIMIT $2 FOR UPDATE SKIP LOCKED)))"
    );
    ATTEMPTS: Unguarded [ATTEMPTS] =
        "@a AS (DELETE FROM zalt.attempts WHERE id = ANY (ARRAY \
         (SELECT id FROM zalt.attempts WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)))";
    BUDGETS: Unguarded [BUDGETS] =
        "@b AS (DELETE FROM zalt.budgets WHERE key = ANY (ARRAY \
         (SELECT key FROM zalt.budgets WHERE forget_at < $1 ORDER BY forget_at LIMIT $2 FOR UPDATE SKIP LOCKED)))";
    SIGNING_KEYS: Unguarded [SIGNING_KEYS] =
        "@k AS (DELETE FROM zalt.signing_keys WHERE kid = ANY (ARRAY \
         (SELECT kid FROM zalt.signing_keys WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)))";
    EVENTS: Unguarded [EVENTS] =
        "@v AS (DELETE FROM zalt.events WHERE id = ANY (ARRAY \
         (SELECT id FROM zalt.events WHERE occurred_at < $1 ORDER BY occurred_at LIMIT $2 FOR UPDATE SKIP LOCKED)))";
}

/// Removes what is over, at most `limit` rows of each kind.
pub(crate) fn remove(expired: &Expired) -> Vec<Step> {
    // Both that write sessions stand apart, so that all that lies between goes into one statement with the first.
    [
        (PROLONGED_SESSIONS, Some(expired.sessions_before)),
        (ATTEMPTS, Some(expired.attempts_before)),
        (BUDGETS, Some(expired.budgets_before)),
        (SIGNING_KEYS, Some(expired.signing_keys_before)),
        (EVENTS, expired.events_before),
        (SESSIONS, Some(expired.sessions_before)),
    ]
    .into_iter()
    .filter_map(|(text, before)| {
        let values = vec![Value::instant(before?), Value::small(expired.limit)];
        Some(Step::new(text, values))
    })
    .collect()
}
