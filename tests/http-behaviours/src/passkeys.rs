//! Passkeys, from a browser's point of view. The authenticator is a software one.

use http::Method;
use serde_json::{Value, json};
use zalt_core::config::SecondFactorPolicy;
use zalt_http::HttpConfig;
use zalt_test_authenticator::Authenticator;

use crate::client::{Adapter, Browser, Reply};
use crate::world::{PASSWORD, World};

const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";
const SIGN_INS: &str = "/v1/client/sign-ins";
const PASSKEYS: &str = "/v1/client/me/passkeys";

fn authenticator(world: &World) -> Authenticator {
    Authenticator::new(world.origin())
}

/// Asks for a new passkey, and sends what the authenticator makes.
async fn register(browser: &Browser<'_>, authenticator: &mut Authenticator, name: &str) -> Reply {
    let asked = browser.post(PASSKEYS, json!({})).await.is(200);
    let credential = authenticator.create(&asked.json["public_key"]).unwrap();
    let body = json!({ "credential": credential, "name": name });
    browser.post(&format!("{PASSKEYS}/confirm"), body).await
}

/// The path of the passkey of whoever is signed in.
async fn passkey_path(browser: &Browser<'_>) -> String {
    let list = browser.get("/v1/client/me/credentials").await.is(200);
    let mut listed = list.json["data"].as_array().unwrap().iter();
    let passkey = listed.find(|credential| credential["kind"] == "passkey");
    let id = passkey.unwrap()["id"].as_str().unwrap();
    format!("/v1/client/me/credentials/{id}")
}

/// Begins a sign-in without an identifier: where it goes on, and what is asked.
async fn begin(browser: &Browser<'_>) -> (String, Value) {
    let path = format!("{SIGN_INS}/passkey");
    let begun = browser.post(&path, json!({})).await.is(201);
    let path = format!("{SIGN_INS}/{}", begun.text_at("/id"));
    (path, begun.json["public_key"].clone())
}

fn answer(credential: &Value) -> Value {
    json!({ "strategy": "passkey", "credential": credential })
}

async fn sign_in(browser: &Browser<'_>, authenticator: &mut Authenticator) -> Reply {
    let (path, asked) = begin(browser).await;
    let credential = authenticator.get(&asked).unwrap();
    let path = format!("{path}/attempt-first-factor");
    browser.post(&path, answer(&credential)).await
}

pub(crate) async fn one_is_registered_and_signs_in_without_an_identifier(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let owner = world.signed_up(ADA).await;
    let mut key = authenticator(&world);
    key.manner.backup_eligible = true;
    key.manner.backed_up = true;
    key.manner.aaguid = 0xea9b_8d66_4d01_1d21_3ce4_b6b4_8cb5_75d4_u128.to_be_bytes();
    let registered = register(&owner, &mut key, "Laptop").await.is(201);
    let credential = &registered.json["credential"];
    assert_eq!(credential["kind"], "passkey");
    assert_eq!(credential["name"], "Laptop");
    let passkey = json!({
        "authenticator": "Google Password Manager", "backup_eligible": true, "backed_up": true,
        "transports": ["internal", "hybrid"],
    });
    assert_eq!(credential["passkey"], passkey);
    let codes = registered.json["recovery_codes"].as_array().unwrap();
    assert_eq!(codes.len(), 10);

    let browser = world.browser();
    let (path, asked) = begin(&browser).await;
    assert_eq!(asked["allowCredentials"], json!([]));
    let attempt = browser.get(&path).await.is(200);
    assert_eq!(attempt.json["identifier"], Value::Null);
    assert_eq!(attempt.json["supported_strategies"], json!(["passkey"]));
    let credential = key.get(&asked).unwrap();
    let path = format!("{path}/attempt-first-factor");
    let signed_in = browser.post(&path, answer(&credential)).await.is(200);
    assert_eq!(signed_in.json["status"], "complete");
    assert_eq!(signed_in.json["session"]["amr"], json!(["passkey"]));
    browser.get("/v1/client/me").await.is(200);
    let again = browser.post(&path, answer(&credential)).await;
    again.problem(404, "attempt_not_found");
}

