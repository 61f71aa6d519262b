use super::challenge::{ChallengePurpose, ChallengeStrategy};
use super::mailbox::{Mailbox, may_mail};
use super::model::{Attempt, AttemptState, SignUp, SignUpStatus};
use super::proof::Proof;
use super::sign_in::SignInProgress;
use super::step::{self, CodeTries, NewChallenge, RACES};
use crate::Zalt;
use crate::budget::BudgetKey;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::AttemptId;
use crate::identifier::{EmailAddress, IdentifierValue, Username};
use crate::message::Notice;
use crate::password::Password;
use crate::request::RequestContext;
use crate::secret::AttemptToken;
use crate::session::Transport;
use crate::store::{Batch, Change, CommitError, GuardReason};
use crate::user::{Account, Metadata, NewUser, Profile};

/// Signing up.
#[derive(Debug, Clone, Copy)]
pub struct SignUps<'z> {
    zalt: &'z Zalt,
}

/// What somebody signs up with.
#[derive(Debug, Clone)]
pub struct NewSignUp {
    /// The address, which has to be verified before there is a user.
    pub email_address: EmailAddress,
    /// The password; needed unless the application takes accounts without.
    pub password: Option<Password>,
    /// The username, if one is wanted.
    pub username: Option<Username>,
    /// The rest of the profile.
    pub profile: Profile,
    /// What the user's own metadata starts with.
    pub unsafe_metadata: Metadata,
    /// How the address is verified.
    pub strategy: ChallengeStrategy,
    /// How the session will be held.
    pub transport: Transport,
}

/// A sign-up that was begun, with the secret that binds it to whoever began it.
#[derive(Debug)]
pub struct StartedSignUp {
    /// The attempt.
    pub attempt: Attempt,
    /// What the device keeps until the attempt is over.
    pub token: AttemptToken,
}

impl<'z> SignUps<'z> {
    pub(crate) const fn new(zalt: &'z Zalt) -> Self {
        Self { zalt }
    }

    /// Begins a sign-up and sends the first code or link.
    ///
    /// The answer and the time are the same for an address that has an account: its owner gets a mail that says so.
    ///
    /// # Errors
    /// [`Error::SignUpClosed`], [`Error::PasswordRequired`], [`Error::PasswordRefused`], [`Error::UsernameTaken`],
    /// [`Error::RateLimited`], [`Error::Overloaded`].
    pub async fn create(
        &self,
        request: &RequestContext,
        new: NewSignUp,
    ) -> Result<StartedSignUp, Error> {
        let zalt = self.zalt;
        zalt.require_sign_up_allowed(Some(&new.email_address))?;
        if new.password.is_none() && zalt.config().needs_password() {
            return Err(Error::PasswordRequired);
        }
        zalt.take_network_budget(request, b"attempts").await?;
        if let Some(password) = &new.password {
            zalt.users().check_new_password(
                password,
                &[
                    Some(new.email_address.local_part()),
                    Some(new.email_address.as_str()),
                    new.username.as_ref().map(Username::as_str),
                ],
            )?;
        }
        if let Some(username) = &new.username {
            // Usernames are public, so that one is taken is no secret.
            let key = IdentifierValue::Username(username.clone()).key();
            if zalt.store().account_by_identifier(&key).await?.is_some() {
                return Err(Error::UsernameTaken);
            }
        }
        let password = match new.password {
            Some(password) => Some(zalt.inner.hashing.hash(password).await?),
            None => None,
        };

        let id = AttemptId::mint(zalt.now(), zalt.rng())?;
        let state = SignUp {
            email_address: new.email_address,
            username: new.username,
            profile: new.profile,
            unsafe_metadata: new.unsafe_metadata,
            password,
            address_taken: false,
            status: SignUpStatus::MissingRequirements,
            challenge: None,
            connection: None,
            transport: new.transport,
        };
        let (mut attempt, token) = step::begin(zalt, id, AttemptState::SignUp(state))?;
        let first = self.put_first_challenge(request, &mut attempt, new.strategy);
        let Batch { changes, events } = first.await?;
        let mut batch = Batch::new().change(Change::InsertAttempt(attempt.clone()));
        batch.changes.extend(changes);
        batch.events.extend(events);
        zalt.commit(batch).await?;
        Ok(StartedSignUp { attempt, token })
    }

