//! Connections, from a browser's point of view. The provider is a scripted one.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use url::Url;
use zalt_core::connection::{
    ConnectionUpdate, IdTokenProblem, OAuthErrorCode, ProviderError, ProviderIdentity,
};
use zalt_core::{Config, RequestContext};
use zalt_http::HttpConfig;

use crate::client::{Adapter, Browser, Reply};
use crate::provider::{person, settings};
use crate::world::{PASSWORD, World};

const ADA: &str = "ada@example.com";
const BEGIN: &str = "/v1/client/sign-ins/connection";
const ACCOUNTS: &str = "/v1/client/me/external-accounts";
const ID_TOKEN: &str = "/v1/client/sign-ins/id-token";

fn two(config: &mut Config) {
    config.connections = vec![settings("google"), settings("github")];
    config.return_addresses = vec![
        "https://app.example.com/done".to_owned(),
        "com.example.app:/done".to_owned(),
    ];
}

async fn world(adapter: &dyn Adapter) -> World {
    World::with(adapter, two, HttpConfig::default()).await
}

/// Begins and returns the `state` that the provider was given.
async fn begin(browser: &Browser<'_>, key: &str, return_to: &str) -> String {
    let body = json!({ "connection": key, "return_to": return_to });
    state(&browser.post(BEGIN, body).await.is(201))
}

fn state(begun: &Reply) -> String {
    let url = Url::parse(&begun.text_at("/authorization_url")).unwrap();
    let mut query = url.query_pairs();
    query
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned()
}

fn callback(key: &str, state: &str, code: &str) -> String {
    format!("/v1/client/connections/{key}/callback?state={state}&code={code}")
}

/// Goes to the provider and comes back as this one: the address that the browser is led to.
async fn come(
    world: &World,
    browser: &Browser<'_>,
    comes: Result<ProviderIdentity, ProviderError>,
) -> String {
    world.tick();
    let state = begin(browser, "google", "/home").await;
    let code = world.provider().code("a-code", comes);
    location(browser.get(&callback("google", &state, &code)).await)
}

#[track_caller]
fn location(reply: Reply) -> String {
    let reply = reply.is(303);
    reply.header("location").unwrap().to_owned()
}

/// What a parameter of an address says.
fn parameter(address: &str, wanted: &str) -> Option<String> {
    let url = Url::parse("https://auth.example.com")
        .unwrap()
        .join(address)
        .unwrap();
    let mut query = url.query_pairs();
    query
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.into_owned())
}

pub(crate) async fn an_address_that_is_vouched_for_signs_up_and_in(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let browser = world.browser();
    let ada = || Ok(person("1", Some((ADA, true))));
    assert_eq!(come(&world, &browser, ada()).await, "/home");
    let me = browser.get("/v1/client/me").await.is(200);
    assert_eq!(me.json["email_addresses"][0]["email_address"], ADA);
    assert_eq!(me.json["email_addresses"][0]["verified"], true);
    assert_eq!(me.json["first_name"], "Ada");
    assert_eq!(me.json["has_password"], false);
    assert!(browser.cookie("__Host-zalt_connection").is_none());
    let accounts = browser.get(ACCOUNTS).await.is(200);
    let account = &accounts.json["data"][0];
    assert_eq!(account["connection"], "google");
    assert_eq!(account["email_address"], ADA);
    assert_eq!(account["username"], "1");

    // Known by issuer and subject, whatever the address is now.
    let again = world.browser();
    let moved = Ok(person("1", Some(("countess@example.org", true))));
    assert_eq!(come(&world, &again, moved).await, "/home");
    let same = again.get("/v1/client/me").await.is(200);
    assert_eq!(same.json["id"], me.json["id"]);
    assert_eq!(same.json["email_addresses"].as_array().unwrap().len(), 1);
    let session = again.get("/v1/client/sessions/current").await.is(200);
    assert_eq!(session.json["amr"], json!(["fed"]));
}