pub(crate) async fn one_signs_in_with_an_identifier(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let owner = world.signed_up(ADA).await;
    let mut key = authenticator(&world);
    register(&owner, &mut key, "Key").await.is(201);
    for (identifier, status) in [(BEN, 422), (ADA, 200)] {
        let browser = world.browser();
        let body = json!({ "identifier": identifier });
        let begun = browser.post(SIGN_INS, body).await.is(201);
        let path = format!("{SIGN_INS}/{}", begun.text_at("/id"));
        let asked = browser
            .post(&format!("{path}/prepare-passkey"), json!({}))
            .await
            .is(200);
        let asked = &asked.json["public_key"];
        assert_eq!(asked["allowCredentials"], json!([]), "{identifier}");
        let credential = key.get(asked).unwrap();
        let path = format!("{path}/attempt-first-factor");
        browser.post(&path, answer(&credential)).await.is(status);
    }
}

pub(crate) async fn one_holds_a_session_by_tokens(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let owner = world.signed_up(ADA).await;
    let mut key = authenticator(&world);
    register(&owner, &mut key, "Key").await.is(201);
    let body = json!({ "transport": "bearer" });
    let path = format!("{SIGN_INS}/passkey");
    let begun = world.post(&path, body).await.is(201);
    let credential = key.get(&begun.json["public_key"]).unwrap();
    let path = format!("{SIGN_INS}/{}/attempt-first-factor", begun.text_at("/id"));
    let call = world.call(Method::POST, &path).json(&answer(&credential));
    call.send().await.problem(404, "attempt_not_found");
    let call = world.call(Method::POST, &path).json(&answer(&credential));
    let signed_in = call
        .header("zalt-attempt", &begun.text_at("/attempt_token"))
        .send()
        .await
        .is(200);
    assert!(signed_in.json["refresh_token"].is_string());
}

pub(crate) async fn one_is_a_second_factor_and_raises_a_session(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let owner = world.signed_up(ADA).await;
    let mut key = authenticator(&world);
    register(&owner, &mut key, "Key").await.is(201);
    let browser = world.browser();
    let body = json!({ "identifier": ADA, "password": PASSWORD });
    let begun = browser.post(SIGN_INS, body).await.is(201);
    assert_eq!(begun.json["status"], "needs_second_factor");
    let offered = json!(["passkey", "recovery_code"]);
    assert_eq!(begun.json["supported_strategies"], offered);
    let path = format!("{SIGN_INS}/{}", begun.text_at("/id"));
    let attempt = format!("{path}/attempt-second-factor");
    let nothing = json!({ "strategy": "passkey" });
    browser
        .post(&attempt, nothing)
        .await
        .problem(422, "missing_field");
    let asked = browser
        .post(&format!("{path}/prepare-passkey"), json!({}))
        .await
        .is(200);
    let asked = &asked.json["public_key"];
    assert_eq!(asked["allowCredentials"].as_array().unwrap().len(), 1);
    let credential = key.get(asked).unwrap();
    let signed_in = browser.post(&attempt, answer(&credential)).await.is(200);
    assert_eq!(signed_in.json["session"]["amr"], json!(["pwd", "passkey"]));

    let changed = json!({ "name": "Bunch of keys" });
    let path = passkey_path(&owner).await;
    let rename = || owner.call(Method::PATCH, &path).json(&changed).send();
    rename().await.problem(403, "reauthentication_required");
    let prepare = "/v1/client/reauthenticate/prepare-passkey";
    let asked = owner.post(prepare, json!({})).await.is(200);
    let credential = key.get(&asked.json["public_key"]).unwrap();
    let reauthenticate = "/v1/client/reauthenticate";
    owner
        .post(reauthenticate, answer(&credential))
        .await
        .is(200);
    owner
        .post(reauthenticate, answer(&credential))
        .await
        .problem(422, "passkey_request_over");
    let renamed = rename().await.is(200);
    assert_eq!(renamed.json["name"], "Bunch of keys");
    owner.delete(&path).await.is(204);
    let me = owner.get("/v1/client/me").await.is(200);
    assert_eq!(me.json["has_second_factor"], false);
}

