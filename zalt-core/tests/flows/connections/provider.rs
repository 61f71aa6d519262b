//! A provider that does what a test tells it.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use url::Url;
use zalt_core::Timestamp;
use zalt_core::connection::{
    AuthorizationRequest, ConnectionSettings, IdTokenProblem, OAuthErrorCode, ProviderError,
    ProviderIdentity, ProviderProtocol, ProviderTokens, ProviderTraits, Redeemed, Redemption,
    SettingsProblem, VerifiedIdToken,
};
use zalt_core::secret::SecretText;

use crate::support::{HOUR, MINUTE};

#[derive(Debug, Clone, Default)]
pub(super) struct Provider(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    codes: HashMap<String, Consent>,
    count: usize,
    refreshes: usize,
    spent: HashSet<String>,
    revoked: Vec<ProviderTokens>,
    fails: Option<ProviderError>,
}

#[derive(Debug, Clone)]
struct Consent {
    identity: ProviderIdentity,
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

/// What a browser comes back with.
#[derive(Debug, Clone)]
pub(super) struct Back {
    pub(super) state: String,
    pub(super) code: String,
}

impl Provider {
    /// Somebody whom the provider knows says yes at `url`.
    pub(super) fn consent(&self, url: &Url, identity: &ProviderIdentity) -> Back {
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let mut script = self.0.lock().unwrap();
        script.count += 1;
        let code = format!("code-{}", script.count);
        let consent = Consent {
            identity: identity.clone(),
            nonce: query["nonce"].clone(),
            challenge: query["code_challenge"].clone(),
            redirect_uri: query["redirect_uri"].clone(),
        };
        script.codes.insert(code.clone(), consent);
        Back {
            state: query["state"].clone(),
            code,
        }
    }

    /// From now on it fails like this, or not any more.
    pub(super) fn fail(&self, with: Option<ProviderError>) {
        self.0.lock().unwrap().fails = with;
    }

    pub(super) fn refreshes(&self) -> usize {
        self.0.lock().unwrap().refreshes
    }

    pub(super) fn revoked(&self) -> Vec<ProviderTokens> {
        self.0.lock().unwrap().revoked.clone()
    }

    pub(super) fn codes_left(&self) -> usize {
        self.0.lock().unwrap().codes.len()
    }

    fn works(&self) -> Result<(), ProviderError> {
        let fails = self.0.lock().unwrap().fails.clone();
        fails.map_or(Ok(()), Err)
    }
}

pub(super) fn tokens(number: usize, now: Timestamp) -> ProviderTokens {
    ProviderTokens {
        access_token: format!("planted-access-{number}").into(),
        refresh_token: Some(format!("planted-refresh-{number}").into()),
        id_token: Some("planted-id".into()),
        expires_at: Some(now + HOUR),
        scopes: vec!["email".to_owned()],
    }
}

/// An ID token of the double: who it names, its nonce and a signature that anybody may spell anew.
pub(super) fn id_token(identity: &ProviderIdentity, nonce: &str, signature: &str) -> String {
    let json = serde_json::to_vec(identity).unwrap();
    format!("{nonce}.{}.{signature}", URL_SAFE_NO_PAD.encode(json))
}

#[async_trait]
impl ProviderProtocol for Provider {
    fn check(&self, settings: &ConnectionSettings) -> Result<ProviderTraits, SettingsProblem> {
        if settings.client_id.is_empty() {
            return Err(SettingsProblem::new("client_id", "is missing"));
        }
        Ok(ProviderTraits {
            display_name: settings.provider.to_uppercase(),
            nonce: true,
            response_mode_form_post: false,
            sends_iss: None,
            native_id_tokens: settings.provider != "github",
        })
    }

    async fn authorization_url(
        &self,
        settings: &ConnectionSettings,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, ProviderError> {
        self.works()?;
        let mut url = Url::parse("https://provider.example/authorize").unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", &settings.client_id)
            .append_pair("redirect_uri", request.redirect_uri.as_str())
            .append_pair("state", request.state)
            .append_pair("nonce", request.nonce)
            .append_pair("code_challenge", request.pkce_challenge)
            .append_pair("login_hint", request.login_hint.unwrap_or_default());
        Ok(url)
    }

    async fn redeem(
        &self,
        _settings: &ConnectionSettings,
        redemption: &Redemption<'_>,
    ) -> Result<Redeemed, ProviderError> {
        self.works()?;
        let mut script = self.0.lock().unwrap();
        let consent = script.codes.remove(redemption.code);
        let refused = |error: &str| ProviderError::Refused {
            error: OAuthErrorCode::parse(error),
        };
        let consent = consent.ok_or(refused("invalid_grant"))?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(redemption.pkce_verifier.as_bytes()));
        if challenge != consent.challenge
            || redemption.redirect_uri.as_str() != consent.redirect_uri
        {
            return Err(refused("invalid_grant"));
        }
        if consent.nonce != redemption.nonce {
            return Err(ProviderError::IdTokenInvalid(IdTokenProblem::Nonce));
        }
        Ok(Redeemed {
            identity: consent.identity,
            tokens: tokens(0, redemption.now),
        })
    }

    async fn verify_id_token(
        &self,
        _settings: &ConnectionSettings,
        id_token: &str,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<VerifiedIdToken, ProviderError> {
        let invalid = ProviderError::IdTokenInvalid;
        let parts: Vec<&str> = id_token.split('.').collect();
        let [of, body, _] = parts[..] else {
            return Err(invalid(IdTokenProblem::Malformed));
        };
        let body = URL_SAFE_NO_PAD.decode(body);
        let body = body.map_err(|_| invalid(IdTokenProblem::Malformed))?;
        if nonce.unwrap_or_default() != of {
            return Err(invalid(IdTokenProblem::Nonce));
        }
        Ok(VerifiedIdToken {
            identity: serde_json::from_slice(&body).unwrap(),
            expires_at: now + 30 * MINUTE,
        })
    }

    async fn refresh(
        &self,
        _settings: &ConnectionSettings,
        refresh_token: &SecretText,
        now: Timestamp,
    ) -> Result<ProviderTokens, ProviderError> {
        let number = {
            let mut script = self.0.lock().unwrap();
            script.refreshes += 1;
            script.refreshes
        };
        // Everybody else gets a turn while the provider thinks.
        for _ in 0..5 {
            let mut waited = false;
            poll_fn(|context| {
                if waited {
                    return Poll::Ready(());
                }
                waited = true;
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
        self.works()?;
        let is_fresh = self
            .0
            .lock()
            .unwrap()
            .spent
            .insert(refresh_token.expose().to_owned());
        assert!(is_fresh, "a refresh token was used twice");
        Ok(tokens(number, now))
    }

    async fn revoke(
        &self,
        _settings: &ConnectionSettings,
        tokens: &ProviderTokens,
    ) -> Result<bool, ProviderError> {
        self.0.lock().unwrap().revoked.push(tokens.clone());
        Ok(true)
    }
}
