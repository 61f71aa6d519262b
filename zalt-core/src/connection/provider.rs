use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use url::Url;

use super::settings::ConnectionSettings;
use crate::environment::Timestamp;
use crate::identifier::EmailAddress;
use crate::secret::SecretText;

/// Speaks to providers. `zalt-oauth` has the implementation.
///
/// Core makes state, nonce and PKCE verifier, keeps them, and has held what comes back in the browser against them. The
/// implementation speaks OAuth 2 and OpenID Connect: it checks whatever the provider says, and answers who came. It reads
/// no clock, and keeps nothing but what is public, such as a provider's keys.
///
/// Dropping a future of it, or one that fails, leaves nothing half done here; the provider may have used up a code.
#[async_trait]
pub trait ProviderProtocol: Send + Sync + fmt::Debug {
    /// Whether these settings can work, without asking the provider.
    ///
    /// # Errors
    /// [`SettingsProblem`] names what has to change.
    fn check(&self, settings: &ConnectionSettings) -> Result<ProviderTraits, SettingsProblem>;

    /// The address that the browser is sent to. The provider's metadata may be fetched for it.
    ///
    /// # Errors
    /// [`ProviderError`] if the provider can't be asked for its metadata, or the settings don't work.
    async fn authorization_url(
        &self,
        settings: &ConnectionSettings,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, ProviderError>;

    /// Redeems a code and says who came, after the ID token and the answer of the userinfo endpoint were checked.
    ///
    /// # Errors
    /// [`ProviderError`] says what is wrong; [`ProviderError::IssuerMismatch`] if the answer came from another provider.
    async fn redeem(
        &self,
        settings: &ConnectionSettings,
        redemption: &Redemption<'_>,
    ) -> Result<Redeemed, ProviderError>;

    /// Checks an ID token that an app got from the provider by itself.
    ///
    /// # Errors
    /// [`ProviderError`]; [`ProviderError::IdTokenInvalid`] with [`IdTokenProblem::Nonce`] also if there is a nonce on one
    /// side only.
    async fn verify_id_token(
        &self,
        settings: &ConnectionSettings,
        id_token: &str,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<VerifiedIdToken, ProviderError>;

    /// Gets fresh tokens. Where the provider sends no new refresh token, the one that was given is in the answer.
    ///
    /// # Errors
    /// [`ProviderError::Refused`] if the provider takes the refresh token no more.
    async fn refresh(
        &self,
        settings: &ConnectionSettings,
        refresh_token: &SecretText,
        now: Timestamp,
    ) -> Result<ProviderTokens, ProviderError>;

    /// Gives tokens back to the provider. `false` if it takes none back.
    ///
    /// # Errors
    /// [`ProviderError`].
    async fn revoke(
        &self,
        settings: &ConnectionSettings,
        tokens: &ProviderTokens,
    ) -> Result<bool, ProviderError>;
}

/// What a provider with these settings is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderTraits {
    /// What people call it.
    pub display_name: String,
    /// Whether a nonce is sent and checked, as OpenID Connect has it.
    pub nonce: bool,
    /// Whether the answer comes as a form that the browser posts.
    pub response_mode_form_post: bool,
    /// Whether the answer says which provider it is from (RFC 9207), where that is known without asking.
    pub sends_iss: Option<bool>,
    /// Whether an app may hand in an ID token that it got by itself.
    pub native_id_tokens: bool,
}

/// What has to change in the settings of a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct SettingsProblem {
    /// The field, such as `client_secret` or `options.tenant`.
    pub field: String,
    /// What is wrong with it, without its value.
    pub problem: String,
}

impl SettingsProblem {
    /// A problem with a field.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// What a browser is sent to a provider with.
#[derive(Clone)]
pub struct AuthorizationRequest<'a> {
    /// Where the provider sends the browser back to.
    pub redirect_uri: &'a Url,
    /// Comes back with the browser.
    pub state: &'a str,
    /// Comes back in the ID token.
    pub nonce: &'a str,
    /// The SHA-256 of the PKCE verifier, for the method `S256`.
    pub pkce_challenge: &'a str,
    /// The address that the person typed, so that they need not again.
    pub login_hint: Option<&'a str>,
    /// What the provider is to ask the person, whatever it knows of them.
    pub prompt: Option<Prompt>,
}

impl fmt::Debug for AuthorizationRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("redirect_uri", &self.redirect_uri.as_str())
            .field("prompt", &self.prompt)
            .finish_non_exhaustive()
    }
}

/// What a provider is to ask the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Prompt {
    /// To sign in again.
    Login,
    /// With which account.
    SelectAccount,
    /// Whether the application may have what it asks for.
    Consent,
}

/// What a code is redeemed with.
#[derive(Clone)]
pub struct Redemption<'a> {
    /// The address that the browser came back to, as it was sent.
    pub redirect_uri: &'a Url,
    /// The code.
    pub code: &'a str,
    /// Which provider the answer says that it is from (RFC 9207).
    pub iss: Option<&'a str>,
    /// What has to be in the ID token.
    pub nonce: &'a str,
    /// What the challenge of the request was made from.
    pub pkce_verifier: &'a str,
    /// What Apple posts beside the code when it sees a person for the first time. It is unsigned: it names nobody.
    pub user_json: Option<&'a str>,
    /// The time.
    pub now: Timestamp,
}

