use super::challenge::{ChallengePurpose, ChallengeStrategy};
use super::model::{Attempt, AttemptState, ProvedReset, SignIn, SignInStatus};
use super::password::{CheckedPassword, Tries};
use super::step::{self, NewChallenge, RACES};
use crate::Zalt;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::AttemptId;
use crate::identifier::{EmailAddress, Identifier, IdentifierKey, IdentifierKind, IdentifierValue};
use crate::password::Password;
use crate::request::RequestContext;
use crate::secret::AttemptToken;
use crate::session::{AuthenticationMethod, NewSession, SignedIn, Transport};
use crate::store::{Batch, Change, CommitError, GuardReason};
use crate::user::{Account, User};

/// Signing in.
#[derive(Debug, Clone, Copy)]
pub struct SignIns<'z> {
    pub(super) zalt: &'z Zalt,
}

/// A sign-in that was begun, with the secret that binds it to whoever began it.
#[derive(Debug)]
pub struct StartedSignIn {
    /// The attempt.
    pub attempt: Attempt,
    /// What the device keeps until the attempt is over.
    pub token: AttemptToken,
}

/// Where a proof led.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "made once per sign-in and taken apart at once"
)]
pub enum SignInProgress {
    /// A session was made.
    Complete(SignedIn),
    /// A new password has to be set.
    NeedsNewPassword(Attempt),
}

impl<'z> SignIns<'z> {
    pub(crate) const fn new(zalt: &'z Zalt) -> Self {
        Self { zalt }
    }

    /// Begins a sign-in. The answer is the same for an identifier that nobody owns.
    ///
    /// # Errors
    /// [`Error::Identifier`] if the text can't be an identifier at all; [`Error::RateLimited`].
    pub async fn create(
        &self,
        request: &RequestContext,
        identifier: &str,
        transport: Transport,
    ) -> Result<StartedSignIn, Error> {
        self.zalt.take_network_budget(request, b"attempts").await?;
        let identifier = IdentifierValue::parse(identifier)?;
        let account = self
            .zalt
            .store()
            .account_by_identifier(&identifier.key())
            .await?;
        let id = AttemptId::mint(self.zalt.now(), self.zalt.rng())?;
        let state = SignIn {
            identifier,
            user_id: account.map(|account| account.user.id),
            status: SignInStatus::NeedsFirstFactor,
            challenge: None,
            sent_to: None,
            reset: None,
            transport,
        };
        let (attempt, token) = step::begin(self.zalt, id, AttemptState::SignIn(state))?;
        self.zalt
            .commit(Batch::new().change(Change::InsertAttempt(attempt.clone())))
            .await?;
        Ok(StartedSignIn { attempt, token })
    }

    /// The attempt, for whoever began it.
    ///
    /// # Errors
    /// [`Error::AttemptNotFound`].
    pub async fn find(&self, token: &AttemptToken) -> Result<Attempt, Error> {
        let attempt = step::find(self.zalt, token).await?;
        sign_in(&attempt)?;
        Ok(attempt)
    }

    /// Signs in by identifier and password in one step, without an attempt.
    ///
    /// # Errors
    /// [`Error::CredentialsIncorrect`], [`Error::RateLimited`], [`Error::AccountSuspended`] for the right password of a
    /// suspended account, [`Error::Overloaded`].
    pub async fn with_password(
        &self,
        request: &RequestContext,
        identifier: &str,
        password: Password,
        transport: Transport,
    ) -> Result<SignedIn, Error> {
        self.zalt.take_network_budget(request, b"attempts").await?;
        let key = IdentifierValue::parse(identifier)?.key();
        let account = self.zalt.store().account_by_identifier(&key).await?;
        let checked = self
            .check_password(request, account.as_ref(), Tries::Of(&key), password)
            .await?;
        let user = account.ok_or(Error::CredentialsIncorrect)?.user;
        let amr = vec![AuthenticationMethod::Password];
        self.complete(request, user, transport, amr, Some(checked), None)
            .await
    }

    /// Passes the first factor of an attempt by password.
    ///
    /// After a reset in the same attempt the tries are the attempt's own: strangers' guesses at the account don't stand in
    /// the way of whoever has just recovered it.
    ///
    /// # Errors
    /// As [`with_password`](Self::with_password), and [`Error::AttemptNotFound`] or [`Error::AttemptStep`].
    pub async fn attempt_password(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        password: Password,
    ) -> Result<SignedIn, Error> {
        self.zalt.take_network_budget(request, b"attempts").await?;
        let attempt = step::find(self.zalt, token).await?;
        let state = sign_in(&attempt)?;
        require_status(state, SignInStatus::NeedsFirstFactor)?;
        let (key, transport) = (state.identifier.key(), state.transport);
        let account = self.zalt.store().account_by_identifier(&key).await?;
        let tries = match state.reset {
            Some(_) => Tries::OfAttempt(attempt.id, &key),
            None => Tries::Of(&key),
        };
        let checked = self
            .check_password(request, account.as_ref(), tries, password)
            .await?;
        let user = account.ok_or(Error::CredentialsIncorrect)?.user;
        let amr = vec![AuthenticationMethod::Password];
        let done = with_state(&attempt, |state| state.status = SignInStatus::Complete)?;
        self.complete(request, user, transport, amr, Some(checked), Some(done))
            .await
    }