    /// Puts the first code or link into a sign-up that is not written yet. Returns what goes with it: the mail, and that somebody
    /// tried to sign up with an address that has an account.
    pub(super) async fn put_first_challenge(
        &self,
        request: &RequestContext,
        attempt: &mut Attempt,
        strategy: ChallengeStrategy,
    ) -> Result<Batch, Error> {
        let zalt = self.zalt;
        let address = sign_up(attempt)?.email_address.clone();
        let key = step::email_key(&address);
        let owner = zalt.store().account_by_identifier(&key).await?;
        let purpose = ChallengePurpose::VerifyAddress;
        let new = NewChallenge::mint(zalt, attempt.id, purpose, strategy)?;
        *attempt = with_state(attempt, |state| {
            state.address_taken = owner.is_some();
            state.challenge = Some(new.challenge.clone());
        })?;
        step::count_message(zalt, attempt)?;
        step::take_message(zalt, &key, purpose, strategy).await?;
        let notice = self.notice(&new, owner.is_some());
        let sends = may_mail(zalt, Mailbox::Of(&address), strategy, purpose).await?;
        let mail = zalt.mail(&address, notice)?;
        let mut batch = Batch::new().maybe(sends.then_some(mail));
        if let Some(owner) = owner {
            let kind = EventKind::SignUpAddressTaken;
            batch =
                batch.event(zalt.event(request, Actor::Anonymous, Some(owner.user.id), kind)?);
        }
        Ok(batch)
    }

    /// The attempt, for whoever began it.
    ///
    /// # Errors
    /// [`Error::AttemptNotFound`].
    pub async fn find(&self, token: &AttemptToken) -> Result<Attempt, Error> {
        let attempt = step::find(self.zalt, token).await?;
        sign_up(&attempt)?;
        Ok(attempt)
    }

    /// Sends another code or link, which voids the one before it.
    ///
    /// # Errors
    /// [`Error::AttemptNotFound`], [`Error::AttemptStep`], [`Error::AttemptExhausted`], [`Error::RateLimited`].
    pub async fn prepare(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        strategy: ChallengeStrategy,
    ) -> Result<Attempt, Error> {
        self.zalt.take_network_budget(request, b"messages").await?;
        let purpose = ChallengePurpose::VerifyAddress;
        let mut charged = false;
        let mut sends = true;
        for _ in 0..RACES {
            let mut attempt = step::find(self.zalt, token).await?;
            let state = sign_up(&attempt)?;
            require_open(state)?;
            let (address, taken) = (state.email_address.clone(), state.address_taken);
            step::require_codes_left(self.zalt, &attempt)?;
            step::count_message(self.zalt, &mut attempt)?;
            if !charged {
                let key = step::email_key(&address);
                step::take_message(self.zalt, &key, purpose, strategy).await?;
                let mailbox = Mailbox::Of(&address);
                sends = may_mail(self.zalt, mailbox, strategy, purpose).await?;
                charged = true;
            }
            let new = NewChallenge::mint(self.zalt, attempt.id, purpose, strategy)?;
            let updated = with_state(&attempt, |state| {
                state.challenge = Some(new.challenge.clone());
            })?;
            let mail = self.zalt.mail(&address, self.notice(&new, taken))?;
            let batch = Batch::new()
                .change(Change::UpdateAttempt(updated.clone()))
                .maybe(sends.then_some(mail));
            if step::commit(self.zalt, batch).await? {
                return Ok(Attempt {
                    version: updated.version + 1,
                    ..updated
                });
            }
        }
        Err(Error::Conflict)
    }

    /// Verifies the address with the code that was sent, or with its link in the browser that signs up. The user, all that
    /// belongs to them and the first session are made in one commit. Where everybody needs a second factor there is no session
    /// yet: the user is made, and the attempt goes on, under the same token, as a sign-in whose first factor was passed.
    ///
    /// A link counts only together with the attempt's token: opened elsewhere it would let a stranger choose the password
    /// of an account whose address somebody else verifies.
    ///
    /// # Errors
    /// [`Error::CodeIncorrect`] or [`Error::LinkIncorrect`], [`Error::AttemptExhausted`], [`Error::RateLimited`],
    /// [`Error::EmailAddressTaken`] or [`Error::UsernameTaken`] if somebody else was faster.
    pub async fn attempt_proof(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        proof: &Proof,
    ) -> Result<SignInProgress, Error> {
        self.zalt.take_network_budget(request, b"proofs").await?;
        let mut attempt = step::find(self.zalt, token).await?;
        let key = step::email_key(&sign_up(&attempt)?.email_address);
        let budget = step::verification_budget(self.zalt, &key);
        let mut tries = CodeTries::of_address(self.zalt, budget, None);
        for _ in 0..RACES {
            let state = sign_up(&attempt)?;
            require_open(state)?;
            tries
                .take(self.zalt, &attempt, state.challenge.as_ref(), proof)
                .await?;
            let right = !state.address_taken
                && state
                    .challenge
                    .as_ref()
                    .is_some_and(|challenge| step::is_right(self.zalt, &attempt, challenge, proof));
            if !right && !proof.can_be_guessed() {
                return Err(proof.refusal());
            }
            if !right {
                let failed_codes = attempt.failed_codes.saturating_add(1);
                let counted = Attempt {
                    failed_codes,
                    ..attempt.clone()
                };
                if step::commit(
                    self.zalt,
                    Batch::new().change(Change::UpdateAttempt(counted)),
                )
                .await?
                {
                    return Err(proof.refusal());
                }
                attempt = step::find(self.zalt, token).await?;
                continue;
            }
            match self
                .complete(request, &attempt, state, (token, budget))
                .await?
            {
                Some(progress) => return Ok(progress),
                None => attempt = step::find(self.zalt, token).await?,
            }
        }
        Err(Error::Conflict)
    }

