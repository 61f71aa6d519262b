use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use zalt_core::Clock;
use zalt_core::connection::{IdTokenProblem, ProviderError};
use zalt_core::jwt::TokenType;

use crate::support::{ISSUER, Idp, KEYS, METADATA, metadata, new_key, redeem, token};

const UNSIGNED: ProviderError = ProviderError::IdTokenInvalid(IdTokenProblem::Signature);

#[tokio::test]
async fn of_many_callers_one_fetches() {
    let idp = Idp::new();
    let all = join_all((0..32).map(|_| idp.redeem())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(idp.answers.times_asked(METADATA), 1);
    assert_eq!(idp.answers.times_asked(KEYS), 1);
}

#[tokio::test]
async fn what_is_published_is_kept_as_long_as_it_says_within_bounds() {
    for (control, fresh) in [
        ("max-age=1", 300),
        ("no-store", 300),
        ("max-age=900", 900),
        ("public", 3600),
        ("max-age=31536000", 12 * 3600),
    ] {
        let idp = Idp::new();
        let headers = [("cache-control", control)];
        idp.answers
            .set_raw(METADATA, 200, &headers, &metadata().to_string());
        idp.address().await.unwrap();
        idp.clock.advance(Duration::from_millis(fresh * 1000 - 1));
        idp.address().await.unwrap();
        assert_eq!(idp.answers.times_asked(METADATA), 1, "{control}");
        idp.clock.advance(Duration::from_millis(1));
        idp.address().await.unwrap();
        assert_eq!(idp.answers.times_asked(METADATA), 2, "{control}");
    }
}

#[tokio::test]
async fn a_provider_changes_its_keys() {
    let idp = Idp::new();
    idp.redeem().await.unwrap();
    let next = new_key();
    idp.publish(&metadata(), &[&idp.key, &next]);
    let sign = || next.sign(TokenType::JWT, &idp.claims()).unwrap();
    idp.hand_out(&sign());
    // Within the minute after the keys were fetched nobody makes us fetch them again.
    assert_eq!(idp.redeem().await, Err(UNSIGNED));
    assert_eq!(idp.answers.times_asked(KEYS), 1);
    idp.clock.advance(Duration::from_mins(1));
    idp.hand_out(&sign());
    let all = join_all((0..16).map(|_| idp.redeem())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(idp.answers.times_asked(KEYS), 2);
    // The old key is still there for what it signed.
    idp.hand_out(&idp.sign(&idp.claims()));
    assert!(idp.redeem().await.is_ok());

    // And then it is not.
    idp.publish(&metadata(), &[&next]);
    idp.clock.advance(Duration::from_hours(1));
    idp.hand_out(&idp.sign(&idp.claims()));
    assert_eq!(idp.redeem().await, Err(UNSIGNED));
    idp.hand_out(&sign());
    assert!(idp.redeem().await.is_ok());
}

#[tokio::test]
async fn made_up_keys_make_us_ask_once_a_minute() {
    let idp = Idp::new();
    idp.redeem().await.unwrap();
    for minute in 1..4 {
        idp.clock.advance(Duration::from_mins(1));
        let claims = idp.claims();
        for _ in 0..10 {
            idp.hand_out(&new_key().sign(TokenType::JWT, &claims).unwrap());
            assert_eq!(idp.redeem().await, Err(UNSIGNED));
        }
        assert_eq!(idp.answers.times_asked(KEYS), 1 + minute);
    }
}

#[tokio::test]
async fn what_is_kept_serves_for_a_day_while_the_provider_is_down() {
    let idp = Idp::new();
    idp.redeem().await.unwrap();
    idp.answers.take_down(METADATA);
    idp.answers.take_down(KEYS);
    idp.clock.advance(Duration::from_hours(23));
    idp.hand_out(&idp.sign(&idp.claims()));
    assert!(idp.redeem().await.is_ok());
    idp.clock.advance(Duration::from_hours(1));
    assert_eq!(idp.redeem().await, Err(ProviderError::Unreachable));
    idp.publish(&metadata(), &[&idp.key]);
    // A failure counts for everybody for a moment.
    assert_eq!(idp.redeem().await, Err(ProviderError::Unreachable));
    idp.clock.advance(Duration::from_secs(5));
    idp.hand_out(&idp.sign(&idp.claims()));
    assert!(idp.redeem().await.is_ok());
}

#[tokio::test]
async fn a_provider_that_is_down_is_not_asked_by_everybody() {
    let idp = Idp::new();
    idp.answers.take_down(METADATA);
    let all = join_all((0..32).map(|_| idp.address())).await;
    let down = Err(ProviderError::Unreachable);
    assert!(all.iter().all(|one| *one == down));
    assert_eq!(idp.answers.times_asked(METADATA), 1);
}

#[tokio::test]
async fn metadata_of_another_issuer_is_refused() {
    for issuer in [
        "https://evil.example.com",
        "https://idp.example.com/a",
        ISSUER,
    ] {
        let idp = Idp::new();
        let mut document = metadata();
        document["issuer"] = json!(issuer);
        idp.publish(&document, &[&idp.key]);
        let expected = (issuer != ISSUER).then_some(ProviderError::IssuerMismatch);
        assert_eq!(idp.address().await.err(), expected);
    }
}

#[tokio::test]
async fn nonsense_for_keys_is_no_signature_at_all() {
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"keys":7}"#,
        r#"{"keys":[],"keys":[]}"#,
    ] {
        let idp = Idp::new();
        idp.answers.set_raw(KEYS, 200, &[], body);
        let refused = idp.redeem().await;
        assert!(
            matches!(refused, Err(ProviderError::BadAnswer { .. })),
            "{body}"
        );
    }
    let idp = Idp::new();
    idp.answers.set(KEYS, 200, &json!({"keys": []}));
    assert_eq!(idp.redeem().await, Err(UNSIGNED));
}

#[tokio::test]
async fn two_issuers_with_the_same_keys_have_their_own_algorithms() {
    let idp = Idp::new();
    let other = "https://other.example.com";
    let mut theirs = metadata();
    theirs["issuer"] = json!(other);
    theirs["id_token_signing_alg_values_supported"] = json!(["RS256"]);
    let line = "GET https://other.example.com/.well-known/openid-configuration";
    idp.answers.set(line, 200, &theirs);
    let mut settings = idp.settings.clone();
    settings.issuer = Some(other.parse().unwrap());
    let header = json!({"alg": "RS256", "kid": idp.key.kid()});
    let claims = idp.claims_with("iss", json!(other));
    idp.hand_out(&token(&header, &claims, |_| Vec::new()));
    let now = idp.clock.now();
    let refused = redeem(&idp.providers, &settings, None, now).await;
    assert_eq!(refused, Err(UNSIGNED));
    // The keys were fetched for an issuer that signs otherwise.
    idp.hand_out(&idp.sign(&idp.claims()));
    assert!(idp.redeem().await.is_ok());
}
