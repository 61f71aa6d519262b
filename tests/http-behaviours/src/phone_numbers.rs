//! Phone numbers and the codes that are sent to them.

use http::Method;
use serde_json::{Value, json};
use zalt_core::Config;
use zalt_core::identifier::Region;
use zalt_core::message::Notice;
use zalt_http::HttpConfig;

use crate::client::{Adapter, Browser};
use crate::world::World;

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
