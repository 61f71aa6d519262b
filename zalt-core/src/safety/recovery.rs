//! The way back into a frozen account.

use serde::{Deserialize, Serialize};

use super::Safety;
use super::link::{LinkPurpose, SAFETY_WINDOW, used};
use crate::attempt::{
    Attempt, AttemptState, SignIn, SignInStatus, StartedSignIn, account_mark, begin, find_attempt,
};
use crate::connection::unlinked;
use crate::credential::{Credential, CredentialState};
use crate::environment::Timestamp;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::{AttemptId, CredentialId, IdentifierId};
use crate::identifier::{EmailAddress, Identifier, IdentifierKind, IdentifierValue};
use crate::message::Notice;
use crate::request::RequestContext;
use crate::secret::{AttemptToken, LinkToken};
use crate::session::Transport;
use crate::store::{Batch, Change};
use crate::user::Account;

/// That a sign-in recovers a frozen account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The address whose owner opened the link.
    pub address: EmailAddress,
    /// Which freeze it is that is to be lifted.
    pub frozen_at: Timestamp,
}

/// What was added to an account lately, for its owner to look through.
#[derive(Debug, Clone)]
pub struct Review {
    /// Second factors, passkeys, recovery codes and accounts at providers.
    pub credentials: Vec<Credential>,
    /// Addresses and numbers, verified or not.
    pub identifiers: Vec<Identifier>,
}

/// What of it the owner does not know. Whatever is not part of the [`Review`] is left alone.
#[derive(Debug, Clone, Default)]
pub struct ReviewDecision {
    /// These go.
    pub credentials: Vec<CredentialId>,
    /// And these.
    pub identifiers: Vec<IdentifierId>,
}

impl Safety<'_> {
    /// Begins to recover a frozen account, in the browser that opened the link. What comes next is a new password where there
    /// was one, then the review.
    ///
    /// # Errors
    /// [`Error::LinkIncorrect`] if the link was used, is too old, or the account is not frozen any more;
    /// [`Error::AccountSuspended`], [`Error::RateLimited`], [`Error::Conflict`].
    pub async fn recover(
        &self,
        request: &RequestContext,
        link: &LinkToken,
        transport: Transport,
    ) -> Result<StartedSignIn, Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"proofs").await?;
        let (attempt, state) = self.find(link, LinkPurpose::Recover).await?;
        let account = zalt.store().account(state.user_id).await?;
        let account = account.ok_or(Error::LinkIncorrect)?;
        let frozen_at = account
            .user
            .frozen_at
            .filter(|at| *at <= attempt.created_at)
            .ok_or(Error::LinkIncorrect)?;
        if !account.user.status.is_active() {
            return Err(Error::AccountSuspended);
        }
        let address = state.addresses.first().ok_or(Error::LinkIncorrect)?.clone();
        let has_password = account.password.is_some() && zalt.config().first_factors.password;
        let id = AttemptId::mint(zalt.now(), zalt.rng())?;
        let sign_in = SignIn {
            status: if has_password {
                SignInStatus::NeedsNewPassword
            } else {
                SignInStatus::NeedsReview
            },
            reset: Some(account_mark(&account)),
            recovery: Some(Recovery {
                address: address.clone(),
                frozen_at,
            }),
            ..SignIn::new(
                Some(IdentifierValue::EmailAddress(address)),
                Some(state.user_id),
                transport,
            )
        };
        let (started, token) = begin(zalt, id, AttemptState::SignIn(sign_in))?;
        let batch = Batch::new()
            .change(Change::UpdateAttempt(used(&attempt, &state)))
            .change(Change::InsertAttempt(started.clone()));
        zalt.commit(batch).await?;
        let attempt = started;
        Ok(StartedSignIn { attempt, token })
    }

    /// What was added to the account in the days before it was frozen, and since.
    ///
    /// # Errors
    /// [`Error::AttemptNotFound`] also if the freeze was lifted meanwhile, [`Error::AttemptStep`].
    pub async fn review(&self, token: &AttemptToken) -> Result<Review, Error> {
        let (_, recovery, account) = self.under_review(token).await?;
        Ok(review(&account, &recovery))
    }

    /// Takes away what the owner does not know and lifts the freeze. The first factor is due next: nobody is signed in by it.
    ///
    /// The address through which the account was recovered is put back if somebody had removed it.
    ///
    /// # Errors
    /// As [`review`](Self::review), and [`Error::Conflict`].
    pub async fn finish(
        &self,
        request: &RequestContext,
        token: &AttemptToken,
        decision: &ReviewDecision,
    ) -> Result<Attempt, Error> {
        let zalt = self.zalt;
        let (attempt, recovery, account) = self.under_review(token).await?;
        let user_id = account.user.id;
        let updated = with_sign_in(&attempt, |state| {
            state.status = SignInStatus::NeedsFirstFactor;
            state.recovery = None;
        });
        let event = |kind| zalt.event(request, Actor::Anonymous, Some(user_id), kind);
        let mut batch = Batch::new()
            .change(Change::UpdateAttempt(updated.clone()))
            .change(Change::UpdateUser(self.unfrozen(&account.user)))
            .event(event(EventKind::UserUnfrozen)?);
        let added = review(&account, &recovery);
        let unknown: Vec<&Identifier> = added
            .identifiers
            .iter()
            .filter(|identifier| decision.identifiers.contains(&identifier.id))
            .collect();
        for credential in removed(&account, &added, &unknown, decision) {
            let (id, version) = (credential.id, credential.version);
            let kind = match &credential.state {
                CredentialState::ExternalAccount(external) => unlinked(credential, external),
                _ => EventKind::CredentialRemoved { credential_id: id },
            };
            batch = batch
                .change(Change::DeleteCredential { id, version })
                .event(event(kind)?);
        }
        let mut left = account.identifiers.clone();
        for identifier in unknown {
            let (id, version) = (identifier.id, identifier.version);
            left.retain(|kept| kept.id != id);
            batch = batch
                .change(Change::DeleteIdentifier { id, version })
                .event(event(EventKind::IdentifierRemoved { identifier_id: id })?);
        }
        let batch = self
            .with_own_address(&account, &recovery, &mut left, batch)
            .await?;
        let after = Account {
            identifiers: left,
            ..account
        };
        let mut batch = batch;
        batch
            .changes
            .extend(zalt.mail_all(&after, &Notice::AccountRecovered)?);
        zalt.commit(batch).await?;
        Ok(Attempt {
            version: updated.version + 1,
            ..updated
        })
    }

    /// Completes `batch` so that the address of whoever recovered the account is among its verified ones, and one is primary.
    async fn with_own_address(
        &self,
        account: &Account,
        recovery: &Recovery,
        left: &mut Vec<Identifier>,
        mut batch: Batch,
    ) -> Result<Batch, Error> {
        let zalt = self.zalt;
        let kind = IdentifierKind::EmailAddress;
        let value = IdentifierValue::EmailAddress(recovery.address.clone());
        let key = value.key();
        let has_primary = left
            .iter()
            .any(|identifier| identifier.primary && identifier.value.kind() == kind);
        let own = left
            .iter()
            .position(|identifier| identifier.value.key() == key);
        let owner = zalt.store().account_by_identifier(&key).await?;
        let is_free = owner.is_none_or(|owner| owner.user.id == account.user.id);
        match own.and_then(|position| left.get_mut(position)) {
            Some(own) if is_free && (own.verified_at.is_none() || !has_primary) => {
                own.verified_at = own.verified_at.or(Some(zalt.now()));
                own.primary |= !has_primary;
                batch = batch.change(Change::UpdateIdentifier(own.clone()));
            }
            None if is_free => {
                let new =
                    zalt.users()
                        .new_identifier(account.user.id, value, true, !has_primary)?;
                batch = batch.change(Change::InsertIdentifier(new.clone()));
                left.push(new);
            }
            _ => {}
        }
        let is_reached = left
            .iter()
            .any(|identifier| identifier.verified_at.is_some() && identifier.value.kind() == kind);
        if is_reached {
            Ok(batch)
        } else {
            Err(Error::LastIdentifier)
        }
    }

    async fn under_review(
        &self,
        token: &AttemptToken,
    ) -> Result<(Attempt, Recovery, Account), Error> {
        let attempt = find_attempt(self.zalt, token).await?;
        let AttemptState::SignIn(state) = &attempt.state else {
            return Err(Error::AttemptNotFound);
        };
        if state.status != SignInStatus::NeedsReview {
            return Err(Error::AttemptStep);
        }
        let recovery = state.recovery.clone().ok_or(Error::AttemptStep)?;
        let user_id = state.user_id.ok_or(Error::AttemptStep)?;
        let account = self.zalt.store().account(user_id).await?;
        let account = account
            .filter(|account| account.user.frozen_at == Some(recovery.frozen_at))
            .ok_or(Error::AttemptNotFound)?;
        if !account.user.status.is_active() {
            return Err(Error::AccountSuspended);
        }
        Ok((attempt, recovery, account))
    }
}

