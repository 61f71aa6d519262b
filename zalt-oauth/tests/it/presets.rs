//! Each preset against answers of the shape that its provider's documentation describes (`tests/shapes`, each with the page's
//! address).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use zalt_core::connection::{ConnectionSettings, ProviderIdentity, ProviderProtocol, Redemption};
use zalt_core::jwt::{
    Expected, KeyRing, SigningAlgorithm, SigningKey, TokenType, unverified_header, verify,
};
use zalt_core::{Clock, SystemRng};
use zalt_oauth::OAuthProviders;
use zalt_oauth::preset::{Speaks, Vouches, presets};

use crate::support::{
    Answers, Asked, CLIENT, NONCE, StillClock, address, callback, key_set, new_key, settings,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shape {
    documentation: String,
    #[serde(default)]
    settings: Settings,
    authorization: Authorization,
    metadata: Option<Value>,
    token: Token,
    id_token: Option<Value>,
    user_json: Option<String>,
    #[serde(default)]
    requests: Vec<Request>,
    expected: Value,
}

#[derive(Deserialize, Default)]
struct Settings {
    options: BTreeMap<String, String>,
    secret: Option<String>,
}

#[derive(Deserialize)]
struct Authorization {
    at: String,
    scope: String,
    pkce: bool,
    nonce: bool,
    #[serde(default, rename = "with")]
    also: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Token {
    at: Option<String>,
    client_auth: String,
    #[serde(default)]
    form: BTreeMap<String, String>,
    answer: Value,
}

#[derive(Deserialize)]
struct Request {
    line: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    form: BTreeMap<String, String>,
    body: Option<String>,
    answer: Value,
}

/// A provider that answers as its documentation describes.
struct Stage {
    answers: Arc<Answers>,
    clock: Arc<StillClock>,
    providers: OAuthProviders,
    settings: ConnectionSettings,
    token: String,
    apple: SigningKey,
}

impl Shape {
    fn of(name: &str) -> Self {
        let path = format!("{}/tests/shapes/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("no {path}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn stage(&self, name: &str) -> Stage {
        let answers = Arc::new(Answers::default());
        let clock = Arc::new(StillClock::new());
        let key = new_key();
        let mut answer = self.token.answer.clone();
        let mut token = self.token.at.clone().unwrap_or_default();
        if let (Some(metadata), Some(claims)) = (&self.metadata, &self.id_token) {
            let text = |name: &str| metadata[name].as_str().unwrap().to_owned();
            let mut document = metadata.clone();
            document["id_token_signing_alg_values_supported"] = json!(["ES256"]);
            let issuer = metadata.get("at").unwrap_or(&metadata["issuer"]);
            let at = format!(
                "GET {}/.well-known/openid-configuration",
                issuer.as_str().unwrap()
            );
            answers.set(&at, 200, &document);
            answers.set(&format!("GET {}", text("jwks_uri")), 200, &key_set(&[&key]));
            token = text("token_endpoint");
            let now = clock.now().unix_seconds();
            let mut all = json!({"iss": metadata["issuer"], "aud": CLIENT, "nonce": NONCE,
                "iat": now, "exp": now + 300});
            for (name, value) in claims.as_object().unwrap() {
                all[name] = value.clone();
            }
            all.as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
            answer["id_token"] = json!(key.sign(TokenType::JWT, &all).unwrap());
        }
        answers.set(&format!("POST {token}"), 200, &answer);
        for request in &self.requests {
            answers.set(&request.line, 200, &request.answer);
        }
        let mut settings = settings(name);
        settings.options.clone_from(&self.settings.options);
        let (apple, bytes) = SigningKey::generate(SigningAlgorithm::Es256, &SystemRng).unwrap();
        if self.settings.secret.as_deref() == Some("apple") {
            let pem = STANDARD.encode(bytes.as_bytes());
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{pem}\n-----END PRIVATE KEY-----\n");
            settings.client_secret = Some(pem.into());
        }
        Stage {
            providers: OAuthProviders::with_transport(clock.clone(), answers.clone()),
            answers,
            clock,
            settings,
            token,
            apple,
        }
    }
}

impl Stage {
    async fn redeem(&self, user_json: Option<&str>) -> ProviderIdentity {
        let redemption = Redemption {
            redirect_uri: &callback(),
            code: "code-1",
            iss: None,
            nonce: NONCE,
            pkce_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            user_json,
            now: self.clock.now(),
        };
        let redeemed = self.providers.redeem(&self.settings, &redemption).await;
        let redeemed =
            redeemed.unwrap_or_else(|error| panic!("{}: {error}", self.settings.provider));
        assert_eq!(redeemed.tokens.access_token.expose(), "access-1");
        redeemed.identity
    }
}

fn identity(expected: &Value) -> ProviderIdentity {
    serde_json::from_value(expected.clone()).unwrap()
}

fn named() -> impl Iterator<Item = &'static str> {
    let generic = |name: &&str| !["oidc", "oauth2"].contains(name);
    presets().map(|preset| preset.name).filter(generic)
}

#[tokio::test]
async fn each_provider_is_understood_as_its_documentation_has_it() {
    for name in named() {
        let shape = Shape::of(name);
        let stage = shape.stage(name);
        let came = stage.redeem(shape.user_json.as_deref()).await;
        assert_eq!(came, identity(&shape.expected), "{name}");
        for request in &shape.requests {
            let asked = stage.answers.last(&request.line);
            let headers = request.headers.iter();
            for (header, value) in headers {
                assert_eq!(
                    asked.header(header),
                    Some(value.as_str()),
                    "{name} {header}"
                );
            }
            assert_eq!(asked.query, request.query, "{name}");
            assert_eq!(asked.form_if(&request.form), request.form, "{name}");
            if let Some(body) = &request.body {
                assert_eq!(asked.body, *body, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn each_provider_is_asked_for_tokens_as_it_wants_to_be() {
    for name in named() {
        let shape = Shape::of(name);
        let stage = shape.stage(name);
        stage.redeem(None).await;
        let asked: Asked = stage.answers.last(&format!("POST {}", stage.token));
        let json = ["notion", "atlassian"].contains(&name);
        let kind = if json {
            "application/json"
        } else {
            "application/x-www-form-urlencoded"
        };
        assert_eq!(asked.header("content-type"), Some(kind), "{name}");
        let form = if json {
            serde_json::from_str(&asked.body).unwrap()
        } else {
            asked.form()
        };
        assert_eq!(form["grant_type"], "authorization_code", "{name}");
        assert_eq!(form["code"], "code-1", "{name}");
        assert_eq!(form["redirect_uri"], callback().as_str(), "{name}");
        assert_eq!(
            form.contains_key("code_verifier"),
            shape.authorization.pkce,
            "{name}"
        );
        assert_eq!(asked.header("accept"), Some("application/json"), "{name}");
        for (field, value) in &shape.token.form {
            assert_eq!(form.get(field), Some(value), "{name}");
        }
        let basic = asked.header("authorization").is_some();
        assert_eq!(basic, shape.token.client_auth == "basic", "{name}");
        assert_eq!(form.contains_key("client_secret"), !basic, "{name}");
    }
}

#[tokio::test]
async fn each_browser_is_sent_where_it_should_be() {
    for name in named() {
        let shape = Shape::of(name);
        let stage = shape.stage(name);
        let wanted = &shape.authorization;
        let mut url = address(&stage.providers, &stage.settings).await.unwrap();
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        url.set_query(None);
        assert_eq!(url.as_str(), wanted.at, "{name}");
        assert_eq!(
            query.get("scope").map_or("", String::as_str),
            wanted.scope,
            "{name}"
        );
        assert_eq!(query.contains_key("code_challenge"), wanted.pkce, "{name}");
        assert_eq!(query.contains_key("nonce"), wanted.nonce, "{name}");
        let traits = stage.providers.check(&stage.settings).unwrap();
        assert_eq!(traits.nonce, wanted.nonce, "{name}");
        assert_eq!(traits.response_mode_form_post, name == "apple");
        for (field, value) in &wanted.also {
            assert_eq!(query.get(field), Some(value), "{name}");
        }
    }
}

#[test]
fn each_preset_is_documented_and_named_once() {
    let names: BTreeSet<&str> = presets().map(|preset| preset.name).collect();
    assert_eq!(names.len(), presets().count());
    let issuers: BTreeSet<&str> = presets()
        .filter_map(|preset| match preset.speaks {
            Speaks::OpenId { issuer, .. } | Speaks::OAuth2 { issuer, .. } => issuer,
            _ => None,
        })
        .collect();
    assert_eq!(issuers.len(), named().count());
    for name in named() {
        assert!(
            Shape::of(name).documentation.starts_with("https://"),
            "{name}"
        );
    }
    for preset in presets() {
        assert!(!preset.documentation.is_empty(), "{}", preset.name);
    }
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes")).unwrap();
    assert_eq!(files.count(), named().count());
}

#[test]
fn the_table_in_the_documentation_is_that_of_the_presets() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/providers.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    for preset in presets() {
        let scopes = match preset.scopes {
            [] => "none".to_owned(),
            scopes => format!("`{}`", scopes.join(" ")),
        };
        let vouches = match preset.vouches {
            Vouches::WhereFlagged => "where flagged",
            Vouches::IfOperatorTrustsIt => "if you say so",
            _ => "no",
        };
        let row = format!(
            "| `{}` | {} | {scopes} | {vouches} |",
            preset.name, preset.display_name
        );
        let found = rows.clone().filter(|line| line.starts_with(&row)).count();
        assert_eq!(found, 1, "{row}");
    }
}

#[tokio::test]
async fn a_known_provider_needs_a_secret() {
    for name in named() {
        let stage = Shape::of(name).stage(name);
        let mut settings = stage.settings.clone();
        settings.client_secret = None;
        let refused = stage.providers.check(&settings).unwrap_err();
        assert_eq!(refused.field, "client_secret", "{name}");
    }
    let mut public = settings("oidc");
    public.client_secret = None;
    public.issuer = Some("https://idp.example.com".parse().unwrap());
    let stage = Shape::of("google").stage("google");
    assert!(stage.providers.check(&public).is_ok());
}

/// What each documentation says about addresses that are not the person's, or not any more.
#[tokio::test]
async fn an_address_that_nobody_vouches_for_is_not_verified() {
    type Change = fn(&mut Shape);
    let cases: [(&str, Change); 13] = [
        ("google", |s| claim(s, "email", json!("jane@yahoo.com"))),
        ("google", |s| claim(s, "email_verified", json!(false))),
        ("apple", |s| claim(s, "email_verified", json!("false"))),
        ("microsoft", |s| claim(s, "xms_edov", json!(false))),
        ("gitlab", |s| {
            s.requests[0].answer["email_verified"] = json!(false);
        }),
        ("linkedin", |s| {
            s.requests[0].answer["email_verified"] = json!(false);
        }),
        ("twitch", |s| claim(s, "email_verified", json!(false))),
        ("github", |s| {
            s.requests[1].answer[1]["verified"] = json!(false);
        }),
        ("discord", |s| {
            s.requests[0].answer["verified"] = json!(false);
        }),
        ("bitbucket", |s| {
            s.requests[1].answer["values"][1]["is_confirmed"] = json!(false);
        }),
        ("dropbox", |s| {
            s.requests[0].answer["email_verified"] = json!(false);
        }),
        ("kakao", |s| {
            s.requests[0].answer["kakao_account"]["is_email_valid"] = json!(false);
        }),
        ("kakao", |s| {
            s.requests[0].answer["kakao_account"]["is_email_verified"] = json!(false);
        }),
    ];
    for (name, change) in cases {
        let mut shape = Shape::of(name);
        change(&mut shape);
        let came = shape.stage(name).redeem(None).await;
        assert!(!came.email.unwrap().verified, "{name}");
    }
    // And where somebody does.
    let vouched: [(&str, Change); 2] = [
        ("google", |s| {
            claim(s, "email", json!("jane@company.example"));
            claim(s, "hd", json!("company.example"));
        }),
        ("microsoft", |s| claim(s, "xms_edov", json!(true))),
    ];
    for (name, change) in vouched {
        let mut shape = Shape::of(name);
        change(&mut shape);
        let came = shape.stage(name).redeem(None).await;
        assert!(came.email.unwrap().verified, "{name}");
    }
}

#[tokio::test]
async fn a_provider_speaks_for_mailboxes_that_it_hosts_and_where_it_is_trusted() {
    type Change = fn(&mut Shape);
    let trust: Change = |s| {
        let options = &mut s.settings.options;
        options.insert("vouches_for_email".into(), "true".into());
    };
    let at = |s: &mut Shape, address: &str| claim(s, "email", json!(address));
    for (name, change, verified, authoritative) in [
        (
            "google",
            (|s| claim(s, "email", json!("a@gmail.com"))) as Change,
            true,
            true,
        ),
        (
            "google",
            |s| {
                claim(s, "email", json!("a@company.example"));
                claim(s, "hd", json!("Company.example"));
            },
            true,
            true,
        ),
        // An alias in another domain than the one that is known to be theirs.
        (
            "google",
            |s| {
                claim(s, "email", json!("a@elsewhere.example"));
                claim(s, "hd", json!("company.example"));
            },
            true,
            false,
        ),
        (
            "google",
            |s| {
                claim(s, "email", json!("a@gmail.com"));
                claim(s, "email_verified", json!(false));
            },
            false,
            false,
        ),
        (
            "apple",
            |s| claim(s, "email", json!("x@privaterelay.appleid.com")),
            true,
            true,
        ),
        (
            "apple",
            |s| claim(s, "email", json!("a@elsewhere.example")),
            true,
            false,
        ),
        ("github", |_| {}, true, false),
        ("discord", |_| {}, true, false),
    ] {
        let mut shape = Shape::of(name);
        change(&mut shape);
        let email = shape.stage(name).redeem(None).await.email.unwrap();
        let came = (email.verified, email.authoritative);
        assert_eq!(
            came,
            (verified, authoritative),
            "{name} {:?}",
            email.address
        );
    }
    for name in ["github", "discord", "apple"] {
        let mut shape = Shape::of(name);
        trust(&mut shape);
        if name == "apple" {
            at(&mut shape, "a@elsewhere.example");
        }
        assert!(
            shape
                .stage(name)
                .redeem(None)
                .await
                .email
                .unwrap()
                .authoritative,
            "{name}"
        );
    }
    // Whoever runs a tenant writes its addresses.
    let mut shape = Shape::of("microsoft");
    claim(&mut shape, "xms_edov", json!(true));
    let stage = shape.stage("microsoft");
    let email = stage.redeem(None).await.email.unwrap();
    assert_eq!((email.verified, email.authoritative), (true, false));
    let mut settings = stage.settings.clone();
    settings
        .options
        .insert("vouches_for_email".into(), "true".into());
    let refused = stage.providers.check(&settings).unwrap_err();
    assert_eq!(refused.field, "options.vouches_for_email");
}

fn claim(shape: &mut Shape, name: &str, value: Value) {
    shape.id_token.as_mut().unwrap()[name] = value;
}

#[tokio::test]
async fn without_leave_to_read_addresses_there_is_none() {
    let shape = Shape::of("github");
    let stage = shape.stage("github");
    let line = "GET https://api.github.com/user/emails";
    stage
        .answers
        .set(line, 404, &json!({"message": "Not Found"}));
    assert_eq!(stage.redeem(None).await.email, None);
}

#[tokio::test]
async fn apple_gets_a_secret_that_was_signed_for_this_request() {
    let stage = Shape::of("apple").stage("apple");
    stage.redeem(None).await;
    let asked = stage.answers.last(&format!("POST {}", stage.token));
    let secret = asked.form()["client_secret"].clone();
    let header = unverified_header(&secret).unwrap();
    assert_eq!(header.kid.as_deref(), Some("ABC123DEFG"));
    let mut ring = KeyRing::new();
    ring.insert("ABC123DEFG", stage.apple.verifying_key())
        .unwrap();
    let expected = Expected::id_token("DEF123GHIJ", "https://appleid.apple.com", stage.clock.now());
    let claims: Value = verify(&secret, &ring, &expected).unwrap();
    assert_eq!(claims["sub"], CLIENT);
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        300
    );

    let mut settings = stage.settings.clone();
    settings.client_secret = Some("no key".into());
    let refused = stage.providers.check(&settings).unwrap_err();
    assert_eq!(refused.field, "client_secret");
    settings.options.remove("key_id");
    let refused = stage.providers.check(&settings).unwrap_err();
    assert_eq!(refused.field, "options.key_id");
}

#[tokio::test]
async fn a_connection_for_organizations_takes_no_personal_accounts() {
    let personal = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let company = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    for (choice, tenant, accepted) in [
        ("common", personal, true),
        ("common", company, true),
        ("organizations", personal, false),
        ("organizations", company, true),
    ] {
        let mut shape = Shape::of("microsoft");
        let options = &mut shape.settings.options;
        options.insert("tenant".into(), choice.into());
        let issuer = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
        shape.metadata.as_mut().unwrap()["at"] = json!(issuer(choice));
        claim(&mut shape, "iss", json!(issuer(tenant)));
        claim(&mut shape, "tid", json!(tenant));
        let stage = shape.stage("microsoft");
        let now = stage.clock.now();
        let redeemed = crate::support::redeem(&stage.providers, &stage.settings, None, now).await;
        let problem = zalt_core::connection::IdTokenProblem::Issuer;
        let refused = zalt_core::connection::ProviderError::IdTokenInvalid(problem);
        let expected = (!accepted).then_some(refused);
        assert_eq!(redeemed.err(), expected, "{choice} {tenant}");
    }
}

#[tokio::test]
async fn a_tenant_of_microsoft_speaks_for_itself_only() {
    let ours = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let theirs = "11111111-2222-3333-4444-555555555555";
    let issuer = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let mut shape = Shape::of("microsoft");
    // The tenant and the issuer of a token have to be the same.
    claim(&mut shape, "iss", json!(issuer(theirs)));
    let stage = shape.stage("microsoft");
    let redeemed =
        crate::support::redeem(&stage.providers, &stage.settings, None, stage.clock.now()).await;
    assert_eq!(
        redeemed.unwrap_err(),
        zalt_core::connection::ProviderError::IdTokenInvalid(
            zalt_core::connection::IdTokenProblem::Issuer
        )
    );
    // A connection for one tenant takes tokens of that one.
    for (tenant, accepted) in [(ours, true), (theirs, false)] {
        let mut shape = Shape::of("microsoft");
        shape.settings.options.insert("tenant".into(), ours.into());
        let metadata = shape.metadata.as_mut().unwrap();
        metadata["at"] = json!(issuer(ours));
        metadata["issuer"] = json!(issuer(ours));
        claim(&mut shape, "iss", json!(issuer(tenant)));
        claim(&mut shape, "tid", json!(tenant));
        let stage = shape.stage("microsoft");
        let now = stage.clock.now();
        let redeemed = crate::support::redeem(&stage.providers, &stage.settings, None, now).await;
        assert_eq!(redeemed.is_ok(), accepted, "{tenant}");
    }
    let mut settings = Shape::of("microsoft").stage("microsoft").settings;
    for tenant in ["contoso.onmicrosoft.com", "", "../evil", "common/../x"] {
        settings.options.insert("tenant".into(), tenant.into());
        let refused = stage.providers.check(&settings).unwrap_err();
        assert_eq!(refused.field, "options.tenant");
    }
}