pub(crate) async fn what_comes_back_counts_for_whoever_began_and_once(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let browser = world.browser();
    let state = begin(&browser, "google", "/home").await;
    let code = world
        .provider()
        .code("a-code", Ok(person("1", Some((ADA, true)))));
    let address = callback("google", &state, &code);

    // Login CSRF: somebody is led here with another's answer.
    let victim = world.browser();
    let mismatch = "connection_state_mismatch";
    victim.get(&address).await.problem(409, mismatch);
    let of_victim = begin(&victim, "google", "/home").await;
    victim.get(&address).await.problem(409, mismatch);
    let swapped = callback("google", &of_victim, &code);
    browser.get(&swapped).await.problem(409, mismatch);
    // Mix-up: an answer at the callback of another connection.
    let other = callback("github", &state, &code);
    browser.get(&other).await.problem(409, mismatch);
    // A parameter twice, or none.
    for address in [
        format!("{address}&code=another"),
        "/v1/client/connections/google/callback".to_owned(),
    ] {
        browser.get(&address).await.problem(409, mismatch);
    }
    let unknown = callback("unknown", &state, &code);
    let unknown = browser.get(&unknown).await;
    assert!(
        matches!(unknown.status.as_u16(), 404 | 409),
        "{}",
        unknown.text
    );
    browser
        .get("/v1/client/me")
        .await
        .problem(401, "unauthenticated");

    // None of that used it up.
    assert_eq!(location(browser.get(&address).await), "/home");
    browser.get(&address).await.problem(409, mismatch);
    browser.get("/v1/client/me").await.is(200);
}

pub(crate) async fn a_failure_is_told_where_the_person_goes(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let refused = || ProviderError::Refused {
        error: OAuthErrorCode::parse("invalid_grant"),
    };
    for (error, code) in [
        (ProviderError::Unreachable, "connection_unavailable"),
        (ProviderError::TimedOut, "connection_unavailable"),
        (
            ProviderError::BadAnswer { what: "tokens" },
            "connection_unavailable",
        ),
        (refused(), "connection_refused"),
        (ProviderError::IssuerMismatch, "connection_state_mismatch"),
        (
            ProviderError::IdTokenInvalid(IdTokenProblem::Algorithm),
            "connection_answer_invalid",
        ),
        (
            ProviderError::IdTokenInvalid(IdTokenProblem::Nonce),
            "connection_answer_invalid",
        ),
        (
            ProviderError::IdTokenInvalid(IdTokenProblem::Expired),
            "connection_answer_invalid",
        ),
    ] {
        let browser = world.browser();
        if code == "connection_state_mismatch" {
            let state = begin(&browser, "google", "/home").await;
            let given = world.provider().code("a-code", Err(error));
            let reply = browser.get(&callback("google", &state, &given)).await;
            reply.problem(409, code);
        } else {
            let address = come(&world, &browser, Err(error)).await;
            assert!(address.starts_with("/home?"), "{address}");
            assert_eq!(parameter(&address, "error").as_deref(), Some(code));
            assert_eq!(parameter(&address, "connection").as_deref(), Some("google"));
            assert!(parameter(&address, "request_id").is_some());
        }
        let me = browser.get("/v1/client/me").await;
        me.problem(401, "unauthenticated");
    }
    // What the person said at the provider, in whose words never matters.
    let browser = world.browser();
    let state = begin(&browser, "google", "/home").await;
    let address = format!(
        "/v1/client/connections/google/callback?state={state}&error=access_denied&error_description=%3Cscript%3E"
    );
    let address = location(browser.get(&address).await);
    assert_eq!(
        parameter(&address, "error").as_deref(),
        Some("connection_refused")
    );
    assert!(!address.contains("script"), "{address}");
}

pub(crate) async fn a_page_of_the_application_is_told_instead(adapter: &dyn Adapter) {
    let mut http = HttpConfig::default();
    http.connection_page = Some("/sign-in/connection".to_owned());
    let world = World::with(adapter, two, http).await;
    let browser = world.browser();
    let address = come(&world, &browser, Err(ProviderError::Unreachable)).await;
    assert!(
        address.starts_with("/sign-in/connection?error="),
        "{address}"
    );
    assert_eq!(parameter(&address, "return_to").as_deref(), Some("/home"));
    let nobody = world.browser();
    let address = location(nobody.get(&callback("google", "state", "code")).await);
    assert_eq!(
        parameter(&address, "error").as_deref(),
        Some("connection_state_mismatch")
    );
    let browser = world.browser();
    let unverified = Ok(person("1", Some((ADA, false))));
    let address = come(&world, &browser, unverified).await;
    assert!(
        address.starts_with("/sign-in/connection?status="),
        "{address}"
    );
}

