//! Sessions that have less than the policy asks for by now.

use super::model::{Assurance, AuthenticationMethod, Session};
use super::service::{Authenticated, Sessions};
use crate::Zalt;
use crate::access_token::SigningKeyError;
use crate::config::SecondFactorPolicy;
use crate::environment::Timestamp;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::request::RequestContext;
use crate::secret::SessionToken;
use crate::store::{Batch, Change};
use crate::user::User;

impl Sessions<'_> {
    /// Refuses a session that the policy limits: where everybody needs a second factor, in live sessions too
    /// ([`applies_to_live_sessions`](crate::config::SecondFactorConfig::applies_to_live_sessions)), one that proved none.
    ///
    /// Costs no query for a session that is not limited.
    ///
    /// # Errors
    /// [`Error::ReauthenticationRequired`] for two factors if the user has a second one to show,
    /// [`Error::MfaEnrollmentRequired`] if they have none.
    pub async fn require_unlimited(&self, authenticated: &Authenticated) -> Result<(), Error> {
        let zalt = self.zalt;
        let (session, user) = (authenticated.session(), authenticated.user());
        if !zalt.is_limited(session, user) {
            return Ok(());
        }
        let account = zalt.users().find_account(user.id).await?;
        if !zalt.has_second_factor(&account) {
            return Err(Error::MfaEnrollmentRequired);
        }
        Err(Error::ReauthenticationRequired {
            max_age: zalt.config().sessions.lifetime,
            assurance: Assurance::TwoFactors,
        })
    }
}

impl Zalt {
    /// Whether a session may be raised and ended, and nothing else.
    pub(crate) fn is_limited(&self, session: &Session, user: &User) -> bool {
        let config = &self.config().second_factors;
        config.applies_to_live_sessions
            && config.policy == SecondFactorPolicy::Required
            && !self.is_in_grace(user)
            && !self.meets_policy(session)
    }

    /// Whether somebody whose account is older than the policy may go on without a second factor for a while.
    pub(crate) fn is_in_grace(&self, user: &User) -> bool {
        let until = self.config().second_factors.grace_until;
        until.is_some_and(|until| self.now() < until && user.created_at < until)
    }

    /// An access token for a session of this user, by which nobody acts while the session is limited.
    pub(crate) fn issue_access_token(
        &self,
        session: &Session,
        user: &User,
    ) -> Result<(String, Timestamp), SigningKeyError> {
        let tokens = self.access_tokens();
        if self.is_limited(session, user) {
            tokens.issue_limited(session)
        } else {
            tokens.issue(session)
        }
    }

    /// Whether what a session proved would have been enough to begin it now.
    fn meets_policy(&self, session: &Session) -> bool {
        let proved = |wanted: fn(AuthenticationMethod) -> bool| {
            let mut proofs = session.amr.iter();
            proofs.any(|proof| wanted(proof.method))
        };
        let trusted = self.config().trusted_devices.is_some()
            && proved(|method| method == AuthenticationMethod::TrustedDevice);
        let two = if self.config().second_factors.passkeys_protect {
            session.assurance() >= Some(Assurance::TwoFactors)
        } else {
            // A passkey is a first factor only.
            proved(|method| !method.is_second_factor() || method.is_passkey())
                && proved(|method| method.is_second_factor() && !method.is_passkey())
        };
        trusted || two
    }

    /// Completes the batch in which somebody sets up a second factor that they showed: a session that was limited for the want
    /// of it is raised. It gets a new token, so that whoever else has the old one is out.
    pub(crate) fn raising_limited(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        method: AuthenticationMethod,
        batch: Batch,
    ) -> Result<(Batch, Option<SessionToken>), Error> {
        let session = authenticated.session();
        if self.is_limited(session, authenticated.user()) {
            self.raising(request, session, method, batch)
        } else {
            Ok((batch, None))
        }
    }

    /// Completes a batch with what a proof does to a session.
    pub(super) fn raising(
        &self,
        request: &RequestContext,
        session: &Session,
        method: AuthenticationMethod,
        batch: Batch,
    ) -> Result<(Batch, Option<SessionToken>), Error> {
        let at = self.now();
        let token = match session.token {
            Some(_) => Some(SessionToken::mint(session.id, self.rng())?),
            None => None,
        };
        let user = session.user_id;
        let kind = EventKind::SessionReauthenticated {
            session_id: session.id,
            method,
        };
        let event = self.event(request, Actor::User(user), Some(user), kind)?;
        let batch = batch
            .change(Change::ReauthenticateSession {
                id: session.id,
                expected: session.token,
                token: token.as_ref().map(SessionToken::digest),
                amr: session.amr_with(&[method], at),
                at,
            })
            .event(event);
        Ok((batch, token))
    }
}
