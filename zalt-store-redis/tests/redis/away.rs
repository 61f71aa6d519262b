//! What becomes of budgets while Redis is away, and of what waits for it.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use zalt_core::budget::{BudgetStore, Decision, MemoryBudgets};
use zalt_core::store::{StoreError, StoreErrorKind};
use zalt_services::{Redis, RedisCluster, RedisOptions as ServerOptions};
use zalt_store_redis::{RedisBudgets, RedisConnection, WhenAway};
use zalt_store_testkit::fixtures::{EPOCH, Fixtures};

use crate::support::{Place, THREE, now, until};

fn server() -> Redis {
    Redis::start(&ServerOptions::default()).unwrap()
}

fn on(server: &Redis) -> Place {
    Place::on(&server.url(), RedisConnection::builder())
}

async fn take(budgets: &RedisBudgets, f: &Fixtures) -> Result<Decision, StoreErrorKind> {
    let taken = budgets.take(f.budget_key(), &THREE, EPOCH).await;
    taken.map_err(|error: StoreError| error.kind())
}

/// Tries that come at once while Redis does not answer, and those right after.
async fn refused_without_waiting(budgets: &RedisBudgets, f: &Arc<Fixtures>) {
    let begun = now();
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let (budgets, f) = (budgets.clone(), Arc::clone(f));
            tokio::spawn(async move { take(&budgets, &f).await })
        })
        .collect();
    for one in tries {
        assert_eq!(one.await.unwrap(), Err(StoreErrorKind::Unavailable));
    }
    let first = begun.elapsed();
    let begun = now();
    for _ in 0..100 {
        assert_eq!(take(budgets, f).await, Err(StoreErrorKind::Unavailable));
    }
    let later = begun.elapsed();
    println!("the first 50 at once waited {first:?}, the next 100 in turn {later:?}");
    assert!(first < Duration::from_millis(2500), "{first:?}");
    // Some may be the one that tries.
    assert!(later < Duration::from_millis(2500), "{later:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_killed_redis_refuses_account_budgets_and_answers_again() {
    let mut server = server();
    let place = on(&server);
    let budgets = RedisBudgets::new(place.connect());
    let f = Arc::new(Fixtures::default());
    assert_eq!(take(&budgets, &f).await, Ok(Decision::Granted));
    server.kill().unwrap();
    refused_without_waiting(&budgets, &f).await;
    server.start_again().unwrap();
    let took = until("Redis is asked again", async || {
        take(&budgets, &f).await.is_ok()
    })
    .await;
    println!("asked again after {took:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_paused_redis_holds_nobody_up_for_long() {
    let server = server();
    let place = on(&server);
    let budgets = RedisBudgets::new(place.connect());
    let f = Arc::new(Fixtures::default());
    assert_eq!(take(&budgets, &f).await, Ok(Decision::Granted));
    server.pause().unwrap();
    refused_without_waiting(&budgets, &f).await;
    server.resume().unwrap();
    let took = until("Redis is asked again", async || {
        take(&budgets, &f).await.is_ok()
    })
    .await;
    println!("asked again after {took:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
#[ignore = "needs Redis: cargo xtask test"]
async fn network_budgets_do_without_redis() {
    let mut server = server();
    let place = on(&server);
    let memory = Arc::new(MemoryBudgets::new(100));
    let budgets = RedisBudgets::new(place.connect()).when_away(WhenAway::Use(memory));
    let key = Fixtures::default().budget_key();
    let take = async || budgets.take(key, &THREE, EPOCH).await.unwrap();
    for _ in 0..3 {
        assert_eq!(take().await, Decision::Granted);
    }
    let denied = Decision::Denied {
        retry_after: Some(Duration::from_mins(20)),
    };
    assert_eq!(take().await, denied);
    server.kill().unwrap();
    // The replica counts for itself.
    for _ in 0..3 {
        assert_eq!(take().await, Decision::Granted);
    }
    assert_eq!(take().await, denied);
    budgets.give_back(key).await.unwrap();
    assert_eq!(take().await, Decision::Granted);
}

/// A replica starts while Redis is away.
#[tokio::test]
async fn a_connection_is_opened_without_redis_and_says_so() {
    let connection = RedisConnection::open("redis://127.0.0.1:1").unwrap();
    let error = connection.ready().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.is_retryable());
}

/// Redis closes connections that are idle; the next try does not fail for it.
#[tokio::test]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_closed_connection_is_made_again_without_a_failure() {
    let mut server = server();
    let place = on(&server);
    let budgets = RedisBudgets::new(place.connect());
    let f = Fixtures::default();
    for _ in 0..20 {
        assert_eq!(take(&budgets, &f).await, Ok(Decision::Granted));
        server.command("CLIENT KILL TYPE normal").unwrap();
    }
    server.restart().unwrap();
    assert_eq!(take(&budgets, &f).await, Ok(Decision::Granted));
}

#[tokio::test]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_script_that_redis_forgot_is_sent_again() {
    let server = server();
    let place = on(&server);
    let budgets = RedisBudgets::new(place.connect());
    let f = Fixtures::default();
    for _ in 0..3 {
        assert_eq!(take(&budgets, &f).await, Ok(Decision::Granted));
        server.command("SCRIPT FLUSH").unwrap();
    }
}

