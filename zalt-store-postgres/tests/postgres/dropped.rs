//! Callers that go away at any point of a call.

use std::future::poll_fn;
use std::task::Poll;

use zalt_core::store::{Store, UserQueries};
use zalt_store_testkit::fixtures::Fixtures;

use crate::schema::Schema;
use crate::support::{Patience, is_applied, sign_up};

/// Polls a future so often, and says whether it was done before it was given up.
async fn polled(future: impl Future, times: usize) -> bool {
    let mut future = Box::pin(future);
    for _ in 0..times {
        let is_done = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready()));
        if is_done.await {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// With one connection, whatever a caller left behind on it is what the next one would come upon.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn what_a_caller_leaves_behind_reaches_nobody_else() {
    for is_one_by_one in [false, true] {
        let schema = Schema::new();
        let options = schema.options().max_connections(1);
        let options = if is_one_by_one {
            options.one_by_one()
        } else {
            options
        };
        let store = options.connect(&schema.url()).await.unwrap();
        let f = Fixtures::new();
        for round in 0..80 {
            let (user, batch) = sign_up(&f, &format!("a{round}"));
            let times = round * 7 % 40;
            let is_done = polled(store.commit(batch.clone()), times).await;
            // Another commit, right behind it, is durable and by itself.
            let (next, batch_of_next) = sign_up(&f, &format!("b{round}"));
            store.commit(batch_of_next).await.unwrap();
            assert!(is_applied(&store, &next).await);
            let is_there = is_applied(&store, &user).await;
            assert!(is_there || !is_done, "a commit was lost");
            // A refused batch that nobody waits for is not the answer to what comes next.
            polled(store.commit(batch), times).await;
            polled(store.account(user.id), times).await;
            assert_eq!(store.user(next.id).await.unwrap(), Some(next));
        }
    }
}

/// A transaction whose caller went away is undone, and soon.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn nobody_waits_for_the_locks_of_a_caller_who_went_away() {
    let schema = Schema::new();
    let store = schema.store().await;
    let f = Fixtures::new();
    for round in 0..40 {
        let (user, batch) = sign_up(&f, &format!("a{round}"));
        polled(store.commit(batch.clone()), round % 20).await;
        let patience = Patience::of(std::time::Duration::from_secs(2), "the locks stay");
        // The same rows again: either they are there, or they can be had.
        while !is_applied(&store, &user).await {
            let _ = store.commit(batch.clone()).await;
            patience.again().await;
        }
    }
}
