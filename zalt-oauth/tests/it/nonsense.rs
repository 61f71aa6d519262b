//! Whatever a provider answers: no panic, nobody without a subject, and no address verified that its flag doesn't verify.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use zalt_core::Clock;
use zalt_core::jwt::TokenType;
use zalt_oauth::{Metadata, OAuthProviders, Reach};

use crate::support::{Answers, Idp, ME, StillClock, TOKEN, metadata, redeem, settings};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!("true")),
        Just(json!(1)),
        Just(json!("jane@example.com")),
        ".{0,12}".prop_map(Value::from),
        Just(json!("a".repeat(300))),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,8}", inner, 0..4).prop_map(|all| json!(all)),
        ]
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_account_of_any_shape_verifies_only_what_is_flagged(
        id in any_json(),
        email in any_json(),
        verified in any_json(),
        whole in any_json(),
        replace in any::<bool>(),
    ) {
        let user = json!({"id": id, "email": email, "verified": verified, "username": whole});
        let user = if replace { whole } else { user };
        let answers = Arc::new(Answers::default());
        let clock = Arc::new(StillClock::new());
        let providers = OAuthProviders::with_transport(clock.clone(), answers.clone());
        let token = json!({"access_token": "access-1", "token_type": "bearer"});
        answers.set("POST https://discord.com/api/oauth2/token", 200, &token);
        answers.set("GET https://discord.com/api/v10/users/@me", 200, &user);
        let came = block_on(redeem(&providers, &settings("discord"), None, clock.now()));
        if let Ok(came) = came {
            let subject = came.identity.subject;
            prop_assert!(!subject.is_empty() && subject.len() <= 255);
            let flagged = [json!(true), json!("true"), json!(1), json!("1")].contains(&user["verified"]);
            if let Some(email) = came.identity.email {
                prop_assert_eq!(email.verified, flagged);
                prop_assert_eq!(email.address.as_str(), user["email"].as_str().unwrap().trim());
            }
        }
    }

    #[test]
    fn claims_of_any_shape_name_the_one_who_was_signed_for(
        name in prop::sample::select(vec![
            "iss", "sub", "aud", "exp", "iat", "nonce", "azp", "at_hash", "email", "name",
        ]),
        value in any_json(),
    ) {
        let idp = Idp::new();
        let claims = idp.claims_with(name, value);
        idp.answers.take_down(ME);
        let mut document = metadata();
        document.as_object_mut().unwrap().remove("userinfo_endpoint");
        idp.publish(&document, &[&idp.key]);
        idp.hand_out(&idp.key.sign(TokenType::JWT, &claims).unwrap_or_default());
        if let Ok(came) = block_on(idp.redeem()) {
            prop_assert_eq!(Some(came.identity.subject.as_str()), claims["sub"].as_str());
            prop_assert_eq!(&claims["iss"], "https://idp.example.com");
            prop_assert_eq!(&claims["nonce"], "n-0S6_WzA2Mj");
        }
    }

    #[test]
    fn tokens_of_any_shape_are_tokens_or_an_error(
        answer in any_json(),
        access_token in any_json(),
        expires_in in any_json(),
        scope in any_json(),
        replace in any::<bool>(),
    ) {
        let idp = Idp::new();
        let whole = json!({"access_token": access_token, "expires_in": expires_in, "scope": scope,
            "id_token": idp.sign(&idp.claims())});
        let answer = if replace { answer } else { whole };
        idp.answers.set(TOKEN, 200, &answer);
        if let Ok(came) = block_on(idp.redeem()) {
            prop_assert_eq!(Some(came.tokens.access_token.expose()), answer["access_token"].as_str());
        }
    }

    #[test]
    fn metadata_of_any_shape_leads_to_https_only(
        name in prop::sample::select(vec![
            "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri",
            "revocation_endpoint", "id_token_signing_alg_values_supported",
        ]),
        value in prop_oneof![any_json(), "[a-z]{1,8}:(//)?[a-z0-9.@:/#?]{0,20}".prop_map(Value::from)],
    ) {
        let mut document = metadata();
        document[name] = value.clone();
        let text = document.to_string();
        let read = Metadata::parse(text.as_bytes(), "https://idp.example.com/", Reach::Internet);
        if read.is_ok() && name.ends_with("_endpoint") && !value.is_null() {
            prop_assert!(value.as_str().unwrap().starts_with("https:"), "{}", value);
        }
    }
}
