//! What several servers do is what one would.

use futures_util::future::join_all;
use serde_json::json;

use super::{Replicas, postgres, redis, setup};
use crate::support::{Client, PASSWORD};

const ADA: &str = "ada@example.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn without_redis_a_revocation_counts_everywhere_at_once() {
    let postgres = postgres();
    let replicas = Replicas::start(2, &setup(&postgres)).await;
    let ada = replicas.browser(0);
    ada.sign_up(&replicas.mailbox, ADA).await;
    let there = replicas.moved(&ada, 1);
    there.get("/v1/client/me").await.expect(200);
    let reply = ada
        .twin()
        .post("/v1/client/sessions/revoke-all", json!({}))
        .await;
    assert!(reply.status < 300, "{}", reply.text);
    there
        .get("/v1/client/me")
        .await
        .problem(401, "session_over");
    replicas.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn wrong_passwords_at_several_servers_get_no_more_than_the_budget() {
    // 10 wrong passwords cost no wait.
    const FREE: usize = 10;
    let postgres = postgres();
    let redis = redis();
    for setup in [
        setup(&postgres).env("ZALT_DATABASE_SCHEMA", "alone"),
        setup(&postgres).env("REDIS_URL", redis.url()),
    ] {
        let setup = setup.env("ZALT_BUDGETS_NETWORK_TRIES", "1000");
        let replicas = Replicas::start(3, &setup).await;
        replicas.browser(0).sign_up(&replicas.mailbox, ADA).await;
        let people: Vec<Client> = (0..30).map(|number| replicas.browser(number % 3)).collect();
        let tries = people
            .iter()
            .map(|person| person.sign_in(ADA, "wrong password"));
        let statuses: Vec<u16> = join_all(tries)
            .await
            .into_iter()
            .map(|reply| reply.status)
            .collect();
        let tried = statuses.iter().filter(|status| **status == 422).count();
        let refused = statuses.iter().filter(|status| **status == 429).count();
        // The try that begins the wait is made as well.
        assert!((1..=FREE + 1).contains(&tried), "{statuses:?}");
        assert_eq!(tried + refused, statuses.len(), "{statuses:?}");
        let right = replicas.browser(1).sign_in(ADA, PASSWORD).await;
        right.problem(429, "rate_limited");
        replicas.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn one_network_has_one_budget_for_all_servers() {
    const TRIES: usize = 6;
    let postgres = postgres();
    let mut redis = redis();
    let limited = |name: &str| {
        setup(&postgres)
            .env("ZALT_DATABASE_SCHEMA", name)
            .env("ZALT_BUDGETS_NETWORK_TRIES", TRIES.to_string())
            .env("ZALT_BUDGETS_NETWORK_PERIOD", "1h")
    };
    let in_redis = limited("in_redis").env("REDIS_URL", redis.url());
    for (setup, redis_goes) in [
        (limited("in_database"), false),
        (in_redis.clone(), false),
        // Counted in the database meanwhile.
        (in_redis.env("ZALT_REDIS_KEY_PREFIX", "two:"), true),
    ] {
        let replicas = Replicas::start(3, &setup).await;
        if redis_goes {
            redis.kill().unwrap();
        }
        let people: Vec<Client> = (0..18).map(|number| replicas.browser(number % 3)).collect();
        let asked = people.iter().map(|person| {
            let body = json!({ "identifier": "nobody@example.com", "transport": "cookie" });
            person.post("/v1/client/sign-ins", body)
        });
        let statuses: Vec<u16> = join_all(asked)
            .await
            .into_iter()
            .map(|reply| reply.status)
            .collect();
        let begun = statuses.iter().filter(|status| **status == 201).count();
        let refused = statuses.iter().filter(|status| **status == 429).count();
        assert_eq!(begun, TRIES, "{statuses:?}");
        assert_eq!(refused, statuses.len() - TRIES, "{statuses:?}");
        replicas.stop().await;
    }
    redis.start_again().unwrap();
}
