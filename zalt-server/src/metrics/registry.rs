use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

use super::histogram::Buckets;
use super::text;

/// Everything that is counted in this process.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    counters: Series<AtomicU64>,
    /// The bits of a float.
    gauges: Series<AtomicU64>,
    histograms: Series<Buckets>,
    help: RwLock<BTreeMap<String, String>>,
}

/// By name and labels.
type Series<T> = RwLock<HashMap<Key, Arc<T>>>;

/// More than there are with every label that we give. A label without a bound would be a mistake, and not one that takes
/// the memory of the machine.
const MOST_SERIES: usize = 10_000;

impl Registry {
    /// All of it in the text format of Prometheus.
    pub(crate) fn render(&self) -> String {
        let mut writer = text::Writer::new(read(&self.help).clone());
        for (key, counter) in sorted(&self.counters) {
            writer.counter(&key, &counter);
        }
        for (key, gauge) in sorted(&self.gauges) {
            writer.gauge(&key, &gauge);
        }
        for (key, buckets) in sorted(&self.histograms) {
            writer.histogram(&key, &buckets.snapshot());
        }
        writer.finish()
    }

    fn describe(&self, key: &KeyName, description: &SharedString) {
        self.help
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.as_str().to_owned(), description.to_string());
    }
}

impl Recorder for Registry {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.describe(&key, &description);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.describe(&key, &description);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.describe(&key, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        one_of(&self.counters, key).map_or_else(Counter::noop, Counter::from_arc)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        one_of(&self.gauges, key).map_or_else(Gauge::noop, Gauge::from_arc)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        one_of(&self.histograms, key).map_or_else(Histogram::noop, Histogram::from_arc)
    }
}

fn one_of<T: Default>(series: &Series<T>, key: &Key) -> Option<Arc<T>> {
    if let Some(found) = read(series).get(key) {
        return Some(Arc::clone(found));
    }
    let mut series = series.write().unwrap_or_else(PoisonError::into_inner);
    if series.len() >= MOST_SERIES && !series.contains_key(key) {
        return None;
    }
    Some(Arc::clone(series.entry(key.clone()).or_default()))
}

fn sorted<T>(series: &Series<T>) -> Vec<(Key, Arc<T>)> {
    let mut all: Vec<_> = read(series)
        .iter()
        .map(|(key, value)| (key.clone(), Arc::clone(value)))
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use metrics::with_local_recorder;

    use super::*;

    #[test]
    fn what_was_counted_is_written_in_the_form_of_prometheus() {
        let registry = Registry::default();
        with_local_recorder(&registry, || {
            metrics::describe_counter!("zalt_things_total", "Things\nthat were");
            for _ in 0..2 {
                metrics::counter!("zalt_things_total", "kind" => "a \"b\"\\").increment(1);
            }
            metrics::counter!("zalt_things_total", "kind" => "c").absolute(7);
            metrics::gauge!("zalt_level").set(1.5);
            metrics::histogram!("zalt_seconds", "route" => "/x").record(0.003);
            metrics::histogram!("zalt_seconds", "route" => "/x").record(60.0);
        });
        let text = registry.render();
        let (counters, rest) = text.split_once("# TYPE zalt_level").unwrap();
        assert_eq!(
            counters,
            "# HELP zalt_things_total Things\\nthat were\n\
             # TYPE zalt_things_total counter\n\
             zalt_things_total{kind=\"a \\\"b\\\"\\\\\"} 2\n\
             zalt_things_total{kind=\"c\"} 7\n"
        );
        for line in [
            "zalt_level 1.5",
            "# TYPE zalt_seconds histogram",
            "zalt_seconds_bucket{route=\"/x\",le=\"0.0025\"} 0",
            "zalt_seconds_bucket{route=\"/x\",le=\"0.005\"} 1",
            "zalt_seconds_bucket{route=\"/x\",le=\"+Inf\"} 2",
            "zalt_seconds_sum{route=\"/x\"} 60.003",
            "zalt_seconds_count{route=\"/x\"} 2",
        ] {
            assert!(
                rest.lines().any(|written| written == line),
                "{line}: {rest}"
            );
        }
    }

    #[test]
    fn a_label_without_a_bound_does_not_grow_for_ever() {
        let registry = Registry::default();
        with_local_recorder(&registry, || {
            for number in 0..MOST_SERIES + 5 {
                metrics::counter!("zalt_things_total", "n" => number.to_string()).increment(1);
            }
        });
        assert_eq!(read(&registry.counters).len(), MOST_SERIES);
    }
}
