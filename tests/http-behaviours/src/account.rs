//! What people do to their own accounts.

use http::Method;
use serde_json::{Value, json};
use zalt_core::message::Notice;

use crate::client::{Adapter, Browser, Reply};
use crate::world::{PASSWORD, World};

const ME: &str = "/v1/client/me";
const ADDRESSES: &str = "/v1/client/me/email-addresses";

async fn patch(browser: &Browser<'_>, body: Value) -> Reply {
    browser.call(Method::PATCH, ME).json(&body).send().await
}

/// Adds an address and sends its code; the address's path and the verification's id.
async fn add(
    world: &World,
    browser: &Browser<'_>,
    address: &str,
    strategy: &str,
) -> (String, String) {
    world.tick();
    let added = browser
        .post(ADDRESSES, json!({ "email_address": address }))
        .await
        .is(201);
    assert_eq!(added.json["verified"], false);
    let path = format!("{ADDRESSES}/{}", added.text_at("/id"));
    let prepare = format!("{path}/prepare-verification");
    let sent = browser
        .post(&prepare, json!({ "strategy": strategy }))
        .await
        .is(200);
    (path, sent.text_at("/verification/id"))
}

pub(crate) async fn a_profile_changes_in_part(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let body = json!({ "first_name": "Ada", "last_name": "Lovelace", "unsafe_metadata": { "a": 1, "b": 2 } });
    patch(&browser, body).await.is(200);
    let body = json!({ "last_name": null, "image_url": "https://example.com/a.png", "unsafe_metadata": { "a": null } });
    let changed = patch(&browser, body).await.is(200);
    assert_eq!(changed.json["first_name"], "Ada");
    assert_eq!(changed.json["last_name"], Value::Null);
    assert_eq!(changed.json["image_url"], "https://example.com/a.png");
    assert_eq!(changed.json["unsafe_metadata"], json!({ "b": 2 }));
    assert_eq!(browser.get(ME).await.is(200).json, changed.json);
    for (body, code, field) in [
        (
            json!({ "image_url": "javascript:alert(1)" }),
            "invalid_field",
            "image_url",
        ),
        (json!({ "first_name": " " }), "invalid_field", "first_name"),
        (json!({ "last_name": 1 }), "invalid_field", "last_name"),
        (
            json!({ "unsafe_metadata": null, "public_metadata": {} }),
            "unknown_field",
            "public_metadata",
        ),
        (json!({ "id": "user_x" }), "unknown_field", "id"),
        (
            json!({ "created_at": "2020-01-01T00:00:00Z" }),
            "unknown_field",
            "created_at",
        ),
        (
            json!({ "unsafe_metadata": "x" }),
            "invalid_field",
            "unsafe_metadata",
        ),
    ] {
        let refused = patch(&browser, body).await.problem(422, code);
        assert_eq!(refused.json["field"], field);
    }
}

pub(crate) async fn a_username_is_set_and_removed(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let path = "/v1/client/me/username";
    let put = |name: &str| {
        browser
            .call(Method::PUT, path)
            .json(&json!({ "username": name }))
            .send()
    };
    assert_eq!(put("Ada").await.is(200).json["username"], "Ada");
    assert_eq!(put("countess").await.is(200).json["username"], "countess");
    let body = json!({ "identifier": "COUNTESS", "password": PASSWORD });
    world
        .post("/v1/client/sign-ins", body.clone())
        .await
        .is(200);
    assert_eq!(
        put("a b").await.problem(422, "invalid_field").json["field"],
        "username"
    );
    let removed = browser.delete(path).await.is(200);
    assert_eq!(removed.json["username"], Value::Null);
    world
        .post("/v1/client/sign-ins", body)
        .await
        .problem(422, "credentials_incorrect");
}

pub(crate) async fn an_address_is_added_verified_made_primary_and_removed(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let (path, verification) = add(&world, &browser, "second@example.com", "email_code").await;
    let primary = format!("{path}/make-primary");
    browser
        .post(&primary, json!({}))
        .await
        .problem(409, "identifier_not_verified");
    let code = world.code("second@example.com").await;
    let attempt = format!("{path}/attempt-verification");
    let body = json!({ "verification_id": verification, "code": code });
    assert_eq!(
        browser.post(&attempt, body).await.is(200).json["verified"],
        true
    );
    let told = world.messages_to("ada@example.com").await.pop();
    assert!(
        matches!(told, Some(Notice::EmailAddressAdded { .. })),
        "{told:?}"
    );

    let listed = browser.get(ADDRESSES).await.is(200);
    assert_eq!(listed.json["total_count"], 2);
    let first = listed.text_at("/data/0/id");
    let second = listed.text_at("/data/1/id");
    let made = browser.call(Method::POST, &primary).send().await.is(200);
    assert_eq!(made.json["primary_email_address_id"], second);
    browser
        .delete(&format!("{ADDRESSES}/{first}"))
        .await
        .is(204);
    browser.delete(&path).await.problem(409, "last_identifier");
    let body = json!({ "email_address": "SECOND@example.com" });
    browser
        .post(ADDRESSES, body)
        .await
        .problem(409, "email_address_taken");
    let body = json!({ "identifier": "second@example.com", "password": PASSWORD });
    world.post("/v1/client/sign-ins", body).await.is(200);
    let body = json!({ "identifier": "ada@example.com", "password": PASSWORD });
    world
        .post("/v1/client/sign-ins", body)
        .await
        .problem(422, "credentials_incorrect");
}

