use super::challenge::{ChallengePurpose, ChallengeStrategy};
use super::mailbox::{Mailbox, may_mail};
use super::model::{AccountMark, Attempt, AttemptState, PassedFactor, SignIn, SignInStatus};
use super::password::{CheckedPassword, Tries};
use super::second_factor::Next;
use super::step::{self, NewChallenge, RACES};
use crate::Zalt;
use crate::config::SecondFactor;
use crate::connection::PendingAccount;
use crate::credential::{Arrival, Credential};
use crate::error::Error;
use crate::event::{Actor, Event, EventKind};
use crate::id::{AttemptId, CredentialId};
use crate::identifier::{Identifier, IdentifierKey, IdentifierKind, IdentifierValue};
use crate::password::Password;
use crate::request::RequestContext;
use crate::safety::AskedBy;
use crate::secret::AttemptToken;
use crate::session::{Assurance, AuthenticationMethod, NewSession, SignedIn, Transport};
use crate::store::{Batch, Change, CommitError, GuardFailure, GuardReason};
use crate::user::Account;

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
pub enum SignInProgress {
    /// A session was made.
    Complete(SignedIn),
    /// A second factor has to be passed. There is no session before it was.
    NeedsSecondFactor(PendingSignIn),
    /// Everybody needs a second factor, and this user has to set one up.
    NeedsMfaEnrollment(PendingSignIn),
    /// A new password has to be set.
    NeedsNewPassword(Attempt),
}

/// A sign-in whose first factor was passed.
#[derive(Debug)]
pub struct PendingSignIn {
    /// The attempt.
    pub attempt: Attempt,
    /// What the device keeps until the attempt is over, if the attempt was begun by this very step.
    pub token: Option<AttemptToken>,
}

impl SignInProgress {
    /// The session, for whoever asks for no second factor.
    ///
    /// # Errors
    /// [`Error::SecondFactorRequired`] if there is none yet.
    pub fn into_session(self) -> Result<SignedIn, Error> {
        match self {
            Self::Complete(signed_in) => Ok(signed_in),
            _ => Err(Error::SecondFactorRequired),
        }
    }
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
        let user_id = account.map(|account| account.user.id);
        let state = SignIn::new(Some(identifier), user_id, transport);
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

