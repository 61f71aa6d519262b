//! ID tokens that apps get by themselves: Google One Tap, Sign in with Apple.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::arrival::{Arrived, Origin};
use super::begin::{AT_PROVIDER, random};
use super::callback::ConnectionReturn;
use crate::attempt::model::{Attempt, AttemptState};
use crate::attempt::step;
use crate::connection::{
    ConnectionAttempt, ConnectionFailure, ConnectionKey, ConnectionPurpose, ConnectionStatus,
    Connections, IdTokenProblem, ProviderError, RedirectMode, Usable, ViaConnection,
};
use crate::environment::Timestamp;
use crate::error::Error;
use crate::id::AttemptId;
use crate::request::RequestContext;
use crate::secret::{AttemptToken, TokenDigest};
use crate::session::Transport;
use crate::store::{Batch, Change};

/// A nonce for an ID token that an app gets.
#[derive(Debug)]
pub struct StartedIdToken {
    /// The attempt.
    pub attempt: Attempt,
    /// What the app keeps, to show it with the ID token.
    pub token: AttemptToken,
    /// What the app has the provider put into the ID token.
    pub nonce: Zeroizing<String>,
}

/// What binds an ID token to the app that hands it in.
#[derive(Debug, Clone, Copy)]
pub enum IdTokenNonce<'a> {
    /// A nonce of ours, by the attempt that it was made for. It is good for one token.
    Ours(&'a AttemptToken),
    /// One that the app made, or none. What can be checked then is that no token is handed in twice.
    Apps(Option<&'a str>),
}

const MAX_ID_TOKEN: usize = 16 * 1024;
const MAX_NONCE: usize = 1024;

impl Connections<'_> {
    /// Makes a nonce for an app that gets an ID token by itself.
    ///
    /// # Errors
    /// [`Error::ConnectionNotFound`], [`Error::FactorNotAllowed`] if the provider has no such tokens, [`Error::RateLimited`].
    pub async fn begin_id_token(
        &self,
        request: &RequestContext,
        key: &ConnectionKey,
        transport: Transport,
    ) -> Result<StartedIdToken, Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"attempts").await?;
        require_id_tokens(&self.find_usable(key).await?)?;
        let nonce = random(zalt.rng())?;
        let id = AttemptId::mint(zalt.now(), zalt.rng())?;
        let state = ConnectionAttempt {
            via: via(key),
            purpose: ConnectionPurpose::IdToken,
            status: ConnectionStatus::AtProvider,
            state: None,
            nonce: nonce.to_string(),
            pkce_verifier: None,
            transport,
        };
        let (mut attempt, token) = step::begin(zalt, id, AttemptState::Connection(state))?;
        attempt.expires_at = attempt.expires_at.min(zalt.now() + AT_PROVIDER);
        zalt.commit(Batch::new().change(Change::InsertAttempt(attempt.clone())))
            .await?;
        Ok(StartedIdToken {
            attempt,
            token,
            nonce,
        })
    }

    /// Signs in or up with an ID token that an app got by itself. Each is taken once.
    ///
    /// # Errors
    /// As [`callback`](Self::callback), and [`Error::FactorNotAllowed`], [`Error::AttemptNotFound`].
    pub async fn take_id_token(
        &self,
        request: &RequestContext,
        key: &ConnectionKey,
        id_token: &str,
        nonce: IdTokenNonce<'_>,
        transport: Transport,
    ) -> Result<ConnectionReturn, Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"proofs").await?;
        let usable = self.find_usable(key).await?;
        require_id_tokens(&usable)?;
        let (claimed, expected) = match nonce {
            IdTokenNonce::Ours(token) => {
                let (attempt, nonce) = self.claim_nonce(request, key, token).await?;
                (Some(attempt), Some(nonce))
            }
            IdTokenNonce::Apps(nonce) => (None, nonce.map(str::to_owned)),
        };
        let fits = id_token.len() <= MAX_ID_TOKEN
            && expected
                .as_ref()
                .is_none_or(|nonce| nonce.len() <= MAX_NONCE);
        let verified = if fits {
            let (settings, nonce) = (&usable.settings, expected.as_deref());
            let verifying = usable
                .protocol
                .verify_id_token(settings, id_token, nonce, zalt.now());
            verifying.await
        } else {
            Err(ProviderError::IdTokenInvalid(IdTokenProblem::Malformed))
        };
        let verified = match verified {
            Ok(verified) => verified,
            Err(error) => {
                tracing::warn!(connection = %key, %error, "an ID token was not accepted");
                let reason = ConnectionFailure::from(&error);
                return Err(self.failed(request, None, key, reason).await);
            }
        };
        let arrived = Arrived::new(&usable, verified.identity, None, via(key));
        let Some(arrived) = arrived else {
            let reason = ConnectionFailure::BadAnswer;
            return Err(self.failed(request, None, key, reason).await);
        };
        let origin = match claimed {
            Some(attempt) => Origin::Attempt(Box::new(attempt)),
            None => Origin::IdToken(Box::new(self.used(id_token, verified.expires_at))),
        };
        let progress = self.arrive(request, &arrived, &origin, transport).await?;
        Ok(ConnectionReturn {
            progress,
            return_to: None,
            mode: RedirectMode::Redirect,
        })
    }

    /// Uses up the attempt that a nonce was made for, before the token is looked at.
    async fn claim_nonce(
        &self,
        request: &RequestContext,
        key: &ConnectionKey,
        token: &AttemptToken,
    ) -> Result<(Attempt, String), Error> {
        let mut attempt = self.find(token).await?;
        let AttemptState::Connection(state) = &mut attempt.state else {
            return Err(Error::AttemptNotFound);
        };
        let is_open = state.status == ConnectionStatus::AtProvider;
        let is_own = state.purpose == ConnectionPurpose::IdToken && state.via.key == *key;
        state.status = ConnectionStatus::CameBack;
        let nonce = state.nonce.clone();
        if !is_own {
            return Err(Error::AttemptNotFound);
        }
        let batch = Batch::new().change(Change::UpdateAttempt(attempt.clone()));
        if is_open && step::commit(self.zalt, batch).await? {
            return Ok((step::written(attempt), nonce));
        }
        let reason = ConnectionFailure::Replayed;
        Err(self.failed(request, None, key, reason).await)
    }

    /// The attempt that a token is used up by, until nobody would accept it any more. Its id comes from what the provider has
    /// signed and not from the signature, of which some kinds have a second spelling.
    fn used(&self, id_token: &str, until: Timestamp) -> Change {
        let signed = id_token.rsplit_once('.').map_or(id_token, |parts| parts.0);
        let digest = Sha256::digest(signed.as_bytes());
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(&digest) {
            *to = *from;
        }
        let now = self.zalt.now();
        Change::InsertAttempt(Attempt {
            id: AttemptId::from_bytes(id),
            token: TokenDigest::from_bytes(digest.into()),
            state: AttemptState::UsedIdToken,
            failed_codes: 0,
            sent_messages: 0,
            created_at: now,
            expires_at: until.max(now + AT_PROVIDER),
            version: 0,
        })
    }
}

const fn require_id_tokens(usable: &Usable) -> Result<(), Error> {
    if usable.traits.native_id_tokens {
        Ok(())
    } else {
        Err(Error::FactorNotAllowed)
    }
}

fn via(key: &ConnectionKey) -> ViaConnection {
    ViaConnection {
        key: key.clone(),
        return_to: None,
        mode: RedirectMode::Redirect,
        pending: None,
    }
}