pub(crate) async fn an_address_that_nobody_vouches_for_is_verified_here(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let browser = world.browser();
    let unverified = Ok(person("1", Some((ADA, false))));
    let address = come(&world, &browser, unverified).await;
    assert_eq!(
        parameter(&address, "status").as_deref(),
        Some("missing_requirements")
    );
    browser
        .get("/v1/client/me")
        .await
        .problem(401, "unauthenticated");
    verify(&world, &browser, &address).await;
}

pub(crate) async fn an_address_that_is_not_told_is_asked_for(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let browser = world.browser();
    let address = come(&world, &browser, Ok(person("1", None))).await;
    assert_eq!(
        parameter(&address, "status").as_deref(),
        Some("needs_email_address")
    );
    let id = parameter(&address, "attempt").unwrap();
    let path = format!("/v1/client/sign-ins/{id}/email-address");
    let stranger = world.browser();
    let body = json!({ "email_address": ADA });
    let refused = stranger.post(&path, body.clone()).await;
    refused.problem(404, "attempt_not_found");
    let garbled = browser.post(&path, json!({ "email_address": "ada" })).await;
    garbled.problem(422, "invalid_field");
    let given = browser.post(&path, body).await.is(200);
    assert_eq!(given.json["connection"], "google");
    verify(&world, &browser, &address).await;
}

/// Types the code that verifies the address, after which the account is linked.
async fn verify(world: &World, browser: &Browser<'_>, address: &str) {
    let id = parameter(address, "attempt").unwrap();
    let path = format!("/v1/client/sign-ups/{id}");
    let pending = browser.get(&path).await.is(200);
    assert_eq!(pending.json["connection"], "google");
    let body = json!({ "code": world.code(ADA).await });
    let path = format!("{path}/attempt-verification");
    browser.post(&path, body).await.is(200);
    let accounts = browser.get(ACCOUNTS).await.is(200);
    assert_eq!(accounts.json["total_count"], 1);
}

pub(crate) async fn an_account_of_the_same_address_is_proved_first(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let owner = world.signed_up(ADA).await;
    let id = owner.get("/v1/client/me").await.is(200).text_at("/id");
    let browser = world.browser();
    let ada = || Ok(person("1", Some((ADA, true))));
    let address = come(&world, &browser, ada()).await;
    assert_eq!(
        parameter(&address, "status").as_deref(),
        Some("needs_first_factor")
    );
    browser
        .get("/v1/client/me")
        .await
        .problem(401, "unauthenticated");
    assert_eq!(owner.get(ACCOUNTS).await.is(200).json["total_count"], 0);

    let attempt = parameter(&address, "attempt").unwrap();
    let path = format!("/v1/client/sign-ins/{attempt}");
    let pending = browser.get(&path).await.is(200);
    assert_eq!(pending.json["identifier"], ADA);
    assert_eq!(pending.json["connection"], "google");
    let body = json!({ "strategy": "password", "password": PASSWORD });
    let path = format!("{path}/attempt-first-factor");
    browser.post(&path, body).await.is(200);
    assert_eq!(owner.get(ACCOUNTS).await.is(200).json["total_count"], 1);

    let later = world.browser();
    assert_eq!(come(&world, &later, ada()).await, "/home");
    assert_eq!(later.get("/v1/client/me").await.is(200).text_at("/id"), id);
}

