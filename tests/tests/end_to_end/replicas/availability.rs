//! `/readyz` tells what is missing, and soon.

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{PATIENCE, postgres, redis, setup, setup_at};
use crate::support::{Client, Link, Mailbox, PASSWORD, Place, Setup, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_database_that_stops_is_missed_until_it_is_back() {
    let mut postgres = postgres();
    let mailbox = Mailbox::open().await;
    let place = Place::new(setup(&postgres).mail_to(&mailbox));
    let server = place.start().await;
    let ada = Client::by_cookie(server.origin());
    ada.sign_up(&mailbox, "ada@example.com").await;
    ada.get("/readyz").await.expect(200);

    postgres.stop().unwrap();
    let missing = json!({ "status": "unavailable", "missing": ["database"] });
    answers(&ada, 503, &missing).await;
    ada.get("/healthz").await.expect(200);
    let refused = ada.get("/v1/client/me").await;
    refused.problem(503, "unavailable");

    postgres.start_again().unwrap();
    answers(&ada, 200, &json!({ "status": "ready" })).await;
    ada.get("/v1/client/me").await.expect(200);
    let again = Client::by_cookie(server.origin());
    again.sign_in("ada@example.com", PASSWORD).await.expect(200);
    server.stop().await.well();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_database_that_hangs_holds_nobody_up_for_long() {
    let postgres = postgres();
    let link = Link::to(postgres.port()).await;
    let url = format!("postgres://zalt@127.0.0.1:{}/zalt", link.port());
    let place = Place::new(setup_at(&url));
    let server = place.start().await;
    let client = Client::by_cookie(server.origin());

    link.hold_up();
    let began = Instant::now();
    let missing = json!({ "status": "unavailable", "missing": ["database"] });
    answers(&client, 503, &missing).await;
    // Several who ask get the answer that one of them waited for.
    let asked = (0..8).map(|_| async { client.get("/readyz").await.status });
    let all = futures_util::future::join_all(asked).await;
    assert!(all.iter().all(|status| *status == 503), "{all:?}");
    let waited = began.elapsed();
    assert!(waited.as_secs() < 10, "{waited:?}");

    link.let_flow();
    answers(&client, 200, &json!({ "status": "ready" })).await;
    server.stop().await.well();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn a_server_does_without_redis_unless_accounts_are_counted_there() {
    let postgres = postgres();
    let mut redis = redis();
    let mailbox = Mailbox::open().await;
    let start = async |setup: Setup| {
        let place = Place::new(setup.mail_to(&mailbox).env("REDIS_URL", redis.url()));
        let server = place.start().await;
        (place, server)
    };
    let counts = setup(&postgres).env("ZALT_BUDGETS_ACCOUNTS", "redis");
    let (_one, does_without) = start(setup(&postgres)).await;
    let (_other, needs) = start(counts).await;
    let ada = Client::by_cookie(does_without.origin());
    ada.sign_up(&mailbox, "ada@example.com").await;

    redis.kill().unwrap();
    let degraded = json!({ "status": "degraded", "missing": ["redis"] });
    answers(&ada, 200, &degraded).await;
    let again = Client::by_cookie(does_without.origin());
    again.sign_in("ada@example.com", PASSWORD).await.expect(200);
    ada.get("/v1/client/me").await.expect(200);

    let there = Client::by_cookie(needs.origin());
    let missing = json!({ "status": "unavailable", "missing": ["redis"] });
    answers(&there, 503, &missing).await;
    let refused = there.sign_in("ada@example.com", PASSWORD).await;
    refused.problem(503, "unavailable");

    redis.start_again().unwrap();
    for client in [&ada, &there] {
        answers(client, 200, &json!({ "status": "ready" })).await;
    }
    there.sign_in("ada@example.com", PASSWORD).await.expect(200);
    does_without.stop().await.well();
    needs.stop().await.well();
}

/// Waits until `/readyz` says this. Each answer has to come soon.
async fn answers(client: &Client, status: u16, body: &Value) {
    until(&format!("/readyz says {body}"), PATIENCE, async || {
        let asked = timeout(std::time::Duration::from_secs(5), client.get("/readyz"));
        let reply = asked.await.expect("/readyz answers within 5 seconds");
        (reply.status == status && reply.body == *body).then_some(())
    })
    .await;
}
