use rusqlite::{Connection, Error, params};
use zalt_core::store::Expired;

use crate::sql::{execute, statements};

statements! {
    /// Sessions that were used since the sweep was to look at them.
    PROLONGED_SESSIONS =
        "UPDATE zalt_sessions SET sweep_at = over_at WHERE id IN \
         (SELECT id FROM zalt_sessions WHERE sweep_at < ?1 AND over_at >= ?1 ORDER BY sweep_at LIMIT ?2)";
    SESSIONS =
        "DELETE FROM zalt_sessions WHERE id IN \
         (SELECT id FROM zalt_sessions WHERE sweep_at < ?1 AND over_at < ?1 ORDER BY sweep_at LIMIT ?2)";
    ATTEMPTS =
        "DELETE FROM zalt_attempts WHERE id IN \
         (SELECT id FROM zalt_attempts WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)";
    BUDGETS =
        "DELETE FROM zalt_budgets WHERE key IN \
         (SELECT key FROM zalt_budgets WHERE forget_at < ?1 ORDER BY forget_at LIMIT ?2)";
    SIGNING_KEYS =
        "DELETE FROM zalt_signing_keys WHERE kid IN \
         (SELECT kid FROM zalt_signing_keys WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)";
    EVENTS =
        "DELETE FROM zalt_events WHERE id IN \
         (SELECT id FROM zalt_events WHERE occurred_at < ?1 ORDER BY occurred_at LIMIT ?2)";
}

/// Removes what is over, at most `limit` rows of each kind.
pub(crate) fn remove(db: &Connection, expired: &Expired) -> Result<(), Error> {
    for (sql, before) in [
        (PROLONGED_SESSIONS, Some(expired.sessions_before)),
        (SESSIONS, Some(expired.sessions_before)),
        (ATTEMPTS, Some(expired.attempts_before)),
        (BUDGETS, Some(expired.budgets_before)),
        (SIGNING_KEYS, Some(expired.signing_keys_before)),
        (EVENTS, expired.events_before),
    ] {
        if let Some(before) = before {
            execute(db, sql, params![before.unix_millis(), expired.limit])?;
        }
    }
    Ok(())
}
