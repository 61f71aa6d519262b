//! What operators can watch; the front page lists the names.

use crate::failure::Failure;

pub(crate) fn error(prefix: &str, operation: &'static str, failure: &Failure) {
    ::metrics::counter!(
        "zalt_redis_errors_total",
        "prefix" => prefix.to_owned(),
        "operation" => operation,
        "reason" => failure.reason(),
    )
    .increment(1);
}

pub(crate) fn available(prefix: &str, share: f64) {
    ::metrics::gauge!("zalt_redis_available", "prefix" => prefix.to_owned()).set(share);
}

pub(crate) fn budget_without_redis(prefix: &str, action: &'static str) {
    ::metrics::counter!(
        "zalt_budget_fallbacks_total",
        "prefix" => prefix.to_owned(),
        "action" => action,
    )
    .increment(1);
}

pub(crate) fn lease(prefix: &str, valid: bool) {
    ::metrics::gauge!("zalt_session_cache_lease", "prefix" => prefix.to_owned())
        .set(f64::from(u8::from(valid)));
}

pub(crate) fn forgot_everything(prefix: &str) {
    ::metrics::counter!("zalt_session_cache_resets_total", "prefix" => prefix.to_owned())
        .increment(1);
}

pub(crate) fn announced(prefix: &str, rows: usize) {
    ::metrics::counter!("zalt_invalidations_announced_total", "prefix" => prefix.to_owned())
        .increment(u64::try_from(rows).unwrap_or(u64::MAX));
}

pub(crate) fn heard(prefix: &str, rows: usize) {
    ::metrics::counter!("zalt_invalidations_heard_total", "prefix" => prefix.to_owned())
        .increment(u64::try_from(rows).unwrap_or(u64::MAX));
}

pub(crate) fn pending(prefix: &str, rows: usize) {
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    ::metrics::gauge!("zalt_invalidations_pending", "prefix" => prefix.to_owned())
        .set(f64::from(rows));
}
