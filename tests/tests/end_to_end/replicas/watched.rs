//! What operators can watch.

use super::{postgres, redis, setup};
use crate::support::{Client, Mailbox, Place, Setup, free_port};

#[tokio::test]
async fn metrics_are_served_on_a_listener_of_their_own_and_only_if_asked_for() {
    let place = Place::new(Setup::default().in_a_file());
    let server = place.start().await;
    let page = Client::by_cookie(server.origin()).get("/metrics").await;
    page.expect(404);
    server.stop().await.well();

    let (place, port) = watched(Setup::default().in_a_file());
    let server = place.start().await;
    let client = Client::by_cookie(server.origin());
    client.get("/metrics").await.expect(404);
    client
        .get("/v1/client/me")
        .await
        .problem(401, "unauthenticated");
    client.get("/sign-in").await.expect(200);
    for number in 0..20 {
        client.get(&format!("/no/such/{number}")).await.expect(404);
    }
    let told = metrics(port).await;
    for line in [
        "zalt_http_requests_total{method=\"GET\",route=\"/v1/client/me\",status=\"401\"} 1",
        "zalt_http_requests_total{method=\"GET\",route=\"/sign-in\",status=\"200\"} 1",
        "zalt_available{part=\"database\"} 1",
        "zalt_available{part=\"worker\"} 1",
        "zalt_hashing_waiting 0",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    // However many paths somebody invents, they are one name.
    let unmatched = told.lines().filter(|line| {
        line.starts_with("zalt_http_requests_total") && line.contains("status=\"404\"")
    });
    assert_eq!(unmatched.count(), 1, "{told}");
    assert!(!told.contains("/no/such"), "{told}");
    server.stop().await.well();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn the_cache_the_pool_and_redis_are_counted() {
    let postgres = postgres();
    let mut redis = redis();
    let mailbox = Mailbox::open().await;
    let setup = setup(&postgres)
        .mail_to(&mailbox)
        .env("REDIS_URL", redis.url());
    let (place, port) = watched(setup);
    let server = place.start().await;
    let ada = Client::by_cookie(server.origin());
    ada.sign_up(&mailbox, "ada@example.com").await;
    for _ in 0..3 {
        ada.get("/v1/client/me").await.expect(200);
    }
    let told = metrics(port).await;
    assert!(
        value(&told, "zalt_session_cache_checks_total{answer=\"hit\"}") >= 1.0,
        "{told}"
    );
    assert!(value(&told, "zalt_postgres_connections_limit") >= 4.0);
    let sent = "zalt_messages_total{channel=\"mail\",outcome=\"sent\"}";
    assert!(value(&told, sent) >= 1.0, "{told}");
    assert!((value(&told, "zalt_available{part=\"redis\"}") - 1.0).abs() < 0.1);

    redis.kill().unwrap();
    crate::support::until("Redis is missed", super::PATIENCE, async || {
        let told = metrics(port).await;
        (value(&told, "zalt_available{part=\"redis\"}") < 0.5).then_some(())
    })
    .await;
    server.stop().await.well();
}

fn watched(setup: Setup) -> (Place, u16) {
    let port = free_port();
    let place = Place::new(setup.env("ZALT_METRICS_LISTEN", format!("127.0.0.1:{port}")));
    (place, port)
}

async fn metrics(port: u16) -> String {
    let reply = Client::by_cookie(&format!("http://127.0.0.1:{port}"))
        .get("/metrics")
        .await;
    reply.expect(200);
    assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4");
    reply.text
}

fn value(told: &str, name: &str) -> f64 {
    told.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        .unwrap_or_else(|| panic!("{name} is not in:\n{told}"))
}
