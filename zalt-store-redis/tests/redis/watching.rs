//! What operators see of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString,
    Unit,
};
use zalt_core::budget::{BudgetStore, MemoryBudgets};
use zalt_core::store::Store;
use zalt_services::{Redis, RedisOptions as ServerOptions};
use zalt_store_redis::{RedisBudgets, RedisConnection, WhenAway};
use zalt_store_testkit::fixtures::{EPOCH, Fixtures};

use crate::support::{Place, Replicas, THREE, revocation, until, until_current};

/// Values by the names of metrics, with the labels other than the prefix.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<BTreeMap<String, f64>>>);

struct One {
    name: String,
    seen: Seen,
}

impl Seen {
    fn value(&self, name: &str) -> Option<f64> {
        self.0.lock().unwrap().get(name).copied()
    }

    fn one(&self, key: &Key) -> Arc<One> {
        let labels: Vec<_> = key
            .labels()
            .filter(|label| label.key() != "prefix")
            .map(|label| format!("{}={}", label.key(), label.value()))
            .collect();
        Arc::new(One {
            name: format!("{} {}", key.name(), labels.join(" "))
                .trim_end()
                .to_owned(),
            seen: self.clone(),
        })
    }
}

impl One {
    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut seen = self.seen.0.lock().unwrap();
        let value = seen.entry(self.name.clone()).or_default();
        *value = change(*value);
    }
}

impl CounterFn for One {
    fn increment(&self, by: u64) {
        self.change(|value| value + f64::from(u32::try_from(by).unwrap()));
    }

    fn absolute(&self, to: u64) {
        self.change(|_| f64::from(u32::try_from(to).unwrap()));
    }
}

impl GaugeFn for One {
    fn increment(&self, by: f64) {
        self.change(|value| value + by);
    }

    fn decrement(&self, by: f64) {
        self.change(|value| value - by);
    }

    fn set(&self, to: f64) {
        self.change(|_| to);
    }
}

impl Recorder for Seen {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.one(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.one(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Runs a test on this thread alone, and lets it see the metrics.
fn watch(test: impl AsyncFnOnce(Seen)) {
    let seen = Seen::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    metrics::with_local_recorder(&seen, || runtime.block_on(test(seen.clone())));
}

#[test]
#[ignore = "needs Redis: cargo xtask test"]
fn budgets_without_redis_are_counted() {
    watch(async |seen| {
        let mut server = Redis::start(&ServerOptions::default()).unwrap();
        let place = Place::on(&server.url(), RedisConnection::builder());
        let connection = place.connect();
        let accounts = RedisBudgets::new(connection.clone());
        let networks = RedisBudgets::new(connection.clone())
            .when_away(WhenAway::Use(Arc::new(MemoryBudgets::new(100))));
        connection.ready().await.unwrap();
        assert_eq!(seen.value("zalt_redis_available"), Some(1.0));
        server.kill().unwrap();
        let f = Fixtures::default();
        for _ in 0..2 {
            accounts
                .take(f.budget_key(), &THREE, EPOCH)
                .await
                .unwrap_err();
        }
        for _ in 0..3 {
            networks.take(f.budget_key(), &THREE, EPOCH).await.unwrap();
        }
        assert_eq!(seen.value("zalt_redis_available"), Some(0.0));
        let refused = "zalt_budget_fallbacks_total action=refuse";
        assert_eq!(seen.value(refused), Some(2.0));
        assert_eq!(
            seen.value("zalt_budget_fallbacks_total action=use"),
            Some(3.0)
        );
        // The first found out; the others were not let through.
        let failed = "zalt_redis_errors_total operation=take reason=connect";
        assert_eq!(seen.value(failed), Some(1.0));
        server.start_again().unwrap();
        until("Redis is available", async || {
            let _ = connection.ready().await;
            seen.value("zalt_redis_available") == Some(1.0)
        })
        .await;
    });
}

#[test]
#[ignore = "needs Redis: cargo xtask test"]
fn leases_and_invalidations_are_counted() {
    watch(async |seen| {
        let mut server = Redis::start(&ServerOptions::default()).unwrap();
        let place = Place::on(&server.url(), RedisConnection::builder());
        let replicas = Replicas::new(place);
        let (here, there) = (replicas.start().await, replicas.start().await);
        assert_eq!(seen.value("zalt_session_cache_lease"), Some(1.0));
        assert_eq!(seen.value("zalt_session_cache_resets_total"), Some(2.0));
        let id = replicas.session_known_to(&[&here, &there]).await;
        here.commit(revocation(id)).await.unwrap();
        assert_eq!(seen.value("zalt_invalidations_announced_total"), Some(1.0));
        assert_eq!(seen.value("zalt_invalidations_pending"), Some(0.0));
        until("it is heard", async || {
            seen.value("zalt_invalidations_heard_total") == Some(1.0)
        })
        .await;
        server.kill().unwrap();
        until("the lease ends", async || {
            seen.value("zalt_session_cache_lease") == Some(0.0)
        })
        .await;
        let id = replicas.session_known_to(&[]).await;
        here.commit(revocation(id)).await.unwrap();
        assert_eq!(seen.value("zalt_invalidations_pending"), Some(1.0));
        server.start_again().unwrap();
        until_current(&there).await;
        until("it is announced", async || {
            seen.value("zalt_invalidations_pending") == Some(0.0)
        })
        .await;
    });
}