pub(crate) async fn an_account_is_linked_and_unlinked(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let owner = world.signed_up(ADA).await;
    let begun = |key: &str| json!({ "connection": key, "return_to": "/accounts" });
    let linking = owner.post(ACCOUNTS, begun("github")).await.is(201);
    let state_of_link = state(&linking);
    let other = || Ok(person("7", Some(("other@example.org", true))));
    let code = world.provider().code("a-code", other());
    let address = callback("github", &state_of_link, &code);
    assert_eq!(location(owner.get(&address).await), "/accounts");
    let accounts = owner.get(ACCOUNTS).await.is(200);
    assert_eq!(accounts.json["total_count"], 1);
    let me = owner.get("/v1/client/me").await.is(200);
    let addresses = me.json["email_addresses"].as_array().unwrap();
    assert_eq!(addresses.len(), 1, "the address there is not one here");
    let events = world.events(&owner).await;
    assert!(
        events.contains(&"external_account.linked".to_owned()),
        "{events:?}"
    );

    // It belongs to one user.
    let ben = world.signed_up("ben@example.com").await;
    let linking = ben.post(ACCOUNTS, begun("github")).await.is(201);
    let code = world.provider().code("b-code", other());
    let address = callback("github", &state(&linking), &code);
    let address = location(ben.get(&address).await);
    assert_eq!(
        parameter(&address, "error").as_deref(),
        Some("external_account_taken")
    );

    let id = accounts.text_at("/data/0/id");
    let foreign = ben.delete(&format!("{ACCOUNTS}/{id}")).await;
    foreign.problem(404, "not_found");
    world.advance(Duration::from_mins(11));
    let stale = owner.delete(&format!("{ACCOUNTS}/{id}")).await;
    stale.problem(403, "reauthentication_required");
    let stale = owner.post(ACCOUNTS, begun("google")).await;
    stale.problem(403, "reauthentication_required");
    let body = json!({ "password": PASSWORD });
    owner.post("/v1/client/reauthenticate", body).await.is(200);
    owner.delete(&format!("{ACCOUNTS}/{id}")).await.is(204);
    assert_eq!(owner.get(ACCOUNTS).await.is(200).json["total_count"], 0);

    // Whoever unlinked it can't come in by it, and another may link it.
    let linking = ben.post(ACCOUNTS, begun("github")).await;
    if linking.status.as_u16() == 403 {
        let body = json!({ "password": PASSWORD });
        ben.post("/v1/client/reauthenticate", body).await.is(200);
    }
    let linking = ben.post(ACCOUNTS, begun("github")).await.is(201);
    let code = world.provider().code("c-code", other());
    let address = callback("github", &state(&linking), &code);
    assert_eq!(location(ben.get(&address).await), "/accounts");
}

pub(crate) async fn a_link_is_for_the_session_that_asked(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let owner = world.signed_up(ADA).await;
    let body = json!({ "connection": "google", "return_to": "/accounts" });
    let linking = owner.post(ACCOUNTS, body).await.is(201);
    let code = world.provider().code("a-code", Ok(person("7", None)));
    owner.post("/v1/client/sign-out", json!({})).await;
    let elsewhere = world.browser();
    let kept = owner.cookie("__Host-zalt_connection").unwrap();
    elsewhere.set_cookie("__Host-zalt_connection", &kept);
    let address = callback("google", &state(&linking), &code);
    let refused = elsewhere.get(&address).await;
    refused.problem(409, "connection_state_mismatch");
}

pub(crate) async fn the_form_of_a_provider_leads_to_the_same_address(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let browser = world.browser();
    let state = begin(&browser, "google", "/home").await;
    let code = world
        .provider()
        .code("a-code", Ok(person("1", Some((ADA, true)))));
    let path = "/v1/client/connections/google/callback";
    let post = |path: &str, content_type: &str, body: String| {
        world
            .call(Method::POST, path)
            .header("origin", "https://provider.example")
            .header("sec-fetch-site", "cross-site")
            .header("cookie", &browser.cookies())
            .body(content_type, body)
    };
    let form = "application/x-www-form-urlencoded";
    let body = format!("state={state}&code={code}&user=%7B%7D&x=y");
    let led = post(path, form, body.clone()).send().await;
    assert!(led.header("set-cookie").is_none(), "nothing is done yet");
    let to = location(led);
    let expected = format!("https://auth.example.com{path}?state={state}&code={code}&user=%7B%7D");
    assert_eq!(to, expected);
    let here = to.strip_prefix("https://auth.example.com").unwrap();
    assert_eq!(location(browser.get(here).await), "/home");

    // The way past the check is for that form and nothing else.
    let json = post(path, "application/json", "{}".to_owned()).send().await;
    json.problem(403, "cross_origin");
    let other = post("/v1/client/sign-ins", form, body).send().await;
    other.problem(403, "cross_origin");
    let large = "a".repeat(70_000);
    let large = post(path, form, large).send().await;
    large.problem(413, "body_too_large");
}

