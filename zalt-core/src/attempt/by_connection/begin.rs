use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::Zeroizing;

use crate::attempt::model::{Attempt, AttemptState};
use crate::attempt::step;
use crate::connection::{
    AuthorizationRequest, ConnectionAttempt, ConnectionFailure, ConnectionKey, ConnectionPurpose,
    ConnectionStatus, Connections, Prompt, RedirectMode, ViaConnection,
};
use crate::environment::Rng;
use crate::error::Error;
use crate::id::{AttemptId, UserId};
use crate::identifier::EmailAddress;
use crate::request::RequestContext;
use crate::secret::{AttemptToken, TokenDigest};
use crate::session::{Authenticated, Transport};
use crate::store::{Batch, Change};

/// What somebody goes to a provider with.
#[derive(Debug, Clone)]
pub struct BeginConnection<'a> {
    /// To which.
    pub key: &'a ConnectionKey,
    /// Where they want to be afterwards.
    pub return_to: Option<&'a str>,
    /// How the page is shown that they come back to.
    pub mode: RedirectMode,
    /// How the session will be held.
    pub transport: Transport,
    /// The address that they typed before, so that they need not again. Anything else is left out.
    pub login_hint: Option<&'a str>,
    /// What the provider is to ask, whatever it knows of them.
    pub prompt: Option<Prompt>,
}

impl<'a> BeginConnection<'a> {
    /// To the provider and back, for a session in a cookie.
    pub const fn new(key: &'a ConnectionKey) -> Self {
        Self {
            key,
            return_to: None,
            mode: RedirectMode::Redirect,
            transport: Transport::Cookie,
            login_hint: None,
            prompt: None,
        }
    }
}

/// Somebody may go to a provider now.
#[derive(Debug)]
pub struct StartedConnection {
    /// The attempt.
    pub attempt: Attempt,
    /// What the browser keeps until it is back. Whoever has it not can't complete the attempt.
    pub token: AttemptToken,
    /// Where the browser is sent.
    pub url: Url,
}

/// How long somebody may be at a provider (SECURITY O1).
pub(super) const AT_PROVIDER: std::time::Duration = std::time::Duration::from_mins(10);

impl Connections<'_> {
    /// Sends somebody to a provider, to sign in or up with their account there.
    ///
    /// # Errors
    /// [`Error::ConnectionNotFound`], [`Error::ReturnAddressNotAllowed`], [`Error::RateLimited`],
    /// [`Error::ConnectionUnavailable`].
    pub async fn begin(
        &self,
        request: &RequestContext,
        begin: BeginConnection<'_>,
    ) -> Result<StartedConnection, Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"attempts").await?;
        let purpose = ConnectionPurpose::SignIn;
        self.send(request, begin, purpose, Batch::new()).await
    }

    /// Sends a signed-in user to a provider, to add their account there to the one here.
    ///
    /// # Errors
    /// As [`begin`](Self::begin), and [`Error::ReauthenticationRequired`], [`Error::SessionOver`].
    pub async fn begin_link(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        begin: BeginConnection<'_>,
    ) -> Result<StartedConnection, Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"attempts").await?;
        zalt.users().strong_account(authenticated).await?;
        let session = authenticated.session();
        let purpose = ConnectionPurpose::Link {
            user_id: session.user_id,
            session_id: session.id,
        };
        let still_live = zalt.sessions().still_live(request, session);
        let batch = Batch::new().change(still_live);
        self.send(request, begin, purpose, batch).await
    }

    async fn send(
        &self,
        request: &RequestContext,
        begin: BeginConnection<'_>,
        purpose: ConnectionPurpose,
        batch: Batch,
    ) -> Result<StartedConnection, Error> {
        let zalt = self.zalt;
        let return_to = begin.return_to.map(|text| self.return_address(text));
        let return_to = return_to.transpose()?;
        let usable = self.find_usable(begin.key).await?;
        let (state, nonce) = (random(zalt.rng())?, random(zalt.rng())?);
        let verifier = random(zalt.rng())?;
        let id = AttemptId::mint(zalt.now(), zalt.rng())?;
        let login_hint = begin
            .login_hint
            .filter(|hint| EmailAddress::parse(hint).is_ok());
        let going = AuthorizationRequest {
            redirect_uri: &self.redirect_uri(begin.key)?,
            state: &state,
            nonce: &nonce,
            pkce_challenge: &URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())),
            login_hint,
            prompt: begin.prompt,
        };
        let url = usable.protocol.authorization_url(&usable.settings, &going);
        let url = match url.await {
            Ok(url) => url,
            Err(error) => {
                tracing::warn!(connection = %begin.key, %error, "nobody can be sent to a provider");
                let user_id = match purpose {
                    ConnectionPurpose::Link { user_id, .. } => Some(user_id),
                    _ => None,
                };
                let failure = ConnectionFailure::from(&error);
                return Err(self.failed(request, user_id, begin.key, failure).await);
            }
        };
        let keys = zalt.encryption_keys();
        let attempt = ConnectionAttempt {
            via: ViaConnection {
                key: begin.key.clone(),
                return_to,
                mode: begin.mode,
                pending: None,
            },
            purpose,
            status: ConnectionStatus::AtProvider,
            state: Some(digest(&state)),
            nonce: nonce.to_string(),
            pkce_verifier: Some(keys.seal(&verifier_row(id), verifier.as_bytes(), zalt.rng())?),
            transport: begin.transport,
        };
        let (mut attempt, token) = step::begin(zalt, id, AttemptState::Connection(attempt))?;
        attempt.expires_at = attempt.expires_at.min(zalt.now() + AT_PROVIDER);
        zalt.commit(batch.change(Change::InsertAttempt(attempt.clone())))
            .await?;
        Ok(StartedConnection {
            attempt,
            token,
            url,
        })
    }

    /// The attempt, for whoever began it, as long as it has not become a sign-in or a sign-up.
    ///
    /// # Errors
    /// [`Error::AttemptNotFound`].
    pub async fn find(&self, token: &AttemptToken) -> Result<Attempt, Error> {
        let attempt = step::find(self.zalt, token).await?;
        match attempt.state {
            AttemptState::Connection(_) => Ok(attempt),
            _ => Err(Error::AttemptNotFound),
        }
    }

    /// Writes why nobody came in, and says what they are told.
    pub(super) async fn failed(
        &self,
        request: &RequestContext,
        user_id: Option<UserId>,
        key: &ConnectionKey,
        reason: ConnectionFailure,
    ) -> Error {
        let batch = self.noting_failure(request, user_id, key, reason, Batch::new());
        let noted = match batch {
            Ok(batch) => self.zalt.commit(batch).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        noted.err().unwrap_or_else(|| reason.error())
    }
}

/// 256 random bits as text: a state, a nonce, or a PKCE verifier (RFC 7636, section 4.1).
pub(super) fn random(rng: &dyn Rng) -> Result<Zeroizing<String>, Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill(bytes.as_mut())?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}

pub(super) fn digest(state: &str) -> TokenDigest {
    TokenDigest::from_bytes(Sha256::digest(state.as_bytes()).into())
}

/// The name that the PKCE verifier of an attempt is sealed for.
pub(super) fn verifier_row(id: AttemptId) -> Vec<u8> {
    format!("{id} pkce verifier").into_bytes()
}
