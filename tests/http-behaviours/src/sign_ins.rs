//! Signing in.

use http::Method;
use serde_json::json;
use zalt_core::RequestContext;

use crate::client::{Adapter, App, Browser, Reply};
use crate::world::{PASSWORD, World};

const PATH: &str = "/v1/client/sign-ins";

/// A sign-in that was begun in `browser`, and its path.
async fn begin(browser: &Browser<'_>, identifier: &str) -> (Reply, String) {
    let begun = browser
        .post(PATH, json!({ "identifier": identifier }))
        .await
        .is(201);
    let path = format!("{PATH}/{}", begun.text_at("/id"));
    (begun, path)
}

pub(crate) async fn a_password_signs_in_in_one_step(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let browser = world.browser();
    let body = json!({ "identifier": "ADA@example.com", "password": PASSWORD });
    let done = browser.post(PATH, body).await.is(200);
    assert_eq!(done.json["status"], "complete");
    assert_eq!(done.json["session"]["amr"], json!(["pwd"]));
    let max_age = done.header("set-cookie").unwrap();
    assert!(max_age.contains("Max-Age=2592000;"), "{max_age}");
    browser.get("/v1/client/me").await.is(200);

    let app = world.app("ada@example.com").await;
    app.get("/v1/client/me").await.is(200);

    let body = json!({ "identifier": "ada@example.com", "password": "a walk in the snow" });
    let wrong = world.post(PATH, body).await;
    wrong.problem(422, "credentials_incorrect");
}

pub(crate) async fn a_password_passes_the_first_factor(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let browser = world.browser();
    let (begun, path) = begin(&browser, "ada@example.com").await;
    assert_eq!(begun.json["status"], "needs_first_factor");
    assert_eq!(begun.json["identifier"], "ada@example.com");
    let factor = format!("{path}/attempt-first-factor");
    let wrong = json!({ "strategy": "password", "password": "a walk in the snow" });
    browser
        .post(&factor, wrong)
        .await
        .problem(422, "credentials_incorrect");
    let right = json!({ "strategy": "password", "password": PASSWORD });
    browser.post(&factor, right).await.is(200);
    assert_eq!(browser.cookie("__Host-zalt_sign_in"), None);
    browser.get("/v1/client/me").await.is(200);
}

pub(crate) async fn a_code_passes_the_first_factor(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let body = json!({ "identifier": "ada@example.com", "transport": "bearer" });
    let begun = world.post(PATH, body).await.is(201);
    let (id, token) = (begun.text_at("/id"), begun.text_at("/attempt_token"));
    let post = |step: &str, body: serde_json::Value| {
        let call = world.call(Method::POST, &format!("{PATH}/{id}/{step}"));
        call.header("zalt-attempt", &token).json(&body).send()
    };
    let sent = post("prepare-first-factor", json!({ "strategy": "email_code" }))
        .await
        .is(200);
    assert_eq!(sent.json["challenge"]["strategy"], "email_code");
    let code = world.code("ada@example.com").await;
    // As people type it.
    let (start, end) = code.split_at(3);
    let spaced = format!("{start} {end}");
    let body = json!({ "strategy": "email_code", "code": spaced });
    let done = post("attempt-first-factor", body).await.is(200);
    assert_eq!(done.json["session"]["amr"], json!(["email"]));
    App::new(&world, &done).get("/v1/client/me").await.is(200);
}

pub(crate) async fn a_link_passes_the_first_factor_where_it_was_asked_for(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let (browser, other) = (world.browser(), world.browser());
    let (_, path) = begin(&browser, "ada@example.com").await;
    let prepare = format!("{path}/prepare-first-factor");
    browser
        .post(&prepare, json!({ "strategy": "email_link" }))
        .await
        .is(200);
    let (code, link) = world.proof("ada@example.com").await;
    let factor = format!("{path}/attempt-first-factor");
    let body = json!({ "strategy": "email_link", "token": link });
    other
        .post(&factor, body.clone())
        .await
        .problem(404, "attempt_not_found");
    // Another attempt of the same person does not take it either.
    let (_, another) = begin(&other, "ada@example.com").await;
    other
        .post(&format!("{another}/attempt-first-factor"), body.clone())
        .await
        .problem(422, "link_incorrect");
    let garbled = json!({ "strategy": "email_link", "token": "zlt_x" });
    browser
        .post(&factor, garbled)
        .await
        .problem(422, "link_incorrect");
    browser.post(&factor, body).await.is(200);
    browser.get("/v1/client/me").await.is(200);
    assert_eq!(code.len(), 6, "the mail has the code too");
}

