//! Phone numbers and the codes that are sent to them.

use http::Method;
use serde_json::{Value, json};
use zalt_core::Config;
use zalt_core::identifier::Region;
use zalt_core::message::Notice;
use zalt_http::HttpConfig;

use crate::client::{Adapter, Browser};
use crate::world::{PASSWORD, World};

const ADA: &str = "ada@example.com";
const NUMBER: &str = "+436601234567";
const NUMBERS: &str = "/v1/client/me/phone-numbers";

fn austria(config: &mut Config) {
    config.phone_numbers.countries = vec![Region::parse("AT").unwrap()];
}

async fn world(adapter: &dyn Adapter) -> World {
    World::with(adapter, austria, HttpConfig::default()).await
}

/// Adds a number and has a code sent there: its path, and the id of the verification.
async fn add(browser: &Browser<'_>, number: &str) -> (String, String) {
    let body = json!({ "phone_number": number });
    let added = browser.post(NUMBERS, body).await.is(201);
    assert_eq!(added.json["verified"], false);
    let path = format!("{NUMBERS}/{}", added.text_at("/id"));
    let prepare = format!("{path}/prepare-verification");
    let prepared = browser.post(&prepare, json!({})).await.is(200);
    (path, prepared.text_at("/verification/id"))
}

fn attempt(verification: &str, code: &str) -> Value {
    json!({ "verification_id": verification, "code": code })
}

pub(crate) async fn a_number_is_added_verified_made_primary_and_removed(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let browser = world.signed_up(ADA).await;
    let (path, verification) = add(&browser, "+43 660 1234567").await;
    let primary = format!("{path}/make-primary");
    browser
        .post(&primary, json!({}))
        .await
        .problem(409, "identifier_not_verified");
    let verify = format!("{path}/attempt-verification");
    browser
        .post(&verify, attempt(&verification, "000000"))
        .await
        .problem(422, "code_incorrect");
    let code = world.code(NUMBER).await;
    let verified = browser.post(&verify, attempt(&verification, &code)).await;
    let verified = verified.is(200);
    assert_eq!(verified.json["phone_number"], NUMBER);
    assert_eq!(verified.json["verified"], true);
    let told = world.messages_to(ADA).await.pop();
    assert!(
        matches!(told, Some(Notice::PhoneNumberAdded { .. })),
        "{told:?}"
    );

    let me = browser.get("/v1/client/me").await.is(200);
    assert_eq!(me.json["phone_numbers"][0]["phone_number"], NUMBER);
    assert_eq!(me.json["primary_phone_number_id"], verified.json["id"]);
    let listed = browser.get(NUMBERS).await.is(200);
    assert_eq!(listed.json["data"][0], verified.json);
    let made = browser.call(Method::POST, &primary).send().await.is(200);
    assert_eq!(made.json["primary_phone_number_id"], verified.json["id"]);

    browser
        .post(NUMBERS, json!({ "phone_number": NUMBER }))
        .await
        .problem(409, "phone_number_taken");
    browser.delete(&path).await.is(204);
    assert_eq!(browser.get(NUMBERS).await.is(200).json["total_count"], 0);
    browser.delete(&path).await.problem(404, "not_found");
}

pub(crate) async fn only_numbers_that_get_text_messages_are_taken(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let browser = world.signed_up(ADA).await;
    for (number, code) in [
        ("0660 1234567", "invalid_field"),
        ("+999 12345678", "invalid_field"),
        ("+12025550173", "phone_number_not_allowed"),
        ("+43 1 58858", "phone_number_not_allowed"),
        ("+43 900 123456", "phone_number_not_allowed"),
    ] {
        let body = json!({ "phone_number": number });
        let refused = browser.post(NUMBERS, body).await.problem(422, code);
        assert_eq!(refused.json["field"], "phone_number", "{number}");
    }
    let without = World::new(adapter).await;
    let browser = without.signed_up(ADA).await;
    browser
        .post(NUMBERS, json!({ "phone_number": NUMBER }))
        .await
        .problem(422, "phone_number_not_allowed");
}

