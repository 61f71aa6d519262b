//! The second factor by a code that is mailed or texted: at a sign-in, once the first factor was passed, and within a session.

use serde::{Deserialize, Serialize};

use super::challenge::{Challenge, ChallengePurpose, ChallengeStrategy};
use super::model::{Attempt, AttemptState, SignInStatus};
use super::proof::Proof;
use super::second_factor::SecondFactorProof;
use super::sign_in::{SignIns, require_status, sign_in, with_state};
use super::step::{self, NewChallenge, RACES};
use super::text_message::Asker;
use crate::Zalt;
use crate::config::SecondFactor;
use crate::error::Error;
use crate::id::{AttemptId, IdentifierId, SessionId, UserId};
use crate::identifier::{Identifier, IdentifierValue};
use crate::request::RequestContext;
use crate::secret::AttemptToken;
use crate::session::{Authenticated, Session};
use crate::store::{Batch, Change};
use crate::user::Account;

/// A code with which a signed-in user proves a second factor again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepUp {
    /// Whose it is.
    pub user_id: UserId,
    /// The session that asked, without which the code is worth nothing.
    pub session_id: SessionId,
    /// The identifier that the code was sent to.
    pub sent_to: IdentifierId,
    /// The code that is out; gone once it was used.
    pub challenge: Option<Challenge>,
}

/// The code of a second factor that is out.
#[derive(Clone, Copy)]
pub(crate) struct SentCode<'a> {
    attempt: &'a Attempt,
    challenge: &'a Challenge,
    sent_to: IdentifierId,
}

impl SentCode<'_> {
    /// The identifier that a right proof came from, if it still is the account's.
    pub(crate) fn proved<'a>(
        &self,
        zalt: &Zalt,
        account: &'a Account,
        proof: &SecondFactorProof,
    ) -> Option<&'a Identifier> {
        let (SecondFactorProof::SmsCode(code) | SecondFactorProof::EmailCode(code)) = proof else {
            return None;
        };
        let of_kind =
            proof.factor().and_then(SecondFactor::message) == Some(self.challenge.strategy);
        let for_this = matches!(
            self.challenge.purpose,
            ChallengePurpose::SecondFactor | ChallengePurpose::StepUp
        );
        if !of_kind
            || !for_this
            || !step::is_right(zalt, self.attempt, self.challenge, &Proof::code(code))
        {
            return None;
        }
        account.verified(self.sent_to)
    }
}

impl Attempt {
    /// The code of a second factor that is out for this attempt.
    pub(crate) fn sent_code(&self) -> Option<SentCode<'_>> {
        let (challenge, sent_to) = match &self.state {
            AttemptState::SignIn(state) => (state.challenge.as_ref()?, state.sent_to?),
            AttemptState::StepUp(state) => (state.challenge.as_ref()?, state.sent_to),
            _ => return None,
        };
        Some(SentCode {
            attempt: self,
            challenge,
            sent_to,
        })
    }
}

impl SignIns<'_> {
    /// Sends the code of a second factor, since the person asks for it. A newer one voids the older.
    ///
    /// # Errors
    /// [`Error::FactorNotAllowed`], also if the first factor was of the same kind; [`Error::NotFound`] if it is not set up;
    /// [`Error::AttemptNotFound`], [`Error::AttemptStep`], [`Error::AttemptExhausted`], [`Error::RateLimited`],
    /// [`Error::PhoneNumberNotAllowed`].
    pub async fn prepare_second_factor(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        factor: SecondFactor,
    ) -> Result<Attempt, Error> {
        let zalt = self.zalt;
        let strategy = zalt.require_message(factor)?;
        zalt.take_network_budget(request, b"messages").await?;
        let mut charged = false;
        for _ in 0..RACES {
            let mut attempt = step::find(zalt, token).await?;
            require_status(sign_in(&attempt)?, SignInStatus::NeedsSecondFactor)?;
            step::require_codes_left(zalt, &attempt)?;
            let (account, first) = self.proved_account(&attempt).await?;
            if !factor.goes_with(first.method) {
                return Err(Error::FactorNotAllowed);
            }
            let to = account.message_recipient(factor).ok_or(Error::NotFound)?;
            step::count_message(zalt, &mut attempt)?;
            if !charged {
                zalt.take_second_factor_message(request, &account, to)
                    .await?;
                charged = true;
            }
            let purpose = ChallengePurpose::SecondFactor;
            let new = NewChallenge::mint(zalt, attempt.id, purpose, strategy)?;
            let updated = with_state(&attempt, |state| {
                state.sent_to = Some(to.id);
                state.challenge = Some(new.challenge.clone());
            })?;
            let batch = Batch::new()
                .change(Change::UpdateAttempt(updated.clone()))
                .change(zalt.message(&to.value, new.notice(zalt, false))?);
            if step::commit(zalt, batch).await? {
                return Ok(step::written(updated));
            }
        }
        Err(Error::Conflict)
    }
}