pub(crate) async fn where_everybody_needs_one_it_is_registered_on_the_way_in(
    adapter: &dyn Adapter,
) {
    let required = |config: &mut zalt_core::Config| {
        config.second_factors.policy = SecondFactorPolicy::Required;
    };
    let world = World::with(adapter, required, HttpConfig::default()).await;
    world.signed_up(ADA).await;
    let browser = world.browser();
    let body = json!({ "identifier": ADA, "password": PASSWORD });
    let begun = browser.post(SIGN_INS, body).await.is(201);
    assert_eq!(begun.json["status"], "needs_mfa_enrollment");
    let offered = json!(["passkey", "totp"]);
    assert_eq!(begun.json["supported_strategies"], offered);
    let path = format!("{SIGN_INS}/{}/passkey", begun.text_at("/id"));
    let asked = browser.post(&path, json!({})).await.is(200);
    let mut key = authenticator(&world);
    let credential = key.create(&asked.json["public_key"]).unwrap();
    let body = json!({ "credential": credential, "name": "Key" });
    let done = browser.post(&format!("{path}/confirm"), body).await.is(200);
    assert_eq!(done.json["status"], "complete");
    assert_eq!(done.json["recovery_codes"].as_array().unwrap().len(), 10);
    let path = passkey_path(&browser).await;
    let refused = browser.call(Method::DELETE, &path).send().await;
    refused.problem(409, "last_second_factor");
}

pub(crate) async fn a_wrong_one_is_refused_without_a_reason(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let owner = world.signed_up(ADA).await;
    let mut key = authenticator(&world);
    register(&owner, &mut key, "Key").await.is(201);
    let mut unknown = authenticator(&world);
    register(&world.signed_up(BEN).await, &mut unknown, "Key")
        .await
        .is(201);
    let mut phished = key.copy();
    phished.manner.origin = "https://auth.example.com.evil.test".into();
    let mut tampered = key.copy();
    tampered.manner.corrupt_signature = true;
    let mut untouched = key.copy();
    untouched.manner.user_verified = false;
    unknown.manner.user_handle = Some(b"somebody else".to_vec());
    for wrong in [&mut phished, &mut tampered, &mut untouched, &mut unknown] {
        let browser = world.browser();
        let refused = sign_in(&browser, wrong)
            .await
            .problem(422, "passkey_refused");
        assert_eq!(refused.json["detail"], "the passkey was not accepted");
        assert_eq!(refused.json["field"], "credential");
        browser.get("/v1/client/me").await.is(401);
    }
    sign_in(&world.browser(), &mut key).await.is(200);
}

pub(crate) async fn what_is_no_credential_is_an_invalid_field(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let browser = world.browser();
    let (path, _) = begin(&browser).await;
    let path = format!("{path}/attempt-first-factor");
    let long = "A".repeat(8192);
    for credential in [
        json!({}),
        json!("AQID"),
        json!({ "id": "AQID", "rawId": "BQID", "type": "public-key", "response": {} }),
        json!({
            "id": "AQID", "rawId": "AQID", "type": "public-key",
            "response": { "clientDataJSON": long, "authenticatorData": "AA", "signature": "AA" },
        }),
    ] {
        let refused = browser.post(&path, answer(&credential)).await.is(422);
        let code = refused.text_at("/code");
        assert!(
            matches!(code.as_str(), "invalid_field" | "missing_field"),
            "{code} for {credential}"
        );
    }
}

pub(crate) async fn related_origins_are_told_to_browsers(adapter: &dyn Adapter) {
    let related = |config: &mut zalt_core::Config| {
        config.passkeys.related_origins = vec!["https://app.example.org".to_owned()];
    };
    let world = World::with(adapter, related, HttpConfig::default()).await;
    let path = "/.well-known/webauthn";
    let reply = world.call(Method::GET, path).send().await.is(200);
    let expected = json!({ "origins": ["https://app.example.org"] });
    assert_eq!(reply.json, expected);
    assert_eq!(reply.headers["content-type"], "application/json");
    let owner = world.signed_up(ADA).await;
    let mut key = Authenticator::new("https://app.example.org");
    register(&owner, &mut key, "Key").await.is(201);
}
