//! Authenticator apps and recovery codes.

use std::time::Duration;

use http::Method;
use serde_json::json;
use zalt_core::config::SecondFactorPolicy;
use zalt_core::credential::TotpSecret;

use crate::client::{Adapter, App, Browser, Reply};
use crate::world::{PASSWORD, World};

const ADA: &str = "ada@example.com";
const SIGN_INS: &str = "/v1/client/sign-ins";

/// An app that was set up, and the recovery codes that came with it.
struct Set {
    secret: TotpSecret,
    id: String,
    recovery_codes: Vec<String>,
}

async fn set_up(world: &World, browser: &Browser<'_>) -> Set {
    let body = json!({ "name": "Phone" });
    let begun = browser.post("/v1/client/me/totp", body).await.is(201);
    let secret = TotpSecret::from_base32(&begun.text_at("/secret")).unwrap();
    assert!(begun.text_at("/uri").contains(&begun.text_at("/secret")));
    assert!(begun.text_at("/qr_code_svg").starts_with("<svg "));
    let id = begun.text_at("/credential_id");
    let path = format!("/v1/client/me/totp/{id}/confirm");
    browser
        .post(&path, json!({ "code": "000000" }))
        .await
        .problem(422, "code_incorrect");
    let code = secret.code_at(world.now());
    let done = browser.post(&path, json!({ "code": code })).await.is(200);
    let codes = done.json["recovery_codes"].as_array().unwrap();
    // The next code is another one.
    world.advance(Duration::from_secs(30));
    Set {
        secret,
        id,
        recovery_codes: codes
            .iter()
            .map(|code| code.as_str().unwrap().to_owned())
            .collect(),
    }
}

/// The path of a sign-in that waits for its second factor.
async fn first_factor(browser: &Browser<'_>) -> String {
    let body = json!({ "identifier": ADA, "password": PASSWORD });
    let begun = browser.post(SIGN_INS, body).await.is(201);
    assert_eq!(begun.json["status"], "needs_second_factor");
    assert_eq!(
        begun.json["supported_strategies"],
        json!(["totp", "recovery_code"])
    );
    // Half signed in is not signed in.
    browser.get("/v1/client/me").await.is(401);
    format!("{SIGN_INS}/{}/attempt-second-factor", begun.text_at("/id"))
}

pub(crate) async fn an_app_is_set_up_and_asked_for(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let owner = world.signed_up(ADA).await;
    let set = set_up(&world, &owner).await;
    let me = owner.get("/v1/client/me").await.is(200);
    assert_eq!(me.json["has_second_factor"], true);
    let listed = owner.get("/v1/client/me/credentials").await.is(200);
    let of_kind = |kind: &str| {
        let mut rows = listed.json["data"].as_array().unwrap().iter();
        rows.find(|row| row["kind"] == kind).unwrap()
    };
    assert_eq!(of_kind("totp")["name"], "Phone");
    assert_eq!(of_kind("recovery_codes")["left"], 10);

    let browser = world.browser();
    let path = first_factor(&browser).await;
    let wrong = json!({ "strategy": "totp", "code": "000000" });
    browser
        .post(&path, wrong)
        .await
        .problem(422, "code_incorrect");
    let code = set.secret.code_at(world.now());
    let body = json!({ "strategy": "totp", "code": code });
    let done = browser.post(&path, body.clone()).await.is(200);
    assert_eq!(done.json["session"]["amr"], json!(["pwd", "otp"]));
    browser.get("/v1/client/me").await.is(200);
    let other = world.browser();
    let path = first_factor(&other).await;
    other.post(&path, body).await.problem(422, "code_incorrect");

    let path = format!("/v1/client/me/credentials/{}", set.id);
    browser.delete(&path).await.is(204);
    world
        .signed_in(ADA)
        .await
        .get("/v1/client/me")
        .await
        .is(200);
}

pub(crate) async fn a_recovery_code_stands_in_once(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let owner = world.signed_up(ADA).await;
    let set = set_up(&world, &owner).await;
    assert_eq!(set.recovery_codes.len(), 10);
    let browser = world.browser();
    let path = first_factor(&browser).await;
    let body = json!({ "strategy": "recovery_code", "code": set.recovery_codes[0] });
    browser.post(&path, body.clone()).await.is(200);
    let other = world.browser();
    let path = first_factor(&other).await;
    other.post(&path, body).await.problem(422, "code_incorrect");
    let new = browser
        .post("/v1/client/me/recovery-codes", json!({}))
        .await
        .is(200);
    let body = json!({ "strategy": "recovery_code", "code": new.json["recovery_codes"][9] });
    other.post(&path, body).await.is(200);
}

