//! What can't be announced is announced later.

use zalt_core::store::{Invalidations, Store};
use zalt_services::{Redis, RedisOptions as ServerOptions};
use zalt_store_redis::RedisConnection;

use crate::support::{Place, Replicas, is_revoked, revocation, until};

/// One replica may not write to Redis, while the other goes on hearing it: the one case that no lease covers.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn what_could_not_be_announced_is_announced_later() {
    let server = Redis::start(&ServerOptions::default()).unwrap();
    server
        .command("ACL SETUSER here on >here ~* +@all")
        .unwrap();
    let replicas = Replicas::new(Place::on(&server.url(), RedisConnection::builder()));
    let here = replicas.start_over(replicas.place.connect_as("here")).await;
    let there = replicas.start().await;
    let id = replicas.session_known_to(&[&here, &there]).await;
    server.command("ACL SETUSER here -xadd").unwrap();
    here.commit(revocation(id)).await.unwrap();
    assert!(is_revoked(&here, id).await);
    assert_eq!(here.invalidations().pending(), 1);
    assert!(there.invalidations().is_current());
    assert!(!is_revoked(&there, id).await, "it could not be told");
    server.command("ACL SETUSER here +xadd").unwrap();
    until("the revocation is heard", async || {
        is_revoked(&there, id).await
    })
    .await;
    here.invalidations()
        .flush(std::time::Duration::from_secs(5))
        .await;
    assert_eq!(here.invalidations().pending(), 0);
}

/// However much was written meanwhile, one word says it all.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn what_piled_up_is_bounded_and_nothing_of_it_is_lost() {
    let server = Redis::start(&ServerOptions::default()).unwrap();
    server
        .command("ACL SETUSER here on >here ~* +@all")
        .unwrap();
    let replicas = Replicas::new(Place::on(&server.url(), RedisConnection::builder()));
    let here = replicas.start_over(replicas.place.connect_as("here")).await;
    let there = replicas.start().await;
    let id = replicas.session_known_to(&[&there]).await;
    server.command("ACL SETUSER here -xadd").unwrap();
    here.commit(revocation(id)).await.unwrap();
    let stale = zalt_core::store::Stale::after(&revocation(id));
    for _ in 0..20_000 {
        drop(here.invalidations().announce(stale.clone()));
        assert!(here.invalidations().pending() <= 10_000);
    }
    assert!(!is_revoked(&there, id).await, "it could not be told");
    server.command("ACL SETUSER here +xadd").unwrap();
    until("the revocation is heard", async || {
        is_revoked(&there, id).await
    })
    .await;
}

/// A commit is announced even if the replica goes away right after it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn the_last_words_of_a_replica_are_heard() {
    let replicas = Replicas::new(Place::shared());
    let there = replicas.start().await;
    for _ in 0..20 {
        let here = replicas.start().await;
        let id = replicas.session_known_to(&[&there]).await;
        here.commit(revocation(id)).await.unwrap();
        here.invalidations()
            .flush(std::time::Duration::from_secs(5))
            .await;
        drop(here);
        until("the revocation is heard", async || {
            is_revoked(&there, id).await
        })
        .await;
    }
}
