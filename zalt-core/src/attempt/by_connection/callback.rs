//! The way back from a provider.

use std::fmt;

use super::arrival::{Arrived, Origin};
use super::begin::{digest, verifier_row};
use crate::attempt::model::{Attempt, AttemptState};
use crate::attempt::sign_in::SignInProgress;
use crate::attempt::step;
use crate::connection::{
    ConnectionAttempt, ConnectionFailure, ConnectionKey, ConnectionPurpose, ConnectionStatus,
    Connections, Redemption, RedirectMode, ReturnAddress, Usable,
};
use crate::credential::Credential;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::UserId;
use crate::request::RequestContext;
use crate::secret::AttemptToken;
use crate::session::{Authenticated, SignedIn};
use crate::store::{Batch, Change};

/// What came back with the browser, as it was sent.
#[derive(Clone, Copy, Default)]
pub struct ConnectionAnswer<'a> {
    /// The `state`.
    pub state: Option<&'a str>,
    /// The `code`.
    pub code: Option<&'a str>,
    /// The `error`.
    pub error: Option<&'a str>,
    /// The `iss` (RFC 9207).
    pub iss: Option<&'a str>,
    /// The `user` that Apple posts when it sees a person for the first time.
    pub user_json: Option<&'a str>,
}

impl fmt::Debug for ConnectionAnswer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionAnswer").finish_non_exhaustive()
    }
}

/// Where somebody came to be, and where they go.
#[derive(Debug)]
pub struct ConnectionReturn {
    /// Where they came to be.
    pub progress: ConnectionProgress,
    /// Where they wanted to be.
    pub return_to: Option<ReturnAddress>,
    /// How the page is shown that they come back to.
    pub mode: RedirectMode,
}

/// Where the way through a provider led.
#[derive(Debug)]
pub enum ConnectionProgress {
    /// They have an account here. It is a sign-in whose first factor was passed.
    SignIn(SignInProgress),
    /// They had none and have one now.
    SignedUp(SignedIn),
    /// The address has an account here. The attempt is a sign-in to it; whoever completes it has both, and they are linked.
    ProveAccount(Started),
    /// The provider does not vouch for the address. The attempt is a sign-up, and a code is on its way.
    VerifyAddress(Started),
    /// The provider told no address.
    NeedsEmailAddress(Started),
    /// The account there was added to the one here.
    Linked(Credential),
}

/// An attempt that goes on.
#[derive(Debug)]
pub struct Started {
    /// The attempt.
    pub attempt: Attempt,
    /// Its token, if the attempt was begun by this very step. Otherwise it is the one that the browser has.
    pub token: Option<AttemptToken>,
}

const MAX_CODE: usize = 4096;
const MAX_USER_JSON: usize = 4096;
const MAX_ISSUER: usize = 2048;

