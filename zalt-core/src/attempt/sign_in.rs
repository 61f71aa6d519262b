use super::challenge::{ChallengePurpose, ChallengeStrategy};
use super::model::{Attempt, AttemptState, SignIn, SignInStatus};
use super::password::CheckedPassword;
use super::proof::Proof;
use super::step::{self, NewChallenge, RACES};
use crate::Zalt;
use crate::budget::BudgetKey;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::{AttemptId, UserId};
use crate::identifier::{EmailAddress, IdentifierKey, IdentifierKind, IdentifierValue};
use crate::password::Password;
use crate::request::RequestContext;
use crate::secret::{AttemptToken, LinkToken};
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

/// Whose the attempt is once a proof was right.
#[derive(Clone, Copy)]
enum Holder<'t> {
    /// Whoever began it and shows this token.
    Same(&'t AttemptToken),
    /// Whoever gets this token now.
    Next(&'t AttemptToken),
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
            .check_password(request, account.as_ref(), Some(&key), password)
            .await?;
        let user = account.ok_or(Error::CredentialsIncorrect)?.user;
        let amr = vec![AuthenticationMethod::Password];
        self.complete(request, user, transport, amr, Some(checked), None)
            .await
    }

    /// Passes the first factor of an attempt by password.
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
        let checked = self
            .check_password(request, account.as_ref(), Some(&key), password)
            .await?;
        let user = account.ok_or(Error::CredentialsIncorrect)?.user;
        let amr = vec![AuthenticationMethod::Password];
        let done = with_state(&attempt, |state| state.status = SignInStatus::Complete)?;
        self.complete(request, user, transport, amr, Some(checked), Some(done))
            .await
    }

    /// Sends a code or link, for signing in or for a new password. A newer one voids the older.
    ///
    /// The answer and the time are the same whether or not anybody gets a mail.
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
        for _ in 0..RACES {
            let mut attempt = step::find(self.zalt, token).await?;
            let state = sign_in(&attempt)?;
            require_status(state, SignInStatus::NeedsFirstFactor)?;
            let key = state.identifier.key();
            let account = self.zalt.store().account_by_identifier(&key).await?;
            let account = account.filter(|account| account.user.status.is_active());
            step::take_message(self.zalt, &mut attempt, &key).await?;
            step::require_codes_left(self.zalt, &attempt)?;

            let new = NewChallenge::mint(self.zalt, attempt.id, purpose, strategy)?;
            let updated = with_state(&attempt, |state| {
                state.challenge = Some(new.challenge.clone());
            })?;
            let mut batch = Batch::new().change(Change::UpdateAttempt(updated.clone()));
            if let Some(account) = &account
                && let Some(address) = recipient(account, &key)
            {
                batch = batch.change(self.zalt.mail(&address, new.notice(self.zalt, false))?);
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

    /// Passes the challenge that is out with its code, or with its link in the browser that asked for it.
    ///
    /// # Errors
    /// [`Error::CodeIncorrect`] or [`Error::LinkIncorrect`], [`Error::AttemptExhausted`], [`Error::RateLimited`],
    /// [`Error::AccountSuspended`], [`Error::AttemptNotFound`], [`Error::AttemptStep`].
    pub async fn attempt_proof(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        proof: &Proof,
    ) -> Result<SignInProgress, Error> {
        let first = step::find(self.zalt, token).await?;
        self.pass(request, first, Holder::Same(token), proof).await
    }

    /// Takes up a password reset in the browser that opened the link, wherever it was asked for.
    ///
    /// Whoever asked gains nothing from it: the attempt is theirs no longer.
    ///
    /// # Errors
    /// [`Error::LinkIncorrect`], [`Error::AttemptExhausted`], [`Error::RateLimited`].
    pub async fn claim_reset_link(
        &self,
        request: &RequestContext,
        link: LinkToken,
    ) -> Result<StartedSignIn, Error> {
        let id = link.id();
        let attempt = step::find_by_id(self.zalt, id)
            .await
            .map_err(hide_attempt)?;
        let is_reset = sign_in(&attempt).is_ok_and(|state| {
            state
                .challenge
                .as_ref()
                .is_some_and(|challenge| challenge.purpose == ChallengePurpose::ResetPassword)
        });
        if !is_reset {
            return Err(Error::LinkIncorrect);
        }
        let token = AttemptToken::mint(id, self.zalt.rng())?;
        match self
            .pass(request, attempt, Holder::Next(&token), &Proof::Link(link))
            .await?
        {
            SignInProgress::NeedsNewPassword(attempt) => Ok(StartedSignIn { attempt, token }),
            SignInProgress::Complete(_) => Err(Error::LinkIncorrect),
        }
    }

    /// Sets the new password after a reset was proved. The first factor is due again: nobody is signed in by a reset.
    ///
    /// # Errors
    /// [`Error::PasswordRefused`], [`Error::AttemptNotFound`], [`Error::AttemptStep`], [`Error::Conflict`].
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
        let account = self.zalt.users().find_account(user_id).await?;
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

    async fn pass(
        &self,
        request: &RequestContext,
        mut attempt: Attempt,
        holder: Holder<'_>,
        proof: &Proof,
    ) -> Result<SignInProgress, Error> {
        let state = sign_in(&attempt)?;
        let (key, user_id) = (state.identifier.key(), state.user_id);
        let budget = step::code_budget(self.zalt, user_id, &key);
        self.zalt
            .take_account_budget(budget, &self.zalt.config().budgets.code)
            .await?;
        for _ in 0..RACES {
            let state = sign_in(&attempt)?;
            require_status(state, SignInStatus::NeedsFirstFactor)?;
            step::require_codes_left(self.zalt, &attempt)?;
            let passed = state
                .challenge
                .as_ref()
                .filter(|challenge| step::is_right(self.zalt, &attempt, challenge, proof))
                .map(|challenge| challenge.purpose);
            let (Some(purpose), Some(user_id)) = (passed, user_id) else {
                if self.count_failure(request, &attempt, user_id).await? {
                    return Err(proof.refusal());
                }
                attempt = self.read_again(&attempt, holder).await?;
                continue;
            };
            let user = self.zalt.users().find_account(user_id).await?.user;
            if !user.status.is_active() {
                return Err(Error::AccountSuspended);
            }
            let progress = match purpose {
                ChallengePurpose::ResetPassword => {
                    self.prove_reset(&attempt, holder, budget).await?
                }
                ChallengePurpose::SignIn => {
                    self.complete_by_mail(request, &attempt, user, budget)
                        .await?
                }
                ChallengePurpose::VerifyAddress => return Err(proof.refusal()),
            };
            match progress {
                Some(progress) => return Ok(progress),
                None => attempt = self.read_again(&attempt, holder).await?,
            }
        }
        Err(Error::Conflict)
    }

    /// Writes that a reset was proved, and by whom it goes on. `None` if the attempt moved meanwhile.
    async fn prove_reset(
        &self,
        attempt: &Attempt,
        holder: Holder<'_>,
        budget: BudgetKey,
    ) -> Result<Option<SignInProgress>, Error> {
        let mut updated = with_state(attempt, |state| {
            state.challenge = None;
            state.status = SignInStatus::NeedsNewPassword;
        })?;
        // In the same commit: at no time may whoever asked hold an attempt that somebody else proved.
        if let Holder::Next(token) = holder {
            updated.token = token.digest();
        }
        let batch = Batch::new()
            .change(Change::UpdateAttempt(updated.clone()))
            .change(Change::GiveBackBudget(budget));
        let written = step::commit(self.zalt, batch).await?;
        Ok(written.then(|| {
            SignInProgress::NeedsNewPassword(Attempt {
                version: updated.version + 1,
                ..updated
            })
        }))
    }

    /// Makes a session for a mailed code or link. `None` if the attempt moved meanwhile.
    async fn complete_by_mail(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        user: User,
        budget: BudgetKey,
    ) -> Result<Option<SignInProgress>, Error> {
        let transport = sign_in(attempt)?.transport;
        let updated = with_state(attempt, |state| {
            state.challenge = None;
            state.status = SignInStatus::Complete;
        })?;
        let batch = Batch::new()
            .change(Change::UpdateAttempt(updated))
            .change(Change::GiveBackBudget(budget));
        let amr = vec![AuthenticationMethod::Email];
        let (batch, new) = self.with_session(request, batch, &user, transport, amr)?;
        if !step::commit(self.zalt, batch).await? {
            return Ok(None);
        }
        new.signed_in(self.zalt, user)
            .map(SignInProgress::Complete)
            .map(Some)
    }

    /// Counts a wrong proof. `false` if the attempt moved meanwhile.
    async fn count_failure(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        user_id: Option<UserId>,
    ) -> Result<bool, Error> {
        let counted = Attempt {
            failed_codes: attempt.failed_codes.saturating_add(1),
            ..attempt.clone()
        };
        let kind = EventKind::SignInFailed {
            method: AuthenticationMethod::Email,
        };
        let event = self.zalt.event(request, Actor::Anonymous, user_id, kind)?;
        step::commit(
            self.zalt,
            Batch::new()
                .change(Change::UpdateAttempt(counted))
                .event(event),
        )
        .await
    }

    async fn read_again(&self, attempt: &Attempt, holder: Holder<'_>) -> Result<Attempt, Error> {
        match holder {
            Holder::Same(token) => step::find(self.zalt, token).await,
            Holder::Next(_) => step::find_by_id(self.zalt, attempt.id)
                .await
                .map_err(hide_attempt),
        }
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

    fn with_session(
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
fn sign_in(attempt: &Attempt) -> Result<&SignIn, Error> {
    match &attempt.state {
        AttemptState::SignIn(state) => Ok(state),
        _ => Err(Error::AttemptNotFound),
    }
}

fn with_state(attempt: &Attempt, change: impl FnOnce(&mut SignIn)) -> Result<Attempt, Error> {
    let mut updated = attempt.clone();
    match &mut updated.state {
        AttemptState::SignIn(state) => {
            change(state);
            Ok(updated)
        }
        _ => Err(Error::AttemptNotFound),
    }
}

fn require_status(state: &SignIn, wanted: SignInStatus) -> Result<(), Error> {
    if state.status == wanted {
        Ok(())
    } else {
        Err(Error::AttemptStep)
    }
}

/// Where a code for this account goes: the address that was typed, or the primary one if something else was.
fn recipient(account: &Account, typed: &IdentifierKey) -> Option<EmailAddress> {
    let typed = account
        .identifiers
        .iter()
        .find(|identifier| identifier.verified_at.is_some() && identifier.value.key() == *typed)
        .filter(|identifier| identifier.value.kind() == IdentifierKind::EmailAddress);
    match &typed
        .or_else(|| account.primary(IdentifierKind::EmailAddress))?
        .value
    {
        IdentifierValue::EmailAddress(address) => Some(address.clone()),
        _ => None,
    }
}

/// A link of an attempt that is gone is a link that is no longer valid.
fn hide_attempt(error: Error) -> Error {
    match error {
        Error::AttemptNotFound => Error::LinkIncorrect,
        other => other,
    }
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
