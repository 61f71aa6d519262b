use std::time::Instant;

use zalt_core::id::UserId;
use zalt_core::store::{Cursor, EventFilter, PageLimit, PageRequest, Store, UserFilter};

use crate::load::{Latencies, Random};

/// What an administrator looks at, asked of the store itself: there is no endpoint for it yet.
#[derive(Debug, Clone)]
pub struct Listing {
    /// What was asked.
    pub what: &'static str,
    /// How long it took.
    pub latencies: Latencies,
}

const SAMPLES: usize = 2_000;

/// Each list, one after the other, and a read of one user by key to hold them against. The first half warms the caches.
/// `users` are some that are there.
pub async fn list(store: &dyn Store, users: &[UserId], seed: u64) -> Vec<Listing> {
    let mut random = Random::seeded(seed);
    let mut anybody = move || users[random.below(users.len())];
    let filter = UserFilter::default();
    let mut listings = vec![Listing {
        what: "one user by key",
        latencies: timed(async || drop(store.user(anybody()).await.unwrap())).await,
    }];
    let mut add = |what, latencies| listings.push(Listing { what, latencies });
    add(
        "first page of users",
        timed(async || drop(store.users(&filter, PageRequest::default()).await.unwrap())).await,
    );
    add(
        "a random page of users",
        timed(async || {
            let page = PageRequest {
                after: Some(Cursor::after(*anybody().as_bytes())),
                limit: PageLimit::default(),
            };
            drop(store.users(&filter, page).await.unwrap());
        })
        .await,
    );
    add(
        "how many users",
        timed(async || {
            store.user_count(&filter).await.unwrap();
        })
        .await,
    );
    let prefix = UserFilter {
        identifier_prefix: Some("user123".to_owned()),
        ..UserFilter::default()
    };
    add(
        "users whose address begins with `user123`",
        timed(async || drop(store.users(&prefix, PageRequest::default()).await.unwrap())).await,
    );
    add(
        "newest events",
        timed(async || {
            let all = EventFilter::default();
            drop(store.events(&all, PageRequest::default()).await.unwrap());
        })
        .await,
    );
    add(
        "events of a user",
        timed(async || {
            let of_user = EventFilter {
                user_id: Some(anybody()),
                ..EventFilter::default()
            };
            drop(
                store
                    .events(&of_user, PageRequest::default())
                    .await
                    .unwrap(),
            );
        })
        .await,
    );
    listings
}

async fn timed(mut ask: impl AsyncFnMut()) -> Latencies {
    let mut took = Vec::new();
    for round in 0..SAMPLES {
        let begun = Instant::now();
        ask().await;
        if round >= SAMPLES / 2 {
            took.push(begun.elapsed());
        }
    }
    Latencies::of(took)
}