pub(crate) async fn an_important_change_names_the_factors_that_it_needs(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let owner = world.signed_up(ADA).await;
    let set = set_up(&world, &owner).await;
    let body = json!({ "email_address": "second@example.com" });
    let path = "/v1/client/me/email-addresses";
    let refused = owner
        .post(path, body.clone())
        .await
        .problem(403, "reauthentication_required");
    assert_eq!(refused.json["assurance"], "two_factors");
    assert_eq!(refused.json["max_age"], 600);
    let password = json!({ "password": PASSWORD });
    owner
        .post("/v1/client/reauthenticate", password)
        .await
        .is(200);
    owner
        .post(path, body.clone())
        .await
        .problem(403, "reauthentication_required");
    let code = set.secret.code_at(world.now());
    let second = json!({ "strategy": "totp", "code": code });
    owner
        .post("/v1/client/reauthenticate", second.clone())
        .await
        .is(200);
    owner.post(path, body).await.is(201);
    owner
        .post("/v1/client/reauthenticate", second)
        .await
        .problem(422, "code_incorrect");
    let both = json!({ "strategy": "totp", "code": "1", "password": PASSWORD });
    owner
        .post("/v1/client/reauthenticate", both)
        .await
        .problem(422, "invalid_field");
}

pub(crate) async fn where_everybody_needs_one_it_is_set_up_on_the_way_in(adapter: &dyn Adapter) {
    let required = |config: &mut zalt_core::Config| {
        config.second_factors.policy = SecondFactorPolicy::Required;
    };
    let world = World::with(adapter, required, zalt_http::HttpConfig::default()).await;
    // Whoever gives up at that step of the sign-up comes by it again.
    world.signed_up(ADA).await;
    let browser = world.browser();
    let body = json!({ "identifier": ADA, "password": PASSWORD });
    let begun = browser.post(SIGN_INS, body).await.is(201);
    assert_eq!(begun.json["status"], "needs_mfa_enrollment");
    let path = format!("{SIGN_INS}/{}", begun.text_at("/id"));
    let app = browser
        .post(&format!("{path}/totp"), json!({}))
        .await
        .is(200);
    let secret = TotpSecret::from_base32(&app.text_at("/secret")).unwrap();
    let confirm = format!("{path}/totp/confirm");
    let id = app.text_at("/credential_id");
    let wrong = json!({ "credential_id": id, "code": "000000" });
    browser
        .post(&confirm, wrong)
        .await
        .problem(422, "code_incorrect");
    browser.get("/v1/client/me").await.is(401);
    let code = secret.code_at(world.now());
    let right = json!({ "credential_id": id, "code": code });
    let done = browser.post(&confirm, right).await.is(200);
    assert_eq!(done.json["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(done.json["status"], "complete");
    let remove = format!("/v1/client/me/credentials/{id}");
    browser
        .call(Method::DELETE, &remove)
        .send()
        .await
        .problem(409, "last_second_factor");
}

pub(crate) async fn where_everybody_needs_one_it_is_a_step_of_signing_up(adapter: &dyn Adapter) {
    let required = |config: &mut zalt_core::Config| {
        config.second_factors.policy = SecondFactorPolicy::Required;
    };
    let world = World::with(adapter, required, zalt_http::HttpConfig::default()).await;
    let sign_ups = "/v1/client/sign-ups";
    let browser = world.browser();
    let body = json!({ "email_address": ADA, "password": PASSWORD });
    let begun = browser.post(sign_ups, body.clone()).await.is(201);
    let id = begun.text_at("/id");
    let verify = format!("{sign_ups}/{id}/attempt-verification");
    let code = json!({ "code": world.code(ADA).await });
    let reply = browser.post(&verify, code.clone()).await.is(200);
    assert_eq!(reply.json["status"], "needs_mfa_enrollment");
    assert_eq!(reply.json["id"], begun.json["id"]);
    assert_eq!(reply.json["identifier"], ADA);
    assert!(reply.json.get("attempt_token").is_none());
    assert!(browser.cookie("__Host-zalt_session").is_none());
    assert!(browser.cookie("__Host-zalt_sign_up").is_none());
    browser.get("/v1/client/me").await.is(401);
    let over = browser.post(&verify, code).await;
    over.problem(404, "attempt_not_found");
    let done = enrolled(&world, &browser, &id).await;
    assert_eq!(done.json["session"]["amr"], json!(["email", "otp"]));
    browser.get("/v1/client/me").await.is(200);

    // The same for a program, which has the token from before.
    let ben = "ben@example.com";
    let body = json!({ "email_address": ben, "password": PASSWORD, "transport": "bearer" });
    let begun = world.post(sign_ups, body).await.is(201);
    let (id, token) = (begun.text_at("/id"), begun.text_at("/attempt_token"));
    let verify = format!("{sign_ups}/{id}/attempt-verification");
    let code = json!({ "code": world.code(ben).await });
    let call = world
        .call(Method::POST, &verify)
        .header("zalt-attempt", &token);
    let reply = call.json(&code).send().await.is(200);
    assert_eq!(reply.json["status"], "needs_mfa_enrollment");
    assert_eq!(reply.json["attempt_token"], token);
    assert!(reply.json.get("access_token").is_none());
    let path = format!("{SIGN_INS}/{id}/totp");
    let call = world
        .call(Method::POST, &path)
        .header("zalt-attempt", &token);
    call.json(&json!({})).send().await.is(200);
}

/// Sets up an app in the sign-in of this id.
async fn enrolled(world: &World, browser: &Browser<'_>, id: &str) -> Reply {
    let path = format!("{SIGN_INS}/{id}/totp");
    let app = browser.post(&path, json!({})).await.is(200);
    let secret = TotpSecret::from_base32(&app.text_at("/secret")).unwrap();
    let code = secret.code_at(world.now());
    let right = json!({ "credential_id": app.text_at("/credential_id"), "code": code });
    browser
        .post(&format!("{path}/confirm"), right)
        .await
        .is(200)
}

/// Everybody needs a second factor once an hour has passed, also who is signed in then.
async fn soon_required(adapter: &dyn Adapter) -> World {
    let soon = |config: &mut zalt_core::Config| {
        let second = &mut config.second_factors;
        second.policy = SecondFactorPolicy::Required;
        second.applies_to_live_sessions = true;
        second.grace_until = Some(zalt_core::Timestamp::from_unix_seconds(1_800_003_600));
    };
    World::with(adapter, soon, zalt_http::HttpConfig::default()).await
}

pub(crate) async fn a_policy_reaches_live_sessions_by_choice(adapter: &dyn Adapter) {
    let world = soon_required(adapter).await;
    let browser = world.signed_up(ADA).await;
    let other = world.signed_in(ADA).await;
    browser.get("/v1/client/me").await.is(200);
    world.advance(Duration::from_hours(1));
    for path in ["/v1/client/me", "/v1/client/sessions"] {
        let refused = browser.get(path).await;
        let refused = refused.problem(403, "mfa_enrollment_required");
        assert_eq!(refused.json["assurance"], "two_factors");
    }
    let refused = browser.post("/v1/client/tokens", json!({})).await;
    refused.problem(403, "mfa_enrollment_required");
    // What leads on from here works, and what ends it.
    browser.get("/v1/client/sessions/current").await.is(200);
    browser.get("/v1/client/me/credentials").await.is(200);
    other.post("/v1/client/sign-out", json!({})).await.is(204);
    let begin = || browser.post("/v1/client/me/totp", json!({}));
    begin().await.problem(403, "reauthentication_required");
    let password = json!({ "password": PASSWORD });
    browser
        .post("/v1/client/reauthenticate", password)
        .await
        .is(200);
    let before = browser.cookie("__Host-zalt_session");
    let set = set_up(&world, &browser).await;
    assert_ne!(browser.cookie("__Host-zalt_session"), before);
    browser.get("/v1/client/me").await.is(200);
    let current = browser.get("/v1/client/sessions/current").await.is(200);
    assert!(current.text.contains("\"otp\""), "{}", current.text);
    // And it stays.
    let path = format!("/v1/client/me/credentials/{}", set.id);
    let refused = browser.delete(&path).await;
    refused.problem(409, "last_second_factor");
}

pub(crate) async fn a_program_whose_session_is_limited_goes_on_once_a_factor_is_set_up(
    adapter: &dyn Adapter,
) {
    let world = soon_required(adapter).await;
    world.signed_up(ADA).await;
    world.advance(Duration::from_mins(55));
    let app = world.app(ADA).await;
    world.advance(Duration::from_mins(5));
    let refresh = |token: &str| {
        let body = json!({ "refresh_token": token });
        world.post("/v1/client/tokens/refresh", body)
    };
    let limited = App::new(&world, &refresh(&app.refresh_token).await.is(200));
    let refused = limited.get("/v1/client/me").await;
    refused.problem(403, "mfa_enrollment_required");
    let begun = limited.post("/v1/client/me/totp", json!({})).await.is(201);
    let secret = TotpSecret::from_base32(&begun.text_at("/secret")).unwrap();
    let path = format!(
        "/v1/client/me/totp/{}/confirm",
        begun.text_at("/credential_id")
    );
    let code = json!({ "code": secret.code_at(world.now()) });
    limited.post(&path, code).await.is(200);
    limited.get("/v1/client/me").await.is(200);
    let raised = App::new(&world, &refresh(&limited.refresh_token).await.is(200));
    raised.get("/v1/client/me").await.is(200);
}
