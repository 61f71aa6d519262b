//! What one replica writes, the others refuse: and how soon.

use std::time::Duration;

use zalt_core::store::{Change, Store};

use crate::support::{LEASE, Place, Replicas, is_revoked, now, revocation, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_revocation_is_refused_by_the_others() {
    refused_by_the_others(Place::shared(), 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a Redis cluster: cargo xtask test"]
async fn a_revocation_is_refused_by_the_others_over_a_cluster() {
    // Each place has its stream on another node.
    for _ in 0..4 {
        refused_by_the_others(Place::cluster(), 20).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_revocation_is_refused_by_the_others_over_the_newer_protocol() {
    refused_by_the_others(Place::shared_with("?protocol=resp3"), 20).await;
}

async fn refused_by_the_others(place: Place, rounds: usize) {
    let replicas = Replicas::new(place);
    let (here, there) = (replicas.start().await, replicas.start().await);
    let mut took = Vec::new();
    for _ in 0..rounds {
        let id = replicas.session_known_to(&[&here, &there]).await;
        here.commit(revocation(id)).await.unwrap();
        assert!(is_revoked(&here, id).await);
        took.push(
            until("the revocation is heard", async || {
                is_revoked(&there, id).await
            })
            .await,
        );
    }
    took.sort_unstable();
    let middle = took.get(rounds / 2).copied().unwrap();
    let last = took.last().copied().unwrap();
    println!("refused after {middle:?} (p50), {last:?} (max of {rounds})");
    assert!(last < LEASE, "{last:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: cargo xtask test"]
async fn the_end_of_all_sessions_of_a_user_is_heard() {
    let replicas = Replicas::new(Place::shared());
    let (here, there) = (replicas.start().await, replicas.start().await);
    let id = replicas.session_known_to(&[&here, &there]).await;
    let user_id = zalt_core::store::SessionQueries::session(&here, id)
        .await
        .unwrap()
        .unwrap()
        .user_id;
    let end = Change::RevokeUserSessions {
        user_id,
        except: None,
        at: replicas.f.now(),
        reason: zalt_core::session::RevokeReason::SignedOut,
    };
    here.commit(zalt_core::store::Batch::new().change(end))
        .await
        .unwrap();
    let took = until("the end is heard", async || is_revoked(&there, id).await).await;
    assert!(took < LEASE, "{took:?}");
}

/// A replica that has just started asks the store until it hears the others.
#[tokio::test]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_replica_that_hears_nobody_yet_asks_the_store() {
    let replicas = Replicas::new(Place::shared());
    let nowhere = Place::on(
        "redis://127.0.0.1:1",
        zalt_store_redis::RedisConnection::builder(),
    );
    let alone = replicas.start_unheard(nowhere.connect());
    let here = replicas.start().await;
    let id = replicas.session_known_to(&[&here]).await;
    assert!(!is_revoked(&alone, id).await);
    here.commit(revocation(id)).await.unwrap();
    assert!(is_revoked(&alone, id).await);
}

/// Many writers at once are heard as well as one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs Redis: cargo xtask test"]
async fn nothing_of_a_flood_of_revocations_is_missed() {
    let replicas = Replicas::new(Place::shared());
    let (here, there) = (replicas.start().await, replicas.start().await);
    let here = std::sync::Arc::new(here);
    let mut ids = Vec::new();
    for _ in 0..500 {
        ids.push(replicas.session_known_to(&[&here, &there]).await);
    }
    let tasks: Vec<_> = ids
        .iter()
        .map(|id| {
            let (here, id) = (std::sync::Arc::clone(&here), *id);
            tokio::spawn(async move { here.commit(revocation(id)).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let done = now();
    for id in ids {
        until("each is heard", async || is_revoked(&there, id).await).await;
    }
    assert!(done.elapsed() < LEASE + Duration::from_secs(1));
}
