use serde_json::json;
use zalt_core::Timestamp;
use zalt_core::connection::{
    AuthorizationRequest, ConnectionSettings, IdTokenProblem, OAuthErrorCode, Prompt,
    ProviderError, ProviderProtocol, SettingsProblem,
};

use crate::support::{CLIENT, ISSUER, Idp, ME, NONCE, TOKEN, callback, metadata, settings};

#[tokio::test]
async fn a_browser_is_sent_off_with_all_that_binds_the_answer() {
    let idp = Idp::new();
    let request = AuthorizationRequest {
        redirect_uri: &callback(),
        state: "state-1",
        nonce: NONCE,
        pkce_challenge: "challenge-1",
        login_hint: Some("jane+x@example.com"),
        prompt: Some(Prompt::SelectAccount),
    };
    let mut settings = idp.settings.clone();
    settings.extra_scopes = vec!["calendar".into(), "email".into()];
    let address = idp.providers.authorization_url(&settings, &request).await;
    let address = address.unwrap();
    assert!(
        address
            .as_str()
            .starts_with("https://idp.example.com/authorize?")
    );
    let mut query: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    query.sort();
    let expected = [
        ("client_id", CLIENT),
        ("code_challenge", "challenge-1"),
        ("code_challenge_method", "S256"),
        ("login_hint", "jane+x@example.com"),
        ("nonce", NONCE),
        ("prompt", "select_account"),
        ("redirect_uri", callback().as_str()),
        ("response_type", "code"),
        ("scope", "openid profile email calendar"),
        ("state", "state-1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(query, expected);
}

#[tokio::test]
async fn a_code_becomes_a_person_and_tokens() {
    let idp = Idp::new();
    let redeemed = idp.redeem().await.unwrap();
    let identity = redeemed.identity;
    assert_eq!(identity.issuer, ISSUER);
    assert_eq!(identity.subject, "248289761001");
    assert_eq!(identity.name.as_deref(), Some("Jane Doe"));
    let email = identity.email.unwrap();
    assert_eq!(email.address.as_str(), "jane@example.com");
    // The provider says so, but nobody said that this one may.
    assert!(!email.verified);
    let tokens = redeemed.tokens;
    assert_eq!(tokens.access_token.expose(), "access-1");
    assert_eq!(tokens.refresh_token.unwrap().expose(), "refresh-1");
    assert_eq!(tokens.scopes, ["openid", "email"]);
    let end = Timestamp::from_unix_seconds(1_700_003_600);
    assert_eq!(tokens.expires_at, Some(end));

    let asked = idp.answers.last(TOKEN);
    let form = asked.form();
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["code"], "code-1");
    assert_eq!(form["redirect_uri"], callback().as_str());
    assert_eq!(
        form["code_verifier"],
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    // "client-1" and "s3cret & more", each as a form would encode it.
    assert_eq!(
        asked.header("authorization"),
        Some("Basic Y2xpZW50LTE6czNjcmV0KyUyNittb3Jl")
    );
    assert!(!form.contains_key("client_secret"));
}

#[tokio::test]
async fn the_operator_says_who_may_vouch_for_addresses() {
    let mut idp = Idp::new();
    let options = &mut idp.settings.options;
    options.insert("vouches_for_email".into(), "true".into());
    let email = idp.redeem().await.unwrap().identity.email.unwrap();
    assert!(email.verified);
}

#[tokio::test]
async fn a_secret_goes_into_the_body_where_the_provider_wants_it_there() {
    let idp = Idp::new();
    let mut document = metadata();
    document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    idp.publish(&document, &[&idp.key]);
    idp.redeem().await.unwrap();
    let asked = idp.answers.last(TOKEN);
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(asked.form()["client_secret"], "s3cret & more");
}

#[tokio::test]
async fn userinfo_about_somebody_else_is_refused() {
    let idp = Idp::new();
    let somebody = json!({"sub": "1", "email": "victim@example.com", "email_verified": true});
    idp.answers.set(ME, 200, &somebody);
    let refused = Err(ProviderError::IdTokenInvalid(IdTokenProblem::Subject));
    assert_eq!(idp.redeem().await, refused);
    let asked = idp.answers.last(ME);
    assert_eq!(asked.header("authorization"), Some("Bearer access-1"));
}

#[tokio::test]
async fn an_answer_of_another_provider_is_refused_before_its_code_goes_anywhere() {
    let idp = Idp::new();
    for iss in ["https://evil.example.com", "https://idp.example.com/", ""] {
        let refused = idp.redeem_from(Some(iss)).await;
        assert_eq!(refused, Err(ProviderError::IssuerMismatch), "{iss}");
    }
    assert_eq!(idp.answers.times_asked(TOKEN), 0);
    assert!(idp.redeem_from(Some(ISSUER)).await.is_ok());

    let idp = Idp::new();
    let mut document = metadata();
    document["authorization_response_iss_parameter_supported"] = json!(true);
    idp.publish(&document, &[&idp.key]);
    // Who says that it names itself and then doesn't is not the one who was asked.
    assert_eq!(idp.redeem().await, Err(ProviderError::IssuerMismatch));
    assert_eq!(idp.answers.times_asked(TOKEN), 0);
    assert!(idp.redeem_from(Some(ISSUER)).await.is_ok());
}

#[tokio::test]
async fn a_refusal_is_told_by_its_code_whatever_its_status() {
    for status in [200, 400, 401, 403] {
        let idp = Idp::new();
        let body = json!({"error": "invalid_grant", "error_description": "<script>"});
        idp.answers.set(TOKEN, status, &body);
        let error = OAuthErrorCode::parse("invalid_grant");
        let refused = Err(ProviderError::Refused { error });
        assert_eq!(idp.redeem().await, refused, "{status}");
    }
}

#[tokio::test]
async fn nonsense_for_tokens_is_a_bad_answer() {
    for (status, body) in [
        (200, "<html>"),
        (200, "{}"),
        (200, ""),
        (200, "[]"),
        (302, ""),
        (400, "oops"),
        (404, ""),
        (200, r#"{"access_token":"a","token_type":"mac"}"#),
        // An OpenID provider that forgets the ID token.
        (200, r#"{"access_token":"a","token_type":"bearer"}"#),
    ] {
        let idp = Idp::new();
        idp.answers.set_raw(TOKEN, status, &[], body);
        let refused = idp.redeem().await;
        assert!(
            matches!(refused, Err(ProviderError::BadAnswer { .. })),
            "{status} {body}: {refused:?}"
        );
    }
    for status in [429, 500, 503] {
        let idp = Idp::new();
        idp.answers.set_raw(TOKEN, status, &[], "");
        assert_eq!(idp.redeem().await, Err(ProviderError::Unreachable));
    }
}

#[tokio::test]
async fn a_refresh_keeps_the_token_that_is_not_replaced() {
    let idp = Idp::new();
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    let answer = json!({"access_token": "access-2", "token_type": "bearer", "expires_in": 60});
    idp.answers.set(TOKEN, 200, &answer);
    let refreshed = idp
        .providers
        .refresh(&idp.settings, &"refresh-1".into(), now)
        .await
        .unwrap();
    assert_eq!(refreshed.access_token.expose(), "access-2");
    assert_eq!(refreshed.refresh_token.unwrap().expose(), "refresh-1");
    let form = idp.answers.last(TOKEN).form();
    assert_eq!(form["grant_type"], "refresh_token");
    assert_eq!(form["refresh_token"], "refresh-1");
}

#[tokio::test]
async fn tokens_are_given_back() {
    const REVOKE: &str = "POST https://idp.example.com/revoke";
    let idp = Idp::new();
    let tokens = idp.redeem().await.unwrap().tokens;
    idp.answers.set_raw(REVOKE, 200, &[], "");
    assert_eq!(idp.providers.revoke(&idp.settings, &tokens).await, Ok(true));
    let given = idp.answers.asked(REVOKE);
    assert_eq!(given.len(), 2);
    assert_eq!(given[0].form()["token"], "refresh-1");
    assert_eq!(given[0].form()["token_type_hint"], "refresh_token");
    assert_eq!(given[1].form()["token"], "access-1");
    let basic = given[1].header("authorization").unwrap();
    assert_eq!(basic, "Basic Y2xpZW50LTE6czNjcmV0KyUyNittb3Jl");

    let refusal = json!({"error": "unsupported_token_type"});
    idp.answers.set(REVOKE, 400, &refusal);
    let error = OAuthErrorCode::parse("unsupported_token_type");
    let refused = idp.providers.revoke(&idp.settings, &tokens).await;
    assert_eq!(refused, Err(ProviderError::Refused { error }));

    let idp = Idp::new();
    let mut document = metadata();
    document
        .as_object_mut()
        .unwrap()
        .remove("revocation_endpoint");
    idp.publish(&document, &[&idp.key]);
    let given = idp.providers.revoke(&idp.settings, &tokens).await;
    assert_eq!(given, Ok(false));
}

#[tokio::test]
async fn settings_that_cannot_work_are_named() {
    type Change = fn(&mut ConnectionSettings);
    fn option(settings: &mut ConnectionSettings, name: &str, value: &str) {
        settings.options.insert(name.into(), value.into());
    }
    fn issuer(settings: &mut ConnectionSettings, issuer: &str) {
        settings.issuer = Some(issuer.parse().unwrap());
    }
    let idp = Idp::new();
    let field = |change: Change| {
        let mut settings = settings("oidc");
        issuer(&mut settings, ISSUER);
        change(&mut settings);
        let checked = idp.providers.check(&settings);
        checked.err().map(|SettingsProblem { field, .. }| field)
    };
    assert_eq!(field(|_| {}), None);
    let wrong: [(&str, Change); 14] = [
        ("provider", |s| s.provider = "nobody".into()),
        ("client_id", |s| s.client_id.clear()),
        ("issuer", |s| s.issuer = None),
        ("issuer", |s| issuer(s, "http://idp.example.com")),
        ("issuer", |s| issuer(s, "https://idp.example.com/?a=b")),
        ("issuer", |s| issuer(s, "http://localhost:8080")),
        ("issuer", |s| issuer(s, "https://127.0.0.1/")),
        ("extra_scopes", |s| s.extra_scopes = vec!["a b".into()]),
        ("extra_scopes", |s| s.extra_scopes = vec![String::new()]),
        ("extra_scopes", |s| s.extra_scopes = vec!["a".into(); 31]),
        ("options.tenant", |s| option(s, "tenant", "x")),
        ("options.client_auth", |s| option(s, "client_auth", "jwt")),
        ("options.id_token_algorithms", |s| {
            option(s, "id_token_algorithms", "ES256,HS256");
        }),
        ("options.id_token_algorithms", |s| {
            option(s, "id_token_algorithms", "none");
        }),
    ];
    for (expected, change) in wrong {
        assert_eq!(field(change).as_deref(), Some(expected));
    }
}