impl Connections<'_> {
    /// Takes up what came back from a provider, in the browser that was sent there: `token` is what it keeps. Whatever comes of
    /// it, the attempt is used up, unless what came back was not its own.
    ///
    /// A link needs `authenticated` to be the session that asked for it.
    ///
    /// # Errors
    /// [`Error::ConnectionStateMismatch`], [`Error::ConnectionRefused`], [`Error::ConnectionUnavailable`],
    /// [`Error::ConnectionAnswerInvalid`], [`Error::ConnectionNotFound`], [`Error::ExternalAccountTaken`],
    /// [`Error::SignUpClosed`], [`Error::AccountSuspended`], [`Error::AccountFrozen`], [`Error::TooManyCredentials`],
    /// [`Error::RateLimited`]. Each is an event, but for a browser that was sent nowhere.
    pub async fn callback(
        &self,
        request: &RequestContext,
        key: &ConnectionKey,
        token: Option<&AttemptToken>,
        authenticated: Option<&Authenticated>,
        answer: ConnectionAnswer<'_>,
    ) -> Result<ConnectionReturn, Error> {
        let zalt = self.zalt;
        // Any page can send a browser here that was sent nowhere. It must not cost those who share its network their tries, and
        // there is nothing to tell of it.
        let token = token.ok_or(Error::ConnectionStateMismatch)?;
        zalt.take_network_budget(request, b"proofs").await?;
        let (attempt, state) = match self.own_attempt(key, token, answer).await? {
            Ok(own) => own,
            Err(reason) => return Err(self.failed(request, None, key, reason).await),
        };
        let user_id = user_of(&state);
        let problem = problem(&state, authenticated, answer);
        let attempt = self.claim(request, attempt, user_id, problem).await?;
        let (Some(code), None) = (answer.code, problem) else {
            let problem = problem.unwrap_or(ConnectionFailure::AnswerIncomplete);
            return Err(problem.error());
        };
        let usable = self.still_usable(request, user_id, key).await?;
        let sealed = state.pkce_verifier.as_ref().ok_or(Error::AttemptStep)?;
        let verifier = zalt
            .encryption_keys()
            .open(&verifier_row(attempt.id), sealed)?;
        let verifier = std::str::from_utf8(&verifier)
            .map_err(|_| Error::Internal("a PKCE verifier is no text"))?;
        let redemption = Redemption {
            redirect_uri: &self.redirect_uri(key)?,
            code,
            iss: answer.iss,
            nonce: &state.nonce,
            pkce_verifier: verifier,
            user_json: answer.user_json,
            now: zalt.now(),
        };
        let redeemed = usable.protocol.redeem(&usable.settings, &redemption).await;
        let redeemed = match redeemed {
            Ok(redeemed) => redeemed,
            Err(error) => {
                tracing::warn!(connection = %key, %error, "a provider's answer was not accepted");
                let reason = ConnectionFailure::from(&error);
                return Err(self.failed(request, user_id, key, reason).await);
            }
        };
        let (return_to, mode) = (state.via.return_to.clone(), state.via.mode);
        let identity = redeemed.identity;
        let arrived = Arrived::new(&usable, identity, Some(redeemed.tokens), state.via);
        let Some(arrived) = arrived else {
            let reason = ConnectionFailure::BadAnswer;
            return Err(self.failed(request, user_id, key, reason).await);
        };
        let progress = if let ConnectionPurpose::Link { .. } = state.purpose
            && let Some(authenticated) = authenticated
        {
            self.link(request, authenticated, &arrived, attempt).await?
        } else {
            let origin = Origin::Attempt(Box::new(attempt));
            self.arrive(request, &arrived, &origin, state.transport)
                .await?
        };
        Ok(ConnectionReturn {
            progress,
            return_to,
            mode,
        })
    }

    /// The connection, which may have been switched off while somebody was at the provider.
    pub(super) async fn still_usable(
        &self,
        request: &RequestContext,
        user_id: Option<UserId>,
        key: &ConnectionKey,
    ) -> Result<Usable, Error> {
        match self.find_usable(key).await {
            Err(Error::ConnectionNotFound) => {
                let reason = ConnectionFailure::SwitchedOff;
                Err(self.failed(request, user_id, key, reason).await)
            }
            result => result,
        }
    }

    /// The attempt of this browser that the answer belongs to. Of one that is not its own nothing is used up: somebody else may
    /// have made the browser come here.
    async fn own_attempt(
        &self,
        key: &ConnectionKey,
        token: &AttemptToken,
        answer: ConnectionAnswer<'_>,
    ) -> Result<Result<(Attempt, ConnectionAttempt), ConnectionFailure>, Error> {
        let attempt = match step::find(self.zalt, token).await {
            Ok(attempt) => attempt,
            Err(Error::AttemptNotFound) => return Ok(Err(ConnectionFailure::StateMismatch)),
            Err(error) => return Err(error),
        };
        let state = match &attempt.state {
            AttemptState::Connection(state) => state.clone(),
            // It has gone on as something else.
            _ => return Ok(Err(ConnectionFailure::Replayed)),
        };
        let shown = answer.state.map(digest);
        if shown.is_none() || shown != state.state {
            return Ok(Err(ConnectionFailure::StateMismatch));
        }
        if state.status != ConnectionStatus::AtProvider {
            return Ok(Err(ConnectionFailure::Replayed));
        }
        if state.via.key != *key {
            return Ok(Err(ConnectionFailure::OtherConnection));
        }
        Ok(Ok((attempt, state)))
    }

    /// Uses up the attempt before anything is done with what came back: of two answers one is looked at.
    async fn claim(
        &self,
        request: &RequestContext,
        attempt: Attempt,
        user_id: Option<UserId>,
        problem: Option<ConnectionFailure>,
    ) -> Result<Attempt, Error> {
        let mut claimed = attempt;
        let AttemptState::Connection(state) = &mut claimed.state else {
            return Err(Error::AttemptNotFound);
        };
        state.status = ConnectionStatus::CameBack;
        state.pkce_verifier = None;
        let key = state.via.key.clone();
        let mut batch = Batch::new().change(Change::UpdateAttempt(claimed.clone()));
        if let Some(reason) = problem {
            batch = self.noting_failure(request, user_id, &key, reason, batch)?;
        }
        if step::commit(self.zalt, batch).await? {
            Ok(step::written(claimed))
        } else {
            let reason = ConnectionFailure::Replayed;
            Err(self.failed(request, user_id, &key, reason).await)
        }
    }

    /// Completes `batch` with why nobody came in.
    pub(super) fn noting_failure(
        &self,
        request: &RequestContext,
        user_id: Option<UserId>,
        key: &ConnectionKey,
        reason: ConnectionFailure,
        batch: Batch,
    ) -> Result<Batch, Error> {
        let kind = EventKind::ConnectionFailed {
            connection: key.clone(),
            reason,
        };
        let event = self.zalt.event(request, Actor::Anonymous, user_id, kind)?;
        Ok(batch.event(event))
    }
}

