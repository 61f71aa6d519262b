//! Replicas that start at the same moment.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use tokio::task::block_in_place;
use zalt_services::ServiceError;

use super::cluster::Cluster;
use super::site::{Base, Parts, Site};
use crate::support::{Client, Mailbox, until};

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
        let url = base.postgres.url(&name);
        let setups = base.setups(|setup| setup.env("DATABASE_URL", url.as_str()));
        let cluster = Cluster::start(&mailbox, setups).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn replicas_start_without_redis_and_find_it_later() {
    let mut base = Base::start(Parts::default().with_lost_redis()).await;
    block_in_place(|| base.redis().kill()).unwrap();
    let mailbox = Mailbox::open().await;
    let cluster = Cluster::spawn_all(&mailbox, base.setups(|setup| setup)).await;
    cluster.all_serve().await;
    let origins = cluster.origins();
    let app = Client::by_tokens(&origins[0]);
    app.sign_up(&mailbox, "ada@example.com").await;
    let ready = app.get("/readyz").await;
    assert_eq!(ready.expect(200)["missing"], json!(["redis"]));
    for origin in &origins {
        app.at(origin).get("/v1/client/me").await.expect(200);
    }
    block_in_place(|| base.redis().start_again()).unwrap();
    cluster.all_ready().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn replicas_serve_while_a_newer_version_migrates() {
    let mut site = Site::open("A newer version migrates, no Redis", Parts::default()).await;
    // As a later version would do it that still lets this one serve.
    let later = "BEGIN; SET LOCAL lock_timeout = '2s'; \
         SELECT version FROM zalt.schema_version WHERE id = 1 FOR UPDATE; \
         ALTER TABLE zalt.users ADD COLUMN later TEXT; \
         ALTER TABLE zalt.sessions ADD COLUMN later BIGINT NOT NULL DEFAULT 0; \
         ALTER TABLE zalt.attempts ADD COLUMN later TEXT; \
         CREATE TABLE zalt.later (id BIGINT NOT NULL PRIMARY KEY); \
         UPDATE zalt.schema_version SET version = version + 1 WHERE id = 1; COMMIT";
    site.strike("a newer version changes the schema", async |site| {
        // Like a migration, it gives way to those who serve, and tries again.
        until(
            "the schema is changed",
            Duration::from_secs(20),
            async || match block_in_place(|| site.base.postgres.psql(later)) {
                Ok(_) => Some(()),
                Err(error) if gives_way(&error) => None,
                Err(error) => panic!("{error}"),
            },
        )
        .await;
    })
    .await;
    site.strike(
        "a replica of the older version is started anew",
        async |site| {
            site.cluster.kill(0).await;
            site.cluster.spawn(0).await;
        },
    )
    .await;
    site.close().await;
}

fn gives_way(error: &ServiceError) -> bool {
    let said = error.to_string();
    said.contains("deadlock detected") || said.contains("lock timeout")
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