fn review(account: &Account, recovery: &Recovery) -> Review {
    let since = recovery.frozen_at - SAFETY_WINDOW;
    let own = IdentifierValue::EmailAddress(recovery.address.clone()).key();
    let credentials = account.credentials.iter().filter(|credential| {
        credential.created_at >= since && !matches!(credential.state, CredentialState::Device(_))
    });
    let identifiers = account.identifiers.iter().filter(|identifier| {
        let verified_lately = identifier.verified_at.is_some_and(|at| at >= since);
        identifier.value.kind() != IdentifierKind::Username
            && identifier.value.key() != own
            && (identifier.created_at >= since || verified_lately)
    });
    Review {
        credentials: credentials.cloned().collect(),
        identifiers: identifiers.cloned().collect(),
    }
}

/// The credentials that go: those that the owner does not know, codes sent to an address or number that goes, and recovery codes
/// where nothing is left for them to stand in for.
fn removed<'a>(
    account: &'a Account,
    added: &Review,
    unknown: &[&Identifier],
    decision: &ReviewDecision,
) -> Vec<&'a Credential> {
    let goes = |credential: &Credential| {
        let is_unknown = decision.credentials.contains(&credential.id)
            && added.credentials.iter().any(|row| row.id == credential.id);
        let goes_with_its_identifier = match &credential.state {
            CredentialState::Messages(messages) => unknown
                .iter()
                .any(|identifier| identifier.id == messages.identifier_id),
            _ => false,
        };
        is_unknown || goes_with_its_identifier
    };
    let credentials = || account.credentials.iter();
    let has_factor = credentials().any(|row| !goes(row) && row.second_factor().is_some());
    let stands_alone =
        |row: &Credential| !has_factor && matches!(row.state, CredentialState::RecoveryCodes(_));
    credentials()
        .filter(|row| goes(row) || stands_alone(row))
        .collect()
}

fn with_sign_in(attempt: &Attempt, change: impl FnOnce(&mut SignIn)) -> Attempt {
    let mut updated = attempt.clone();
    if let AttemptState::SignIn(state) = &mut updated.state {
        change(state);
    }
    updated
}
