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