    /// Sends a code or link, for signing in or for a new password. A newer one voids the older.
    ///
    /// The answer and the time are the same whether or not anybody gets a mail. A link for a new password that is out is
    /// replaced by another such link only, so that whoever asked can't take it from the owner of the mailbox.
    ///
    /// # Errors
    /// [`Error::AttemptNotFound`], [`Error::AttemptStep`], [`Error::AttemptExhausted`], [`Error::RateLimited`].
    pub async fn prepare(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        purpose: ChallengePurpose,
        strategy: ChallengeStrategy,
    ) -> Result<Attempt, Error> {
        self.zalt.take_network_budget(request, b"messages").await?;
        let mut charged = false;
        for _ in 0..RACES {
            let mut attempt = step::find(self.zalt, token).await?;
            let state = sign_in(&attempt)?;
            require_status(state, SignInStatus::NeedsFirstFactor)?;
            if self.has_reset_link(state) && !is_reset_link(purpose, strategy) {
                return Err(Error::AttemptStep);
            }
            step::require_codes_left(self.zalt, &attempt)?;
            let key = state.identifier.key();
            let account = self.zalt.store().account_by_identifier(&key).await?;
            let user_id = account.as_ref().map(|account| account.user.id);
            let account = account.filter(|account| account.user.status.is_active());
            let recipient = account
                .as_ref()
                .and_then(|account| recipient(account, &key));
            step::count_message(self.zalt, &mut attempt)?;
            if !charged {
                step::take_message(self.zalt, &key, purpose, strategy).await?;
                charged = true;
            }

            let new = NewChallenge::mint(self.zalt, attempt.id, purpose, strategy)?;
            let updated = with_state(&attempt, |state| {
                // The owner of now, to whom the message goes.
                state.user_id = user_id;
                state.sent_to = recipient.map(|(identifier, _)| identifier.id);
                state.challenge = Some(new.challenge.clone());
            })?;
            let mut batch = Batch::new().change(Change::UpdateAttempt(updated.clone()));
            if let (Some(account), Some((_, address))) = (&account, recipient) {
                batch = batch.change(self.zalt.mail(address, new.notice(self.zalt, false))?);
                if purpose == ChallengePurpose::ResetPassword {
                    let kind = EventKind::PasswordResetRequested;
                    let user = Some(account.user.id);
                    batch = batch.event(self.zalt.event(request, Actor::Anonymous, user, kind)?);
                }
            }
            if step::commit(self.zalt, batch).await? {
                return Ok(Attempt {
                    version: updated.version + 1,
                    ..updated
                });
            }
        }
        Err(Error::Conflict)
    }

    /// Sets the new password after a reset was proved. The first factor is due again: nobody is signed in by a reset.
    ///
    /// # Errors
    /// [`Error::PasswordRefused`], [`Error::AttemptStep`], [`Error::Conflict`]; [`Error::AttemptNotFound`] also if since the
    /// proof the password was changed, all sessions were ended, or the address was removed.
    pub async fn reset_password(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        password: Password,
        sign_out_everywhere: bool,
    ) -> Result<Attempt, Error> {
        let attempt = step::find(self.zalt, token).await?;
        let state = sign_in(&attempt)?;
        require_status(state, SignInStatus::NeedsNewPassword)?;
        let user_id = state.user_id.ok_or(Error::AttemptStep)?;
        let account = self.zalt.store().account(user_id).await?;
        let account = account
            .filter(|account| {
                state.reset == Some(proved_reset(account)) && reached(account, state).is_some()
            })
            .ok_or(Error::AttemptNotFound)?;
        let updated = with_state(&attempt, |state| {
            state.status = SignInStatus::NeedsFirstFactor;
            state.challenge = None;
        })?;
        let batch = Batch::new().change(Change::UpdateAttempt(updated.clone()));
        let new = crate::user::NewPassword {
            password,
            keep: None,
            sign_out: sign_out_everywhere,
            reset: true,
        };
        self.zalt
            .users()
            .write_password(request, &account, new, batch)
            .await?;
        Ok(Attempt {
            version: updated.version + 1,
            ..updated
        })
    }