    /// Makes the user, and the session unless more is due. `None` if the attempt moved meanwhile.
    async fn complete(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        state: &SignUp,
        (token, budget): (&AttemptToken, BudgetKey),
    ) -> Result<Option<SignInProgress>, Error> {
        let zalt = self.zalt;
        let (made, account) = self.new_account(request, state)?;
        let arrived = zalt.sign_ins().arrive(request, attempt, account, token)?;
        let batch = Batch::new()
            .change(Change::UpdateAttempt(arrived.attempt.clone()))
            .change(Change::GiveBackBudget(budget))
            .and(made)
            .and(arrived.batch.clone());
        let changes = batch.changes.clone();
        match zalt.commit(batch).await {
            Ok(()) => arrived.progress(zalt).map(Some),
            Err(CommitError::Guard(failure))
                if failure.change == 0 && failure.reason == GuardReason::VersionMismatch =>
            {
                Ok(None)
            }
            Err(CommitError::Guard(failure)) if failure.reason == GuardReason::IdentifierTaken => {
                Err(crate::user::taken(changes.get(failure.change)))
            }
            Err(CommitError::Guard(failure)) if failure.reason == GuardReason::CredentialTaken => {
                Err(Error::ExternalAccountTaken)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The user that a sign-up makes, with the account at a provider that it came through.
    pub(super) fn new_account(
        &self,
        request: &RequestContext,
        state: &SignUp,
    ) -> Result<(Batch, Account), Error> {
        let zalt = self.zalt;
        let new = NewUser {
            email_address: state.email_address.clone(),
            username: state.username.clone(),
            password: state.password.clone(),
            profile: state.profile.clone(),
            unsafe_metadata: state.unsafe_metadata.clone(),
        };
        let (batch, account) = zalt.users().new_account(request, Actor::Anonymous, new)?;
        let via = state.connection.as_ref();
        let Some(pending) = via.and_then(|connection| connection.pending.as_ref()) else {
            return Ok((batch, account));
        };
        // Nobody is told: there is no address yet that was theirs before.
        let silent = Account {
            identifiers: Vec::new(),
            ..account.clone()
        };
        let provider = pending.account.connection.to_string();
        let connections = zalt.connections();
        let batch = connections.with_linked(request, &silent, pending, provider, batch)?;
        Ok((batch, account))
    }

    fn notice(&self, new: &NewChallenge, taken: bool) -> Notice {
        if taken {
            Notice::AccountExists {
                sign_in_url: Some(self.zalt.config().links.start.clone()),
            }
        } else {
            new.notice(self.zalt, true)
        }
    }
}

impl Zalt {
    /// Refuses a new account, by whichever way somebody comes in.
    ///
    /// # Errors
    /// [`Error::SignUpClosed`].
    pub(crate) fn require_sign_up_allowed(
        &self,
        _address: Option<&EmailAddress>,
    ) -> Result<(), Error> {
        if self.inner.config.sign_up.open {
            Ok(())
        } else {
            Err(Error::SignUpClosed)
        }
    }
}

/// The sign-up of an attempt; any other kind is as good as none.
fn sign_up(attempt: &Attempt) -> Result<&SignUp, Error> {
    match &attempt.state {
        AttemptState::SignUp(state) => Ok(state),
        _ => Err(Error::AttemptNotFound),
    }
}

fn with_state(attempt: &Attempt, change: impl FnOnce(&mut SignUp)) -> Result<Attempt, Error> {
    let mut updated = attempt.clone();
    match &mut updated.state {
        AttemptState::SignUp(state) => {
            change(state);
            Ok(updated)
        }
        _ => Err(Error::AttemptNotFound),
    }
}

fn require_open(state: &SignUp) -> Result<(), Error> {
    if state.status == SignUpStatus::MissingRequirements {
        Ok(())
    } else {
        Err(Error::AttemptStep)
    }
}
