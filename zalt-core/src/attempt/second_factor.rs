//! The second factor of a sign-in: who is asked for one, and how it is passed.

use super::model::{Attempt, PassedFactor, SignInStatus};
use super::sign_in::{
    SignInProgress, SignIns, account_mark, completion_error, is_race, require_status, sign_in,
    with_state,
};
use super::step::{self, RACES};
use crate::config::{SecondFactor, SecondFactorPolicy};
use crate::credential::{Asked, NewRecoveryCodes, TotpEnrollment, UsedCredential, WrongProof};
use crate::error::Error;
use crate::id::CredentialId;
use crate::passkey::AssertionResponse;
use crate::request::RequestContext;
use crate::secret::AttemptToken;
use crate::session::{AuthenticationMethod, SignedIn, Transport};
use crate::store::{Batch, Change, CommitError};
use crate::user::Account;

/// What a person shows for a second factor.
#[derive(Clone)]
pub enum SecondFactorProof {
    /// The code of an authenticator app, as typed.
    Totp(String),
    /// A recovery code, as typed.
    RecoveryCode(String),
    /// A code from a text message, as typed.
    SmsCode(String),
    /// A code from a mail, as typed.
    EmailCode(String),
    /// The answer of an authenticator.
    Passkey(Box<AssertionResponse>),
}

impl SecondFactorProof {
    /// The kind of second factor that it is; `None` for a recovery code, which goes with each.
    pub const fn factor(&self) -> Option<SecondFactor> {
        match self {
            Self::Totp(_) => Some(SecondFactor::Totp),
            Self::SmsCode(_) => Some(SecondFactor::SmsCode),
            Self::EmailCode(_) => Some(SecondFactor::EmailCode),
            Self::Passkey(_) => Some(SecondFactor::Passkey),
            Self::RecoveryCode(_) => None,
        }
    }

    /// What a session that was proved by it says of it, if no more than that is known.
    pub const fn method(&self) -> AuthenticationMethod {
        match self {
            Self::Totp(_) => AuthenticationMethod::Totp,
            Self::RecoveryCode(_) => AuthenticationMethod::RecoveryCode,
            Self::SmsCode(_) => AuthenticationMethod::SecondSms,
            Self::EmailCode(_) => AuthenticationMethod::SecondEmail,
            Self::Passkey(_) => AuthenticationMethod::PasskeyPresence,
        }
    }
}

impl std::fmt::Debug for SecondFactorProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Totp(_) => "Totp(..)",
            Self::RecoveryCode(_) => "RecoveryCode(..)",
            Self::SmsCode(_) => "SmsCode(..)",
            Self::EmailCode(_) => "EmailCode(..)",
            Self::Passkey(_) => "Passkey(..)",
        })
    }
}

/// What follows once the first factor was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// This is still due.
    More(SignInStatus),
    /// Nothing.
    Done,
    /// Nothing, since the device stands in for the second factor.
    Trusted,
}

impl Next {
    /// How somebody proved who they are who is through with this.
    pub(super) fn amr(self, first: AuthenticationMethod) -> Vec<AuthenticationMethod> {
        match self {
            Self::Trusted => vec![first, AuthenticationMethod::TrustedDevice],
            Self::More(_) | Self::Done => vec![first],
        }
    }
}

