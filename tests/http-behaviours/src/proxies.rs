//! Where a request comes from.

use http::Method;
use serde_json::json;
use zalt_core::budget::Budget;
use zalt_http::HttpConfig;
use zalt_http::client_ip::TrustedProxies;

use crate::client::Adapter;
use crate::world::{PASSWORD, World};

const PATH: &str = "/v1/client/sign-ins";

pub(crate) async fn a_strangers_forwarded_for_is_nothing(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let reply = world
        .call(Method::POST, PATH)
        .header("x-forwarded-for", "6.6.6.6")
        .header("forwarded", "for=6.6.6.6")
        .header("x-real-ip", "6.6.6.6")
        .header("x-request-id", "chosen-by-a-stranger")
        .json(&json!({ "identifier": "ada@example.com", "password": PASSWORD }))
        .send()
        .await
        .is(200);
    assert_eq!(reply.json["session"]["ip"], "203.0.113.7");
    assert_ne!(reply.header("x-request-id"), Some("chosen-by-a-stranger"));
}

pub(crate) async fn a_trusted_proxy_vouches_for_the_client(adapter: &dyn Adapter) {
    let proxies = TrustedProxies::parse("10.0.0.0/8").unwrap();
    let config = HttpConfig::default().trusted_proxies(proxies);
    let world = World::with(adapter, |_| {}, config).await;
    world.signed_up("ada@example.com").await;
    let from_proxy = |forwarded: &str, id: &str| {
        world
            .call(Method::POST, PATH)
            .from([10, 0, 0, 1].into())
            .header("x-forwarded-for", forwarded)
            .header("x-request-id", id)
            .header("user-agent", "Behaviours/1")
            .json(&json!({ "identifier": "ada@example.com", "password": PASSWORD }))
            .send()
    };
    let reply = from_proxy("6.6.6.6, 198.51.100.9, 10.0.0.2", "the-proxys-id")
        .await
        .is(200);
    assert_eq!(reply.json["session"]["ip"], "198.51.100.9");
    assert_eq!(reply.json["session"]["user_agent"], "Behaviours/1");
    assert_eq!(reply.header("x-request-id"), Some("the-proxys-id"));
    for odd in ["a b", "<script>", &"x".repeat(65)] {
        let reply = from_proxy("198.51.100.9", odd).await.is(200);
        assert_ne!(reply.header("x-request-id"), Some(odd));
    }
}

pub(crate) async fn a_forwarded_for_does_not_buy_tries(adapter: &dyn Adapter) {
    let configure = |config: &mut zalt_core::Config| {
        config.budgets.network = Budget::Rate {
            tries: 5,
            period: std::time::Duration::from_mins(1),
        };
    };
    let world = World::with(adapter, configure, HttpConfig::default()).await;
    let begin = |peer: [u8; 4], forwarded: &str| {
        world
            .call(Method::POST, PATH)
            .from(peer.into())
            .header("x-forwarded-for", forwarded)
            .json(&json!({ "identifier": "ada@example.com" }))
            .send()
    };
    for host in 0..5 {
        begin([198, 51, 100, 1], &format!("6.6.6.{host}"))
            .await
            .is(201);
    }
    let refused = begin([198, 51, 100, 1], "7.7.7.7").await;
    assert_eq!(refused.problem(429, "rate_limited").json["retry_after"], 12);
    // Another network has its own.
    begin([198, 51, 100, 2], "6.6.6.6").await.is(201);
}
