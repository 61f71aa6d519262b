//! Sessions that are held by a cookie, and who is signed in.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::client::Adapter;
use crate::world::{PASSWORD, World};

const ME: &str = "/v1/client/me";
const SESSION: &str = "__Host-zalt_session";

pub(crate) async fn nobody_is_401_and_says_how_to_authenticate(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let nobody = world.call(Method::GET, ME).send().await;
    let nobody = nobody.problem(401, "unauthenticated");
    assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));
    let call = world
        .call(Method::GET, ME)
        .header("authorization", "Bearer x.y.z");
    let wrong = call.send().await.problem(401, "unauthenticated");
    assert_eq!(
        wrong.header("www-authenticate"),
        Some("Bearer error=\"invalid_token\"")
    );
}

pub(crate) async fn a_session_is_listed_and_ended(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let first = world.signed_up("ada@example.com").await;
    let second = world.signed_in("ada@example.com").await;
    let app = world.app("ada@example.com").await;
    let listed = second.get("/v1/client/sessions").await.is(200);
    let sessions = listed.json["data"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 3);
    assert_eq!(listed.json["next_cursor"], Value::Null);
    let current: Vec<_> = sessions
        .iter()
        .map(|session| session["is_current"] == true)
        .collect();
    assert_eq!(current, [false, true, false], "newest first: {listed:?}");
    assert_eq!(sessions[0]["transport"], "bearer");
    let id = |place: usize| sessions[place]["id"].as_str().unwrap().to_owned();
    let current = second.get("/v1/client/sessions/current").await.is(200);
    assert_eq!(current.json, sessions[1]);
    let current = app.get("/v1/client/sessions/current").await.is(200);
    assert_eq!(current.text_at("/id"), id(0));
    assert_eq!(current.json["is_current"], true);

    second
        .delete(&format!("/v1/client/sessions/{}", id(2)))
        .await
        .is(204);
    first.get(ME).await.problem(401, "session_over");
    let over = first.get("/v1/client/sessions/current").await;
    over.problem(401, "session_over");
    second
        .delete(&format!("/v1/client/sessions/{}", id(0)))
        .await
        .is(204);
    app.get(ME).await.problem(401, "session_over");
    // One's own, by its id: the cookie goes with it.
    second
        .delete(&format!("/v1/client/sessions/{}", id(1)))
        .await
        .is(204);
    assert_eq!(second.cookie(SESSION), None);

    // Pages.
    let third = world.signed_in("ada@example.com").await;
    world.signed_in("ada@example.com").await;
    let page = third.get("/v1/client/sessions?limit=1").await.is(200);
    let rest = format!(
        "/v1/client/sessions?limit=1&after={}",
        page.text_at("/next_cursor")
    );
    let rest = third.get(&rest).await.is(200);
    assert_eq!(rest.json["data"][0]["is_current"], true);
    assert_eq!(rest.json["next_cursor"], Value::Null);
}

pub(crate) async fn others_end_and_then_all(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let first = world.signed_up("ada@example.com").await;
    let second = world.signed_in("ada@example.com").await;
    let call = second.call(Method::POST, "/v1/client/sessions/revoke-others");
    call.send().await.is(204);
    first.get(ME).await.problem(401, "session_over");
    second.get(ME).await.is(200);
    let third = world.signed_in("ada@example.com").await;
    third
        .post("/v1/client/sessions/revoke-all", json!({}))
        .await
        .is(204);
    assert_eq!(third.cookie(SESSION), None);
    second.get(ME).await.problem(401, "session_over");
}

pub(crate) async fn signing_out_clears_the_browser(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let cookies = browser.cookies();
    let out = browser
        .call(Method::POST, "/v1/client/sign-out")
        .send()
        .await
        .is(204);
    assert_eq!(
        out.header("clear-site-data"),
        Some("\"cookies\", \"storage\"")
    );
    assert_eq!(browser.cookie(SESSION), None);
    let call = world.call(Method::GET, ME).header("cookie", &cookies);
    call.send().await.problem(401, "session_over");
    // A second time, as from another tab.
    let call = world.call(Method::POST, "/v1/client/sign-out");
    let call = call.header("cookie", &cookies).json(&json!({}));
    call.send().await.is(204);
    let nobody = world.call(Method::POST, "/v1/client/sign-out").send().await;
    nobody.problem(401, "unauthenticated");

    let app = world.app("ada@example.com").await;
    let out = app.post("/v1/client/sign-out", json!({})).await.is(204);
    assert_eq!(out.header("clear-site-data"), None);
    app.get(ME).await.problem(401, "session_over");
}

