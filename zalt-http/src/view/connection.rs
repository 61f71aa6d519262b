use serde::Serialize;
use utoipa::ToSchema;
use zalt_core::Timestamp;
use zalt_core::connection::{ConnectionInfo, ProviderToken};
use zalt_core::credential::{Credential, CredentialState};

/// A provider that people may sign in with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectionView {
    /// Names it in requests.
    #[schema(example = "google")]
    key: String,
    /// The preset, for its mark, or `oidc` or `oauth2`.
    #[schema(example = "google")]
    provider: String,
    /// What people call it.
    #[schema(example = "Google")]
    name: String,
    /// Whether an app may hand in an ID token that it got by itself.
    id_tokens: bool,
}

impl ConnectionView {
    /// `None` for one that nobody can use.
    pub(crate) fn of(info: &ConnectionInfo) -> Option<Self> {
        let traits = info.provider.as_ref().ok()?;
        Some(Self {
            key: info.settings.key.to_string(),
            provider: info.settings.provider.clone(),
            name: traits.display_name.clone(),
            id_tokens: traits.native_id_tokens,
        })
    }
}

/// An account at a provider that belongs to the user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExternalAccountView {
    #[schema(example = "cred_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// The connection that it last came through.
    #[schema(example = "google")]
    connection: String,
    /// The address there, as the provider last told it.
    #[schema(example = "ada@example.com")]
    email_address: Option<String>,
    /// What its owner is called there.
    #[schema(example = "ada")]
    username: Option<String>,
    #[schema(example = "Ada Lovelace")]
    name: Option<String>,
    #[schema(example = "https://example.com/ada.png")]
    image_url: Option<String>,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T08:00:00Z")]
    last_used_at: Option<Timestamp>,
}

impl ExternalAccountView {
    /// `None` for any other credential.
    pub(crate) fn of(credential: &Credential) -> Option<Self> {
        let CredentialState::ExternalAccount(account) = &credential.state else {
            return None;
        };
        let email = account.email.as_ref();
        Some(Self {
            id: credential.id.to_string(),
            connection: account.connection.to_string(),
            email_address: email.map(|email| email.address.to_string()),
            username: account.username.clone(),
            name: account.name.clone(),
            image_url: account.picture.as_ref().map(ToString::to_string),
            created_at: credential.created_at,
            last_used_at: credential.last_used_at,
        })
    }
}

/// What opens a provider's API in the user's name.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderTokenView {
    #[schema(example = "ya29...")]
    access_token: String,
    /// Null where the provider does not say.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T09:00:00Z")]
    expires_at: Option<Timestamp>,
    #[schema(example = json!(["openid", "email"]))]
    scopes: Vec<String>,
}

impl ProviderTokenView {
    pub(crate) fn of(token: &ProviderToken) -> Self {
        Self {
            access_token: token.access_token.expose().to_owned(),
            expires_at: token.expires_at,
            scopes: token.scopes.clone(),
        }
    }
}
