//! "This wasn't me", the way back, and devices that stand in for the second factor.

use http::Method;
use serde_json::json;
use zalt_http::HttpConfig;

use crate::client::Adapter;
use crate::world::{PASSWORD, World};

const ADA: &str = "ada@example.com";
const NEW_PASSWORD: &str = "a walk in the snow";

/// Changes the password and returns the secret of the link in the mail that tells of it.
async fn changed(world: &World) -> String {
    let browser = world.signed_up(ADA).await;
    world.tick();
    let body = json!({ "current_password": PASSWORD, "new_password": "a walk in the dark" });
    browser.post("/v1/client/me/password", body).await.is(204);
    world.safety_link(ADA).await
}

pub(crate) async fn a_change_that_was_not_theirs_freezes_the_account_until_it_is_recovered(
    adapter: &dyn Adapter,
) {
    let world = World::new(adapter).await;
    let token = changed(&world).await;
    world.tick();
    let freeze = "/v1/client/safety/freeze";
    world.post(freeze, json!({ "token": token })).await.is(204);
    let first = world.recovery_link(ADA).await;
    world.tick();
    // Again, it sends the way back again.
    world.post(freeze, json!({ "token": token })).await.is(204);
    assert_ne!(world.recovery_link(ADA).await, first);
    let body = json!({ "identifier": ADA, "password": "a walk in the dark" });
    world
        .post("/v1/client/sign-ins", body)
        .await
        .problem(403, "account_frozen");

    let browser = world.browser();
    let body = json!({ "token": world.recovery_link(ADA).await });
    let begun = browser
        .post("/v1/client/safety/recover", body)
        .await
        .is(200);
    assert_eq!(begun.json["status"], "needs_new_password");
    let attempt = format!("/v1/client/sign-ins/{}", begun.text_at("/id"));
    let review = format!("{attempt}/review");
    browser.get(&review).await.problem(409, "attempt_step");
    let body = json!({ "password": NEW_PASSWORD });
    let reset = browser
        .post(&format!("{attempt}/reset-password"), body)
        .await
        .is(200);
    assert_eq!(reset.json["status"], "needs_review");
    let added = browser.get(&review).await.is(200);
    assert_eq!(added.json["data"], json!([]));
    let done = browser.post(&review, json!({ "remove": [] })).await.is(200);
    assert_eq!(done.json["status"], "needs_first_factor");
    let body = json!({ "identifier": ADA, "password": NEW_PASSWORD });
    world.post("/v1/client/sign-ins", body).await.is(200);
    world
        .post(freeze, json!({ "token": token }))
        .await
        .problem(422, "link_incorrect");
}

pub(crate) async fn a_device_is_known_again(adapter: &dyn Adapter) {
    let configure = |config: &mut zalt_core::Config| config.new_device_mails = true;
    let world = World::with(adapter, configure, HttpConfig::default()).await;
    let browser = world.signed_up(ADA).await;
    let listed = browser.get("/v1/client/me/devices").await.is(200);
    assert_eq!(listed.json["data"].as_array().unwrap().len(), 1);
    assert_eq!(listed.json["data"][0]["trusted_until"], json!(null));
    let before = world.messages_to(ADA).await.len();
    let body = json!({ "identifier": ADA, "password": PASSWORD });
    browser
        .post("/v1/client/sign-ins", body.clone())
        .await
        .is(200);
    assert_eq!(world.messages_to(ADA).await.len(), before);
    world.tick();
    let other = world.browser();
    other.post("/v1/client/sign-ins", body).await.is(200);
    assert_eq!(world.messages_to(ADA).await.len(), before + 1);
    // What a script can't read must not come back to it, and does not speak for a session that it asks for.
    let kept = browser.cookie("__Host-zalt_device").unwrap();
    let body = json!({ "identifier": ADA, "password": PASSWORD, "transport": "bearer" });
    let by_tokens = browser.post("/v1/client/sign-ins", body.clone()).await;
    let device = by_tokens.is(200).text_at("/device_token");
    assert_ne!(device, kept);
    let call = world.call(Method::POST, "/v1/client/sign-ins").json(&body);
    let again = call.header("zalt-device", &device).send().await.is(200);
    assert_eq!(again.json.get("device_token"), None);
    let id = listed.text_at("/data/0/id");
    let path = format!("/v1/client/me/devices/{id}");
    other.call(Method::DELETE, &path).send().await.is(204);
    other
        .call(Method::DELETE, &path)
        .send()
        .await
        .problem(404, "not_found");
}
