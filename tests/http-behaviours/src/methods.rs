//! The factors that an application allows.

use http::Method;
use serde_json::json;
use zalt_core::config::{FirstFactor, FirstFactors, SecondFactorMethods, SecondFactorPolicy};
use zalt_http::HttpConfig;

use crate::client::Adapter;
use crate::world::{PASSWORD, World};

const ADA: &str = "ada@example.com";
const SETTINGS: &str = "/v1/client/settings";

pub(crate) async fn what_is_allowed_is_told_to_everybody(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let reply = world.call(Method::GET, SETTINGS).send().await.is(200);
    let factors = json!(["passkey", "password", "email_code", "email_link"]);
    assert_eq!(reply.json["first_factors"], factors);
    let second = json!({ "policy": "optional", "methods": ["passkey", "totp"] });
    assert_eq!(reply.json["second_factors"], second);
    let sign_up = json!({ "open": true, "password_required": true });
    assert_eq!(reply.json["sign_up"], sign_up);

    let configure = |config: &mut zalt_core::Config| {
        config.first_factors = FirstFactors::only(&[FirstFactor::EmailCode]);
        config.second_factors.policy = SecondFactorPolicy::Disabled;
        config.second_factors.methods = SecondFactorMethods::NONE;
    };
    let world = World::with(adapter, configure, HttpConfig::default()).await;
    let reply = world.call(Method::GET, SETTINGS).send().await.is(200);
    assert_eq!(reply.json["first_factors"], json!(["email_code"]));
    let second = json!({ "policy": "disabled", "methods": [] });
    assert_eq!(reply.json["second_factors"], second);
    assert_eq!(reply.json["sign_up"]["password_required"], false);
}

pub(crate) async fn what_is_not_allowed_is_refused_to_everybody_alike(adapter: &dyn Adapter) {
    let configure = |config: &mut zalt_core::Config| {
        config.first_factors = FirstFactors::only(&[FirstFactor::EmailCode]);
        config.second_factors.methods = SecondFactorMethods::NONE;
    };
    let world = World::with(adapter, configure, HttpConfig::default()).await;
    let browser = world.browser();
    let body = json!({ "email_address": ADA });
    let begun = browser.post("/v1/client/sign-ups", body).await.is(201);
    let path = format!(
        "/v1/client/sign-ups/{}/attempt-verification",
        begun.text_at("/id")
    );
    let code = world.code(ADA).await;
    browser.post(&path, json!({ "code": code })).await.is(200);
    browser
        .post("/v1/client/me/totp", json!({ "name": "Phone" }))
        .await
        .problem(403, "factor_not_allowed");

    for identifier in [ADA, "nobody@example.com"] {
        let body = json!({ "identifier": identifier, "password": PASSWORD });
        world
            .post("/v1/client/sign-ins", body)
            .await
            .problem(403, "factor_not_allowed");
        let other = world.browser();
        let body = json!({ "identifier": identifier });
        let begun = other.post("/v1/client/sign-ins", body).await.is(201);
        assert_eq!(begun.json["supported_strategies"], json!(["email_code"]));
        let attempt = format!("/v1/client/sign-ins/{}", begun.text_at("/id"));
        for strategy in ["email_link", "reset_password_email_code"] {
            let path = format!("{attempt}/prepare-first-factor");
            other
                .post(&path, json!({ "strategy": strategy }))
                .await
                .problem(403, "factor_not_allowed");
        }
        let path = format!("{attempt}/attempt-first-factor");
        other
            .post(
                &path,
                json!({ "strategy": "password", "password": PASSWORD }),
            )
            .await
            .problem(403, "factor_not_allowed");
    }
}
