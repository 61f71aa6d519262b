//! Replicas that start at the same moment.

use std::collections::BTreeSet;

use super::cluster::Cluster;
use super::site::{Base, Parts, REPLICAS};
use crate::support::{Client, Mailbox};

/// The first start makes the schema and the first key. Each round has a database of its own.
const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn all_replicas_may_start_at_once_on_an_empty_database() {
    let base = Base::start(Parts::default()).await;
    let mailbox = Mailbox::open().await;
    for round in 0..ROUNDS {
        let name = format!("empty_{round}");
        base.postgres.create_database(&name).unwrap();
        let setup = base
            .setup
            .clone()
            .env("DATABASE_URL", base.postgres.url(&name));
        let cluster = Cluster::start(REPLICAS, &mailbox, &setup).await;
        assert_eq!(key_ids(&cluster).await.len(), 1, "one first key");

        let origins = cluster.origins();
        let email = format!("ada-{round}@example.com");
        let app = Client::by_tokens(&origins[0]);
        app.sign_up(&mailbox, &email).await;
        for origin in &origins[1..] {
            app.at(origin).get("/v1/client/me").await.expect(200);
        }
        cluster.stop().await;
    }
}

/// The ids of the keys that every replica publishes, which are the same.
pub(super) async fn key_ids(cluster: &Cluster) -> BTreeSet<String> {
    let mut published = Vec::new();
    for origin in cluster.origins() {
        let set = Client::by_cookie(&origin)
            .get("/.well-known/jwks.json")
            .await;
        let keys = set.expect(200)["keys"].as_array().unwrap().clone();
        let ids = keys
            .iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned());
        published.push(ids.collect::<BTreeSet<_>>());
    }
    assert!(
        published.windows(2).all(|pair| pair[0] == pair[1]),
        "{published:?}"
    );
    published.remove(0)
}