impl SignIns<'_> {
    /// What follows on this device once the first factor was passed.
    ///
    /// A device stands in for the second factor at a sign-in, and not where an account at a provider becomes the user's: another
    /// way in is added by whoever has all that the account asks for.
    pub(super) fn next_step(
        &self,
        request: &RequestContext,
        account: &Account,
        transport: Transport,
        links: bool,
    ) -> Next {
        match self.after_first_factor(account) {
            Some(SignInStatus::NeedsSecondFactor)
                if !links && self.zalt.is_trusted(request, account, transport) =>
            {
                Next::Trusted
            }
            Some(status) => Next::More(status),
            None => Next::Done,
        }
    }

    /// What is still due once the first factor was passed; `None` for nothing.
    pub(super) fn after_first_factor(&self, account: &Account) -> Option<SignInStatus> {
        let config = &self.zalt.config().second_factors;
        match (config.policy, self.zalt.has_second_factor(account)) {
            (SecondFactorPolicy::Disabled, _) | (SecondFactorPolicy::Optional, false) => None,
            (_, true) => Some(SignInStatus::NeedsSecondFactor),
            (SecondFactorPolicy::Required, false) => {
                let in_grace = self.zalt.is_in_grace(&account.user);
                (!in_grace).then_some(SignInStatus::NeedsMfaEnrollment)
            }
        }
    }

    /// Passes the second factor of an attempt, which yields the session.
    ///
    /// # Errors
    /// [`Error::CodeIncorrect`], [`Error::PasskeyRefused`], [`Error::AttemptExhausted`], [`Error::RateLimited`],
    /// [`Error::AccountSuspended`], [`Error::AttemptStep`]; [`Error::AttemptNotFound`] also if since the first factor the password was changed or all
    /// sessions were ended.
    pub async fn attempt_second_factor(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        proof: &SecondFactorProof,
    ) -> Result<SignInProgress, Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"proofs").await?;
        let mut charged = false;
        for _ in 0..RACES {
            let attempt = step::find(zalt, token).await?;
            let state = sign_in(&attempt)?;
            require_status(state, SignInStatus::NeedsSecondFactor)?;
            step::require_codes_left(zalt, &attempt)?;
            let (account, first) = self.proved_account(&attempt).await?;
            if let Some(factor) = proof.factor() {
                zalt.config().second_factors.methods.require(factor)?;
                if !factor.goes_with(first.method) {
                    return Err(Error::FactorNotAllowed);
                }
            }
            if !charged {
                zalt.take_second_factor(request, account.user.id, proof)
                    .await?;
                charged = true;
            }
            let asked = Asked {
                request: state.passkey.as_ref(),
                first: first.passkey,
                code: attempt.sent_code(),
            };
            let used = match zalt.use_credential(&account, proof, asked)? {
                Ok(used) => used,
                Err(wrong) => {
                    let error = wrong.error();
                    if self.count_second_failure(request, &attempt, wrong).await? {
                        return Err(error);
                    }
                    continue;
                }
            };
            account.user.require_usable()?;
            let user_id = account.user.id;
            let batch = Batch::new()
                .change(Change::GiveBackBudget(zalt.second_factor_budget(user_id)))
                .change(Change::GiveBackBudget(zalt.factors_budget(user_id)));
            let finished = self
                .finish(request, &attempt, &account, first, used, batch)
                .await?;
            // Otherwise the attempt moved, or the code was used meanwhile.
            if let Some(progress) = finished {
                return Ok(progress);
            }
        }
        Err(Error::Conflict)
    }

    /// Begins to set up an authenticator app, where a second factor is required and the user has none.
    ///
    /// # Errors
    /// [`Error::AttemptStep`], [`Error::AttemptNotFound`], [`Error::TooManyCredentials`], [`Error::Conflict`].
    pub async fn begin_totp(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
    ) -> Result<TotpEnrollment, Error> {
        self.zalt.take_network_budget(request, b"proofs").await?;
        let attempt = step::find(self.zalt, token).await?;
        require_status(sign_in(&attempt)?, SignInStatus::NeedsMfaEnrollment)?;
        let (account, _) = self.account_to_enroll(&attempt).await?;
        let batch = Batch::new()
            .change(Change::UpdateAttempt(attempt))
            .change(self.zalt.users().touched(&account));
        let (enrollment, batch) = self.zalt.credentials().new_totp(&account, None, batch)?;
        self.zalt.commit(batch).await?;
        Ok(enrollment)
    }

    /// Confirms the authenticator app by its first code, which yields the session and the recovery codes.
    ///
    /// # Errors
    /// [`Error::CodeIncorrect`], [`Error::RateLimited`], [`Error::AttemptExhausted`], [`Error::AccountSuspended`],
    /// [`Error::AttemptStep`], [`Error::NotFound`] if no app is being set up, [`Error::Conflict`].
    pub async fn confirm_totp(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        id: CredentialId,
        code: &str,
    ) -> Result<(SignedIn, Option<NewRecoveryCodes>), Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"proofs").await?;
        let attempt = step::find(zalt, token).await?;
        let state = sign_in(&attempt)?;
        require_status(state, SignInStatus::NeedsMfaEnrollment)?;
        step::require_codes_left(zalt, &attempt)?;
        let (mut account, first) = self.account_to_enroll(&attempt).await?;
        account.user.require_usable()?;
        let user_id = account.user.id;
        let proof = SecondFactorProof::Totp(String::new());
        zalt.take_second_factor(request, user_id, &proof).await?;
        let done = with_state(&attempt, |state| state.status = SignInStatus::Complete)?;
        let batch = Batch::new()
            .change(Change::UpdateAttempt(done))
            .change(zalt.users().touched(&account))
            .change(Change::GiveBackBudget(zalt.factors_budget(user_id)));
        let (batch, codes) = match zalt
            .credentials()
            .confirmed(request, &account, id, code, None, batch)
        {
            Err(Error::CodeIncorrect) => {
                let wrong = WrongProof::Code(proof.method());
                self.count_second_failure(request, &attempt, wrong).await?;
                return Err(Error::CodeIncorrect);
            }
            result => result?,
        };
        // The sessions from before end in this batch. This one begins after.
        account.user.session_epoch = account.user.session_epoch.saturating_add(1);
        let how = (
            state.transport,
            vec![first.method, AuthenticationMethod::Totp],
        );
        let links = state.pending_account();
        let (batch, new) = self
            .with_session(request, batch, &account, how, links)
            .await?;
        zalt.commit(batch).await.map_err(completion_error)?;
        Ok((new.signed_in(zalt, account.user)?, codes))
    }

    /// The account that the first factor of the attempt was passed for, if it is still what it was then, and still has the
    /// passkey or the address by which it was passed.
    pub(super) async fn proved_account(
        &self,
        attempt: &Attempt,
    ) -> Result<(Account, PassedFactor), Error> {
        let state = sign_in(attempt)?;
        let first = state.first_factor.clone().ok_or(Error::AttemptStep)?;
        let user_id = state.user_id.ok_or(Error::AttemptStep)?;
        let account = self.zalt.store().account(user_id).await?;
        account
            .filter(|account| {
                let is_by_address = match first.method {
                    AuthenticationMethod::Email | AuthenticationMethod::Sms => true,
                    AuthenticationMethod::Connection => first.external_account.is_none(),
                    _ => false,
                };
                let reached = first.sent_to.and_then(|id| account.verified(id));
                account_mark(account) == first.account
                    && (!is_by_address || reached.is_some())
                    && [first.passkey, first.external_account]
                        .into_iter()
                        .flatten()
                        .all(|id| {
                            let mut credentials = account.credentials.iter();
                            credentials.any(|credential| credential.id == id)
                        })
            })
            .map(|account| (account, first))
            .ok_or(Error::AttemptNotFound)
    }

    /// The account that still has to set up a second factor: whoever waits at that step with a password they found out must not
    /// add a factor of theirs once the owner has one.
    pub(super) async fn account_to_enroll(
        &self,
        attempt: &Attempt,
    ) -> Result<(Account, PassedFactor), Error> {
        let (account, first) = self.proved_account(attempt).await?;
        match self.after_first_factor(&account) {
            Some(SignInStatus::NeedsMfaEnrollment) => Ok((account, first)),
            _ => Err(Error::AttemptNotFound),
        }
    }

    /// Completes a sign-in whose factors were all passed. `None` if the attempt or the credential was written meanwhile.
    pub(super) async fn finish(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        account: &Account,
        first: PassedFactor,
        used: UsedCredential,
        batch: Batch,
    ) -> Result<Option<SignInProgress>, Error> {
        let state = sign_in(attempt)?;
        let done = with_state(attempt, |state| {
            state.passkey = None;
            state.challenge = None;
            state.status = SignInStatus::Complete;
        })?;
        let batch = batch.change(Change::UpdateAttempt(done));
        let amr = vec![first.method, used.method];
        let batch = self.zalt.using(request, account, used, batch)?;
        let (how, links) = ((state.transport, amr), state.pending_account());
        let (batch, new) = self
            .with_session(request, batch, account, how, links)
            .await?;
        match self.zalt.commit(batch).await {
            Ok(()) => {
                let signed_in = new.signed_in(self.zalt, account.user.clone())?;
                Ok(Some(SignInProgress::Complete(signed_in)))
            }
            Err(CommitError::Guard(failure)) if is_race(&failure) => Ok(None),
            Err(error) => Err(completion_error(error)),
        }
    }

    /// Counts a wrong proof. `false` if the attempt moved meanwhile.
    async fn count_second_failure(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        wrong: WrongProof,
    ) -> Result<bool, Error> {
        let user_id = sign_in(attempt)?.user_id;
        if let WrongProof::Passkey(refused) = wrong {
            return self.count_refusal(request, attempt, user_id, refused).await;
        }
        let counted = Attempt {
            failed_codes: attempt.failed_codes.saturating_add(1),
            ..attempt.clone()
        };
        let batch = Batch::new().change(Change::UpdateAttempt(counted));
        let batch = self
            .zalt
            .noting_wrong_proof(request, user_id, wrong, batch)?;
        step::commit(self.zalt, batch).await
    }
}
