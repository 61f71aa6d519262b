//! What happens to a replica, to PostgreSQL and to Redis while people use them.

use std::time::Duration;

use tokio::task::block_in_place;
use tokio::time::sleep;

use super::site::{Parts, REPLICAS, Site};
use crate::support::free_port;

/// How long something is away in these tests. Long enough for everybody to notice.
const AWAY: Duration = Duration::from_secs(3);
/// A server gives a database that does not answer up two seconds later.
const STATEMENT_TIMEOUT: &str = "2s";
/// Longer than an answer in a cache is good.
const LONG_AWAY: Duration = Duration::from_secs(7);
/// How long a replica stands still.
const PAUSE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn replicas_are_replaced_are_killed_and_stand_still() {
    let parts = Parts::default().with_redis();
    let mut site = Site::open("A replica is replaced or lost", parts).await;
    let what = "all replicas are replaced, one after the other (SIGTERM)";
    let replaced = site
        .strike(what, async |site| {
            for index in 0..REPLICAS {
                site.cluster.stop_one(index).await;
                site.cluster.spawn(index).await;
                site.cluster.all_ready().await;
            }
        })
        .await;
    // At the most one that was connecting when a replica closed its listener.
    assert!(replaced.in_vain <= REPLICAS, "{replaced:?}");
    for index in 0..REPLICAS {
        let what = format!("replica {index} is killed, and started again after a second");
        site.strike(&what, async |site| {
            site.cluster.kill(index).await;
            sleep(Duration::from_secs(1)).await;
            site.cluster.spawn(index).await;
        })
        .await;
    }
    let index = site.random.index(REPLICAS);
    let what = format!("a replica is stopped for {} s (SIGSTOP)", PAUSE.as_secs());
    site.strike(&what, async |site| {
        let server = site.cluster.server(index).await;
        server.pause().await;
        sleep(PAUSE).await;
        server.go_on().await;
    })
    .await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn postgres_is_restarted_and_its_machine_vanishes() {
    let parts = Parts::default().env("ZALT_DATABASE_STATEMENT_TIMEOUT", STATEMENT_TIMEOUT);
    let mut site = Site::open("PostgreSQL is lost, no Redis", parts).await;
    site.strike("PostgreSQL is restarted (fast)", async |site| {
        block_in_place(|| site.base.postgres.restart()).unwrap();
    })
    .await;
    let what = format!(
        "PostgreSQL is killed, and started again after {} s",
        AWAY.as_secs()
    );
    site.strike(&what, async |site| {
        block_in_place(|| site.base.postgres.kill()).unwrap();
        sleep(AWAY).await;
        block_in_place(|| site.base.postgres.start_again()).unwrap();
    })
    .await;
    let standby = block_in_place(|| site.base.postgres.synchronous_standby("successor")).unwrap();
    let what = format!(
        "its machine vanishes without a word, the synchronous standby is promoted and the address moved \
         (ZALT_DATABASE_STATEMENT_TIMEOUT={STATEMENT_TIMEOUT})"
    );
    site.strike(&what, async |site| {
        // What is under way hangs: nobody resets the connections.
        site.base.gate.strand_for(standby.port());
        block_in_place(|| {
            site.base.postgres.kill().unwrap();
            standby.promote().unwrap();
        });
        site.base.postgres = standby;
    })
    .await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn postgres_fails_over_to_its_standby() {
    let parts = Parts::default().with_redis().with_standby();
    let mut site = Site::open("PostgreSQL fails over", parts).await;
    let what = "PostgreSQL is killed, its synchronous standby promoted, and the address moved";
    site.strike(what, async |site| {
        let standby = site.base.standby.take().expect("it was asked for");
        block_in_place(|| {
            site.base.postgres.kill().unwrap();
            standby.promote().unwrap();
        });
        site.base.gate.point_to(standby.port());
        site.base.postgres = standby;
    })
    .await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn redis_is_lost() {
    let parts = Parts::default().with_lost_redis();
    let title = "Redis is lost, budgets of accounts in PostgreSQL";
    let mut site = Site::open(title, parts).await;
    kill_redis(&mut site).await;
    let what = format!("Redis stands still for {} s (SIGSTOP)", AWAY.as_secs());
    site.strike(&what, async |site| {
        block_in_place(|| site.base.redis().pause()).unwrap();
        sleep(AWAY).await;
        block_in_place(|| site.base.redis().resume()).unwrap();
    })
    .await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn redis_is_lost_with_the_budgets_of_accounts() {
    let parts = Parts::default()
        .with_lost_redis()
        .env("ZALT_BUDGETS_ACCOUNTS", "redis");
    let title = "Redis is lost, budgets of accounts in Redis";
    let mut site = Site::open(title, parts).await;
    kill_redis(&mut site).await;
    site.close().await;
}

async fn kill_redis(site: &mut Site) {
    let what = format!(
        "Redis is killed, and started again empty after {} s",
        AWAY.as_secs()
    );
    site.strike(&what, async |site| {
        block_in_place(|| site.base.redis().kill()).unwrap();
        sleep(AWAY).await;
        block_in_place(|| site.base.redis().start_again()).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn one_replica_alone_loses_redis() {
    let parts = Parts::default().with_lost_redis();
    let title = "One replica alone loses its way to Redis";
    let mut site = Site::open(title, parts).await;
    let index = site.random.index(REPLICAS);
    let what = format!(
        "a replica can't reach Redis for {} s, which the others can",
        LONG_AWAY.as_secs()
    );
    site.strike(&what, async |site| {
        let redis = site.base.redis().port();
        let gate = &site.base.redis_gates[index];
        gate.strand_for(free_port());
        sleep(LONG_AWAY).await;
        gate.point_to(redis);
    })
    .await;
    site.close().await;
}