    /// Signs in by identifier and password in one step. An attempt is begun only if more is needed than that.
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
    ) -> Result<SignInProgress, Error> {
        self.zalt.take_network_budget(request, b"attempts").await?;
        let identifier = IdentifierValue::parse(identifier)?;
        let key = identifier.key();
        let account = self.zalt.store().account_by_identifier(&key).await?;
        let checked = self
            .check_password(request, account.as_ref(), Tries::Of(&key), password)
            .await?;
        let account = account.ok_or(Error::CredentialsIncorrect)?;
        let method = AuthenticationMethod::Password;
        let next = self.next_step(request, &account, transport, false);
        let Next::More(status) = next else {
            let done = Done {
                attempt: None,
                checked,
                transport,
                next,
                links: None,
            };
            return self.complete(request, account, done).await;
        };
        let id = AttemptId::mint(self.zalt.now(), self.zalt.rng())?;
        let state = SignIn {
            status,
            first_factor: Some(self.passed(method, None, &account)),
            ..SignIn::new(Some(identifier), Some(account.user.id), transport)
        };
        let (attempt, token) = step::begin(self.zalt, id, AttemptState::SignIn(state))?;
        let batch = Batch::new()
            .change(Change::InsertAttempt(attempt.clone()))
            .event(self.first_factor_passed(request, &account, method)?);
        self.commit_with_rehash(batch, checked.rehash).await?;
        pending(attempt, Some(token))
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
    ) -> Result<SignInProgress, Error> {
        self.zalt.take_network_budget(request, b"attempts").await?;
        let attempt = step::find(self.zalt, token).await?;
        let state = sign_in(&attempt)?;
        require_status(state, SignInStatus::NeedsFirstFactor)?;
        let (key, transport) = (state.typed()?, state.transport);
        let account = self.zalt.store().account_by_identifier(&key).await?;
        let tries = match state.reset {
            Some(_) => Tries::OfAttempt(attempt.id, &key),
            None => Tries::Of(&key),
        };
        let checked = self
            .check_password(request, account.as_ref(), tries, password)
            .await?;
        let account = account.ok_or(Error::CredentialsIncorrect)?;
        let method = AuthenticationMethod::Password;
        let links = state.pending_account().cloned();
        let next = self.next_step(request, &account, transport, links.is_some());
        let Next::More(status) = next else {
            let done = Done {
                attempt: Some(with_state(&attempt, |state| {
                    state.status = SignInStatus::Complete;
                })?),
                checked,
                transport,
                next,
                links,
            };
            return self.complete(request, account, done).await;
        };
        let updated = with_state(&attempt, |state| {
            state.status = status;
            // The account may have changed hands since the attempt was begun.
            state.user_id = Some(account.user.id);
            state.challenge = None;
            state.passkey = None;
            state.first_factor = Some(self.passed(method, None, &account));
        })?;
        let batch = Batch::new()
            .change(Change::UpdateAttempt(updated.clone()))
            .event(self.first_factor_passed(request, &account, method)?);
        self.commit_with_rehash(batch, checked.rehash)
            .await
            .map_err(completion_error)?;
        pending(step::written(updated), None)
    }

    /// Sends a code or link, for signing in or for a new password. A newer one voids the older.
    ///
    /// The answer and the time are the same whether or not anybody gets a mail. A link for a new password that is out is
    /// replaced by another such link only, so that whoever asked can't take it from the owner of the mailbox.
    ///
    /// # Errors
    /// [`Error::AttemptNotFound`], [`Error::AttemptStep`], [`Error::AttemptExhausted`], [`Error::RateLimited`],
    /// [`Error::FactorNotAllowed`].
    pub async fn prepare(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        purpose: ChallengePurpose,
        strategy: ChallengeStrategy,
    ) -> Result<Attempt, Error> {
        step::require_allowed(self.zalt, purpose, strategy)?;
        self.zalt.take_network_budget(request, b"messages").await?;
        let mut charged = false;
        let mut held_back = false;
        let mut mails_way_back = false;
        for _ in 0..RACES {
            let mut attempt = step::find(self.zalt, token).await?;
            let state = sign_in(&attempt)?;
            require_status(state, SignInStatus::NeedsFirstFactor)?;
            if self.has_reset_link(state) && !is_reset_link(purpose, strategy) {
                return Err(Error::AttemptStep);
            }
            step::require_codes_left(self.zalt, &attempt)?;
            let key = state.typed()?;
            let account = self.zalt.store().account_by_identifier(&key).await?;
            let user_id = account.as_ref().map(|account| account.user.id);
            let account = account.filter(|account| account.user.status.is_active());
            // Whoever added an address to a frozen account must not get in by it.
            let (frozen, account) = match account {
                Some(account) if account.user.frozen_at.is_some() => (Some(account), None),
                account => (None, account),
            };
            let recipient = account
                .as_ref()
                .and_then(|account| recipient(account, &key, strategy.reaches()));
            step::count_message(self.zalt, &mut attempt)?;
            if !charged {
                step::take_message(self.zalt, &key, purpose, strategy).await?;
                held_back = match strategy {
                    ChallengeStrategy::SmsCode => {
                        !self.zalt.may_text(request, &key, recipient).await?
                    }
                    ChallengeStrategy::EmailCode | ChallengeStrategy::EmailLink => {
                        let frozen = frozen.as_ref().map(|account| account.user.id);
                        let mailbox = Mailbox::reached(recipient, frozen, &key);
                        !may_mail(self.zalt, mailbox, strategy, purpose).await?
                    }
                };
                mails_way_back = match &frozen {
                    Some(frozen) if strategy.reaches() == IdentifierKind::EmailAddress => {
                        let (by, user_id) = (AskedBy::Anybody, frozen.user.id);
                        self.zalt.may_mail_again(user_id, by).await?
                    }
                    _ => false,
                };
                charged = true;
            }
            let recipient = recipient.filter(|_| !held_back);

            let new = NewChallenge::mint(self.zalt, attempt.id, purpose, strategy)?;
            let updated = with_state(&attempt, |state| {
                // The owner of now, to whom the message goes.
                state.user_id = user_id;
                state.sent_to = recipient.map(|identifier| identifier.id);
                state.challenge = Some(new.challenge.clone());
            })?;
            let mut batch = Batch::new().change(Change::UpdateAttempt(updated.clone()));
            if let (Some(account), Some(identifier)) = (&account, recipient) {
                let notice = new.notice(self.zalt, false);
                batch = batch.change(self.zalt.message(&identifier.value, notice)?);
                if purpose == ChallengePurpose::ResetPassword {
                    let kind = EventKind::PasswordResetRequested;
                    let user = Some(account.user.id);
                    batch = batch.event(self.zalt.event(request, Actor::Anonymous, user, kind)?);
                }
            }
            // Whichever mail was asked for, what leads on is the one that recovers the account.
            if let Some(frozen) = frozen.filter(|_| mails_way_back)
                && let Some(frozen_at) = frozen.user.frozen_at
            {
                let owners = Zalt::trusted_addresses(&frozen, frozen_at);
                let mails = self
                    .zalt
                    .recovery_mails(&frozen, &owners, frozen_at, false)?;
                batch = batch.all(mails);
            }
            if step::commit(self.zalt, batch).await? {
                return Ok(step::written(updated));
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
                let still_theirs = match &state.recovery {
                    Some(recovery) => account.user.frozen_at == Some(recovery.frozen_at),
                    None => account.user.frozen_at.is_none() && reached(account, state).is_some(),
                };
                state.reset == Some(account_mark(account)) && still_theirs
            })
            .ok_or(Error::AttemptNotFound)?;
        let at = self.zalt.now();
        let updated = with_state(&attempt, |state| {
            // A recovery goes on only while this is the password.
            state.reset = Some(AccountMark {
                password_set_at: Some(at),
                ..account_mark(&account)
            });
            state.status = match state.recovery {
                Some(_) => SignInStatus::NeedsReview,
                None => SignInStatus::NeedsFirstFactor,
            };
            state.challenge = None;
            state.passkey = None;
        })?;
        let batch = Batch::new().change(Change::UpdateAttempt(updated.clone()));
        let new = crate::user::NewPassword {
            password,
            keep: None,
            sign_out: sign_out_everywhere,
            reset: true,
            at,
        };
        self.zalt
            .users()
            .write_password(request, &account, new, batch)
            .await?;
        Ok(step::written(updated))
    }

    /// Whether a link for a new password is out and still valid.
    fn has_reset_link(&self, state: &SignIn) -> bool {
        state.challenge.as_ref().is_some_and(|challenge| {
            is_reset_link(challenge.purpose, challenge.strategy)
                && self.zalt.now() < challenge.expires_at
        })
    }

    /// Makes the session after a password, and closes the attempt if there is one, in one commit.
    async fn complete(
        &self,
        request: &RequestContext,
        mut account: Account,
        done: Done,
    ) -> Result<SignInProgress, Error> {
        let transport = done.transport;
        for _ in 0..RACES {
            let batch = Batch::new()
                .maybe(done.attempt.clone().map(Change::UpdateAttempt))
                .change(Change::GiveBackBudget(done.checked.budget));
            let own = batch.changes.len();
            let amr = done.next.amr(AuthenticationMethod::Password);
            let (how, links) = ((transport, amr), done.links.as_ref());
            let (batch, new) = self
                .with_session(request, batch, &account, how, links)
                .await?;
            let rehash = done.checked.rehash.clone();
            match self.commit_with_rehash(batch, rehash).await {
                // Another sign-in was first to write the device that this one comes from, or the one that makes room.
                Err(CommitError::Guard(failure)) if failure.change >= own && is_race(&failure) => {
                    let checked = account_mark(&account);
                    let again = self.zalt.store().account(account.user.id).await?;
                    account = again
                        .filter(|again| account_mark(again) == checked)
                        .filter(|again| {
                            let links = done.links.is_some();
                            self.next_step(request, again, transport, links) == done.next
                        })
                        .ok_or(Error::Conflict)?;
                }
                result => {
                    result.map_err(completion_error)?;
                    let signed_in = new.signed_in(self.zalt, account.user)?;
                    return Ok(SignInProgress::Complete(signed_in));
                }
            }
        }
        Err(Error::Conflict)
    }

    /// Commits a batch with the write that brings a hash up to date, or without it if another sign-in was first.
    async fn commit_with_rehash(
        &self,
        batch: Batch,
        rehash: Option<Change>,
    ) -> Result<(), CommitError> {
        let plain = batch.clone();
        let rehash_at = batch.changes.len();
        match self.zalt.commit(batch.maybe(rehash)).await {
            Err(CommitError::Guard(failure)) if failure.change == rehash_at => {
                self.zalt.commit(plain).await
            }
            result => result,
        }
    }

    /// That somebody passed the first factor, who may be anybody that knows it.
    pub(super) fn first_factor_passed(
        &self,
        request: &RequestContext,
        account: &Account,
        method: AuthenticationMethod,
    ) -> Result<Event, Error> {
        let kind = EventKind::FirstFactorPassed { method };
        let user_id = Some(account.user.id);
        self.zalt.event(request, Actor::Anonymous, user_id, kind)
    }

    /// A first factor that was passed just now, if it was a passkey with the one named.
    pub(super) fn passed(
        &self,
        method: AuthenticationMethod,
        passkey: Option<CredentialId>,
        account: &Account,
    ) -> PassedFactor {
        let mut offered = self.zalt.second_factor_kinds(account);
        // The passkey that was the first is not the second too.
        let another = |(_, other): (SecondFactor, &Credential)| Some(other.id) != passkey;
        offered.retain(|second| {
            let mut of_kind = self.zalt.second_factors(account);
            second.goes_with(method) && of_kind.any(|has| has.0 == *second && another(has))
        });
        PassedFactor {
            method,
            passkey,
            sent_to: None,
            external_account: None,
            account: account_mark(account),
            offered,
        }
    }

    /// Completes `batch` with the session of a sign-in, and with the account at a provider that becomes the user's by it.
    pub(super) async fn with_session(
        &self,
        request: &RequestContext,
        mut batch: Batch,
        account: &Account,
        (transport, amr): (Transport, Vec<AuthenticationMethod>),
        links: Option<&PendingAccount>,
    ) -> Result<(Batch, NewSession), Error> {
        if let Some(links) = links {
            let connections = self.zalt.connections();
            batch = connections
                .with_pending(request, account, links, batch)
                .await?;
        }
        let new = NewSession::mint(self.zalt, request, &account.user, transport, amr)?;
        let arrival = match new.session.assurance() {
            Some(Assurance::OneFactor) | None => Arrival::SignIn,
            _ => Arrival::SecondFactor,
        };
        self.beginning(request, batch, account, new, arrival)
    }

    /// Completes `batch` with a session that begins.
    pub(super) fn beginning(
        &self,
        request: &RequestContext,
        batch: Batch,
        account: &Account,
        mut new: NewSession,
        arrival: Arrival,
    ) -> Result<(Batch, NewSession), Error> {
        let user = &account.user;
        let arrival = (arrival, new.session.transport);
        let (batch, device) = self.zalt.with_device(request, account, arrival, batch)?;
        new.device = device;
        let proofs = new.session.amr.iter();
        let kind = EventKind::SessionCreated {
            session_id: new.session.id,
            amr: proofs.map(|proof| proof.method).collect(),
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

/// A sign-in that a right password completes.
struct Done {
    /// The attempt, closed.
    attempt: Option<Attempt>,
    checked: CheckedPassword,
    transport: Transport,
    next: Next,
    links: Option<PendingAccount>,
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
            if state.status == SignInStatus::Complete
                && let Some(connection) = &mut state.connection
            {
                // The user has it from here on.
                connection.pending = None;
            }
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

/// Where a code for this account goes: what was typed if it is of this kind, or else the primary one.
fn recipient<'a>(
    account: &'a Account,
    typed: &IdentifierKey,
    kind: IdentifierKind,
) -> Option<&'a Identifier> {
    let typed = account
        .identifiers
        .iter()
        .find(|identifier| identifier.verified_at.is_some() && identifier.value.key() == *typed)
        .filter(|identifier| identifier.value.kind() == kind);
    typed.or_else(|| account.primary(kind))
}

/// The identifier that the challenge was sent to, if it still is the account's.
pub(super) fn reached<'a>(account: &'a Account, state: &SignIn) -> Option<&'a Identifier> {
    account.verified(state.sent_to?)
}

