//! A provider in memory, with a clock that stands still until it is moved.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, Response};
use serde_json::{Value, json};
use url::Url;
use zalt_core::connection::{
    AuthorizationRequest, ConnectionKey, ConnectionSettings, ProviderError, ProviderProtocol,
    Redeemed, Redemption,
};
use zalt_core::jwt::{SigningAlgorithm, SigningKey, TokenType};
use zalt_core::{Clock, SystemRng, Timestamp};
use zalt_oauth::{OAuthProviders, Reach, SendError, Transport};

pub(crate) const ISSUER: &str = "https://idp.example.com";
pub(crate) const CLIENT: &str = "client-1";
pub(crate) const NONCE: &str = "n-0S6_WzA2Mj";
pub(crate) const TOKEN: &str = "POST https://idp.example.com/token";
pub(crate) const KEYS: &str = "GET https://idp.example.com/keys";
pub(crate) const ME: &str = "GET https://idp.example.com/me";
pub(crate) const METADATA: &str = "GET https://idp.example.com/.well-known/openid-configuration";

/// Stands still until it is moved.
#[derive(Debug)]
pub(crate) struct StillClock(AtomicI64);

impl StillClock {
    pub(crate) fn new() -> Self {
        Self(AtomicI64::new(1_700_000_000_000))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

/// What was asked, as far as tests look at it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Method and address without query.
    pub(crate) line: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }

    /// The form, where one is expected.
    pub(crate) fn form_if(&self, expected: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        if expected.is_empty() {
            BTreeMap::new()
        } else {
            self.form()
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

type Answer = (u16, Vec<(String, String)>, String);

/// Answers by method and address, whatever the query. An address without an answer is a provider that is down.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    answers: Mutex<BTreeMap<String, Answer>>,
    asked: Mutex<Vec<Asked>>,
}

impl Answers {
    pub(crate) fn set(&self, line: &str, status: u16, body: &Value) {
        self.set_raw(line, status, &[], &body.to_string());
    }

    pub(crate) fn set_raw(&self, line: &str, status: u16, headers: &[(&str, &str)], body: &str) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let answer = (status, headers.iter().map(owned).collect(), body.to_owned());
        self.answers.lock().unwrap().insert(line.to_owned(), answer);
    }

    pub(crate) fn take_down(&self, line: &str) {
        self.answers.lock().unwrap().remove(line);
    }

    pub(crate) fn asked(&self, line: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|one| one.line == line)
            .cloned()
            .collect()
    }

    pub(crate) fn times_asked(&self, line: &str) -> usize {
        self.asked(line).len()
    }

    pub(crate) fn last(&self, line: &str) -> Asked {
        self.asked(line)
            .pop()
            .unwrap_or_else(|| panic!("{line} was not asked: {:#?}", self.asked.lock()))
    }
}

#[async_trait]
impl Transport for Answers {
    async fn send(
        &self,
        request: Request<Vec<u8>>,
        _reach: Reach,
    ) -> Result<Response<Vec<u8>>, SendError> {
        let mut url = Url::parse(&request.uri().to_string()).unwrap();
        let query = url.query_pairs().into_owned().collect();
        url.set_query(None);
        let line = format!("{} {url}", request.method());
        let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        self.asked.lock().unwrap().push(Asked {
            line: line.clone(),
            query,
            headers: request.headers().iter().map(text).collect(),
            body: String::from_utf8(request.body().clone()).unwrap(),
        });
        // Lets those who wait for the same come to the lock before the answer is there.
        tokio::task::yield_now().await;
        let answer = self.answers.lock().unwrap().get(&line).cloned();
        let (status, headers, body) =
            answer.ok_or_else(|| SendError::Connection("nobody there".into()))?;
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        Ok(response.body(body.into_bytes()).unwrap())
    }
}

/// A generic OpenID provider and who speaks to it.
pub(crate) struct Idp {
    pub(crate) answers: Arc<Answers>,
    pub(crate) clock: Arc<StillClock>,
    pub(crate) providers: OAuthProviders,
    pub(crate) key: SigningKey,
    pub(crate) settings: ConnectionSettings,
}