impl fmt::Debug for Redemption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redemption")
            .field("redirect_uri", &self.redirect_uri.as_str())
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// Who came, and the tokens that came with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redeemed {
    /// Who.
    pub identity: ProviderIdentity,
    /// The tokens.
    pub tokens: ProviderTokens,
}

/// Whom an ID token that an app handed in names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedIdToken {
    /// Who.
    pub identity: ProviderIdentity,
    /// From when on the token is refused, the leeway included: until then it must not be taken twice.
    pub expires_at: Timestamp,
}

/// Who somebody is to a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderIdentity {
    /// Who says so: the issuer, or the constant that stands for a provider without one. Together with the subject it names
    /// the account at the provider, and nothing else does. At most 255 bytes.
    pub issuer: String,
    /// Which account it is there. Never given to anybody else. At most 255 bytes.
    pub subject: String,
    /// The address there, if one is known.
    pub email: Option<ProviderEmail>,
    /// What they are called there.
    pub username: Option<String>,
    /// The name, whole.
    pub name: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub family_name: Option<String>,
    /// The picture.
    pub picture: Option<Url>,
}

/// An address that a provider knows somebody by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderEmail {
    /// The address.
    pub address: EmailAddress,
    /// Whether the provider says that it is verified, *and* may say so.
    pub verified: bool,
    /// Whether that is so today: the provider hosts the mailbox, or the operator trusts its word. Otherwise the address may have
    /// become somebody else's since, and proves no mailbox to us.
    #[serde(default)]
    pub authoritative: bool,
}

/// What a provider handed out. `Debug` shows none of it; serialized it is only ever sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderTokens {
    /// Opens the provider's API.
    pub access_token: SecretText,
    /// Gets the next.
    #[serde(default)]
    pub refresh_token: Option<SecretText>,
    /// Says who came.
    #[serde(default)]
    pub id_token: Option<SecretText>,
    /// From when on the access token is worth nothing; `None` if the provider does not say.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// What it opens.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// Why a provider could not say who came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// It can't be reached, or answers that it can't serve.
    #[error("the provider can't be reached")]
    Unreachable,
    /// It did not answer in time.
    #[error("the provider did not answer in time")]
    TimedOut,
    /// What it answers is not what it should be.
    #[error("the provider's answer can't be read: {what}")]
    BadAnswer {
        /// Which part.
        what: &'static str,
    },
    /// It refused, in its own words.
    #[error("the provider refused: {error}")]
    Refused {
        /// The code that it gave.
        error: OAuthErrorCode,
    },
    /// The ID token is not to be trusted.
    #[error("the ID token is not valid: {0}")]
    IdTokenInvalid(IdTokenProblem),
    /// The answer is from another provider than the one that was asked.
    #[error("the answer is from another provider")]
    IssuerMismatch,
    /// The settings don't work.
    #[error("the connection is not set up right: {0}")]
    Misconfigured(#[from] SettingsProblem),
}

/// What is wrong with an ID token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum IdTokenProblem {
    /// It was not signed by the provider.
    #[error("signature")]
    Signature,
    /// It was issued by somebody else.
    #[error("issuer")]
    Issuer,
    /// It was issued for somebody else.
    #[error("audience")]
    Audience,
    /// It was issued to somebody else.
    #[error("authorized party")]
    AuthorizedParty,
    /// It is over.
    #[error("expired")]
    Expired,
    /// It is not valid yet.
    #[error("not valid yet")]
    NotYetValid,
    /// It belongs to another request.
    #[error("nonce")]
    Nonce,
    /// It was signed in a way that is not accepted, or not at all.
    #[error("algorithm")]
    Algorithm,
    /// It is no ID token.
    #[error("malformed")]
    Malformed,
    /// It names nobody, or somebody else than the userinfo endpoint does.
    #[error("subject")]
    Subject,
}

/// The code of an error as a provider sent it, such as `access_denied`: at most 64 of the characters that RFC 6749 allows,
/// so it may be logged. It is not for pages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct OAuthErrorCode(String);

impl OAuthErrorCode {
    /// The code as sent; anything that is none becomes `unknown`.
    pub fn parse(sent: &str) -> Self {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if (1..=64).contains(&sent.len()) && sent.bytes().all(allowed) {
            Self(sent.to_owned())
        } else {
            Self("unknown".to_owned())
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OAuthErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_puts_nothing_into_a_log_by_an_error_code() {
        assert_eq!(
            OAuthErrorCode::parse("access_denied").as_str(),
            "access_denied"
        );
        for sent in ["", "a b", "a\nb", "<b>", &"a".repeat(65), "é"] {
            assert_eq!(OAuthErrorCode::parse(sent).as_str(), "unknown");
        }
    }

    #[test]
    fn tokens_hide_in_debug() {
        let tokens = ProviderTokens {
            access_token: "planted-access".into(),
            refresh_token: Some("planted-refresh".into()),
            id_token: Some("planted-id".into()),
            expires_at: None,
            scopes: Vec::new(),
        };
        assert!(!format!("{tokens:?}").contains("planted"));
    }
}
