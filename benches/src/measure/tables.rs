//! Figures as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use super::figure::Figure;
use super::loads::{Loads, Place};
use crate::adapter::Operation;
use crate::process::mib;

/// One line about a figure, for whoever waits.
pub(super) fn line(figure: &Figure) -> String {
    let latencies = &figure.outcome.latencies;
    let mut line = format!(
        "{} at {:.0}/s: p50 {}, p95 {}, p99 {}",
        figure.title(),
        figure.rate,
        duration(latencies.quantile(0.5)),
        duration(latencies.quantile(0.95)),
        duration(latencies.quantile(0.99)),
    );
    if let Some(saturated) = &figure.saturated {
        let _ = write!(line, "; {:.0}/s at the most", saturated.per_second());
    }
    line.push_str(&remarks(figure));
    line
}

/// A table of figures, each with what it is called.
pub fn figures_table<'f>(rows: impl Iterator<Item = (String, &'f Figure)>) -> String {
    let mut table = "| | asked | answered | p50 | p95 | p99 | p99.9 | processor each | memory (its own) | at the most | |\n\
                     |---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for (name, figure) in rows {
        let latencies = &figure.outcome.latencies;
        let known = |share| {
            latencies
                .known_quantile(share)
                .map_or_else(|| "–".to_owned(), duration)
        };
        let memory = figure.memory.map_or_else(
            || "–".to_owned(),
            |memory| format!("{:.0} MiB ({:.0})", mib(memory.peak), mib(memory.anonymous)),
        );
        let most = figure.saturated.as_ref().map_or_else(
            || "–".to_owned(),
            |outcome| format!("{:.0}/s", outcome.per_second()),
        );
        let _ = writeln!(
            table,
            "| {name} | {:.0}/s | {:.0}/s | {} | {} | {} | {} | {} | {memory} | {most} | {} |",
            figure.rate,
            figure.outcome.per_second(),
            known(0.5),
            known(0.95),
            known(0.99),
            known(0.999),
            processor(figure),
            remarks(figure).trim_start_matches("; "),
        );
    }
    table
}

/// The server's time, and that of what keeps its data.
fn processor(figure: &Figure) -> String {
    match (figure.cpu, figure.storage_cpu) {
        (Some(server), Some(storage)) => format!("{} + {}", duration(server), duration(storage)),
        (Some(server), None) => duration(server),
        (None, _) => "–".to_owned(),
    }
}

/// What has to be known beside the numbers.
fn remarks(figure: &Figure) -> String {
    let mut remarks = String::new();
    let outcome = &figure.outcome;
    for (reason, count) in &outcome.failures {
        let _ = write!(
            remarks,
            "; **{count} of {} failed**: {reason}",
            outcome.offered
        );
    }
    if outcome.driver_was_late() {
        let late = duration(outcome.lateness.quantile(0.95));
        let _ = write!(remarks, "; the driver itself was late, p95 {late}");
    }
    remarks
}

/// All tables of a run, operation by operation.
pub(super) fn of_loads(loads: &Loads) -> String {
    let mut text = String::new();
    let mut titles: Vec<(Operation, String)> = Vec::new();
    for figure in loads.places.iter().flat_map(|place| &place.figures) {
        let title = (figure.operation, figure.title());
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    for (operation, title) in titles {
        let rows = loads.places.iter().flat_map(|place| {
            let figures = place.figures.iter();
            let wanted = figures.filter(|figure| figure.title() == title);
            wanted.map(|figure| (place_title(place), figure))
        });
        let _ = writeln!(text, "### {}\n", heading(operation, &title));
        text.push_str(&figures_table(rows));
        if let Some(limit) = limit(operation, loads) {
            let _ = writeln!(text, "\n{limit}");
        }
        text.push('\n');
    }
    text.push_str(&reads(loads));
    for reason in &loads.left_out {
        let _ = writeln!(text, "Left out: {reason}.\n");
    }
    text
}

fn heading(operation: Operation, title: &str) -> String {
    if operation == Operation::Nothing {
        return "Nothing (`/healthz`)".to_owned();
    }
    let mut letters = title.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn place_title(place: &Place) -> String {
    format!("{}, {} users", place.backend.title(), place.users)
}

fn limit(operation: Operation, loads: &Loads) -> Option<String> {
    let places = || loads.places.iter();
    match operation {
        Operation::SignUp | Operation::SignIn => {
            let hash = places().map(|place| place.limits.one_hash).min()?;
            Some(format!(
                "Held against one bare hash on an idle core: {}.",
                duration(hash)
            ))
        }
        Operation::Refresh | Operation::Revoke => {
            let commits: Vec<_> = places()
                .map(|place| {
                    let commits = &place.limits.commits;
                    format!(
                        "{}, {} users: p50 {}, p95 {}",
                        place.backend.title(),
                        place.users,
                        duration(commits.quantile(0.5)),
                        duration(commits.quantile(0.95))
                    )
                })
                .collect();
            Some(format!(
                "Held against one durable commit of one row, one after the other ({}).",
                commits.join("; ")
            ))
        }
        Operation::SessionCheck => {
            Some("Held against *nothing* above: the same server, asked for its health.".to_owned())
        }
        Operation::Nothing | Operation::ListUsers => None,
    }
}

fn reads(loads: &Loads) -> String {
    let mut text = String::new();
    for place in &loads.places {
        for read in &place.reads {
            let latencies = &read.latencies;
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                place_title(place),
                read.what.title(),
                duration(latencies.quantile(0.5)),
                duration(latencies.quantile(0.95)),
                duration(latencies.quantile(0.99)),
                read.file_reads
                    .map_or_else(|| "–".to_owned(), |reads| format!("{reads:.1}")),
            );
        }
    }
    if text.is_empty() {
        return text;
    }
    format!(
        "### Reads of the store\n\nThe look-ups behind sign-ins and session checks, and the lists of an administrator, asked of the \
         store inside this program, one after the other. The read of one user by key is what they are held against.\n\n\
         | | what | p50 | p95 | p99 | reads of the file each |\n|---|---|---|---|---|---|\n{text}\n"
    )
}

/// A duration as people read it, with two or three digits that count.
pub fn duration(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    match micros {
        ..10.0 => format!("{micros:.1} µs"),
        10.0..1_000.0 => format!("{micros:.0} µs"),
        1_000.0..10_000.0 => format!("{:.1} ms", micros / 1e3),
        10_000.0..1_000_000.0 => format!("{:.0} ms", micros / 1e3),
        _ => format!("{:.1} s", micros / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_digits_that_count() {
        for (nanos, expected) in [
            (1_234, "1.2 µs"),
            (123_456, "123 µs"),
            (1_234_567, "1.2 ms"),
            (12_345_678, "12 ms"),
            (1_234_567_890, "1.2 s"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanos)), expected);
        }
    }
}
