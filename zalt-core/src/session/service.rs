use super::model::{Assurance, AuthenticationMethod, RevokeReason, Session};
use super::requirement::{Age, Requirement};
use crate::Zalt;
use crate::attempt::{Attempt, SecondFactorProof, Tries};
use crate::config::SecondFactor;
use crate::credential::Asked;
use crate::environment::Timestamp;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::{AttemptId, SessionId, UserId};
use crate::passkey::{OpenRequest, PasskeyPurpose, PasskeyRefusal, RequestOptions};
use crate::password::Password;
use crate::request::RequestContext;
use crate::secret::SessionToken;
use crate::store::{Batch, Change, CommitError, GuardReason, Page, PageRequest};
use crate::user::User;

/// Sessions and their tokens.
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'z> {
    pub(super) zalt: &'z Zalt,
}

/// A session that was just found to be live, with its user.
#[derive(Debug, Clone)]
pub struct Authenticated {
    session: Session,
    user: User,
}

impl Authenticated {
    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Who is signed in.
    pub fn user(&self) -> &User {
        &self.user
    }
}

impl<'z> Sessions<'z> {
    pub(crate) const fn new(zalt: &'z Zalt) -> Self {
        Self { zalt }
    }

    /// Checks the token of a cookie.
    ///
    /// One query by primary key, or none where the cache knows the session. Once in a while it also writes when the
    /// session was last seen.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the token is none of ours, [`Error::SessionOver`] if its session has ended; and what
    /// [`require_unlimited`](Self::require_unlimited) says.
    pub async fn authenticate(
        &self,
        request: &RequestContext,
        token: &str,
    ) -> Result<Authenticated, Error> {
        let authenticated = self.authenticate_even_limited(request, token).await?;
        self.require_unlimited(&authenticated).await?;
        Ok(authenticated)
    }

    /// The same for a session that the policy limits, too: for what raises a session, or ends it, and for nothing else.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::SessionOver`].
    pub async fn authenticate_even_limited(
        &self,
        request: &RequestContext,
        token: &str,
    ) -> Result<Authenticated, Error> {
        let token = SessionToken::parse(token).map_err(|_| Error::Unauthenticated)?;
        let digest = Some(token.digest());
        let mut found = self.find(token.id()).await?.ok_or(Error::SessionOver)?;
        if found.0.token != digest {
            // Another replica may have given the session a new token a moment ago.
            found = self.read(token.id()).await?.ok_or(Error::SessionOver)?;
        }
        if found.0.token != digest {
            return Err(Error::Unauthenticated);
        }
        self.admit(request, found).await
    }

    /// Checks an access token and finds its session: what a request needs that changes anything.
    ///
    /// Where it is enough to know whose request it is, [`AccessTokens::verify`](crate::access_token::AccessTokens::verify)
    /// answers without a query, and a revocation takes effect when the token ends.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the token is not valid, [`Error::SessionOver`] if its session has ended; and what
    /// [`require_unlimited`](Self::require_unlimited) says.
    pub async fn authenticate_access_token(
        &self,
        request: &RequestContext,
        access_token: &str,
    ) -> Result<Authenticated, Error> {
        let authenticated = self
            .authenticate_access_token_even_limited(request, access_token)
            .await?;
        self.require_unlimited(&authenticated).await?;
        Ok(authenticated)
    }

    /// The same for a session that the policy limits, too: for what raises a session, or ends it, and for nothing else.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::SessionOver`].
    pub async fn authenticate_access_token_even_limited(
        &self,
        request: &RequestContext,
        access_token: &str,
    ) -> Result<Authenticated, Error> {
        let subject = self
            .zalt
            .access_tokens()
            .verify_even_limited(access_token)
            .await
            .map_err(|_| Error::Unauthenticated)?;
        let found = self
            .find(subject.session_id)
            .await?
            .ok_or(Error::SessionOver)?;
        if found.0.user_id != subject.user_id {
            return Err(Error::Unauthenticated);
        }
        self.admit(request, found).await
    }

    /// Requires that the user proved who they are within the configured window.
    ///
    /// # Errors
    /// [`Error::ReauthenticationRequired`] if it was longer ago.
    pub fn require_recent(&self, authenticated: &Authenticated) -> Result<(), Error> {
        self.require(authenticated, Assurance::OneFactor)
    }

    /// Requires the strongest proof that the user's account can give, within the configured window.
    async fn require_strongest(&self, authenticated: &Authenticated) -> Result<(), Error> {
        let user_id = authenticated.user().id;
        let account = self.zalt.users().find_account(user_id).await?;
        self.require(authenticated, self.zalt.strongest_proof(&account))
    }

