//! However many tries come at once, and however they are spread, they are no more than the budget has.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use tokio::task::block_in_place;
use tokio::time::Instant;

use super::calls::{Answer, Calls};
use super::cluster::Cluster;
use super::site::{Base, Parts, REPLICAS};
use crate::support::{Client, Mailbox, PASSWORD, until};

const ADA: &str = "ada@example.com";
/// Ten wrong passwords in a row cost no wait; the one after them begins it.
const PASSWORDS: usize = 11;
const TRIES: usize = 90;
/// What one network may do in these tests.
const NETWORK: usize = 20;
const NETWORK_PERIOD: Duration = Duration::from_mins(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn budgets_hold_over_postgres() {
    hold(Parts::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn budgets_hold_with_those_of_networks_in_redis() {
    let (mut base, cluster, _mailbox) = hold(Parts::default().with_redis()).await;
    // The lock of the account is in PostgreSQL and does not go with Redis.
    block_in_place(|| base.redis().kill()).unwrap();
    let answers = wrong_passwords(&cluster, ADA).await;
    assert_eq!(answers, Statuses::from([(429, TRIES)]));
    // What a network does is counted there too while Redis is away.
    attempts_within(&cluster, "198.51.100.1", NETWORK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn budgets_hold_with_all_of_them_in_redis() {
    let parts = Parts::default()
        .with_redis()
        .env("ZALT_BUDGETS_ACCOUNTS", "redis")
        .env("ZALT_BUDGETS_NETWORK_WITHOUT_REDIS", "memory");
    let (mut base, cluster, mailbox) = hold(parts).await;
    let bob = Client::by_tokens(&cluster.origins()[0]);
    bob.sign_up(&mailbox, "bob@example.com").await;
    // Without the place where they are counted no password is looked at, not even the right one.
    block_in_place(|| base.redis().kill()).unwrap();
    let answers = wrong_passwords(&cluster, "bob@example.com").await;
    assert_eq!(answers, Statuses::from([(503, TRIES)]));
    let right = bob.sign_in("bob@example.com", PASSWORD).await;
    right.problem(503, "unavailable");
    // Whoever is signed in stays so.
    bob.get("/v1/client/me").await.expect(200);
    // What a network does is counted by each replica for itself.
    attempts_within(&cluster, "198.51.100.1", NETWORK * REPLICAS).await;
    block_in_place(|| base.redis().start_again()).unwrap();
    until(
        "a password is looked at",
        Duration::from_secs(30),
        async || {
            let reply = bob.sign_in("bob@example.com", PASSWORD).await;
            (reply.status == 200).then_some(())
        },
    )
    .await;
}

/// Spends the budgets of an account and of a network from all replicas at once.
async fn hold(parts: Parts) -> (Base, Cluster, Mailbox) {
    let base = Base::start(parts).await;
    let mailbox = Mailbox::open().await;
    let period = format!("{}s", NETWORK_PERIOD.as_secs());
    let setups = base.setups(|setup| {
        setup
            .env("ZALT_TRUSTED_PROXIES", "127.0.0.1")
            .env("ZALT_BUDGETS_NETWORK_TRIES", NETWORK.to_string())
            .env("ZALT_BUDGETS_NETWORK_PERIOD", period.as_str())
    });
    let cluster = Cluster::start(&mailbox, setups).await;
    let owner = Client::by_tokens(&cluster.origins()[0]);
    owner.sign_up(&mailbox, ADA).await;

    let began = Instant::now();
    let answers = wrong_passwords(&cluster, ADA).await;
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "the first wait is over"
    );
    assert_eq!(
        answers,
        Statuses::from([(422, PASSWORDS), (429, TRIES - PASSWORDS)])
    );
    // The right one has to wait as well, wherever it is given; whoever is signed in stays so.
    for origin in cluster.origins() {
        let late = owner.at(&origin).sign_in(ADA, PASSWORD).await;
        late.problem(429, "rate_limited");
        owner.at(&origin).get("/v1/client/me").await.expect(200);
    }

    attempts_within(&cluster, "203.0.113.9", NETWORK).await;
    (base, cluster, mailbox)
}

/// How many answers there were of each status.
type Statuses = BTreeMap<u16, usize>;

/// Wrong passwords for one account at all replicas at once, each from a network of its own.
async fn wrong_passwords(cluster: &Cluster, email: &str) -> Statuses {
    let body = json!({ "identifier": email, "password": "not the one", "transport": "bearer" });
    at_once(cluster, "/v1/client/sign-ins", &body, |n| {
        format!("192.0.2.{n}")
    })
    .await
}

/// Begins sign-ins at all replicas at once, all from one address: no more than this are granted, and no fewer than one
/// replica would grant.
async fn attempts_within(cluster: &Cluster, address: &str, most: usize) {
    let began = Instant::now();
    let body = json!({ "identifier": "nobody@example.com", "transport": "bearer" });
    let address = |_| address.to_owned();
    let answers = at_once(cluster, "/v1/client/sign-ins", &body, address).await;
    let granted = answers[&201];
    // They come back one by one.
    let each = NETWORK_PERIOD.as_secs() / NETWORK as u64;
    let back = usize::try_from(began.elapsed().as_secs() / each).unwrap() + 1;
    assert!((NETWORK..=most + back).contains(&granted), "{answers:?}");
    assert_eq!(
        answers,
        Statuses::from([(201, granted), (429, TRIES - granted)])
    );
}

async fn at_once(
    cluster: &Cluster,
    path: &str,
    body: &serde_json::Value,
    address: impl Fn(usize) -> String,
) -> Statuses {
    let calls = Calls::within(Duration::from_secs(20));
    let origins = cluster.origins();
    let all = (0..TRIES).map(|n| {
        calls
            .post(&origins[n % origins.len()], path, body.clone())
            .header("x-forwarded-for", &address(n))
            .send()
    });
    let mut statuses = Statuses::new();
    for answer in futures_util::future::join_all(all).await {
        let status = match answer {
            Answer::Done(reply) | Answer::Refused(reply) | Answer::NotDone(reply) => reply.status,
            Answer::Unknown(text) => panic!("{text}"),
        };
        *statuses.entry(status).or_default() += 1;
    }
    statuses
}