pub(crate) async fn a_verification_belongs_to_its_address_and_session(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let other = world.signed_in("ada@example.com").await;
    let (path, verification) = add(&world, &browser, "second@example.com", "email_code").await;
    let (third, _) = add(&world, &browser, "third@example.com", "email_code").await;
    let code = world.code("second@example.com").await;
    let body = json!({ "verification_id": verification, "code": code });
    let attempt = |path: &str| format!("{path}/attempt-verification");
    browser
        .post(&attempt(&third), body.clone())
        .await
        .problem(404, "attempt_not_found");
    other
        .post(&attempt(&path), body.clone())
        .await
        .problem(404, "attempt_not_found");
    let unnamed = browser.post(&attempt(&path), json!({ "code": code })).await;
    assert_eq!(
        unnamed.problem(422, "missing_field").json["field"],
        "verification_id"
    );
    let both = json!({ "verification_id": verification, "code": code, "token": "zlt_x" });
    browser
        .post(&attempt(&path), both)
        .await
        .problem(422, "invalid_field");
    browser.post(&attempt(&path), body).await.is(200);
}

pub(crate) async fn a_verification_link_names_itself(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let (path, _) = add(&world, &browser, "second@example.com", "email_link").await;
    let token = world.link("second@example.com").await;
    let attempt = format!("{path}/attempt-verification");
    let garbled = json!({ "token": "zlt_x" });
    browser
        .post(&attempt, garbled)
        .await
        .problem(422, "link_incorrect");
    let verified = browser
        .post(&attempt, json!({ "token": token }))
        .await
        .is(200);
    assert_eq!(verified.json["verified"], true);
}

pub(crate) async fn a_password_change_asks_for_the_old_one_and_ends_other_sessions(
    adapter: &dyn Adapter,
) {
    const NEW: &str = "a walk in the snow";
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let other = world.signed_in("ada@example.com").await;
    let path = "/v1/client/me/password";
    for (body, code, field) in [
        (
            json!({ "new_password": NEW }),
            "missing_field",
            "current_password",
        ),
        (
            json!({ "current_password": NEW, "new_password": NEW }),
            "credentials_incorrect",
            "current_password",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": "short" }),
            "password_too_short",
            "new_password",
        ),
        (
            json!({ "current_password": PASSWORD, "new_password": "ada" }),
            "password_too_short",
            "new_password",
        ),
        (
            json!({ "current_password": "x".repeat(1025), "new_password": NEW }),
            "invalid_field",
            "current_password",
        ),
    ] {
        let refused = browser.post(path, body).await.problem(422, code);
        assert_eq!(refused.json["field"], field);
    }
    let body = json!({ "current_password": PASSWORD, "new_password": NEW });
    browser.post(path, body).await.is(204);
    browser.get(ME).await.is(200);
    other.get(ME).await.problem(401, "session_over");
    let told = world.messages_to("ada@example.com").await.pop();
    assert!(matches!(told, Some(Notice::PasswordChanged)), "{told:?}");
}

pub(crate) async fn a_deleted_account_is_gone(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let app = world.app("ada@example.com").await;
    browser.delete(ME).await.is(204);
    assert_eq!(browser.cookies(), "");
    app.get(ME).await.problem(401, "session_over");
    let body = json!({ "identifier": "ada@example.com", "password": PASSWORD });
    world
        .post("/v1/client/sign-ins", body)
        .await
        .problem(422, "credentials_incorrect");
}

pub(crate) async fn events_are_paged(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let all = world.events(&browser).await;
    for kind in ["user.created", "identifier.verified", "session.created"] {
        assert!(all.iter().any(|event| event == kind), "{kind}: {all:?}");
    }
    let mut paged = Vec::new();
    let mut path = "/v1/client/me/events?limit=2".to_owned();
    loop {
        let page = browser.get(&path).await.is(200);
        let events = page.json["data"].as_array().unwrap().iter();
        paged.extend(events.map(|event| event["type"].as_str().unwrap().to_owned()));
        let Some(next) = page.json["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/client/me/events?limit=2&after={next}");
    }
    assert_eq!(paged, all);
    let first = browser.get("/v1/client/me/events?limit=1").await.is(200);
    assert_eq!(first.json["data"][0]["ip"], "203.0.113.7");
}
