use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use zalt_core::Clock;
use zalt_core::connection::{IdTokenProblem as Problem, ProviderError, ProviderProtocol};
use zalt_core::jwt::TokenType;

use crate::support::{CLIENT, ISSUER, Idp, KEYS, NONCE, metadata, new_key, token};

async fn refusal(idp: &Idp, id_token: &str) -> Option<Problem> {
    idp.hand_out(id_token);
    match idp.redeem().await {
        Ok(_) => None,
        Err(ProviderError::IdTokenInvalid(problem)) => Some(problem),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_an_id_token_must_say() {
    let idp = Idp::new();
    let now = idp.clock.now().unix_seconds();
    let absent = || Value::Null;
    for (name, value, expected) in [
        ("iss", json!(ISSUER), None),
        (
            "iss",
            json!("https://idp.example.com/"),
            Some(Problem::Issuer),
        ),
        (
            "iss",
            json!("https://evil.example.com"),
            Some(Problem::Issuer),
        ),
        ("iss", absent(), Some(Problem::Issuer)),
        ("aud", json!([CLIENT]), None),
        ("aud", json!("client-2"), Some(Problem::Audience)),
        ("aud", json!([]), Some(Problem::Audience)),
        ("aud", json!(["client-2"]), Some(Problem::Audience)),
        // For several, and issued to nobody in particular.
        (
            "aud",
            json!([CLIENT, "client-2"]),
            Some(Problem::AuthorizedParty),
        ),
        ("azp", json!(CLIENT), None),
        ("azp", json!("client-2"), Some(Problem::AuthorizedParty)),
        ("exp", json!(now - 29), None),
        ("exp", json!(now - 31), Some(Problem::Expired)),
        ("exp", absent(), Some(Problem::Malformed)),
        ("exp", json!("never"), Some(Problem::Malformed)),
        ("iat", json!(now + 31), Some(Problem::NotYetValid)),
        ("iat", absent(), Some(Problem::Malformed)),
        ("nbf", json!(now + 31), Some(Problem::NotYetValid)),
        ("nonce", json!("another"), Some(Problem::Nonce)),
        ("nonce", json!(""), Some(Problem::Nonce)),
        ("nonce", absent(), Some(Problem::Nonce)),
        ("sub", absent(), Some(Problem::Subject)),
        ("sub", json!(""), Some(Problem::Subject)),
        ("sub", json!(7), Some(Problem::Subject)),
        ("sub", json!("a".repeat(256)), Some(Problem::Subject)),
        // Not of "access-1".
        (
            "at_hash",
            json!("AAAAAAAAAAAAAAAAAAAAAA"),
            Some(Problem::Signature),
        ),
    ] {
        let mut claims = idp.claims_with(name, value.clone());
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
        let refused = refusal(&idp, &idp.sign(&claims)).await;
        assert_eq!(refused, expected, "{name}: {value}");
    }
    let mut several = idp.claims_with("aud", json!(["client-2", CLIENT]));
    several["azp"] = json!(CLIENT);
    assert_eq!(refusal(&idp, &idp.sign(&several)).await, None);
}

#[tokio::test]
async fn only_the_provider_can_have_signed_a_token() {
    let idp = Idp::new();
    let kid = idp.key.kid();
    let claims = idp.claims();
    let public = serde_json::to_vec(&idp.key.public_jwk()).unwrap();
    let unsigned = |header: Value| token(&header, &claims, |_| Vec::new());
    let by_secret = |header: Value, secret: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        token(&header, &claims, |input| {
            hmac::sign(&key, input).as_ref().to_vec()
        })
    };
    let theirs = new_key();
    for (name, id_token, expected) in [
        ("none", unsigned(json!({"alg": "none"})), Problem::Algorithm),
        (
            "none",
            unsigned(json!({"alg": "none", "kid": kid})),
            Problem::Algorithm,
        ),
        (
            "None",
            unsigned(json!({"alg": "None", "kid": kid})),
            Problem::Algorithm,
        ),
        (
            "the public key as a secret",
            by_secret(json!({"alg": "HS256", "kid": kid}), &public),
            Problem::Algorithm,
        ),
        (
            "the client's secret",
            by_secret(json!({"alg": "HS256"}), b"s3cret & more"),
            Problem::Algorithm,
        ),
        (
            "another algorithm than the key's",
            unsigned(json!({"alg": "RS256", "kid": kid})),
            Problem::Signature,
        ),
        (
            "an algorithm that the provider does not use",
            unsigned(json!({"alg": "EdDSA", "kid": kid})),
            Problem::Algorithm,
        ),
        (
            "its own key",
            unsigned(json!({"alg": "ES256", "jwk": idp.key.public_jwk()})),
            Problem::Malformed,
        ),
        (
            "no signature",
            unsigned(json!({"alg": "ES256", "kid": kid})),
            Problem::Signature,
        ),
        (
            "another's key",
            theirs.sign(TokenType::JWT, &claims).unwrap(),
            Problem::Signature,
        ),
        (
            "another's key under the provider's id",
            new_key()
                .with_kid(kid)
                .unwrap()
                .sign(TokenType::JWT, &claims)
                .unwrap(),
            Problem::Signature,
        ),
        (
            "an access token",
            idp.key.sign(TokenType::ACCESS, &claims).unwrap(),
            Problem::Malformed,
        ),
        ("no token", "no token".to_owned(), Problem::Malformed),
        ("too long", "a".repeat(9000), Problem::Malformed),
    ] {
        assert_eq!(refusal(&idp, &id_token).await, Some(expected), "{name}");
    }
}

#[tokio::test]
async fn the_operator_narrows_the_algorithms() {
    let mut idp = Idp::new();
    let id_token = idp.sign(&idp.claims());
    for (allowed, expected) in [("RS256", Some(Problem::Algorithm)), ("RS256, ES256", None)] {
        let options = &mut idp.settings.options;
        options.insert("id_token_algorithms".into(), allowed.into());
        assert_eq!(refusal(&idp, &id_token).await, expected);
    }
}

#[tokio::test]
async fn every_character_of_a_token_counts() {
    let idp = Idp::new();
    let good = idp.sign(&idp.claims());
    assert_eq!(refusal(&idp, &good).await, None);
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(refusal(&idp, &changed).await.is_some(), "{at}");
    }
}