impl Idp {
    pub(crate) fn new() -> Self {
        let answers = Arc::new(Answers::default());
        let clock = Arc::new(StillClock::new());
        let mut settings = settings("oidc");
        settings.issuer = Some(ISSUER.parse().unwrap());
        let idp = Self {
            providers: OAuthProviders::with_transport(clock.clone(), answers.clone()),
            key: new_key(),
            answers,
            clock,
            settings,
        };
        idp.publish(&metadata(), &[&idp.key]);
        let me = json!({"sub": "248289761001", "name": "Jane Doe", "email": "jane@example.com",
            "email_verified": true});
        idp.answers.set(ME, 200, &me);
        idp.hand_out(&idp.sign(&idp.claims()));
        idp
    }

    pub(crate) fn publish(&self, metadata: &Value, keys: &[&SigningKey]) {
        self.answers.set(METADATA, 200, metadata);
        self.answers.set(KEYS, 200, &key_set(keys));
    }

    pub(crate) fn claims(&self) -> Value {
        let now = self.clock.now().unix_seconds();
        json!({"iss": ISSUER, "sub": "248289761001", "aud": CLIENT, "nonce": NONCE,
            "iat": now, "exp": now + 300})
    }

    pub(crate) fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[name] = value;
        claims
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.key.sign(TokenType::JWT, claims).unwrap()
    }

    /// Answers the next requests for tokens with this ID token.
    pub(crate) fn hand_out(&self, id_token: &str) {
        let answer = json!({"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600,
            "refresh_token": "refresh-1", "id_token": id_token, "scope": "openid email"});
        self.answers.set(TOKEN, 200, &answer);
    }

    pub(crate) async fn redeem(&self) -> Result<Redeemed, ProviderError> {
        self.redeem_from(None).await
    }

    pub(crate) async fn redeem_from(&self, iss: Option<&str>) -> Result<Redeemed, ProviderError> {
        redeem(&self.providers, &self.settings, iss, self.clock.now()).await
    }

    pub(crate) async fn address(&self) -> Result<Url, ProviderError> {
        address(&self.providers, &self.settings).await
    }
}

pub(crate) fn settings(provider: &str) -> ConnectionSettings {
    let key = ConnectionKey::parse("test").unwrap();
    let mut settings = ConnectionSettings::new(key, provider, CLIENT);
    settings.client_secret = Some("s3cret & more".into());
    settings
}

pub(crate) fn metadata() -> Value {
    json!({
        "issuer": ISSUER,
        "authorization_endpoint": "https://idp.example.com/authorize",
        "token_endpoint": "https://idp.example.com/token",
        "userinfo_endpoint": "https://idp.example.com/me",
        "revocation_endpoint": "https://idp.example.com/revoke",
        "jwks_uri": "https://idp.example.com/keys",
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
    })
}

pub(crate) fn new_key() -> SigningKey {
    let generated = SigningKey::generate(SigningAlgorithm::Es256, &SystemRng);
    generated.unwrap().0
}

pub(crate) fn key_set(keys: &[&SigningKey]) -> Value {
    json!({"keys": keys.iter().map(|key| key.public_jwk()).collect::<Vec<_>>()})
}

/// A token put together by hand.
pub(crate) fn token(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(input.as_bytes()));
    format!("{input}.{signature}")
}

pub(crate) async fn redeem(
    providers: &OAuthProviders,
    settings: &ConnectionSettings,
    iss: Option<&str>,
    now: Timestamp,
) -> Result<Redeemed, ProviderError> {
    let redemption = Redemption {
        redirect_uri: &callback(),
        code: "code-1",
        iss,
        nonce: NONCE,
        pkce_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        user_json: None,
        now,
    };
    providers.redeem(settings, &redemption).await
}

pub(crate) async fn address(
    providers: &OAuthProviders,
    settings: &ConnectionSettings,
) -> Result<Url, ProviderError> {
    let request = AuthorizationRequest {
        redirect_uri: &callback(),
        state: "state-1",
        nonce: NONCE,
        pkce_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        login_hint: None,
        prompt: None,
    };
    providers.authorization_url(settings, &request).await
}

pub(crate) fn callback() -> Url {
    let callback = "https://app.example.com/v1/client/connections/test/callback";
    callback.parse().unwrap()
}
