//! Signing in with a passkey: with an identifier, or with nothing but what the authenticator knows.

use super::model::{Attempt, AttemptState, SignIn, SignInStatus};
use super::sign_in::{
    SignInProgress, SignIns, StartedSignIn, is_race, pending, require_status, sign_in, with_state,
};
use super::step::{self, RACES};
use crate::config::{FirstFactor, SecondFactor};
use crate::credential::CredentialHandle;
use crate::error::Error;
use crate::id::{AttemptId, UserId};
use crate::identifier::IdentifierValue;
use crate::passkey::{
    Answered, AssertionResponse, Passkey, PasskeyRefusal, PasskeyRequest, Refused, RequestOptions,
    UserVerification,
};
use crate::request::RequestContext;
use crate::secret::AttemptToken;
use crate::session::{AuthenticationMethod, Transport};
use crate::store::{Batch, Change, CommitError};
use crate::user::{Account, UserStatus};

impl SignIns<'_> {
    /// Begins a sign-in without an identifier: whichever passkey answers says whose it is. What a sign-in page does as it
    /// opens, so that browsers offer passkeys where an identifier is typed.
    ///
    /// # Errors
    /// [`Error::FactorNotAllowed`], [`Error::RateLimited`].
    pub async fn begin_with_passkey(
        &self,
        request: &RequestContext,
        transport: Transport,
    ) -> Result<(StartedSignIn, RequestOptions), Error> {
        let zalt = self.zalt;
        zalt.config().first_factors.require(FirstFactor::Passkey)?;
        // Not of the attempts: sign-in pages ask as they open, and whoever opens many must not use up the tries of passwords.
        zalt.take_network_budget(request, b"passkeys").await?;
        let id = AttemptId::mint(zalt.now(), zalt.rng())?;
        let open = zalt.open_passkey_request(id)?;
        let options = zalt.request_options([], &open, self.first_needs_verification())?;
        let state = SignIn {
            passkey: Some(open),
            ..SignIn::new(None, None, transport)
        };
        let (attempt, token) = step::begin(zalt, id, AttemptState::SignIn(state))?;
        zalt.commit(Batch::new().change(Change::InsertAttempt(attempt.clone())))
            .await?;
        Ok((StartedSignIn { attempt, token }, options))
    }

    /// Asks for a passkey, for the first factor or the second, whichever is due. A newer request voids the older.
    ///
    /// Before any factor was passed the answer is the same whoever has the identifier, unless the application lists the
    /// passkeys of accounts.
    ///
    /// # Errors
    /// [`Error::FactorNotAllowed`], [`Error::AttemptNotFound`], [`Error::AttemptStep`], [`Error::AttemptExhausted`],
    /// [`Error::RateLimited`].
    pub async fn prepare_passkey(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
    ) -> Result<(Attempt, RequestOptions), Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"passkeys").await?;
        for _ in 0..RACES {
            let attempt = step::find(zalt, token).await?;
            let state = sign_in(&attempt)?;
            step::require_codes_left(zalt, &attempt)?;
            let open = zalt.open_passkey_request(attempt.id)?;
            let options = match state.status {
                SignInStatus::NeedsFirstFactor => {
                    zalt.config().first_factors.require(FirstFactor::Passkey)?;
                    self.first_options(state, &open).await?
                }
                SignInStatus::NeedsSecondFactor => {
                    let methods = zalt.config().second_factors.methods;
                    methods.require(SecondFactor::Passkey)?;
                    let (account, first) = self.proved_account(&attempt).await?;
                    let passkeys: Vec<&Passkey> = account
                        .passkeys()
                        .filter(|(credential, _)| Some(credential.id) != first.passkey)
                        .map(|(_, passkey)| passkey)
                        .collect();
                    if passkeys.is_empty() {
                        return Err(Error::NotFound);
                    }
                    let verification = zalt.always_verifies() || first.passkey.is_some();
                    zalt.request_options(passkeys, &open, verification)?
                }
                _ => return Err(Error::AttemptStep),
            };
            let updated = with_state(&attempt, |state| state.passkey = Some(open))?;
            let batch = Batch::new().change(Change::UpdateAttempt(updated.clone()));
            if step::commit(zalt, batch).await? {
                return Ok((step::written(updated), options));
            }
        }
        Err(Error::Conflict)
    }

    /// Passes the first factor with a passkey. Where its authenticator checked who was there, that is two factors, and the
    /// sign-in is complete.
    ///
    /// # Errors
    /// [`Error::PasskeyRefused`], [`Error::AccountSuspended`], [`Error::AttemptNotFound`], [`Error::AttemptStep`],
    /// [`Error::AttemptExhausted`], [`Error::RateLimited`], [`Error::FactorNotAllowed`].
    pub async fn attempt_passkey(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        response: &AssertionResponse,
    ) -> Result<SignInProgress, Error> {
        let zalt = self.zalt;
        zalt.config().first_factors.require(FirstFactor::Passkey)?;
        zalt.take_network_budget(request, b"proofs").await?;
        let handle = CredentialHandle::of_passkey(&response.credential_id);
        for _ in 0..RACES {
            let attempt = step::find(zalt, token).await?;
            let state = sign_in(&attempt)?;
            require_status(state, SignInStatus::NeedsFirstFactor)?;
            step::require_codes_left(zalt, &attempt)?;
            let account = zalt.store().account_by_credential(handle).await?;
            let account = account
                .filter(|account| !matches!(account.user.status, UserStatus::Deleted { .. }));
            let answered = account
                .as_ref()
                .ok_or(Refused::from(PasskeyRefusal::Unknown))
                .and_then(|account| Ok((account, self.first_answer(state, account, response)?)));
            let (account, answered) = match answered {
                Ok(answered) => answered,
                Err(refused) => {
                    let owner = account.as_ref().map(|account| account.user.id);
                    let reason = refused.reason;
                    if self
                        .count_refusal(request, &attempt, owner, refused)
                        .await?
                    {
                        return Err(Error::PasskeyRefused(reason));
                    }
                    continue;
                }
            };
            account.user.require_usable()?;
            // Otherwise the attempt moved, or the passkey was used or removed meanwhile.
            if let Some(progress) = self
                .complete_by_passkey(request, &attempt, account, answered)
                .await?
            {
                return Ok(progress);
            }
        }
        Err(Error::Conflict)
    }

    /// The rules for a passkey that comes first.
    fn first_answer(
        &self,
        state: &SignIn,
        account: &Account,
        response: &AssertionResponse,
    ) -> Result<Answered, Refused> {
        let zalt = self.zalt;
        match &state.identifier {
            // Whoever typed somebody's identifier wants that account, or has been made to sign in to another's.
            Some(typed) if !owns(account, typed) => return Err(PasskeyRefusal::Foreign.into()),
            // Nothing but the authenticator names the user (section 7.2, step 6).
            None if response.user_handle.is_none() => return Err(PasskeyRefusal::Foreign.into()),
            _ => {}
        }
        let verification = self.first_needs_verification();
        let answered = zalt.answer(account, state.passkey.as_ref(), response, verification)?;
        if !answered.user_verified {
            // One factor. Where the account has a second, this passkey can't be that too.
            let mut second = zalt.second_factors(account).peekable();
            let others = |(_, other): (SecondFactor, &crate::credential::Credential)| {
                other.id != answered.credential.id
            };
            if second.peek().is_some() && !second.any(others) {
                return Err(PasskeyRefusal::UserNotVerified.into());
            }
        }
        Ok(answered)
    }

    /// Writes that the first factor was passed, and makes the session if nothing more is due. `None` if the attempt or the
    /// passkey was written meanwhile.
    async fn complete_by_passkey(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        account: &Account,
        answered: Answered,
    ) -> Result<Option<SignInProgress>, Error> {
        let zalt = self.zalt;
        let user_id = account.user.id;
        let method = AuthenticationMethod::of_passkey(answered.user_verified);
        // Where passkeys are first factors only, the second is another thing, and somebody may have chosen it for that.
        let is_both = answered.user_verified && zalt.config().second_factors.passkeys_protect;
        let next = if is_both {
            None
        } else {
            self.after_first_factor(account)
        };
        let passkey = Some(answered.credential.id);
        let updated = with_state(attempt, |state| {
            state.user_id = Some(user_id);
            state.challenge = None;
            state.passkey = None;
            state.status = next.unwrap_or(SignInStatus::Complete);
            state.first_factor = next.map(|_| self.passed(method, passkey, account));
        })?;
        let mut batch = Batch::new()
            .change(Change::UpdateAttempt(updated.clone()))
            .change(Change::UpdateCredential(answered.credential));
        if let Some(kind) = answered.suspicion {
            batch = batch.event(zalt.users().own_event(request, user_id, kind)?);
        }
        let mut session = None;
        if next.is_none() {
            batch = batch.change(Change::GiveBackBudget(zalt.factors_budget(user_id)));
            if answered.user_verified {
                let budget = zalt.second_factor_budget(user_id);
                batch = batch.change(Change::GiveBackBudget(budget));
            }
            let state = sign_in(attempt)?;
            let (how, links) = ((state.transport, vec![method]), state.pending_account());
            let (with_session, new) = self
                .with_session(request, batch, account, how, links)
                .await?;
            (batch, session) = (with_session, Some(new));
        } else {
            batch = batch.event(self.first_factor_passed(request, account, method)?);
        }
        match zalt.commit(batch).await {
            Ok(()) => match session {
                Some(new) => new
                    .signed_in(zalt, account.user.clone())
                    .map(SignInProgress::Complete),
                None => pending(step::written(updated), None),
            }
            .map(Some),
            Err(CommitError::Guard(failure)) if is_race(&failure) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes that a passkey was refused: the request is over, whoever answered it. `false` if the attempt moved meanwhile.
    pub(super) async fn count_refusal(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        user_id: Option<UserId>,
        refused: Refused,
    ) -> Result<bool, Error> {
        if refused.reason == PasskeyRefusal::NoRequest {
            // Whoever took too long makes another request.
            return Ok(true);
        }
        let mut over = with_state(attempt, |state| state.passkey = None)?;
        over.failed_codes = over.failed_codes.saturating_add(1);
        let batch = Batch::new().change(Change::UpdateAttempt(over));
        let batch = self.zalt.noting_refusal(request, user_id, refused, batch)?;
        step::commit(self.zalt, batch).await
    }

    /// What is asked before any factor was passed. Where the application chose that, the passkeys of whoever has the identifier
    /// are named.
    async fn first_options(
        &self,
        state: &SignIn,
        open: &PasskeyRequest,
    ) -> Result<RequestOptions, Error> {
        let zalt = self.zalt;
        let verification = self.first_needs_verification();
        let typed = state.identifier.as_ref().map(IdentifierValue::key);
        let Some(typed) = typed.filter(|_| zalt.config().passkeys.list_credentials) else {
            return zalt.request_options([], open, verification);
        };
        let account = zalt.store().account_by_identifier(&typed).await?;
        let passkeys = account.iter().flat_map(Account::passkeys);
        let passkeys = passkeys.map(|(_, passkey)| passkey);
        zalt.listed_options(&typed, passkeys, open, verification)
    }

    fn first_needs_verification(&self) -> bool {
        self.zalt.config().passkeys.user_verification != UserVerification::Preferred
    }
}

/// Whether the account has the identifier, proved to be its own.
fn owns(account: &Account, typed: &IdentifierValue) -> bool {
    let key = typed.key();
    let mut identifiers = account.identifiers.iter();
    identifiers.any(|own| own.verified_at.is_some() && own.value.key() == key)
}