pub(crate) async fn idle_and_absolute_ends_hold(adapter: &dyn Adapter) {
    const DAY: Duration = Duration::from_hours(24);
    let world = World::new(adapter).await;
    let idle = world.signed_up("ada@example.com").await;
    let busy = world.signed_in("ada@example.com").await;
    world.advance(13 * DAY);
    busy.get(ME).await.is(200);
    world.advance(DAY);
    idle.get(ME).await.problem(401, "session_over");
    busy.get(ME).await.is(200);
    world.advance(13 * DAY);
    busy.get(ME).await.is(200);
    world.advance(3 * DAY);
    busy.get(ME).await.problem(401, "session_over");
}

pub(crate) async fn a_tampered_or_doubled_cookie_is_refused(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let token = browser.cookie(SESSION).unwrap();
    let flipped = |place: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let cookie = |value: &str| format!("{SESSION}={value}");
    for (cookies, code) in [
        (cookie(&flipped(token.len() - 2)), "unauthenticated"),
        (cookie(&flipped(10)), "session_over"),
        (cookie(&token[..token.len() - 1]), "unauthenticated"),
        (cookie(&format!("{token}=")), "unauthenticated"),
        (cookie("zst_"), "unauthenticated"),
        (cookie(&"A".repeat(300)), "unauthenticated"),
        (
            format!("{}; {}", cookie(&token), cookie(&token)),
            "unauthenticated",
        ),
        (
            format!("{}; {}", cookie("zst_a"), cookie(&token)),
            "unauthenticated",
        ),
        (format!("zalt_session={token}"), "unauthenticated"),
        (
            format!("{}; {}", "a".repeat(33_000), cookie(&token)),
            "unauthenticated",
        ),
    ] {
        let call = world.call(Method::GET, ME).header("cookie", &cookies);
        call.send().await.problem(401, code);
    }
    let call = world
        .call(Method::GET, ME)
        .header("cookie", "theme=dark; é=\"ü\"");
    call.header("cookie", &cookie(&token)).send().await.is(200);
}

pub(crate) async fn a_garbled_authorization_never_falls_back_to_the_cookie(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let app = world.app("ada@example.com").await;
    browser.get(ME).await.is(200);
    let good = format!("Bearer {}", app.access_token);
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer  two",
        "Bearer a b",
        "Basic YTpi",
        "bearer zst_a",
        &format!("{good}x"),
        &format!("Token {}", app.access_token),
    ] {
        let call = browser
            .call(Method::GET, ME)
            .header("authorization", header);
        call.send().await.problem(401, "unauthenticated");
    }
    let call = browser.call(Method::GET, ME).header("authorization", &good);
    call.header("authorization", &good)
        .send()
        .await
        .problem(401, "unauthenticated");
    // With both, the bearer counts.
    let call = browser
        .call(Method::GET, "/v1/client/sessions")
        .header("authorization", &good);
    let listed = call.send().await.is(200);
    assert_eq!(listed.json["data"][0]["is_current"], true);
    assert_eq!(listed.json["data"][0]["transport"], "bearer");
    let call = browser.call(Method::GET, ME);
    let lower = format!("bearer {}", app.access_token);
    call.header("authorization", &lower).send().await.is(200);
}

pub(crate) async fn reauthentication_replaces_the_cookie(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    let old = browser.cookies();
    world.advance(Duration::from_mins(11));
    let path = "/v1/client/reauthenticate";
    let wrong = browser
        .post(path, json!({ "password": "a walk in the snow" }))
        .await;
    wrong.problem(422, "credentials_incorrect");
    let done = browser
        .post(path, json!({ "password": PASSWORD }))
        .await
        .is(200);
    assert_eq!(done.json["session"]["amr"], json!(["email", "pwd"]));
    assert_ne!(browser.cookies(), old);
    let call = world.call(Method::GET, ME).header("cookie", &old);
    call.send().await.problem(401, "unauthenticated");
    browser.get(ME).await.is(200);

    let app = world.app("ada@example.com").await;
    let done = app
        .post(path, json!({ "password": PASSWORD }))
        .await
        .is(200);
    assert!(done.headers.get("set-cookie").is_none());
}

pub(crate) async fn what_asks_for_recent_authentication_is_403_and_not_401(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.signed_up("ada@example.com").await;
    world.advance(Duration::from_mins(11));
    let add = json!({ "email_address": "second@example.com" });
    let path = "/v1/client/me/email-addresses";
    let refused = browser.post(path, add.clone()).await;
    let refused = refused.problem(403, "reauthentication_required");
    assert_eq!(refused.json["max_age"], 600);
    browser
        .delete(ME)
        .await
        .problem(403, "reauthentication_required");
    browser.get(ME).await.is(200);
    browser
        .post("/v1/client/reauthenticate", json!({ "password": PASSWORD }))
        .await
        .is(200);
    browser.post(path, add).await.is(201);
}
