//! Figures as curves.

use std::time::Duration;

use super::figure::Figure;
use super::ground::Backend;
use super::loads::{Loads, Place};
use crate::chart::{Chart, Line, Picture};
use crate::load::Latencies;

/// Latency by the number of users: one chart for each operation, one line for each backend.
pub(super) fn by_users(loads: &Loads) -> Option<Picture> {
    let titles = titles(loads.places.iter().flat_map(|place| &place.figures));
    let charts: Vec<_> = titles
        .iter()
        .map(|title| {
            let mut chart = Chart {
                title: title.clone(),
                x: "users".to_owned(),
                y: "latency".to_owned(),
                lines: Vec::new(),
            };
            for (colour, backend) in backends(loads).into_iter().enumerate() {
                let figures: Vec<_> = loads
                    .places
                    .iter()
                    .filter(|place| place.backend == backend)
                    .flat_map(|place| place.figures.iter().map(move |figure| (place, figure)))
                    .filter(|(_, figure)| figure.title() == *title)
                    .map(|(place, figure)| (f64::from(place.users), figure))
                    .collect();
                chart
                    .lines
                    .extend(percentiles(backend, colour, &figures, 0.95, "p95"));
            }
            chart
        })
        .collect();
    let several = loads
        .places
        .iter()
        .any(|place| place.users != loads.places[0].users);
    (several && !charts.is_empty()).then(|| Picture {
        title: "Latency by the number of users".to_owned(),
        charts,
        columns: 3,
    })
}

/// Latency by what is asked in a second, up to more than there can be.
pub(super) fn by_load(loads: &Loads) -> Option<Picture> {
    let curves = || loads.places.iter().flat_map(|place| &place.curves);
    let titles = titles(curves().flatten());
    let users = loads
        .places
        .iter()
        .find(|place| !place.curves.is_empty())?
        .users;
    let charts = titles
        .iter()
        .map(|title| {
            let mut chart = Chart {
                title: title.clone(),
                x: "asked in a second".to_owned(),
                y: "latency".to_owned(),
                lines: Vec::new(),
            };
            for (colour, backend) in backends(loads).into_iter().enumerate() {
                let places = loads.places.iter().filter(|place| place.backend == backend);
                let points: Vec<_> = places
                    .flat_map(|place: &Place| place.curves.iter().flatten())
                    .filter(|figure| figure.title() == *title)
                    .map(|figure| (figure.rate, figure))
                    .collect();
                chart
                    .lines
                    .extend(percentiles(backend, colour, &points, 0.99, "p99"));
            }
            chart
        })
        .collect();
    Some(Picture {
        title: format!("Latency by load, {users} users"),
        charts,
        columns: 3,
    })
}

/// The median, dashed, and a higher percentile.
fn percentiles(
    backend: Backend,
    colour: usize,
    figures: &[(f64, &Figure)],
    share: f64,
    name: &str,
) -> Vec<Line> {
    let line = |share, name: &str, dashed| Line {
        name: format!("{}, {name}", backend.title()),
        colour,
        dashed,
        points: figures
            .iter()
            .filter(|(_, figure)| figure.outcome.latencies.count() > 0)
            .map(|(x, figure)| (*x, seconds(&figure.outcome.latencies, share)))
            .collect(),
    };
    if figures.is_empty() {
        return Vec::new();
    }
    vec![line(share, name, false), line(0.5, "p50", true)]
}

fn seconds(latencies: &Latencies, share: f64) -> f64 {
    latencies
        .quantile(share)
        .max(Duration::from_nanos(1))
        .as_secs_f64()
}

fn titles<'f>(figures: impl Iterator<Item = &'f Figure>) -> Vec<String> {
    let mut titles = Vec::new();
    for figure in figures {
        let title = figure.title();
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    titles
}

fn backends(loads: &Loads) -> Vec<Backend> {
    let mut backends: Vec<Backend> = Vec::new();
    for place in &loads.places {
        if !backends.contains(&place.backend) {
            backends.push(place.backend);
        }
    }
    backends
}