#[tokio::test]
#[ignore = "needs Redis: cargo xtask test"]
async fn what_redis_refuses_has_its_kind() {
    let server = server();
    let place = on(&server);
    let budgets = RedisBudgets::new(place.connect());
    let f = Fixtures::default();
    assert_eq!(take(&budgets, &f).await, Ok(Decision::Granted));

    server.command("CONFIG SET maxmemory 1").unwrap();
    assert_eq!(take(&budgets, &f).await, Err(StoreErrorKind::Full));
    budgets.give_back(f.budget_key()).await.unwrap();
    server.command("CONFIG SET maxmemory 0").unwrap();
    assert_eq!(take(&budgets, &f).await, Ok(Decision::Granted));

    server.command("REPLICAOF 127.0.0.1 1").unwrap();
    assert_eq!(take(&budgets, &f).await, Err(StoreErrorKind::ReadOnly));
    server.command("REPLICAOF NO ONE").unwrap();
    assert_eq!(take(&budgets, &f).await, Ok(Decision::Granted));
}

#[tokio::test]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_state_that_makes_no_sense_is_corrupt() {
    let server = server();
    let place = on(&server);
    let connection = place.connect();
    let budgets = RedisBudgets::new(connection.clone());
    let key = Fixtures::default().budget_key();
    let hex = key.as_bytes().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let name = format!("{}budget:{hex}", connection.prefix());
    for command in [format!("SET {name} nonsense"), format!("LPUSH {name} 1")] {
        server.command(&command).unwrap();
        let error = budgets.take(key, &THREE, EPOCH).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{command}");
        budgets.give_back(key).await.unwrap();
    }
    assert_eq!(
        budgets.take(key, &THREE, EPOCH).await.unwrap(),
        Decision::Granted
    );
}

/// Keys on the other nodes of a cluster are none the worse for one that is paused.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_paused_node_holds_up_only_its_own_keys() {
    let mut cluster = RedisCluster::start(3).unwrap();
    for node in cluster.nodes() {
        node.command("CONFIG SET cluster-require-full-coverage no")
            .unwrap();
    }
    let options = RedisConnection::builder()
        .cluster(true)
        .response_timeout(Duration::from_millis(200));
    let place = Place::on(&cluster.url(), options);
    let budgets = RedisBudgets::new(place.connect());
    let f = Fixtures::default();
    for _ in 0..50 {
        assert_eq!(take(&budgets, &f).await, Ok(Decision::Granted));
    }
    cluster.nodes()[2].pause().unwrap();
    let (mut granted, mut refused) = (0, 0);
    let begun = now();
    for _ in 0..300 {
        match take(&budgets, &f).await {
            Ok(_) => granted += 1,
            Err(kind) => {
                assert_eq!(kind, StoreErrorKind::Unavailable);
                refused += 1;
            }
        }
    }
    let took = begun.elapsed();
    println!("{granted} granted, {refused} refused in {took:?}");
    // A third of the keys lies on it, more or less.
    assert!(granted > 150 && refused > 50);
    assert!(took < Duration::from_secs(10), "{took:?}");
    // So it is for a replica that starts meanwhile.
    let late = RedisBudgets::new(place.connect());
    let took = until("a key on another node is served", async || {
        take(&late, &f).await.is_ok()
    })
    .await;
    println!("a new connection served a key after {took:?}");
    cluster.nodes()[2].resume().unwrap();
    until("all keys are served again", async || {
        let mut all = true;
        for _ in 0..30 {
            all &= take(&budgets, &f).await.is_ok();
        }
        all
    })
    .await;
}
