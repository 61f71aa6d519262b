use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use url::Url;
use zalt_core::Timestamp;
use zalt_core::connection::{
    AuthorizationRequest, ConnectionKey, ConnectionSettings, IdTokenProblem, OAuthErrorCode,
    ProviderEmail, ProviderError, ProviderIdentity, ProviderProtocol, ProviderTokens,
    ProviderTraits, Redeemed, Redemption, SettingsProblem, VerifiedIdToken,
};
use zalt_core::identifier::EmailAddress;
use zalt_core::secret::SecretText;

/// A provider that says what a test has it say. It holds what it is asked against what it was asked before, as one does that
/// keeps to the standards.
#[derive(Debug, Clone, Default)]
pub struct ScriptedProvider(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    /// What a code is good for.
    codes: HashMap<String, Result<ProviderIdentity, ProviderError>>,
    /// The challenges and nonces of those who were sent here, by their state.
    sent: Vec<Sent>,
    refreshes: u32,
}

#[derive(Debug, Clone)]
struct Sent {
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

/// The settings of a connection to this provider.
pub(crate) fn settings(key: &str) -> ConnectionSettings {
    let mut settings =
        ConnectionSettings::new(ConnectionKey::parse(key).unwrap(), "scripted", "zalt-tests");
    settings.client_secret = Some("planted-client-secret".into());
    settings
}

/// Somebody who comes with this subject.
pub(crate) fn person(subject: &str, email: Option<(&str, bool)>) -> ProviderIdentity {
    ProviderIdentity {
        issuer: "https://provider.example".to_owned(),
        subject: subject.to_owned(),
        email: email.map(|(address, verified)| ProviderEmail {
            address: EmailAddress::parse(address).unwrap(),
            verified,
            authoritative: verified,
        }),
        username: Some(subject.to_owned()),
        name: Some("Ada Lovelace".to_owned()),
        given_name: Some("Ada".to_owned()),
        family_name: Some("Lovelace".to_owned()),
        picture: None,
    }
}

impl ScriptedProvider {
    /// The code by which this one comes, or by which it turns out that nobody does.
    pub(crate) fn code(
        &self,
        code: &str,
        comes: Result<ProviderIdentity, ProviderError>,
    ) -> String {
        let mut script = self.0.lock().unwrap();
        script.codes.insert(code.to_owned(), comes);
        code.to_owned()
    }

    /// How often tokens were made fresh.
    pub(crate) fn refreshes(&self) -> u32 {
        self.0.lock().unwrap().refreshes
    }

    fn tokens(now: Timestamp, count: u32) -> ProviderTokens {
        ProviderTokens {
            access_token: format!("access-{count}").into(),
            refresh_token: Some("refresh".into()),
            id_token: None,
            expires_at: Some(now + std::time::Duration::from_hours(1)),
            scopes: vec!["profile".to_owned()],
        }
    }

    fn take(&self, code: &str) -> Result<ProviderIdentity, ProviderError> {
        let taken = self.0.lock().unwrap().codes.remove(code);
        taken.unwrap_or_else(|| {
            Err(ProviderError::Refused {
                error: OAuthErrorCode::parse("invalid_grant"),
            })
        })
    }
}

#[async_trait]
impl ProviderProtocol for ScriptedProvider {
    fn check(&self, settings: &ConnectionSettings) -> Result<ProviderTraits, SettingsProblem> {
        if settings.provider != "scripted" {
            return Err(SettingsProblem::new("provider", "there is no such preset"));
        }
        Ok(ProviderTraits {
            display_name: settings.key.as_str().to_uppercase(),
            nonce: true,
            response_mode_form_post: false,
            sends_iss: None,
            native_id_tokens: true,
        })
    }

    async fn authorization_url(
        &self,
        _: &ConnectionSettings,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, ProviderError> {
        self.0.lock().unwrap().sent.push(Sent {
            nonce: request.nonce.to_owned(),
            challenge: request.pkce_challenge.to_owned(),
            redirect_uri: request.redirect_uri.to_string(),
        });
        let mut url = Url::parse("https://provider.example/authorize").unwrap();
        url.query_pairs_mut()
            .append_pair("state", request.state)
            .append_pair("redirect_uri", request.redirect_uri.as_str());
        Ok(url)
    }

    async fn redeem(
        &self,
        _: &ConnectionSettings,
        redemption: &Redemption<'_>,
    ) -> Result<Redeemed, ProviderError> {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(redemption.pkce_verifier.as_bytes()));
        let known = self.0.lock().unwrap().sent.iter().any(|sent| {
            sent.challenge == challenge
                && sent.nonce == redemption.nonce
                && sent.redirect_uri == redemption.redirect_uri.as_str()
        });
        assert!(known, "redeemed with what nobody was sent here with");
        Ok(Redeemed {
            identity: self.take(redemption.code)?,
            tokens: Self::tokens(redemption.now, 0),
        })
    }

    async fn verify_id_token(
        &self,
        _: &ConnectionSettings,
        id_token: &str,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<VerifiedIdToken, ProviderError> {
        // `code.nonce.signature`
        let mut parts = id_token.split('.');
        let (code, inside) = (parts.next().unwrap_or_default(), parts.next());
        if inside.filter(|inside| !inside.is_empty()) != nonce {
            return Err(ProviderError::IdTokenInvalid(IdTokenProblem::Nonce));
        }
        let identity = self.0.lock().unwrap().codes.get(code).cloned();
        Ok(VerifiedIdToken {
            identity: identity.unwrap_or(Err(ProviderError::IdTokenInvalid(
                IdTokenProblem::Signature,
            )))?,
            expires_at: now + std::time::Duration::from_hours(1),
        })
    }

    async fn refresh(
        &self,
        _: &ConnectionSettings,
        refresh_token: &SecretText,
        now: Timestamp,
    ) -> Result<ProviderTokens, ProviderError> {
        assert_eq!(refresh_token.expose(), "refresh");
        let mut script = self.0.lock().unwrap();
        script.refreshes += 1;
        Ok(Self::tokens(now, script.refreshes))
    }

    async fn revoke(
        &self,
        _: &ConnectionSettings,
        _: &ProviderTokens,
    ) -> Result<bool, ProviderError> {
        Ok(true)
    }
}