/// What Google, Microsoft and most others sign with; not every key says its algorithm, or has an id.
#[tokio::test]
async fn rsa_is_taken_with_and_without_alg_and_kid() {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let sign = |input: &[u8]| {
        let mut signature = vec![0; pair.public_modulus_len()];
        let random = SystemRandom::new();
        pair.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature)
            .unwrap();
        signature
    };
    // SEQUENCE { INTEGER of 257 bytes, the first of them zero; INTEGER 65537 }
    let public = pair.public_key().as_ref();
    assert_eq!(
        (public.len(), &public[265..]),
        (270, [2, 3, 1, 0, 1].as_slice())
    );
    let n = URL_SAFE_NO_PAD.encode(&public[9..265]);
    let e = URL_SAFE_NO_PAD.encode(&public[267..]);
    for (key, header) in [
        (
            json!({"kid": "1", "alg": "RS256", "use": "sig"}),
            json!({"alg": "RS256", "kid": "1"}),
        ),
        (
            json!({"kid": "1"}),
            json!({"alg": "RS256", "kid": "1", "typ": "JWT"}),
        ),
        (json!({}), json!({"alg": "RS256"})),
    ] {
        let idp = Idp::new();
        let mut jwk = json!({"kty": "RSA", "n": n, "e": e});
        let members = jwk.as_object_mut().unwrap();
        members.extend(key.as_object().unwrap().clone());
        idp.publish(&metadata(), &[]);
        idp.answers.set(KEYS, 200, &json!({"keys": [jwk]}));
        let id_token = token(&header, &idp.claims(), sign);
        assert_eq!(refusal(&idp, &id_token).await, None, "{header}");
    }
}