pub(crate) async fn somebody_elses_number_is_not_given_away(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let owner = world.signed_up(ADA).await;
    let (path, verification) = add(&owner, NUMBER).await;
    let code = world.code(NUMBER).await;
    owner
        .post(
            &format!("{path}/attempt-verification"),
            attempt(&verification, &code),
        )
        .await
        .is(200);

    let mallory = world.signed_up("mallory@example.com").await;
    for number in [NUMBER, "+436607654321"] {
        let (path, verification) = add(&mallory, number).await;
        mallory
            .post(
                &format!("{path}/attempt-verification"),
                attempt(&verification, "000000"),
            )
            .await
            .problem(422, "code_incorrect");
    }
    let told = world.messages_to(NUMBER).await.pop();
    assert!(
        matches!(told, Some(Notice::AccountExists { .. })),
        "{told:?}"
    );
}

pub(crate) async fn a_verification_is_for_the_number_in_its_path(adapter: &dyn Adapter) {
    let world = world(adapter).await;
    let browser = world.signed_up(ADA).await;
    let (path, _) = add(&browser, NUMBER).await;
    let (_, other) = add(&browser, "+436607654321").await;
    let code = world.code("+436607654321").await;
    let verify = format!("{path}/attempt-verification");
    browser
        .post(&verify, attempt(&other, &code))
        .await
        .problem(404, "attempt_not_found");
    browser
        .post(&verify, attempt("att_x", &code))
        .await
        .problem(404, "attempt_not_found");
}

const SIGN_INS: &str = "/v1/client/sign-ins";

/// Codes in text messages and mails are every factor that they may be.
async fn world_of_codes(adapter: &dyn Adapter) -> World {
    let configure = |config: &mut Config| {
        austria(config);
        config.first_factors.sms_code = true;
        config.second_factors.methods.sms_code = true;
        config.second_factors.methods.email_code = true;
    };
    World::with(adapter, configure, HttpConfig::default()).await
}

/// Somebody whose number is verified: its id.
async fn with_number(world: &World, browser: &Browser<'_>) -> String {
    let (path, verification) = add(browser, NUMBER).await;
    let code = world.code(NUMBER).await;
    let verify = format!("{path}/attempt-verification");
    let body = attempt(&verification, &code);
    browser.post(&verify, body).await.is(200).text_at("/id")
}

pub(crate) async fn a_number_signs_in_by_a_text_message(adapter: &dyn Adapter) {
    let world = world_of_codes(adapter).await;
    let owner = world.signed_up(ADA).await;
    with_number(&world, &owner).await;
    let browser = world.browser();
    let body = json!({ "identifier": "+43 660 1234567" });
    let begun = browser.post(SIGN_INS, body).await.is(201);
    let strategies = begun.json["supported_strategies"].as_array().unwrap();
    assert!(strategies.contains(&json!("sms_code")));
    let path = format!("{SIGN_INS}/{}", begun.text_at("/id"));
    let sent = browser
        .post(
            &format!("{path}/prepare-first-factor"),
            json!({ "strategy": "sms_code" }),
        )
        .await
        .is(200);
    assert_eq!(sent.json["challenge"]["strategy"], "sms_code");
    let code = world.code(NUMBER).await;
    let body = json!({ "strategy": "sms_code", "code": code });
    let done = browser
        .post(&format!("{path}/attempt-first-factor"), body)
        .await
        .is(200);
    assert_eq!(done.json["session"]["amr"], json!(["sms"]));

    let off = self::world(adapter).await;
    let begun = off
        .post(
            SIGN_INS,
            json!({ "identifier": NUMBER, "transport": "bearer" }),
        )
        .await
        .is(201);
    let strategies = begun.json["supported_strategies"].as_array().unwrap();
    assert!(!strategies.contains(&json!("sms_code")));
}

/// Passes the password: the path of the attempt.
async fn half_way(browser: &Browser<'_>, offered: &Value) -> String {
    let body = json!({ "identifier": ADA, "password": PASSWORD });
    let begun = browser.post(SIGN_INS, body).await.is(201);
    assert_eq!(begun.json["status"], "needs_second_factor");
    assert_eq!(&begun.json["supported_strategies"], offered);
    format!("{SIGN_INS}/{}", begun.text_at("/id"))
}