pub(crate) async fn nobody_is_led_to_an_address_that_is_not_listed(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let browser = world.browser();
    for address in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "https://app.example.com/done/more",
        "https://app.example.com.evil.example/done",
        "javascript:alert(1)",
        "",
    ] {
        let body = json!({ "connection": "google", "return_to": address });
        let refused = browser.post(BEGIN, body).await;
        refused.problem(422, "return_address_not_allowed");
    }
    for address in ["https://app.example.com/done", "com.example.app:/done"] {
        let browser = world.browser();
        let state = begin(&browser, "google", address).await;
        let ada = Ok(person("1", Some((ADA, true))));
        let code = world.provider().code("a-code", ada);
        let led = location(browser.get(&callback("google", &state, &code)).await);
        assert_eq!(led, address);
    }
}

pub(crate) async fn an_app_brings_the_answer_itself(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let body = json!({ "connection": "google", "transport": "bearer" });
    let begun = world.post(BEGIN, body.clone()).await.is(201);
    assert!(begun.header("set-cookie").is_none());
    let ada = Ok(person("1", Some((ADA, true))));
    let code = world.provider().code("a-code", ada);
    let address = callback("google", &state(&begun), &code);
    let without = world.call(Method::GET, &address).send().await;
    without.problem(409, "connection_state_mismatch");
    let call = world.call(Method::GET, &address);
    let token = begun.text_at("/attempt_token");
    let signed_in = call.header("zalt-attempt", &token).send().await.is(200);
    assert_eq!(signed_in.json["token_type"], "Bearer");
    assert!(signed_in.header("set-cookie").is_none());

    let begun = world.post(BEGIN, body).await.is(201);
    let code = world
        .provider()
        .code("b-code", Err(ProviderError::Unreachable));
    let call = world.call(Method::GET, &callback("google", &state(&begun), &code));
    let token = begun.text_at("/attempt_token");
    let failed = call.header("zalt-attempt", &token).send().await;
    failed.problem(502, "connection_unavailable");
}