pub(crate) fn account_mark(account: &Account) -> AccountMark {
    AccountMark {
        password_set_at: account.password.as_ref().map(|password| password.set_at),
        session_epoch: account.user.session_epoch,
    }
}

fn is_reset_link(purpose: ChallengePurpose, strategy: ChallengeStrategy) -> bool {
    purpose == ChallengePurpose::ResetPassword && strategy == ChallengeStrategy::EmailLink
}

/// What follows for an attempt whose first factor was passed and whose second is due.
pub(super) fn pending(
    attempt: Attempt,
    token: Option<AttemptToken>,
) -> Result<SignInProgress, Error> {
    let status = sign_in(&attempt)?.status;
    let pending = PendingSignIn { attempt, token };
    match status {
        SignInStatus::NeedsSecondFactor => Ok(SignInProgress::NeedsSecondFactor(pending)),
        SignInStatus::NeedsMfaEnrollment => Ok(SignInProgress::NeedsMfaEnrollment(pending)),
        _ => Err(Error::AttemptStep),
    }
}

/// Whether another request wrote first what this one was to write.
pub(super) fn is_race(failure: &GuardFailure) -> bool {
    matches!(
        failure.reason,
        GuardReason::VersionMismatch | GuardReason::NotFound | GuardReason::CredentialTaken
    )
}

pub(super) fn completion_error(error: CommitError) -> Error {
    match error {
        // The attempt was moved on by another request.
        CommitError::Guard(failure) if failure.reason == GuardReason::VersionMismatch => {
            Error::AttemptStep
        }
        other => other.into(),
    }
}