    /// Requires that the user proved who they are, as well and as recently as `requirement` says: an [`Assurance`] by itself
    /// asks for it within the configured window.
    ///
    /// # Errors
    /// [`Error::ReauthenticationRequired`] with what is missing; [`reauthenticate`](Self::reauthenticate) and
    /// [`step_up`](Self::step_up) make up for it.
    pub fn require(
        &self,
        authenticated: &Authenticated,
        requirement: impl Into<Requirement>,
    ) -> Result<(), Error> {
        let Requirement { assurance, age } = requirement.into();
        let config = &self.zalt.config().sessions;
        let (max_age, from) = match age {
            Age::Window => {
                let window = config.reauthentication_window;
                (window, self.zalt.now() - window)
            }
            Age::Within(age) => (age, self.zalt.now() - age),
            Age::Session => (config.lifetime, Timestamp::from_unix_millis(0)),
        };
        if authenticated.session().is_proved_since(from, assurance) {
            Ok(())
        } else {
            Err(Error::ReauthenticationRequired { max_age, assurance })
        }
    }

    /// Proves again, by password, who is signed in. The session gets a new token; the old one is dead.
    ///
    /// # Errors
    /// [`Error::CredentialsIncorrect`], [`Error::RateLimited`], or [`Error::SessionOver`] if the session ended meanwhile.
    pub async fn reauthenticate(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        password: Password,
    ) -> Result<Option<SessionToken>, Error> {
        self.zalt.take_network_budget(request, b"attempts").await?;
        let session = authenticated.session();
        let account = self.zalt.users().find_account(session.user_id).await?;
        let checked = self
            .zalt
            .sign_ins()
            .check_password(request, Some(&account), Tries::OfAccount, password)
            .await?;
        let batch = Batch::new().change(Change::GiveBackBudget(checked.budget));
        let method = AuthenticationMethod::Password;
        self.prove(request, session, method, batch).await
    }

    /// Proves by a second factor who is signed in, and so raises what the session may do. The session gets a new token; the
    /// old one is dead.
    ///
    /// # Errors
    /// [`Error::CodeIncorrect`], [`Error::PasskeyRefused`], [`Error::RateLimited`], or [`Error::SessionOver`] if the session
    /// ended meanwhile.
    pub async fn step_up(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        proof: &SecondFactorProof,
    ) -> Result<Option<SessionToken>, Error> {
        self.step_up_by(request, authenticated, proof, None).await
    }

    /// Sends the code with which the person who is signed in steps up. The attempt's id names it.
    ///
    /// # Errors
    /// [`Error::FactorNotAllowed`], also if the session began by a code of the same kind; [`Error::NotFound`] if it is not
    /// set up; [`Error::RateLimited`], [`Error::PhoneNumberNotAllowed`], [`Error::SessionOver`].
    pub async fn prepare_step_up(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        factor: SecondFactor,
    ) -> Result<Attempt, Error> {
        self.zalt
            .begin_step_up(request, authenticated, factor)
            .await
    }

    /// The same as [`step_up`](Self::step_up) by the code that was sent for the attempt named.
    ///
    /// # Errors
    /// As [`step_up`](Self::step_up); [`Error::AttemptNotFound`] if the session did not ask for it, and
    /// [`Error::AttemptExhausted`].
    pub async fn step_up_by_message(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: AttemptId,
        proof: &SecondFactorProof,
    ) -> Result<Option<SessionToken>, Error> {
        self.step_up_by(request, authenticated, proof, Some(id))
            .await
    }

