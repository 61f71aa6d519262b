//! Passing a sign-in's challenge: the code or link that was sent.

use super::challenge::ChallengePurpose;
use super::model::{Attempt, PassedFactor, SignIn, SignInStatus};
use super::proof::Proof;
use super::second_factor::Next;
use super::sign_in::{
    SignInProgress, SignIns, StartedSignIn, account_mark, is_race, pending, reached,
    require_status, sign_in, with_state,
};
use super::step::{self, CodeTries, RACES};
use crate::budget::BudgetKey;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::identifier::Identifier;
use crate::request::RequestContext;
use crate::secret::{AttemptToken, LinkToken};
use crate::session::{AuthenticationMethod, Transport};
use crate::store::{Batch, Change, CommitError};
use crate::user::Account;

/// Whose the attempt is once a proof was right.
#[derive(Clone, Copy)]
enum Holder<'t> {
    /// Whoever began it and shows this token.
    Same(&'t AttemptToken),
    /// Whoever gets this token now, and holds their session in this way.
    Next(&'t AttemptToken, Transport),
}

impl SignIns<'_> {
    /// Passes the challenge that is out with its code, or with its link in the browser that asked for it.
    ///
    /// # Errors
    /// [`Error::CodeIncorrect`] or [`Error::LinkIncorrect`], [`Error::AttemptExhausted`], [`Error::RateLimited`],
    /// [`Error::AccountSuspended`], [`Error::AttemptNotFound`], [`Error::AttemptStep`], [`Error::FactorNotAllowed`].
    pub async fn attempt_proof(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        proof: &Proof,
    ) -> Result<SignInProgress, Error> {
        self.zalt.take_network_budget(request, b"proofs").await?;
        let first = step::find(self.zalt, token).await?;
        self.pass(request, first, Holder::Same(token), proof).await
    }

    /// Takes up a password reset in the browser that opened the link, wherever it was asked for.
    ///
    /// Whoever asked gains nothing from it: the attempt is theirs no longer, and the session will be held as `transport`
    /// says.
    ///
    /// # Errors
    /// [`Error::LinkIncorrect`], [`Error::AttemptExhausted`], [`Error::RateLimited`].
    pub async fn claim_reset_link(
        &self,
        request: &RequestContext,
        link: LinkToken,
        transport: Transport,
    ) -> Result<StartedSignIn, Error> {
        self.zalt.take_network_budget(request, b"proofs").await?;
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
            .pass(
                request,
                attempt,
                Holder::Next(&token, transport),
                &Proof::Link(link),
            )
            .await?
        {
            SignInProgress::NeedsNewPassword(attempt) => Ok(StartedSignIn { attempt, token }),
            _ => Err(Error::LinkIncorrect),
        }
    }

    async fn pass(
        &self,
        request: &RequestContext,
        mut attempt: Attempt,
        holder: Holder<'_>,
        proof: &Proof,
    ) -> Result<SignInProgress, Error> {
        let state = sign_in(&attempt)?;
        let budget = step::sign_in_budget(self.zalt, state.user_id, &state.typed()?);
        let mut tries = CodeTries::of(self.zalt, budget);
        for _ in 0..RACES {
            let state = sign_in(&attempt)?;
            require_status(state, SignInStatus::NeedsFirstFactor)?;
            if let Some(challenge) = &state.challenge {
                step::require_allowed(self.zalt, challenge.purpose, challenge.strategy)?;
            }
            if let Err(error) = tries
                .take(self.zalt, &attempt, state.challenge.as_ref(), proof)
                .await
            {
                let (zalt, method) = (self.zalt, method_of(state));
                return Err(zalt
                    .note_lock(request, state.user_id, method, budget, error)
                    .await);
            }
            let passed = state
                .challenge
                .as_ref()
                .filter(|challenge| step::is_right(self.zalt, &attempt, challenge, proof))
                .map(|challenge| (challenge.purpose, challenge.strategy));
            let account = match state.user_id {
                Some(user_id) if passed.is_some() => self.zalt.store().account(user_id).await?,
                _ => None,
            };
            let held = account.as_ref().and_then(|account| {
                let identifier = reached(account, state)?;
                Some((account, identifier))
            });
            let (Some((purpose, strategy)), Some((account, identifier))) = (passed, held) else {
                if !proof.can_be_guessed() || self.count_failure(request, &attempt).await? {
                    return Err(proof.refusal());
                }
                attempt = self.read_again(&attempt, holder).await?;
                continue;
            };
            account.user.require_usable()?;
            let progress = match purpose {
                ChallengePurpose::ResetPassword => {
                    self.prove_reset(&attempt, account, holder, budget).await?
                }
                ChallengePurpose::SignIn => {
                    let method = strategy.method();
                    let proved = (account, identifier, method);
                    self.complete_by_message(request, &attempt, proved, budget)
                        .await?
                }
                ChallengePurpose::VerifyAddress
                | ChallengePurpose::SecondFactor
                | ChallengePurpose::StepUp => return Err(proof.refusal()),
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
        account: &Account,
        holder: Holder<'_>,
        budget: BudgetKey,
    ) -> Result<Option<SignInProgress>, Error> {
        let mut updated = with_state(attempt, |state| {
            state.challenge = None;
            state.passkey = None;
            state.reset = Some(account_mark(account));
            state.status = SignInStatus::NeedsNewPassword;
        })?;
        // In the same commit: at no time may whoever asked hold an attempt that somebody else proved.
        if let Holder::Next(token, transport) = holder {
            updated.token = token.digest();
            updated = with_state(&updated, |state| {
                state.transport = transport;
                // What waited for whoever asked is theirs: their account at a provider, and where they wanted to go.
                state.connection = None;
            })?;
        }
        let batch = Batch::new()
            .change(Change::UpdateAttempt(updated.clone()))
            .change(Change::GiveBackBudget(budget));
        let written = step::commit(self.zalt, batch).await?;
        Ok(written.then(|| SignInProgress::NeedsNewPassword(step::written(updated))))
    }

    /// Makes a session for a code or link that was sent. `None` if the attempt moved meanwhile.
    async fn complete_by_message(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        (account, identifier, method): (&Account, &Identifier, AuthenticationMethod),
        budget: BudgetKey,
    ) -> Result<Option<SignInProgress>, Error> {
        let transport = sign_in(attempt)?.transport;
        let links = sign_in(attempt)?.pending_account().cloned();
        let step = self.next_step(request, account, transport, links.is_some());
        let next = match step {
            Next::More(status) => Some(status),
            Next::Done | Next::Trusted => None,
        };
        let updated = with_state(attempt, |state| {
            state.challenge = None;
            state.passkey = None;
            state.status = next.unwrap_or(SignInStatus::Complete);
            state.first_factor = next.map(|_| PassedFactor {
                sent_to: Some(identifier.id),
                ..self.passed(method, None, account)
            });
        })?;
        // Names the version of the identifier that was read: one that is removed meanwhile signs nobody in.
        let proved = identifier.clone();
        let mut batch = Batch::new()
            .change(Change::UpdateAttempt(updated.clone()))
            .change(Change::UpdateIdentifier(proved))
            .maybe(self.zalt.answered(&identifier.value));
        let mut session = None;
        if next.is_none() {
            batch = batch.change(Change::GiveBackBudget(budget));
            let how = (transport, step.amr(method));
            let (with_session, new) = self
                .with_session(request, batch, account, how, links.as_ref())
                .await?;
            (batch, session) = (with_session, Some(new));
        } else {
            batch = batch.event(self.first_factor_passed(request, account, method)?);
        }
        match self.zalt.commit(batch).await {
            Ok(()) => match session {
                Some(new) => new
                    .signed_in(self.zalt, account.user.clone())
                    .map(SignInProgress::Complete),
                None => pending(step::written(updated), None),
            }
            .map(Some),
            Err(CommitError::Guard(failure)) if is_race(&failure) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Counts a wrong code. `false` if the attempt moved meanwhile.
    async fn count_failure(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
    ) -> Result<bool, Error> {
        let state = sign_in(attempt)?;
        let user_id = state.user_id;
        let counted = Attempt {
            failed_codes: attempt.failed_codes.saturating_add(1),
            ..attempt.clone()
        };
        let kind = EventKind::SignInFailed {
            method: method_of(state),
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
            Holder::Next(..) => step::find_by_id(self.zalt, attempt.id)
                .await
                .map_err(hide_attempt),
        }
    }
}

/// What passing the challenge that is out would prove.
fn method_of(state: &SignIn) -> AuthenticationMethod {
    let challenge = state.challenge.as_ref();
    challenge.map_or(AuthenticationMethod::Email, |challenge| {
        challenge.strategy.method()
    })
}

/// A link of an attempt that is gone is a link that is no longer valid.
fn hide_attempt(error: Error) -> Error {
    match error {
        Error::AttemptNotFound => Error::LinkIncorrect,
        other => other,
    }
}
