use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use crate::id::ConnectionId;
use crate::secret::SecretText;

/// Names a connection in addresses and settings: 1 to 40 of `a` to `z`, `0` to `9` and `-`, such as `google`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ConnectionKey(String);

/// The text can't be the key of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a connection's key is 1 to 40 of a to z, 0 to 9 and -")]
pub struct ConnectionKeyError;

impl ConnectionKey {
    /// Reads a key.
    ///
    /// # Errors
    /// [`ConnectionKeyError`].
    pub fn parse(text: &str) -> Result<Self, ConnectionKeyError> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if (1..=40).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ConnectionKeyError)
        }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ConnectionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// How a provider is spoken to. Whoever configures a connection, in code or at run time, gives this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// Names the connection.
    pub key: ConnectionKey,
    /// Which provider: the name of a preset, or `oidc` or `oauth2`.
    pub provider: String,
    /// What the provider calls the application.
    pub client_id: String,
    /// What proves to the provider that it is the application; some need none, or have it made from another key.
    pub client_secret: Option<SecretText>,
    /// The issuer of an OpenID provider, or another one than the preset's, such as that of a GitLab of one's own.
    pub issuer: Option<Url>,
    /// Where an OAuth 2 provider is spoken to that has no preset.
    pub endpoints: Option<OAuthEndpoints>,
    /// What is asked for beyond what signing in needs.
    pub extra_scopes: Vec<String>,
    /// What some providers need beyond that, such as a tenant.
    pub options: BTreeMap<String, String>,
}

impl ConnectionSettings {
    /// The settings of a connection to `provider` with nothing but a client.
    pub fn new(key: ConnectionKey, provider: &str, client_id: &str) -> Self {
        Self {
            key,
            provider: provider.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: None,
            issuer: None,
            endpoints: None,
            extra_scopes: Vec::new(),
            options: BTreeMap::new(),
        }
    }
}

/// Tells whom a connection speaks to, whatever it is called: tokens of one provider never go to another, and an account at one is no
/// way in through another. It survives a change of the client and its secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderMark(String);

impl ProviderMark {
    /// The mark of the provider that these settings are for. `id` is the connection's row, if it has one.
    pub(crate) fn of(settings: &ConnectionSettings, id: Option<ConnectionId>) -> Self {
        let mut digest = Sha256::new();
        let mut add = |part: &str| {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        };
        add(&settings.provider);
        add(settings.issuer.as_ref().map_or("", Url::as_str));
        if let Some(endpoints) = &settings.endpoints {
            // Whoever is behind endpoints stands for accounts of this connection only.
            add(settings.key.as_str());
            add(&id.map(|id| id.to_string()).unwrap_or_default());
            add(endpoints.token.as_str());
            add(endpoints.userinfo.as_str());
            add(endpoints.revocation.as_ref().map_or("", Url::as_str));
        }
        Self(URL_SAFE_NO_PAD.encode(digest.finalize()))
    }

    /// A mark as it was stored.
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Where an OAuth 2 provider without discovery is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthEndpoints {
    /// Where browsers are sent.
    pub authorization: Url,
    /// Where codes are redeemed.
    pub token: Url,
    /// Where it is asked who came.
    pub userinfo: Url,
    /// Where tokens are given back.
    pub revocation: Option<Url>,
}