#[tokio::test]
async fn an_app_hands_in_a_token_of_its_own() {
    let mut idp = Idp::new();
    let now = idp.clock.now();
    let ours = idp.sign(&idp.claims());
    let apps = idp.sign(&idp.claims_with("aud", json!("com.example.app")));
    let mut issued_to_app = idp.claims_with("azp", json!("com.example.app"));
    issued_to_app.as_object_mut().unwrap().remove("nonce");
    let without_nonce = idp.sign(&issued_to_app);
    for (native, id_token, nonce, expected) in [
        (CLIENT, &ours, Some(NONCE), None),
        (CLIENT, &ours, Some("another"), Some(Problem::Nonce)),
        (CLIENT, &ours, None, Some(Problem::Nonce)),
        (CLIENT, &apps, Some(NONCE), Some(Problem::Audience)),
        ("com.example.app", &apps, Some(NONCE), None),
        ("x, com.example.app", &apps, Some(NONCE), None),
        ("com.example.app", &without_nonce, None, None),
        (
            "com.example.app",
            &without_nonce,
            Some(NONCE),
            Some(Problem::Nonce),
        ),
        (CLIENT, &without_nonce, None, Some(Problem::AuthorizedParty)),
        // Nobody said that apps may.
        ("", &ours, Some(NONCE), Some(Problem::Issuer)),
        (" , ", &ours, Some(NONCE), Some(Problem::Issuer)),
    ] {
        let options = &mut idp.settings.options;
        options.insert("native_client_ids".into(), native.into());
        let read = idp
            .providers
            .verify_id_token(&idp.settings, id_token, nonce, now)
            .await;
        let expected = expected.map(ProviderError::IdTokenInvalid);
        assert_eq!(read.as_ref().err(), expected.as_ref(), "{native} {nonce:?}");
        if let Ok(read) = read {
            assert_eq!(read.identity.subject, "248289761001");
            assert_eq!(read.expires_at.since(now).as_secs(), 330);
        }
    }
}

#[tokio::test]
async fn apps_hand_in_tokens_only_where_the_operator_says_so() {
    let mut idp = Idp::new();
    let now = idp.clock.now();
    let id_token = idp.sign(&idp.claims());
    assert!(!idp.providers.check(&idp.settings).unwrap().native_id_tokens);
    let verified = idp
        .providers
        .verify_id_token(&idp.settings, &id_token, Some(NONCE), now);
    let refused = ProviderError::IdTokenInvalid(Problem::Issuer);
    assert_eq!(verified.await.unwrap_err(), refused);
    let options = &mut idp.settings.options;
    options.insert("native_client_ids".into(), CLIENT.into());
    assert!(idp.providers.check(&idp.settings).unwrap().native_id_tokens);
}

#[tokio::test]
async fn an_app_hands_in_a_token_within_ten_minutes() {
    let mut idp = Idp::new();
    let options = &mut idp.settings.options;
    options.insert("native_client_ids".into(), CLIENT.into());
    let now = idp.clock.now();
    let seconds = now.unix_seconds();
    for (age, left) in [
        (0, Some(630)),
        (300, Some(330)),
        (629, Some(1)),
        (630, None),
    ] {
        let mut claims = idp.claims_with("iat", json!(seconds - age));
        claims["exp"] = json!(seconds + 86_400);
        let id_token = idp.sign(&claims);
        let verified = idp
            .providers
            .verify_id_token(&idp.settings, &id_token, Some(NONCE), now);
        match (verified.await, left) {
            (Ok(verified), Some(left)) => {
                assert_eq!(verified.expires_at.since(now).as_secs(), left);
            }
            (Err(ProviderError::IdTokenInvalid(Problem::Expired)), None) => {}
            (other, _) => panic!("{age}: {other:?}"),
        }
        // One that came from the provider itself, just now, may be as old as it says.
        assert_eq!(refusal(&idp, &id_token).await, None);
    }
}