pub(crate) async fn a_complete_attempt_leads_nowhere(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let body = json!({ "identifier": "ada@example.com", "transport": "bearer" });
    let begun = world.post(PATH, body).await.is(201);
    let (id, token) = (begun.text_at("/id"), begun.text_at("/attempt_token"));
    let post = |step: &str, body: serde_json::Value| {
        let call = world.call(Method::POST, &format!("{PATH}/{id}/{step}"));
        call.header("zalt-attempt", &token).json(&body).send()
    };
    let early = post("reset-password", json!({ "password": PASSWORD })).await;
    early.problem(409, "attempt_step");
    let body = json!({ "strategy": "password", "password": PASSWORD });
    post("attempt-first-factor", body.clone()).await.is(200);
    post("attempt-first-factor", body)
        .await
        .problem(409, "attempt_step");
    let body = json!({ "strategy": "email_code" });
    post("prepare-first-factor", body)
        .await
        .problem(409, "attempt_step");
    let call = world.call(Method::GET, &format!("{PATH}/{id}"));
    let found = call.header("zalt-attempt", &token).send().await.is(200);
    assert_eq!(found.json["status"], "complete");
}

pub(crate) async fn an_attempt_answers_to_its_own_device_only(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.signed_up("ada@example.com").await;
    let (browser, other) = (world.browser(), world.browser());
    let (_, path) = begin(&browser, "ada@example.com").await;
    let (_, others) = begin(&other, "ada@example.com").await;
    other.get(&path).await.problem(404, "attempt_not_found");
    browser.get(&others).await.problem(404, "attempt_not_found");
    for id in [
        "att_00000000000000000000000000",
        "user_01h455vb4pex5vsknk084sn02q",
        "x",
        "%ff",
    ] {
        let nowhere = browser.get(&format!("{PATH}/{id}")).await;
        nowhere.problem(404, "attempt_not_found");
    }
    // The header counts before the cookie, and twice is not at all.
    let token = other.cookie("__Host-zalt_sign_in").unwrap();
    let call = browser
        .call(Method::GET, &others)
        .header("zalt-attempt", &token);
    call.send().await.is(200);
    let call = browser
        .call(Method::GET, &others)
        .header("zalt-attempt", &token);
    let twice = call.header("zalt-attempt", &token).send().await;
    twice.problem(404, "attempt_not_found");
}

pub(crate) async fn a_missing_proof_is_named(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.browser();
    let (_, path) = begin(&browser, "ada@example.com").await;
    let factor = format!("{path}/attempt-first-factor");
    for (body, code, field) in [
        (json!({}), "missing_field", "strategy"),
        (
            json!({ "strategy": "password" }),
            "missing_field",
            "password",
        ),
        (json!({ "strategy": "email_code" }), "missing_field", "code"),
        (
            json!({ "strategy": "email_link" }),
            "missing_field",
            "token",
        ),
        (json!({ "strategy": "magic" }), "invalid_field", "strategy"),
        (
            json!({ "strategy": "password", "passwort": "x" }),
            "unknown_field",
            "passwort",
        ),
    ] {
        let refused = browser.post(&factor, body).await.problem(422, code);
        assert_eq!(refused.json["field"], field);
    }
}

pub(crate) async fn a_suspended_account_is_told_after_the_password_only(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let me = browser.get("/v1/client/me").await.is(200);
    let user_id = me.text_at("/id").parse().unwrap();
    let users = world.zalt().users();
    users
        .suspend(&RequestContext::internal(), user_id)
        .await
        .unwrap();
    browser
        .get("/v1/client/me")
        .await
        .problem(401, "session_over");
    let sign_in = |password: &str| {
        world.post(
            PATH,
            json!({ "identifier": "ada@example.com", "password": password }),
        )
    };
    sign_in("a walk in the snow")
        .await
        .problem(422, "credentials_incorrect");
    sign_in(PASSWORD).await.problem(403, "account_suspended");
}

pub(crate) async fn a_new_session_ends_the_one_whose_cookie_it_replaces(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let old = browser.cookies();
    let body = json!({ "identifier": "ada@example.com", "password": PASSWORD });
    browser.post(PATH, body).await.is(200);
    let call = world
        .call(Method::GET, "/v1/client/me")
        .header("cookie", &old);
    call.send().await.problem(401, "session_over");
    let sessions = browser.get("/v1/client/sessions").await.is(200);
    assert_eq!(sessions.json["data"].as_array().unwrap().len(), 1);
}
