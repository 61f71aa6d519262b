//! Signing up.

use std::time::Duration;

use http::Method;
use serde_json::json;
use zalt_core::message::Notice;
use zalt_http::HttpConfig;

use crate::client::{Adapter, App};
use crate::world::{PASSWORD, World};

const PATH: &str = "/v1/client/sign-ups";

pub(crate) async fn a_code_makes_a_user_and_a_cookie_session(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.browser();
    let body = json!({
        "email_address": "Ada@Example.com", "password": PASSWORD, "first_name": "Ada", "last_name": "Lovelace",
        "username": "ada", "unsafe_metadata": { "theme": "dark" },
    });
    let begun = browser.post(PATH, body).await.is(201);
    assert_eq!(begun.json["status"], "missing_requirements");
    assert_eq!(begun.json["unverified_fields"], json!(["email_address"]));
    assert_eq!(begun.json["challenge"]["strategy"], "email_code");
    assert!(begun.json.get("attempt_token").is_none());
    assert!(
        browser
            .cookie("__Host-zalt_sign_up")
            .unwrap()
            .starts_with("zat_")
    );
    let id = begun.text_at("/id");
    let found = browser.get(&format!("{PATH}/{id}")).await.is(200);
    assert_eq!(found.json, begun.json);

    let code = world.code("Ada@example.com").await;
    let path = format!("{PATH}/{id}/attempt-verification");
    let done = browser.post(&path, json!({ "code": code })).await.is(200);
    assert_eq!(done.json["status"], "complete");
    assert_eq!(done.json["session"]["amr"], json!(["email"]));
    assert_eq!(done.json["session"]["transport"], "cookie");
    assert_eq!(done.json["session"]["ip"], "203.0.113.7");
    assert_eq!(done.json["user"]["username"], "ada");
    assert_eq!(
        done.json["user"]["email_addresses"][0]["email_address"],
        "Ada@Example.com"
    );
    assert_eq!(done.json["user"]["email_addresses"][0]["verified"], true);
    assert_eq!(
        done.json["user"]["unsafe_metadata"],
        json!({ "theme": "dark" })
    );
    assert!(done.json.get("access_token").is_none() && done.json.get("refresh_token").is_none());
    assert_eq!(browser.cookie("__Host-zalt_sign_up"), None);
    assert!(
        browser
            .cookie("__Host-zalt_session")
            .unwrap()
            .starts_with("zst_")
    );

    let me = browser.get("/v1/client/me").await.is(200);
    assert_eq!(me.json, done.json["user"]);
}

pub(crate) async fn a_code_makes_a_user_and_a_bearer_session(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let body =
        json!({ "email_address": "ada@example.com", "password": PASSWORD, "transport": "bearer" });
    let begun = world.post(PATH, body).await.is(201);
    assert!(begun.headers.get("set-cookie").is_none());
    let (id, token) = (begun.text_at("/id"), begun.text_at("/attempt_token"));
    let found = world
        .call(Method::GET, &format!("{PATH}/{id}"))
        .header("zalt-attempt", &token);
    let found = found.send().await.is(200);
    assert!(
        found.json.get("attempt_token").is_none(),
        "it is shown once"
    );

    let code = world.code("ada@example.com").await;
    let done = world
        .call(Method::POST, &format!("{PATH}/{id}/attempt-verification"))
        .header("zalt-attempt", &token)
        .json(&json!({ "code": code }))
        .send()
        .await
        .is(200);
    assert_eq!(done.json["expires_in"], 300);
    let app = App::new(&world, &done);
    let me = app.get("/v1/client/me").await.is(200);
    assert_eq!(me.json, done.json["user"]);
}

pub(crate) async fn a_link_counts_in_the_browser_that_signs_up_only(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let (browser, other) = (world.browser(), world.browser());
    let body = json!({ "email_address": "ada@example.com", "password": PASSWORD, "strategy": "email_link" });
    let begun = browser.post(PATH, body).await.is(201);
    let path = format!("{PATH}/{}/attempt-verification", begun.text_at("/id"));
    let link = world.link("ada@example.com").await;
    let body = json!({ "token": link });
    other
        .post(&path, body.clone())
        .await
        .problem(404, "attempt_not_found");
    browser.post(&path, body.clone()).await.is(200);
    // The cookie of the attempt is gone, and with it the way back.
    browser
        .post(&path, body)
        .await
        .problem(404, "attempt_not_found");
}

pub(crate) async fn wrong_codes_use_an_attempt_up(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.browser();
    let body = json!({ "email_address": "ada@example.com", "password": PASSWORD });
    let begun = browser.post(PATH, body).await.is(201);
    let path = format!("{PATH}/{}/attempt-verification", begun.text_at("/id"));
    let code = world.code("ada@example.com").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        let refused = browser.post(&path, json!({ "code": wrong })).await;
        assert_eq!(refused.problem(422, "code_incorrect").json["field"], "code");
    }
    let right = browser.post(&path, json!({ "code": code })).await;
    right.problem(410, "attempt_exhausted");
}