    /// Whether a link for a new password is out and still valid.
    fn has_reset_link(&self, state: &SignIn) -> bool {
        state.challenge.as_ref().is_some_and(|challenge| {
            is_reset_link(challenge.purpose, challenge.strategy)
                && self.zalt.now() < challenge.expires_at
        })
    }

    /// Makes the session, and closes the attempt if there is one, in one commit.
    async fn complete(
        &self,
        request: &RequestContext,
        user: User,
        transport: Transport,
        amr: Vec<AuthenticationMethod>,
        checked: Option<CheckedPassword>,
        attempt: Option<Attempt>,
    ) -> Result<SignedIn, Error> {
        let mut rehash = None;
        let mut batch = Batch::new().maybe(attempt.map(Change::UpdateAttempt));
        if let Some(checked) = checked {
            batch = batch.change(Change::GiveBackBudget(checked.budget));
            rehash = checked.rehash;
        }
        let (batch, new) = self.with_session(request, batch, &user, transport, amr)?;
        let plain = batch.clone();
        let rehash_at = batch.changes.len();
        let result = match self.zalt.commit(batch.maybe(rehash)).await {
            // Another sign-in brought the hash up to date first.
            Err(CommitError::Guard(failure)) if failure.change == rehash_at => {
                self.zalt.commit(plain).await
            }
            result => result,
        };
        result.map_err(completion_error)?;
        new.signed_in(self.zalt, user)
    }

    pub(super) fn with_session(
        &self,
        request: &RequestContext,
        batch: Batch,
        user: &User,
        transport: Transport,
        amr: Vec<AuthenticationMethod>,
    ) -> Result<(Batch, NewSession), Error> {
        let new = NewSession::mint(self.zalt, request, user, transport, amr.clone())?;
        let kind = EventKind::SessionCreated {
            session_id: new.session.id,
            amr,
        };
        let event = self
            .zalt
            .event(request, Actor::User(user.id), Some(user.id), kind)?;
        Ok((
            batch
                .change(Change::InsertSession(new.session.clone()))
                .event(event),
            new,
        ))
    }
}

/// The sign-in of an attempt; any other kind is as good as none.
pub(super) fn sign_in(attempt: &Attempt) -> Result<&SignIn, Error> {
    match &attempt.state {
        AttemptState::SignIn(state) => Ok(state),
        _ => Err(Error::AttemptNotFound),
    }
}

pub(super) fn with_state(
    attempt: &Attempt,
    change: impl FnOnce(&mut SignIn),
) -> Result<Attempt, Error> {
    let mut updated = attempt.clone();
    match &mut updated.state {
        AttemptState::SignIn(state) => {
            change(state);
            Ok(updated)
        }
        _ => Err(Error::AttemptNotFound),
    }
}

pub(super) fn require_status(state: &SignIn, wanted: SignInStatus) -> Result<(), Error> {
    if state.status == wanted {
        Ok(())
    } else {
        Err(Error::AttemptStep)
    }
}

/// Where a code for this account goes: the address that was typed, or the primary one if something else was.
fn recipient<'a>(
    account: &'a Account,
    typed: &IdentifierKey,
) -> Option<(&'a Identifier, &'a EmailAddress)> {
    let typed = account
        .identifiers
        .iter()
        .find(|identifier| identifier.verified_at.is_some() && identifier.value.key() == *typed)
        .filter(|identifier| identifier.value.kind() == IdentifierKind::EmailAddress);
    let identifier = typed.or_else(|| account.primary(IdentifierKind::EmailAddress))?;
    match &identifier.value {
        IdentifierValue::EmailAddress(address) => Some((identifier, address)),
        _ => None,
    }
}

/// The identifier that the challenge was sent to, if it still is the account's.
pub(super) fn reached<'a>(account: &'a Account, state: &SignIn) -> Option<&'a Identifier> {
    account
        .identifiers
        .iter()
        .find(|identifier| Some(identifier.id) == state.sent_to && identifier.verified_at.is_some())
}

pub(super) fn proved_reset(account: &Account) -> ProvedReset {
    ProvedReset {
        password_set_at: account.password.as_ref().map(|password| password.set_at),
        session_epoch: account.user.session_epoch,
    }
}

fn is_reset_link(purpose: ChallengePurpose, strategy: ChallengeStrategy) -> bool {
    purpose == ChallengePurpose::ResetPassword && strategy == ChallengeStrategy::EmailLink
}

fn completion_error(error: CommitError) -> Error {
    match error {
        // The attempt was moved on by another request.
        CommitError::Guard(failure) if failure.reason == GuardReason::VersionMismatch => {
            Error::AttemptStep
        }
        other => other.into(),
    }
}
