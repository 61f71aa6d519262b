//! Sessions that are held by tokens.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use zalt_core::jwt::{Expected, JwkSet, verify};

use crate::client::Adapter;
use crate::world::World;

const REFRESH: &str = "/v1/client/tokens/refresh";
const ME: &str = "/v1/client/me";

pub(crate) async fn refreshing_rotates(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let app = world.app("ada@example.com").await;
    let refreshed = world
        .post(REFRESH, json!({ "refresh_token": app.refresh_token }))
        .await
        .is(200);
    assert_eq!(refreshed.json["token_type"], "Bearer");
    assert_eq!(refreshed.json["expires_in"], 300);
    assert_ne!(refreshed.text_at("/refresh_token"), app.refresh_token);
    // Within the grace a lost reply yields the same successor.
    let again = world
        .post(REFRESH, json!({ "refresh_token": app.refresh_token }))
        .await
        .is(200);
    assert_eq!(
        again.text_at("/refresh_token"),
        refreshed.text_at("/refresh_token")
    );
    let next = json!({ "refresh_token": refreshed.text_at("/refresh_token") });
    world.post(REFRESH, next).await.is(200);
    // An access token outlives neither its time nor, with the clocks' leeway, a minute more.
    app.get(ME).await.is(200);
    world.advance(Duration::from_mins(7));
    app.get(ME).await.problem(401, "unauthenticated");
}

pub(crate) async fn fifty_refreshes_at_once_have_one_successor(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let app = world.app("ada@example.com").await;
    let body = json!({ "refresh_token": app.refresh_token });
    let replies = join_all((0..50).map(|_| world.post(REFRESH, body.clone()))).await;
    let mut successors: Vec<_> = replies
        .into_iter()
        .map(|reply| reply.is(200).text_at("/refresh_token"))
        .collect();
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1);
    world
        .post(REFRESH, json!({ "refresh_token": successors[0] }))
        .await
        .is(200);
}

pub(crate) async fn a_replay_after_the_grace_ends_the_session_and_leaves_an_event(
    adapter: &dyn Adapter,
) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let app = world.app("ada@example.com").await;
    let body = json!({ "refresh_token": app.refresh_token });
    let refreshed = world.post(REFRESH, body.clone()).await.is(200);
    world.advance(Duration::from_secs(31));
    world
        .post(REFRESH, body)
        .await
        .problem(401, "refresh_token_invalid");
    let successor = json!({ "refresh_token": refreshed.text_at("/refresh_token") });
    world
        .post(REFRESH, successor)
        .await
        .problem(401, "session_over");
    app.get(ME).await.problem(401, "session_over");
    let events = world.events(&browser).await;
    assert!(
        events
            .iter()
            .any(|event| event == "session.refresh_token_reused"),
        "{events:?}"
    );
    let last = browser.get("/v1/client/me/events?limit=2").await.is(200);
    let reasons: Vec<_> = last.json["data"].as_array().unwrap().iter().collect();
    assert!(
        reasons
            .iter()
            .any(|event| event["data"]["reason"] == "refresh_token_reused"),
        "{last:?}"
    );
    browser.get(ME).await.is(200);
}

pub(crate) async fn a_garbled_refresh_token_is_401(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let app = world.app("ada@example.com").await;
    let cookie = browser.cookie("__Host-zalt_session").unwrap();
    let mut forged = app.refresh_token.clone().into_bytes();
    let place = forged.len() - 3;
    forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for token in [
        "",
        "zrt_",
        &forged,
        &cookie,
        &app.access_token,
        &format!("{} ", app.refresh_token),
    ] {
        let refused = world.post(REFRESH, json!({ "refresh_token": token })).await;
        refused.problem(401, "refresh_token_invalid");
    }
    // A stranger's guess ended nothing.
    world
        .post(REFRESH, json!({ "refresh_token": app.refresh_token }))
        .await
        .is(200);
}

pub(crate) async fn a_cookie_yields_an_access_token_and_a_bearer_session_does_not(
    adapter: &dyn Adapter,
) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let issued = browser
        .call(Method::POST, "/v1/client/tokens")
        .send()
        .await
        .is(200);
    assert!(issued.json.get("refresh_token").is_none());
    let bearer = format!("Bearer {}", issued.text_at("/access_token"));
    let call = world.call(Method::GET, ME).header("authorization", &bearer);
    call.send().await.is(200);
    let call = world
        .call(Method::POST, "/v1/client/tokens")
        .header("authorization", &bearer);
    call.send().await.problem(401, "unauthenticated");
}

pub(crate) async fn a_revoked_session_refuses_its_access_token(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let app = world.app("ada@example.com").await;
    browser
        .post("/v1/client/sessions/revoke-others", json!({}))
        .await
        .is(204);
    app.get(ME).await.problem(401, "session_over");
    let body = json!({ "refresh_token": app.refresh_token });
    world.post(REFRESH, body).await.problem(401, "session_over");
}

pub(crate) async fn the_key_set_is_public_and_verifies(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let app = world.app("ada@example.com").await;
    let reply = world
        .call(Method::GET, "/.well-known/jwks.json")
        .send()
        .await
        .is(200);
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    for key in reply.json["keys"].as_array().unwrap() {
        assert!(key.get("d").is_none() && key.get("k").is_none(), "{key}");
    }
    let keys = JwkSet::parse(reply.text.as_bytes()).unwrap().key_ring();
    let origin = world.origin();
    let expected = Expected::access_token(origin, origin, world.zalt().now());
    let claims: Value = verify(&app.access_token, &keys, &expected).unwrap();
    assert_eq!(claims["amr"], json!(["pwd"]));
    let document = world
        .call(Method::GET, "/openapi.json")
        .send()
        .await
        .is(200);
    assert_eq!(document.json["openapi"], "3.1.0");
    assert_eq!(&document.json, world.open_api());
}
