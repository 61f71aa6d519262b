//! A new password for whoever lost the old one.

use http::Method;
use serde_json::json;

use crate::client::{Adapter, Browser};
use crate::world::{PASSWORD, World};

const PATH: &str = "/v1/client/sign-ins";
const NEW: &str = "a walk in the snow";

/// A reset that was asked for in `browser`; its path.
async fn ask(browser: &Browser<'_>, strategy: &str) -> String {
    let body = json!({ "identifier": "ada@example.com" });
    let begun = browser.post(PATH, body).await.is(201);
    let path = format!("{PATH}/{}", begun.text_at("/id"));
    let prepare = format!("{path}/prepare-first-factor");
    let sent = browser
        .post(&prepare, json!({ "strategy": strategy }))
        .await
        .is(200);
    assert_eq!(sent.json["challenge"]["strategy"], strategy);
    path
}

async fn sign_in(world: &World, password: &str) -> crate::client::Reply {
    let body = json!({ "identifier": "ada@example.com", "password": password });
    world.post(PATH, body).await
}

pub(crate) async fn a_code_leads_to_a_new_password_and_no_session(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let old = world.signed_up("ada@example.com").await;
    let browser = world.browser();
    let path = ask(&browser, "reset_password_email_code").await;
    let code = world.code("ada@example.com").await;
    let factor = format!("{path}/attempt-first-factor");
    let body = json!({ "strategy": "reset_password_email_code", "code": code });
    let proved = browser.post(&factor, body.clone()).await.is(200);
    assert_eq!(proved.json["status"], "needs_new_password");
    assert_eq!(browser.cookie("__Host-zalt_session"), None);
    browser
        .post(&factor, body)
        .await
        .problem(409, "attempt_step");

    let reset = format!("{path}/reset-password");
    let done = browser
        .post(&reset, json!({ "password": NEW }))
        .await
        .is(200);
    assert_eq!(done.json["status"], "needs_first_factor");
    assert_eq!(browser.cookie("__Host-zalt_session"), None);
    old.get("/v1/client/me").await.problem(401, "session_over");
    sign_in(&world, PASSWORD)
        .await
        .problem(422, "credentials_incorrect");
    let body = json!({ "strategy": "password", "password": NEW });
    browser.post(&factor, body).await.is(200);
    browser.get("/v1/client/me").await.is(200);
    let events = world.events(&browser).await;
    for kind in [
        "password.reset_requested",
        "password.changed",
        "session.all_revoked",
    ] {
        assert!(
            events.iter().any(|event| event == kind),
            "{kind}: {events:?}"
        );
    }
}

pub(crate) async fn other_sessions_stay_if_asked_for(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let old = world.signed_up("ada@example.com").await;
    let browser = world.browser();
    let path = ask(&browser, "reset_password_email_code").await;
    let code = world.code("ada@example.com").await;
    let body = json!({ "strategy": "reset_password_email_code", "code": code });
    browser
        .post(&format!("{path}/attempt-first-factor"), body)
        .await
        .is(200);
    let body = json!({ "password": NEW, "sign_out_everywhere": false });
    browser
        .post(&format!("{path}/reset-password"), body)
        .await
        .is(200);
    old.get("/v1/client/me").await.is(200);
    sign_in(&world, NEW).await.is(200);
}

pub(crate) async fn a_link_moves_the_attempt_to_the_browser_that_opens_it(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let (stranger, owner) = (world.browser(), world.browser());
    let path = ask(&stranger, "reset_password_email_link").await;
    let token = world.link("ada@example.com").await;
    let claim = "/v1/client/sign-ins/claim-reset-link";
    let claimed = owner.post(claim, json!({ "token": token })).await.is(200);
    assert_eq!(claimed.json["status"], "needs_new_password");
    assert!(owner.cookie("__Host-zalt_sign_in").is_some());
    // Whoever asked is out of it.
    stranger.get(&path).await.problem(404, "attempt_not_found");
    let reset = format!("{path}/reset-password");
    let refused = stranger
        .post(&reset, json!({ "password": "chosen by a stranger" }))
        .await;
    refused.problem(404, "attempt_not_found");
    // And the link has done its work.
    let again = world.browser();
    again
        .post(claim, json!({ "token": token }))
        .await
        .problem(422, "link_incorrect");
    owner.post(&reset, json!({ "password": NEW })).await.is(200);
    sign_in(&world, NEW).await.is(200);
}

pub(crate) async fn reading_never_consumes_a_link(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let browser = world.browser();
    let path = ask(&browser, "reset_password_email_link").await;
    let token = world.link("ada@example.com").await;
    let factor = format!("{path}/attempt-first-factor");
    for place in ["/v1/client/sign-ins/claim-reset-link", &factor] {
        for method in [Method::GET, Method::HEAD] {
            let call = browser.call(method, &format!("{place}?token={token}"));
            call.send().await.is(405);
        }
    }
    let body = json!({ "strategy": "reset_password_email_link", "token": token });
    let proved = browser.post(&factor, body).await.is(200);
    assert_eq!(proved.json["status"], "needs_new_password");
}

pub(crate) async fn a_refused_password_leaves_the_attempt_where_it_was(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let browser = world.browser();
    let path = ask(&browser, "reset_password_email_code").await;
    let code = world.code("ada@example.com").await;
    let body = json!({ "strategy": "reset_password_email_code", "code": code });
    browser
        .post(&format!("{path}/attempt-first-factor"), body)
        .await
        .is(200);
    let reset = format!("{path}/reset-password");
    let refused = browser.post(&reset, json!({ "password": "short" })).await;
    assert_eq!(
        refused.problem(422, "password_too_short").json["field"],
        "password"
    );
    browser
        .post(&reset, json!({ "password": NEW }))
        .await
        .is(200);
    browser
        .post(&reset, json!({ "password": NEW }))
        .await
        .problem(409, "attempt_step");
}