    async fn step_up_by(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        proof: &SecondFactorProof,
        sent: Option<AttemptId>,
    ) -> Result<Option<SessionToken>, Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"proofs").await?;
        let session = authenticated.session();
        let by_message = proof.factor().filter(|factor| factor.message().is_some());
        if by_message.is_some_and(|factor| !session.goes_with(factor)) {
            return Err(Error::FactorNotAllowed);
        }
        let sent = match (by_message, sent) {
            (Some(_), Some(id)) => Some(zalt.find_step_up(session, id).await?),
            (Some(_), None) => return Err(Error::AttemptNotFound),
            (None, _) => None,
        };
        let account = zalt.users().find_account(session.user_id).await?;
        let user_id = account.user.id;
        zalt.take_second_factor(request, user_id, proof).await?;
        let open = match proof {
            SecondFactorProof::Passkey(response) => {
                let (purpose, data) = (PasskeyPurpose::StepUp, &response.client_data);
                Some(zalt.own_passkey_request(session, purpose, data).await?)
            }
            _ => None,
        };
        let asked = Asked {
            request: open.as_ref().and_then(OpenRequest::request),
            first: None,
            code: sent.as_ref().and_then(Attempt::sent_code),
        };
        let checked = zalt.use_credential(&account, proof, asked)?;
        // Whatever was answered, the request is over.
        let right = checked.is_ok();
        let batch = Batch::new()
            .maybe(open.map(OpenRequest::over))
            .maybe(sent.map(|attempt| attempt.step_up_tried(right)));
        let used = match checked {
            Ok(used) => used,
            Err(wrong) => {
                let error = wrong.error();
                let batch = zalt.noting_wrong_proof(request, Some(user_id), wrong, batch)?;
                zalt.commit(batch).await?;
                return Err(error);
            }
        };
        let method = used.method;
        let budget = zalt.second_factor_budget(user_id);
        let batch = batch.change(Change::GiveBackBudget(budget));
        let batch = zalt.using(request, &account, used, batch)?;
        match self.prove(request, session, method, batch).await {
            // It was used elsewhere meanwhile, so it is a used one.
            Err(Error::Conflict) => Err(match proof {
                SecondFactorProof::Passkey(_) => Error::PasskeyRefused(PasskeyRefusal::NoRequest),
                _ => Error::CodeIncorrect,
            }),
            result => result,
        }
    }

    /// Asks for a passkey of the person who is signed in, to [step up](Self::step_up) with the answer.
    ///
    /// # Errors
    /// [`Error::FactorNotAllowed`], [`Error::NotFound`] if they have none, [`Error::RateLimited`].
    pub async fn prepare_passkey(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
    ) -> Result<RequestOptions, Error> {
        let zalt = self.zalt;
        let config = zalt.config();
        // Whoever signed in with one has to be able to show it again.
        if !config.first_factors.passkey {
            config
                .second_factors
                .methods
                .require(SecondFactor::Passkey)?;
        }
        zalt.take_network_budget(request, b"passkeys").await?;
        let session = authenticated.session();
        let account = zalt.users().find_account(session.user_id).await?;
        let passkeys: Vec<_> = account.passkeys().map(|(_, passkey)| passkey).collect();
        if passkeys.is_empty() {
            return Err(Error::NotFound);
        }
        let (open, insert) = zalt.begin_own_passkey_request(session, PasskeyPurpose::StepUp)?;
        let options = zalt.request_options(passkeys, &open, zalt.always_verifies())?;
        let still_live = self.still_live(request, session);
        let batch = Batch::new().change(still_live).change(insert);
        zalt.commit(batch).await?;
        Ok(options)
    }

    /// Completes `batch` with what a proof does to a session, and commits it.
    async fn prove(
        &self,
        request: &RequestContext,
        session: &Session,
        method: AuthenticationMethod,
        batch: Batch,
    ) -> Result<Option<SessionToken>, Error> {
        let (batch, token) = self.zalt.raising(request, session, method, batch)?;
        self.zalt.commit(batch).await?;
        Ok(token)
    }

    /// The live sessions of a user, newest first.
    pub async fn list(&self, user_id: UserId, page: PageRequest) -> Result<Page<Session>, Error> {
        Ok(self
            .zalt
            .store()
            .live_sessions(user_id, self.zalt.now(), page)
            .await?)
    }

    /// Ends the session that asks. It is no error if it has ended already.
    pub async fn sign_out(&self, request: &RequestContext, session: &Session) -> Result<(), Error> {
        self.end(request, session, RevokeReason::SignedOut, None)
            .await
    }

    /// Ends one session of the user who asks. Another than the one that asks needs a recent authentication: a stolen
    /// session must not throw its owner out.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such session, or it belongs to somebody else;
    /// [`Error::ReauthenticationRequired`], and [`Error::SessionOver`] if the one that asks has ended itself.
    pub async fn revoke(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: SessionId,
    ) -> Result<(), Error> {
        let asking = authenticated.session();
        let reason = RevokeReason::RevokedByUser;
        if id == asking.id {
            return self.end(request, asking, reason, None).await;
        }
        self.require_strongest(authenticated).await?;
        let session = self
            .zalt
            .store()
            .session(id)
            .await?
            .filter(|session| session.user_id == asking.user_id);
        let session = session.ok_or(Error::NotFound)?;
        let guard = self.still_live(request, asking);
        self.end(request, &session, reason, Some(guard)).await
    }

    /// Ends every session of the user who asks, except the one that asks.
    ///
    /// # Errors
    /// [`Error::ReauthenticationRequired`], and [`Error::SessionOver`] if the one that asks has ended itself.
    pub async fn revoke_others(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
    ) -> Result<(), Error> {
        let except = Some(authenticated.session().id);
        self.end_all(request, authenticated, except).await
    }

    /// Ends every session of the user who asks.
    ///
    /// # Errors
    /// [`Error::ReauthenticationRequired`], and [`Error::SessionOver`] if the one that asks has ended itself.
    pub async fn revoke_all(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
    ) -> Result<(), Error> {
        self.end_all(request, authenticated, None).await
    }

    /// `guard` is committed with it, or nothing is.
    async fn end(
        &self,
        request: &RequestContext,
        session: &Session,
        reason: RevokeReason,
        guard: Option<Change>,
    ) -> Result<(), Error> {
        let user = session.user_id;
        let kind = EventKind::SessionRevoked {
            session_id: session.id,
            reason,
        };
        let event = self
            .zalt
            .event(request, Actor::User(user), Some(user), kind)?;
        let change = Change::RevokeSession {
            id: session.id,
            at: self.zalt.now(),
            reason,
        };
        let batch = Batch::new().change(change).maybe(guard).event(event);
        match self.zalt.commit(batch).await {
            Err(CommitError::Guard(failure))
                if failure.change == 0
                    && matches!(
                        failure.reason,
                        GuardReason::SessionRevoked | GuardReason::NotFound
                    ) =>
            {
                Ok(())
            }
            result => Ok(result?),
        }
    }

    async fn end_all(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        except: Option<SessionId>,
    ) -> Result<(), Error> {
        self.require_strongest(authenticated).await?;
        let session = authenticated.session();
        let user_id = session.user_id;
        let reason = RevokeReason::RevokedByUser;
        let kind = EventKind::AllSessionsRevoked { except, reason };
        let event = self
            .zalt
            .event(request, Actor::User(user_id), Some(user_id), kind)?;
        let batch = Batch::new()
            .change(self.still_live(request, session))
            .change(Change::RevokeUserSessions {
                user_id,
                except,
                at: self.zalt.now(),
                reason,
            })
            .event(event);
        Ok(self.zalt.commit(batch).await?)
    }

    /// What a change of the account by its owner rides with: its guard fails if the session was ended since the request was
    /// admitted, be it a moment ago or on another replica that this one's cache has not heard of.
    pub(crate) fn still_live(&self, request: &RequestContext, session: &Session) -> Change {
        self.touched(request, session, self.zalt.now())
    }

    fn touched(&self, request: &RequestContext, session: &Session, now: Timestamp) -> Change {
        Change::TouchSession {
            id: session.id,
            last_seen_at: now,
            idle_expires_at: (now + self.zalt.config().sessions.idle_timeout)
                .min(session.expires_at),
            ip: request.ip(),
        }
    }

    /// The session with its user, past any cache: for decisions that no guard repeats.
    pub(super) async fn read(&self, id: SessionId) -> Result<Option<(Session, User)>, Error> {
        let store = self.zalt.store();
        let Some(session) = store.session(id).await? else {
            return Ok(None);
        };
        let user = store.user(session.user_id).await?;
        Ok(user.map(|user| (session, user)))
    }

    /// The session with its user, live or not, as any cache has it.
    pub(super) async fn find(&self, id: SessionId) -> Result<Option<(Session, User)>, Error> {
        Ok(self.zalt.store().session_with_user(id).await?)
    }

    async fn admit(
        &self,
        request: &RequestContext,
        (session, user): (Session, User),
    ) -> Result<Authenticated, Error> {
        let now = self.zalt.now();
        if !session.is_live(now) || !user.is_usable() {
            return Err(Error::SessionOver);
        }
        if now.since(session.last_seen_at) >= self.zalt.config().sessions.touch_interval {
            self.touch(request, &session, now).await?;
        }
        Ok(Authenticated { session, user })
    }

    async fn touch(
        &self,
        request: &RequestContext,
        session: &Session,
        now: Timestamp,
    ) -> Result<(), Error> {
        let change = self.touched(request, session, now);
        match self.zalt.commit(Batch::new().change(change)).await {
            Ok(()) => Ok(()),
            Err(CommitError::Guard(_)) => Err(Error::SessionOver),
            Err(CommitError::Store(error)) => {
                // A full disk must not sign everybody out: the session was read and is live.
                tracing::warn!(%error, session = %session.id, "when the session was last seen could not be written");
                Ok(())
            }
        }
    }
}