/// Why nothing can come of an answer that is the attempt's own.
fn problem(
    state: &ConnectionAttempt,
    authenticated: Option<&Authenticated>,
    answer: ConnectionAnswer<'_>,
) -> Option<ConnectionFailure> {
    if let ConnectionPurpose::Link { session_id, .. } = state.purpose
        && authenticated.is_none_or(|own| own.session().id != session_id)
    {
        return Some(ConnectionFailure::SessionOver);
    }
    if let Some(error) = answer.error {
        return Some(refusal(error));
    }
    let fits = |text: Option<&str>, most| text.is_none_or(|text| text.len() <= most);
    let is_whole = answer.code.is_some_and(|code| !code.is_empty())
        && fits(answer.code, MAX_CODE)
        && fits(answer.iss, MAX_ISSUER)
        && fits(answer.user_json, MAX_USER_JSON);
    (!is_whole).then_some(ConnectionFailure::AnswerIncomplete)
}

/// Who is known to have begun it.
const fn user_of(state: &ConnectionAttempt) -> Option<UserId> {
    match state.purpose {
        ConnectionPurpose::Link { user_id, .. } => Some(user_id),
        ConnectionPurpose::SignIn | ConnectionPurpose::IdToken => None,
    }
}

/// What an error that a provider sends the browser back with stands for (RFC 6749, section 4.1.2.1, and what some say in place
/// of `access_denied`).
fn refusal(error: &str) -> ConnectionFailure {
    match error {
        "access_denied"
        | "user_denied"
        | "user_cancelled_login"
        | "user_cancelled_authorize"
        | "login_required"
        | "consent_required"
        | "interaction_required"
        | "account_selection_required" => ConnectionFailure::RefusedByPerson,
        "server_error" | "temporarily_unavailable" => ConnectionFailure::Unreachable,
        _ => ConnectionFailure::RefusedByProvider,
    }
}