impl Zalt {
    /// Sends somebody who is signed in the code with which they step up. The attempt's id names it.
    pub(crate) async fn begin_step_up(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        factor: SecondFactor,
    ) -> Result<Attempt, Error> {
        let strategy = self.require_message(factor)?;
        self.take_network_budget(request, b"messages").await?;
        let session = authenticated.session();
        if !session.goes_with(factor) {
            return Err(Error::FactorNotAllowed);
        }
        let account = self.users().find_account(session.user_id).await?;
        let to = account.message_recipient(factor).ok_or(Error::NotFound)?;
        self.take_second_factor_message(request, &account, to)
            .await?;
        let id = AttemptId::mint(self.now(), self.rng())?;
        let new = NewChallenge::mint(self, id, ChallengePurpose::StepUp, strategy)?;
        let state = StepUp {
            user_id: account.user.id,
            session_id: session.id,
            sent_to: to.id,
            challenge: Some(new.challenge.clone()),
        };
        let (mut attempt, _) = step::begin(self, id, AttemptState::StepUp(state))?;
        step::count_message(self, &mut attempt)?;
        let still_live = self.sessions().still_live(request, session);
        let batch = Batch::new()
            .change(still_live)
            .change(Change::InsertAttempt(attempt.clone()))
            .change(self.message(&to.value, new.notice(self, false))?);
        self.commit(batch).await?;
        Ok(attempt)
    }

    /// The step-up of this id, if this session asked for it and it bears another try.
    pub(crate) async fn find_step_up(
        &self,
        session: &Session,
        id: AttemptId,
    ) -> Result<Attempt, Error> {
        let attempt = step::find_by_id(self, id).await?;
        match &attempt.state {
            AttemptState::StepUp(state) if state.session_id == session.id => {}
            _ => return Err(Error::AttemptNotFound),
        }
        step::require_codes_left(self, &attempt)?;
        Ok(attempt)
    }

    fn require_message(&self, factor: SecondFactor) -> Result<ChallengeStrategy, Error> {
        self.config().second_factors.methods.require(factor)?;
        factor.message().ok_or(Error::FactorNotAllowed)
    }

    /// Takes a message of a second factor. Strangers can spend what an address gets otherwise; this only who passed a first
    /// factor can.
    async fn take_second_factor_message(
        &self,
        request: &RequestContext,
        account: &Account,
        to: &Identifier,
    ) -> Result<(), Error> {
        let key = self.budget_key(&[b"second-factor-messages", account.user.id.as_bytes()]);
        self.take_account_budget(key, &self.config().budgets.messages_per_address)
            .await?;
        match &to.value {
            IdentifierValue::PhoneNumber(number) => {
                let asker = Asker::Owner(account.user.id);
                self.take_text_message(request, number, asker).await
            }
            _ => Ok(()),
        }
    }
}

impl Attempt {
    /// The step-up with its code used, or with one more that was wrong.
    pub(crate) fn step_up_tried(mut self, right: bool) -> Change {
        if let (AttemptState::StepUp(state), true) = (&mut self.state, right) {
            state.challenge = None;
        }
        if !right {
            self.failed_codes = self.failed_codes.saturating_add(1);
        }
        Change::UpdateAttempt(self)
    }
}