pub(crate) async fn a_window_of_its_own_tells_the_page_that_opened_it(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let browser = world.browser();
    let body = json!({ "connection": "google", "return_to": "/home", "mode": "popup" });
    let state = state(&browser.post(BEGIN, body).await.is(201));
    let ada = Ok(person("1", Some((ADA, true))));
    let code = world.provider().code("a-code", ada);
    let page = browser
        .get(&callback("google", &state, &code))
        .await
        .is(200);
    assert!(
        page.text.contains("\"status\":\"complete\""),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("[\"https://auth.example.com\"]"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("zst_"), "no secret is in it");
    browser.get("/v1/client/me").await.is(200);
}

pub(crate) async fn an_id_token_that_an_app_got_signs_in_once(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let ada = || Ok(person("1", Some((ADA, true))));
    world.provider().code("one", ada());
    let exchange = |id_token: &str, nonce: Value| json!({ "connection": "google", "id_token": id_token, "nonce": nonce, "transport": "bearer" });
    let body = exchange("one.n-1.sig", json!("n-1"));
    let signed_in = world.post(ID_TOKEN, body.clone()).await.is(200);
    assert_eq!(signed_in.json["token_type"], "Bearer");
    let again = world.post(ID_TOKEN, body).await;
    again.problem(409, "connection_state_mismatch");
    let wrong = exchange("one.n-2.sig", json!("n-3"));
    let wrong = world.post(ID_TOKEN, wrong).await;
    wrong.problem(422, "connection_answer_invalid");
    let forged = exchange("nobody.n-4.sig", json!("n-4"));
    let forged = world.post(ID_TOKEN, forged).await;
    forged.problem(422, "connection_answer_invalid");

    // With a nonce of ours it is this device's as well.
    let browser = world.browser();
    let body = json!({ "connection": "google" });
    let begun = browser
        .post(&format!("{ID_TOKEN}/nonce"), body)
        .await
        .is(201);
    let id_token = format!("one.{}.sig", begun.text_at("/nonce"));
    let body = json!({ "connection": "google", "id_token": id_token });
    let stranger = world.browser().post(ID_TOKEN, body.clone()).await;
    stranger.problem(422, "connection_answer_invalid");
    let signed_in = browser.post(ID_TOKEN, body.clone()).await.is(200);
    assert_eq!(signed_in.json["status"], "complete");
    browser.get("/v1/client/me").await.is(200);
    let unknown = json!({ "connection": "nobody", "id_token": "a.b.c" });
    let unknown = browser.post(ID_TOKEN, unknown).await;
    unknown.problem(404, "connection_not_found");
}

pub(crate) async fn a_providers_token_is_handed_out_by_choice(adapter: &dyn Adapter) {
    let ada = || Ok(person("1", Some((ADA, true))));
    for handed_out in [false, true] {
        let mut http = HttpConfig::default();
        http.hand_out_provider_tokens = handed_out;
        let world = World::with(adapter, two, http).await;
        let browser = world.browser();
        come(&world, &browser, ada()).await;
        let id = browser.get(ACCOUNTS).await.is(200).text_at("/data/0/id");
        let path = format!("{ACCOUNTS}/{id}/token");
        if !handed_out {
            let refused = browser.post(&path, json!({})).await;
            refused.problem(404, "not_found");
            continue;
        }
        let token = browser.post(&path, json!({})).await.is(200);
        assert_eq!(token.json["access_token"], "access-0");
        assert_eq!(token.json["scopes"], json!(["profile"]));
        world.advance(Duration::from_mins(59));
        let fresh = browser.post(&path, json!({})).await.is(200);
        assert_eq!(fresh.json["access_token"], "access-1");
        assert_eq!(world.provider().refreshes(), 1);
        let ben = world.signed_up("ben@example.com").await;
        let foreign = ben.post(&path, json!({})).await;
        foreign.problem(404, "not_found");
    }
}

pub(crate) async fn one_is_switched_on_and_off_at_run_time(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let listed = async || {
        let settings = world.browser().get("/v1/client/settings").await.is(200);
        settings.json["connections"].clone()
    };
    assert_eq!(listed().await, json!([]));
    let connections = world.zalt().connections();
    let context = RequestContext::internal();
    let made = connections
        .create(&context, settings("acme"), true)
        .await
        .unwrap();
    let acme = json!({ "key": "acme", "provider": "scripted", "name": "ACME", "id_tokens": true });
    assert_eq!(listed().await, json!([acme]));
    let browser = world.browser();
    let state = begin(&browser, "acme", "/home").await;
    let off = ConnectionUpdate {
        enabled: Some(false),
        ..ConnectionUpdate::default()
    };
    connections.update(&context, made.id, off).await.unwrap();
    assert_eq!(listed().await, json!([]));
    let refused = browser.post(BEGIN, json!({ "connection": "acme" })).await;
    refused.problem(404, "connection_not_found");
    // Also for whoever is on the way.
    let ada = Ok(person("1", Some((ADA, true))));
    let code = world.provider().code("a-code", ada);
    let address = location(browser.get(&callback("acme", &state, &code)).await);
    assert_eq!(
        parameter(&address, "error").as_deref(),
        Some("connection_not_found")
    );
}

pub(crate) async fn what_begins_is_checked(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let browser = world.browser();
    for key in ["unknown", "", "Google", "../google"] {
        let refused = browser.post(BEGIN, json!({ "connection": key })).await;
        refused.problem(404, "connection_not_found");
    }
    let refused = browser.post(BEGIN, json!({})).await;
    refused.problem(422, "missing_field");
    let body = json!({ "connection": "google", "mode": "tab" });
    browser
        .post(BEGIN, body)
        .await
        .problem(422, "invalid_field");
    let nobody = browser
        .post(ACCOUNTS, json!({ "connection": "google" }))
        .await;
    nobody.problem(401, "unauthenticated");
}
