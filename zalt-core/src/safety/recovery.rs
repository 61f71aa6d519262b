//! The way back into a frozen account.

use serde::{Deserialize, Serialize};

use super::Safety;
use super::link::{LinkPurpose, SAFETY_WINDOW, used};
use super::mails::{is_among, trusted_from};
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
use crate::request::RequestContext;
use crate::secret::{AttemptToken, LinkToken};
use crate::session::Transport;
use crate::store::{Batch, Change, EventFilter, PageLimit, PageRequest};
use crate::user::Account;

/// That a sign-in recovers a frozen account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// The address whose owner opened the link.
    pub address: EmailAddress,
    /// The addresses that were the owner's when "this wasn't me" was offered.
    #[serde(default)]
    pub addresses: Vec<EmailAddress>,
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
    /// [`Error::LinkIncorrect`] if the link was used, is too old, somebody objected, or the account is not frozen any more;
    /// [`Error::RecoveryHeld`] if its address is not on the account any more and others can still object;
    /// [`Error::AccountSuspended`], [`Error::RateLimited`], [`Error::Conflict`].
    pub async fn recover(
        &self,
        request: &RequestContext,
        link: &LinkToken,
        transport: Transport,
    ) -> Result<StartedSignIn, Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"proofs").await?;
        let (attempt, state) = self.find(link).await?;
        let LinkPurpose::Recover { address, frozen_at } = state.purpose.clone() else {
            return Err(Error::LinkIncorrect);
        };
        let account = zalt.store().account(state.user_id).await?;
        let account = account
            .filter(|account| !state.used && account.user.frozen_at == Some(frozen_at))
            .ok_or(Error::LinkIncorrect)?;
        if !account.user.status.is_active() {
            return Err(Error::AccountSuspended);
        }
        let mut own = account.verified_addresses().map(|(address, _)| address);
        let opens_at = attempt.created_at + zalt.config().recovery_hold;
        if !is_among(&address, &mut own) && zalt.now() < opens_at {
            let retry_after = opens_at.since(zalt.now());
            return Err(Error::RecoveryHeld { retry_after });
        }
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
                addresses: state.addresses.clone(),
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
        self.added(&account, &recovery).await
    }

    /// Takes away what the owner does not know and lifts the freeze. The first factor is due next: nobody is signed in by it.
    ///
    /// The address through which the account was recovered is put back if somebody had removed it, and speaks for the owner as it
    /// did before. Devices that the account came to be known from lately are forgotten.
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
        let added = self.added(&account, &recovery).await?;
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
        for (device, _) in account.devices() {
            if device.created_at >= since(&recovery) {
                let (id, version) = (device.id, device.version);
                batch = batch
                    .change(Change::DeleteCredential { id, version })
                    .event(event(EventKind::DeviceForgotten { credential_id: id })?);
            }
        }
        let batch = self
            .with_own_address(&account, &recovery, &mut left, batch)
            .await?;
        let after = Account {
            identifiers: left,
            ..account.clone()
        };
        let mails = zalt.mail_recovered(&account, &after)?;
        zalt.commit(batch.all(mails)).await?;
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
        // It was the owner's when the account was frozen: whoever has another old address must not win by its being new.
        let verified_at = trusted_from(account, recovery.frozen_at);
        match own.and_then(|position| left.get_mut(position)) {
            Some(own) if is_free && (own.verified_at.is_none() || !has_primary) => {
                own.verified_at = own.verified_at.or(Some(verified_at));
                own.primary |= !has_primary;
                batch = batch.change(Change::UpdateIdentifier(own.clone()));
            }
            None if is_free => {
                let users = zalt.users();
                let new = Identifier {
                    verified_at: Some(verified_at),
                    ..users.new_identifier(account.user.id, value, true, !has_primary)?
                };
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

    /// What was added lately. An address that was the owner's when "this wasn't me" was offered is no part of it, whichever of
    /// them recovers the account: none of them takes another one's say away.
    async fn added(&self, account: &Account, recovery: &Recovery) -> Result<Review, Error> {
        let since = since(recovery);
        let stays = self.took_older_place(account, since).await?;
        let credentials = account.kept_credentials().filter(|credential| {
            let protects = credential.second_factor().is_some()
                || matches!(credential.state, CredentialState::RecoveryCodes(_));
            credential.created_at >= since && !(stays && protects)
        });
        let identifiers = account.identifiers.iter().filter(|identifier| {
            let is_verified = identifier.verified_at.is_some();
            let verified_lately = identifier.verified_at.is_some_and(|at| at >= since);
            let is_unknown = match &identifier.value {
                IdentifierValue::EmailAddress(address) => {
                    is_verified && !is_among(address, recovery.addresses.iter())
                        || !is_verified && identifier.created_at >= since
                }
                IdentifierValue::PhoneNumber(_) => {
                    identifier.created_at >= since || verified_lately
                }
                IdentifierValue::Username(_) => false,
            };
            is_unknown && !(stays && account.messages_to(identifier.id).is_some())
        });
        Ok(Review {
            credentials: credentials.cloned().collect(),
            identifiers: identifiers.cloned().collect(),
        })
    }

    /// Whether the second factors of the account all took the place of an older one lately. Whoever removed that one had proved
    /// it, and an account with two factors is not recovered by a mailbox alone: taking the new ones away would do just that.
    async fn took_older_place(&self, account: &Account, since: Timestamp) -> Result<bool, Error> {
        let mut factors = account.kept_credentials();
        if factors.any(|row| row.second_factor().is_some() && row.created_at < since) {
            return Ok(false);
        }
        let filter = EventFilter {
            user_id: Some(account.user.id),
            kind: Some("credential.removed".to_owned()),
        };
        let page = PageRequest {
            after: None,
            limit: PageLimit::MAX,
        };
        let removed = self.zalt.store().events(&filter, page).await?;
        Ok(removed.data.iter().any(|event| match event.kind {
            EventKind::CredentialRemoved { credential_id } => {
                event.actor == Actor::User(account.user.id)
                    && event.occurred_at >= since
                    && credential_id.minted_at() < since
            }
            _ => false,
        }))
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
            .filter(|account| {
                // Two recoveries at once: the password has to be the one that this one set.
                let password = account_mark(account).password_set_at;
                let is_own = state
                    .reset
                    .is_some_and(|mark| mark.password_set_at == password);
                account.user.frozen_at == Some(recovery.frozen_at) && is_own
            })
            .ok_or(Error::AttemptNotFound)?;
        if !account.user.status.is_active() {
            return Err(Error::AccountSuspended);
        }
        Ok((attempt, recovery, account))
    }
}

fn since(recovery: &Recovery) -> Timestamp {
    recovery.frozen_at - SAFETY_WINDOW
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
