//! What the figures of a run have to keep.

use std::time::Duration;

use super::figure::Figure;
use super::ground::Backend;
use super::loads::{Loads, Place};
use super::reads::What;
use super::tables::duration;
use crate::adapter::Operation;
use crate::budget::Report;
use crate::drive::Among;
use crate::load::Latencies;

/// The most that a million users may cost in comparison to a thousand.
const MOST: f64 = 1.5;

/// Adds them to the budget.
pub(super) fn add(loads: &Loads, report: &mut Report) {
    for place in &loads.places {
        refresh(place, report);
    }
    for backend in Backend::ALL {
        let places: Vec<_> = loads
            .places
            .iter()
            .filter(|place| place.backend == backend)
            .collect();
        if let [few, .., many] = places.as_slice() {
            scale(loads, few, many, report);
        }
    }
}

/// What a figure is held against: the same with few users. Of a thousand people chosen at random all are in the cache soon, and
/// of a million none: so their checks, each a query, are held against those of few that are queries too.
fn alike<'a>(loads: &'a Loads, few: &'a Place, figure: &Figure) -> &'a Place {
    let passes_the_cache = few.backend == Backend::PostgresRedis
        && figure.operation == Operation::SessionCheck
        && figure.among == Among::Everybody;
    let mut places = loads.places.iter();
    let queried = passes_the_cache.then(|| {
        places.find(|place| place.backend == Backend::Postgres && place.users == few.users)
    });
    queried.flatten().unwrap_or(few)
}

fn refresh(place: &Place, report: &mut Report) {
    let refreshes = place
        .figures
        .iter()
        .find(|figure| figure.operation == Operation::Refresh);
    let Some(outcome) = refreshes.and_then(|figure| figure.saturated.as_ref()) else {
        return;
    };
    let p95 = outcome.latencies.quantile(0.95);
    report.add(
        &format!(
            "refresh over HTTP by 32 clients, {}, {} users, p95",
            place.backend.title(),
            place.users
        ),
        format!("{} at {:.0}/s", duration(p95), outcome.per_second()),
        format!(
            "one durable commit, {}",
            duration(place.limits.commits.quantile(0.5))
        ),
        "< 10 ms",
        p95 < Duration::from_millis(10) && outcome.failed() == 0,
    );
}

fn scale(loads: &Loads, few: &Place, many: &Place, report: &mut Report) {
    for figure in &many.figures {
        let few = alike(loads, few, figure);
        let same = few
            .figures
            .iter()
            .find(|other| other.title() == figure.title());
        // What does nothing does not depend on users; it shows how far two measurements of the same lie apart.
        if let Some(before) = same.filter(|_| figure.operation != Operation::Nothing) {
            let (before, after) = (&before.outcome, &figure.outcome);
            compare(
                &figure.title(),
                (few, &before.latencies),
                (many, &after.latencies),
                report,
            );
        }
    }
    for read in &many.reads {
        let same = few.reads.iter().find(|other| other.what == read.what);
        let Some(before) = same else {
            continue;
        };
        let (before, after) = ((few, &before.latencies), (many, &read.latencies));
        match read.what {
            // The search finds a thousand times as many; the others are the limit, and part of an operation above.
            What::Search | What::User | What::Session => {}
            What::Account => compare_sign_in(before, after, report),
            _ => compare(read.what.title(), before, after, report),
        }
    }
}

/// A look-up alone costs more where pages no longer fit into the caches of the processor, and a sign-in is what is promised:
/// the hash, and that.
fn compare_sign_in(
    (few, before): (&Place, &Latencies),
    (many, after): (&Place, &Latencies),
    report: &mut Report,
) {
    let (before, after) = (before.quantile(0.95), after.quantile(0.95));
    let hash = many.limits.one_hash;
    let alone = after.as_secs_f64() / before.as_secs_f64();
    let whole = (hash + after).as_secs_f64() / (hash + before).as_secs_f64();
    report.add(
        &format!(
            "sign-in look-up, {}, {} users, p95",
            many.backend.title(),
            many.users
        ),
        format!(
            "{} ({alone:.2} ×), with the hash {whole:.3} ×",
            duration(after)
        ),
        format!(
            "{} with {} users, and one hash, {}",
            duration(before),
            few.users,
            duration(hash)
        ),
        "≤ 1.5 × with the hash",
        whole <= MOST,
    );
}

fn compare(
    what: &str,
    (few, before): (&Place, &Latencies),
    (many, after): (&Place, &Latencies),
    report: &mut Report,
) {
    let (before, after) = (before.quantile(0.95), after.quantile(0.95));
    if before.is_zero() {
        return;
    }
    let ratio = after.as_secs_f64() / before.as_secs_f64();
    report.add(
        &format!(
            "{what}, {}, {} users, p95",
            many.backend.title(),
            many.users
        ),
        format!("{}, {ratio:.2} ×", duration(after)),
        if few.backend == many.backend {
            format!("{} with {} users", duration(before), few.users)
        } else {
            let (before, title) = (duration(before), few.backend.title());
            format!("{before} with {} users on {title}, a query too", few.users)
        },
        "≤ 1.5 ×",
        ratio <= MOST,
    );
}