pub(crate) async fn codes_are_a_second_factor_by_choice(adapter: &dyn Adapter) {
    let world = world_of_codes(adapter).await;
    let owner = world.signed_up(ADA).await;
    let number = with_number(&world, &owner).await;
    let me = owner.get("/v1/client/me").await.is(200);
    assert_eq!(me.json["has_second_factor"], false);
    let factors = "/v1/client/me/message-factors";
    let body = json!({ "identifier_id": number });
    let added = owner.post(factors, body).await.is(201);
    assert_eq!(added.json["credential"]["kind"], "sms_code");
    assert_eq!(added.json["credential"]["identifier_id"], number);
    assert_eq!(added.json["recovery_codes"].as_array().unwrap().len(), 10);
    let body = json!({ "identifier_id": "idn_x" });
    owner
        .post(factors, body)
        .await
        .problem(422, "invalid_field");

    let browser = world.browser();
    let path = half_way(&browser, &json!(["sms_code", "recovery_code"])).await;
    let prepare = format!("{path}/prepare-second-factor");
    let attempt = format!("{path}/attempt-second-factor");
    browser
        .post(&prepare, json!({ "strategy": "email_code" }))
        .await
        .problem(404, "not_found");
    browser
        .post(&prepare, json!({ "strategy": "totp" }))
        .await
        .problem(422, "invalid_field");
    let sent = browser
        .post(&prepare, json!({ "strategy": "sms_code" }))
        .await
        .is(200);
    assert_eq!(sent.json["challenge"]["strategy"], "sms_code");
    let code = world.code(NUMBER).await;
    browser
        .post(&attempt, json!({ "strategy": "email_code", "code": code }))
        .await
        .problem(422, "code_incorrect");
    let done = browser
        .post(&attempt, json!({ "strategy": "sms_code", "code": code }))
        .await
        .is(200);
    assert_eq!(done.json["session"]["amr"], json!(["pwd", "sms"]));

    let other = world.browser();
    let begun = other.post(SIGN_INS, json!({ "identifier": NUMBER })).await;
    let path = format!("{SIGN_INS}/{}", begun.is(201).text_at("/id"));
    let strategy = json!({ "strategy": "sms_code" });
    other
        .post(&format!("{path}/prepare-first-factor"), strategy.clone())
        .await
        .is(200);
    let body = json!({ "strategy": "sms_code", "code": world.code(NUMBER).await });
    let passed = other
        .post(&format!("{path}/attempt-first-factor"), body)
        .await
        .is(200);
    assert_eq!(
        passed.json["supported_strategies"],
        json!(["recovery_code"])
    );
    other
        .post(&format!("{path}/prepare-second-factor"), strategy)
        .await
        .problem(403, "factor_not_allowed");
}

pub(crate) async fn a_session_steps_up_by_a_code(adapter: &dyn Adapter) {
    let world = world_of_codes(adapter).await;
    let owner = world.signed_up(ADA).await;
    let number = with_number(&world, &owner).await;
    owner
        .post(
            "/v1/client/me/message-factors",
            json!({ "identifier_id": number }),
        )
        .await
        .is(201);
    // The owner's session has one factor.
    let body = json!({ "phone_number": "+436607654321" });
    let refused = owner.post(NUMBERS, body.clone()).await;
    let refused = refused.problem(403, "reauthentication_required");
    assert_eq!(refused.json["assurance"], "two_factors");
    let path = "/v1/client/reauthenticate";
    owner
        .post(path, json!({ "password": PASSWORD }))
        .await
        .is(200);
    let sent = owner
        .post(
            &format!("{path}/prepare-code"),
            json!({ "strategy": "sms_code" }),
        )
        .await
        .is(200);
    let id = sent.text_at("/challenge_id");
    let code = world.code(NUMBER).await;
    let step_up = json!({ "strategy": "sms_code", "code": code, "challenge_id": id });
    owner.post(path, step_up.clone()).await.is(200);
    owner
        .post(path, step_up)
        .await
        .problem(422, "code_incorrect");
    owner.post(NUMBERS, body).await.is(201);
}
