//! What happens between a replica and the stream that it listens to.

use std::time::Duration;

use zalt_core::store::{Invalidations, Store};
use zalt_services::{Redis, RedisCluster, RedisOptions as ServerOptions};
use zalt_store_redis::RedisConnection;

use crate::support::{
    LEASE, Place, Replica, Replicas, is_revoked, now, revocation, until, until_current,
};

fn server() -> Redis {
    Redis::start(&ServerOptions::default()).unwrap()
}

fn on(server: &Redis) -> Replicas {
    Replicas::new(Place::on(&server.url(), RedisConnection::builder()))
}

/// After `what` happened, a replica has forgotten what it knew, and hears others again.
async fn forgets_after(server: &mut Redis, replicas: &Replicas, what: impl FnOnce(&mut Redis)) {
    let there = replicas.start().await;
    let first = replicas.session_known_to(&[&there]).await;
    let second = replicas.session_known_to(&[&there]).await;
    for id in [first, second] {
        replicas.revoke_behind_all(id).await;
        assert!(!is_revoked(&there, id).await, "a cached answer");
    }
    what(server);
    until("the replica does not use what it knew", async || {
        is_revoked(&there, first).await
    })
    .await;
    // Nobody asked for this one while the cache was not used.
    until_current(&there).await;
    assert!(is_revoked(&there, second).await, "it is forgotten as well");
    hears_again(replicas, &there).await;
}

