use super::challenge::{ChallengePurpose, ChallengeStrategy};
use super::mailbox::{Mailbox, may_mail};
use super::model::{AddressVerification, Attempt, AttemptState};
use super::proof::Proof;
use super::step::{self, CodeTries, NewChallenge, RACES};
use super::text_message::Asker;
use crate::Zalt;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::{AttemptId, IdentifierId};
use crate::identifier::{Identifier, IdentifierValue};
use crate::message::Notice;
use crate::request::RequestContext;
use crate::session::{Authenticated, Session};
use crate::store::{Batch, Change, CommitError, GuardReason};
use crate::user::Account;

const VERIFY: ChallengePurpose = ChallengePurpose::VerifyAddress;

/// Proofs of holding an e-mail address or a phone number that a user added. Each is bound to the session that asked for it.
#[derive(Debug, Clone, Copy)]
pub struct AddressVerifications<'z> {
    zalt: &'z Zalt,
}

impl<'z> AddressVerifications<'z> {
    pub(crate) const fn new(zalt: &'z Zalt) -> Self {
        Self { zalt }
    }

    /// Sends a code or link to an address or number of the user, which voids the one before it. The attempt's id names the
    /// verification from then on.
    ///
    /// The owner of one that somebody else has verified gets a message that says so, and the answer is the same.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the user has no such address that the strategy reaches, [`Error::RateLimited`],
    /// [`Error::PhoneNumberNotAllowed`].
    pub async fn prepare(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        identifier_id: IdentifierId,
        strategy: ChallengeStrategy,
    ) -> Result<Attempt, Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"messages").await?;
        let account = zalt.users().find_account(authenticated.user().id).await?;
        let identifier = unverified(&account, identifier_id)?;
        if strategy.reaches() != identifier.value.kind() {
            return Err(Error::NotFound);
        }
        let key = identifier.value.key();
        let owner = zalt.store().account_by_identifier(&key).await?;
        let id = AttemptId::mint(zalt.now(), zalt.rng())?;
        let new = NewChallenge::mint(zalt, id, ChallengePurpose::VerifyAddress, strategy)?;
        let state = AddressVerification {
            user_id: account.user.id,
            session_id: authenticated.session().id,
            identifier_id,
            identifier_version: identifier.version + 1,
            address: identifier.value.clone(),
            address_taken: owner.is_some(),
            challenge: Some(new.challenge.clone()),
        };
        let (mut attempt, _) = step::begin(zalt, id, AttemptState::AddressVerification(state))?;
        step::count_message(zalt, &mut attempt)?;
        step::take_message(zalt, &key, ChallengePurpose::VerifyAddress, strategy).await?;
        if let IdentifierValue::PhoneNumber(number) = &identifier.value {
            let asker = Asker::Owner(account.user.id);
            zalt.take_text_message(request, number, asker).await?;
        }
        let sends = match &identifier.value {
            IdentifierValue::EmailAddress(address) => {
                may_mail(zalt, Mailbox::Of(address), strategy, VERIFY).await?
            }
            _ => true,
        };
        let notice = if owner.is_some() {
            Notice::AccountExists {
                sign_in_url: Some(zalt.config().links.start.clone()),
            }
        } else {
            new.notice(zalt, false)
        };
        let batch = Batch::new()
            .change(Change::InsertAttempt(attempt.clone()))
            .change(Change::UpdateIdentifier(identifier.clone()));
        let message = zalt.message(&identifier.value, notice)?;
        zalt.commit(batch.maybe(sends.then_some(message))).await?;
        Ok(attempt)
    }

    /// Verifies the address or number. All e-mail addresses of the account are told.
    ///
    /// # Errors
    /// [`Error::CodeIncorrect`] or [`Error::LinkIncorrect`], [`Error::AttemptNotFound`] if the session did not ask for
    /// it, [`Error::AttemptExhausted`], [`Error::EmailAddressTaken`] or [`Error::PhoneNumberTaken`] if somebody else was
    /// faster.
    pub async fn attempt_proof(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: AttemptId,
        proof: &Proof,
    ) -> Result<Identifier, Error> {
        let zalt = self.zalt;
        let session = authenticated.session();
        zalt.take_network_budget(request, b"proofs").await?;
        let attempt = step::find_by_id(zalt, id).await?;
        let key = verification(&attempt, session)?.address.key();
        let budget = step::verification_budget(zalt, &key);
        let mut tries = CodeTries::of_address(zalt, budget, Some((&key, session.user_id)));
        for _ in 0..RACES {
            let attempt = step::find_by_id(zalt, id).await?;
            let state = verification(&attempt, session)?;
            tries
                .take(zalt, &attempt, state.challenge.as_ref(), proof)
                .await?;
            let account = zalt.users().find_account(session.user_id).await?;
            let current = unverified(&account, state.identifier_id)
                .ok()
                .filter(|identifier| identifier.version == state.identifier_version);
            let right = !state.address_taken
                && state
                    .challenge
                    .as_ref()
                    .is_some_and(|challenge| step::is_right(zalt, &attempt, challenge, proof));
            if zalt.has_second_factor(&account) {
                // An address that somebody planted before there was a second factor must not become a way in.
                let assurance = zalt.strongest_proof(&account);
                zalt.sessions().require(authenticated, assurance)?;
            }
            let Some(identifier) = current.filter(|_| right) else {
                if !proof.can_be_guessed() {
                    return Err(proof.refusal());
                }
                let failed_codes = attempt.failed_codes.saturating_add(1);
                let counted = Attempt {
                    failed_codes,
                    ..attempt
                };
                if step::commit(zalt, Batch::new().change(Change::UpdateAttempt(counted))).await? {
                    return Err(proof.refusal());
                }
                continue;
            };
            let (batch, verified) = self.verified(request, &attempt, &account, identifier)?;
            let still_live = zalt.sessions().still_live(request, session);
            match zalt
                .commit(
                    batch
                        .change(still_live)
                        .change(Change::GiveBackBudget(budget)),
                )
                .await
            {
                Ok(()) => return Ok(verified),
                Err(CommitError::Guard(failure))
                    if failure.reason == GuardReason::VersionMismatch => {}
                Err(CommitError::Guard(failure))
                    if failure.reason == GuardReason::IdentifierTaken =>
                {
                    return Err(Error::taken(identifier.value.kind()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Conflict)
    }

    fn verified(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        account: &Account,
        identifier: &Identifier,
    ) -> Result<(Batch, Identifier), Error> {
        let zalt = self.zalt;
        let now = zalt.now();
        let mut done = attempt.clone();
        if let AttemptState::AddressVerification(state) = &mut done.state {
            state.challenge = None;
        }
        let primary = account.primary(identifier.value.kind()).is_none();
        let verified = Identifier {
            verified_at: Some(now),
            primary,
            ..identifier.clone()
        };
        let kind = EventKind::IdentifierVerified {
            identifier_id: identifier.id,
        };
        let event = zalt.event(
            request,
            Actor::User(account.user.id),
            Some(account.user.id),
            kind,
        )?;
        let mut batch = Batch::new()
            .change(Change::UpdateAttempt(done))
            .change(zalt.users().touched(account))
            .change(Change::UpdateIdentifier(verified.clone()))
            .maybe(zalt.answered(&identifier.value))
            .event(event);
        let added = identifier.value.as_str().to_owned();
        let notice = match &identifier.value {
            IdentifierValue::PhoneNumber(_) => Notice::PhoneNumberAdded { number: added },
            _ => Notice::EmailAddressAdded { address: added },
        };
        batch.changes.extend(zalt.mail_all(account, &notice)?);
        Ok((
            batch,
            Identifier {
                version: verified.version + 1,
                ..verified
            },
        ))
    }
}

/// The verification that an attempt is, if this session asked for it.
fn verification<'a>(
    attempt: &'a Attempt,
    session: &Session,
) -> Result<&'a AddressVerification, Error> {
    match &attempt.state {
        AttemptState::AddressVerification(state) if state.session_id == session.id => Ok(state),
        _ => Err(Error::AttemptNotFound),
    }
}

/// An address or number of the account that is not verified yet.
fn unverified(account: &Account, id: IdentifierId) -> Result<&Identifier, Error> {
    account
        .identifiers
        .iter()
        .find(|identifier| identifier.id == id && identifier.verified_at.is_none())
        .ok_or(Error::NotFound)
}