pub(crate) async fn a_newer_code_voids_the_older(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.browser();
    let body = json!({ "email_address": "ada@example.com", "password": PASSWORD });
    let begun = browser.post(PATH, body).await.is(201);
    let attempt = format!("{PATH}/{}/attempt-verification", begun.text_at("/id"));
    let prepare = format!("{PATH}/{}/prepare-verification", begun.text_at("/id"));
    let first = world.code("ada@example.com").await;
    let mut second = first.clone();
    // One in a million draws the same code again.
    while second == first {
        browser
            .post(&prepare, json!({ "strategy": "email_code" }))
            .await
            .is(200);
        second = world.code("ada@example.com").await;
    }
    let refused = browser.post(&attempt, json!({ "code": first })).await;
    refused.problem(422, "code_incorrect");
    browser
        .post(&attempt, json!({ "code": second }))
        .await
        .is(200);
}

pub(crate) async fn a_code_ends_with_its_time(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.browser();
    let body = json!({ "email_address": "ada@example.com", "password": PASSWORD });
    let begun = browser.post(PATH, body).await.is(201);
    let id = begun.text_at("/id");
    let path = format!("{PATH}/{id}/attempt-verification");
    let code = world.code("ada@example.com").await;
    world.advance(Duration::from_mins(10));
    let late = browser.post(&path, json!({ "code": code })).await;
    late.problem(422, "code_incorrect");
    world.advance(Duration::from_mins(50));
    let gone = browser.get(&format!("{PATH}/{id}")).await;
    gone.problem(404, "attempt_not_found");
}

pub(crate) async fn an_attempt_answers_to_its_own_device_only(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let (browser, other) = (world.browser(), world.browser());
    let body = |address| json!({ "email_address": address, "password": PASSWORD });
    let begun = browser.post(PATH, body("ada@example.com")).await.is(201);
    other.post(PATH, body("eve@example.com")).await.is(201);
    let path = format!("{PATH}/{}", begun.text_at("/id"));
    other.get(&path).await.problem(404, "attempt_not_found");
    // Not with the right token in the wrong place either.
    let token = browser.cookie("__Host-zalt_sign_up").unwrap();
    let sign_in = format!("/v1/client/sign-ins/{}", begun.text_at("/id"));
    other.set_cookie("__Host-zalt_sign_in", &token);
    other.get(&sign_in).await.problem(404, "attempt_not_found");
    browser.get(&path).await.is(200);
}

pub(crate) async fn what_cannot_be_kept_is_refused_with_its_field(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    for (changes, status, code, field) in [
        (
            json!({ "email_address": "ada" }),
            422,
            "invalid_field",
            "email_address",
        ),
        (
            json!({ "email_address": "ada@exa mple.com" }),
            422,
            "invalid_field",
            "email_address",
        ),
        (
            json!({ "first_name": "" }),
            422,
            "invalid_field",
            "first_name",
        ),
        (
            json!({ "last_name": "a\u{202e}b" }),
            422,
            "invalid_field",
            "last_name",
        ),
        (json!({ "username": "-" }), 422, "invalid_field", "username"),
        (
            json!({ "unsafe_metadata": [1] }),
            422,
            "invalid_field",
            "unsafe_metadata",
        ),
        (
            json!({ "unsafe_metadata": { "a": "x".repeat(9000) } }),
            422,
            "invalid_field",
            "unsafe_metadata",
        ),
        (
            json!({ "password": "short" }),
            422,
            "password_too_short",
            "password",
        ),
        (
            json!({ "password": "x".repeat(1025) }),
            422,
            "invalid_field",
            "password",
        ),
        (
            json!({ "password": "password" }),
            422,
            "password_common",
            "password",
        ),
        (
            json!({ "password": null }),
            422,
            "missing_field",
            "password",
        ),
        (
            json!({ "strategy": "sms" }),
            422,
            "invalid_field",
            "strategy",
        ),
        (
            json!({ "transport": "pigeon" }),
            422,
            "invalid_field",
            "transport",
        ),
    ] {
        let mut body = json!({ "email_address": "ada@example.com", "password": PASSWORD });
        let members = body.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        let refused = world.post(PATH, body).await.problem(status, code);
        assert_eq!(refused.json["field"], field, "{changes}");
    }
    assert!(world.messages_to("ada@example.com").await.is_empty());
}

pub(crate) async fn a_taken_username_is_a_conflict(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let call = browser.call(Method::PUT, "/v1/client/me/username");
    call.json(&json!({ "username": "ada" }))
        .send()
        .await
        .is(200);
    let body =
        json!({ "email_address": "eve@example.com", "password": PASSWORD, "username": "ADA" });
    let refused = world.post(PATH, body).await.problem(409, "username_taken");
    assert_eq!(refused.json["field"], "username");
}

pub(crate) async fn a_closed_application_takes_nobody(adapter: &dyn Adapter) {
    let closed = |config: &mut zalt_core::Config| config.sign_up.open = false;
    let world = World::with(adapter, closed, HttpConfig::default()).await;
    let body = json!({ "email_address": "ada@example.com", "password": PASSWORD });
    world.post(PATH, body).await.problem(403, "sign_up_closed");
    let mails = world.messages_to("ada@example.com").await;
    assert!(
        !mails
            .iter()
            .any(|mail| matches!(mail, Notice::VerifyEmailAddress { .. }))
    );
}