async fn hears_again(replicas: &Replicas, there: &Replica) {
    let here = replicas.start().await;
    let id = replicas.session_known_to(&[&here, there]).await;
    here.commit(revocation(id)).await.unwrap();
    let took = until("a revocation is heard", async || {
        is_revoked(there, id).await
    })
    .await;
    assert!(took < LEASE, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_restarted_redis_begins_anew() {
    let mut server = server();
    let replicas = on(&server);
    forgets_after(&mut server, &replicas, |server| {
        server.kill().unwrap();
        server.start_again().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_redis_that_keeps_its_data_begins_anew_as_well() {
    let mut server = Redis::start(&ServerOptions::default().append_only()).unwrap();
    let replicas = on(&server);
    forgets_after(&mut server, &replicas, |server| {
        server.restart().unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_lost_connection_begins_anew() {
    let mut server = server();
    let replicas = on(&server);
    forgets_after(&mut server, &replicas, |server| {
        server.command("CLIENT KILL TYPE normal").unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_stream_that_vanished_begins_anew() {
    let mut server = server();
    let replicas = on(&server);
    forgets_after(&mut server, &replicas, |server| {
        server.command("FLUSHALL").unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_stream_that_was_cut_off_begins_anew() {
    let mut server = server();
    let replicas = on(&server);
    let stream = replicas.place.stream();
    forgets_after(&mut server, &replicas, |server| {
        // An entry that is cut off at once: nobody ever sees it.
        server
            .command(&format!(
                "XADD {stream} MAXLEN = 0 * from other stale1 unseen"
            ))
            .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn an_entry_of_a_later_version_means_everything() {
    let mut server = server();
    let replicas = on(&server);
    let stream = replicas.place.stream();
    forgets_after(&mut server, &replicas, |server| {
        server
            .command(&format!("XADD {stream} * stale2 something"))
            .unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn what_is_no_stream_is_no_lease() {
    let server = server();
    let replicas = on(&server);
    let stream = replicas.place.stream();
    let there = replicas.start().await;
    server.command(&format!("DEL {stream}")).unwrap();
    server.command(&format!("SET {stream} something")).unwrap();
    until("the lease ends", async || {
        !there.invalidations().is_current()
    })
    .await;
    server.command(&format!("DEL {stream}")).unwrap();
    hears_again(&replicas, &there).await;
}

/// A server that is the primary no longer may still be asked, and would keep quiet of what is announced elsewhere.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_server_that_became_a_replica_gives_no_lease() {
    let server = server();
    let replicas = on(&server);
    let there = replicas.start().await;
    server.command("REPLICAOF 127.0.0.1 1").unwrap();
    until("the lease ends", async || {
        !there.invalidations().is_current()
    })
    .await;
    server.command("REPLICAOF NO ONE").unwrap();
    hears_again(&replicas, &there).await;
}

/// While Redis is paused the lease runs out, and each check asks the store.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_paused_redis_ends_the_lease_in_time() {
    let server = server();
    let replicas = on(&server);
    let (here, there) = (replicas.start().await, replicas.start().await);
    let id = replicas.session_known_to(&[&here, &there]).await;
    server.pause().unwrap();
    let begun = now();
    here.commit(revocation(id)).await.unwrap();
    let committed = begun.elapsed();
    let took = until("the revocation counts", async || {
        is_revoked(&there, id).await
    })
    .await;
    println!("a commit waited {committed:?} for a paused Redis; refused after {took:?} more");
    assert!(committed < Duration::from_secs(3), "{committed:?}");
    assert!(took < LEASE, "{took:?}");
    assert!(!there.invalidations().is_current());
    // The next ones do not wait any more.
    let id = replicas.session_known_to(&[]).await;
    let begun = now();
    here.commit(revocation(id)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(500));
    server.resume().unwrap();
    until_current(&there).await;
    hears_again(&replicas, &there).await;
}

/// Nothing but the lease ends the use of a cache whose replica waits for an answer.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_lease_ends_when_it_has_to() {
    let server = server();
    let patient = RedisConnection::builder().response_timeout(Duration::from_secs(30));
    let replicas = Replicas::new(Place::on(&server.url(), patient));
    let there = replicas.start().await;
    let id = replicas.session_known_to(&[&there]).await;
    server.pause().unwrap();
    replicas.revoke_behind_all(id).await;
    let took = until("the lease ends", async || is_revoked(&there, id).await).await;
    println!("the lease of {LEASE:?} ended {took:?} after the last word");
    // It was renewed four times in its length, and the last time before the pause.
    assert!(took > LEASE / 4 && took < LEASE + LEASE / 2, "{took:?}");
    server.resume().unwrap();
    until_current(&there).await;
}

/// A primary that has lost its replicas, and may not write for that, may have been replaced.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_primary_that_may_not_write_gives_no_lease() {
    let server = server();
    let replicas = on(&server);
    let there = replicas.start().await;
    server
        .command("CONFIG SET min-replicas-to-write 1")
        .unwrap();
    until("the lease ends", async || {
        !there.invalidations().is_current()
    })
    .await;
    server
        .command("CONFIG SET min-replicas-to-write 0")
        .unwrap();
    hears_again(&replicas, &there).await;
}

/// A replica finds its stream in a cluster again after the node that it was told of is gone.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn the_node_of_the_stream_is_found_without_the_first_one() {
    let mut cluster = RedisCluster::start(3).unwrap();
    for node in cluster.nodes() {
        // The other slots are served while one node is away.
        node.command("CONFIG SET cluster-require-full-coverage no")
            .unwrap();
    }
    let options = || RedisConnection::builder().cluster(true);
    // A prefix whose stream is on another node than the first.
    let (replicas, owner) = loop {
        let replicas = Replicas::new(Place::on(&cluster.url(), options()));
        let stream = replicas.place.stream();
        let owner = cluster
            .nodes()
            .iter()
            .position(|node| node.command(&format!("XLEN {stream}")).is_ok());
        match owner {
            Some(owner) if owner > 0 => break (replicas, owner),
            _ => {}
        }
    };
    let there = replicas.start().await;
    cluster.nodes()[0].kill().unwrap();
    let id = replicas.session_known_to(&[&there]).await;
    replicas.revoke_behind_all(id).await;
    cluster.nodes()[owner]
        .command("CLIENT KILL TYPE normal")
        .unwrap();
    until("the replica forgets", async || is_revoked(&there, id).await).await;
    until_current(&there).await;
}
