//! The links in safety mails, and what "this wasn't me" does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Safety;
use crate::Zalt;
use crate::attempt::{Attempt, AttemptState};
use crate::budget::Budget;
use crate::environment::Timestamp;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::{AttemptId, UserId};
use crate::identifier::{EmailAddress, IdentifierValue};
use crate::message::Notice;
use crate::request::RequestContext;
use crate::secret::LinkToken;
use crate::session::RevokeReason;
use crate::store::{Batch, Change, CommitError, GuardReason};
use crate::user::{Account, User, UserStatus};

/// A link of a safety mail. It is kept as an attempt, whose token is the link's and which is used up by one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLink {
    /// What it does.
    pub purpose: LinkPurpose,
    /// Whose account it is about.
    pub user_id: UserId,
    /// Where the mail with the next link goes: the addresses that were the owner's when this one was sent. For
    /// [`LinkPurpose::Recover`] the one that it was sent to.
    pub addresses: Vec<EmailAddress>,
    /// Whether it was used.
    pub used: bool,
}

/// What a link of a safety mail does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// Freezes the account.
    Freeze,
    /// Begins to recover a frozen one.
    Recover,
}

/// How long "this wasn't me" can be said, and how long an address has to have been verified to be asked: whoever adds one of
/// theirs gets no say before the owner's links have run out.
pub(crate) const SAFETY_WINDOW: Duration = Duration::from_hours(7 * 24);
/// How long a mail that recovers an account is good for.
const RECOVERY_LIFETIME: Duration = Duration::from_hours(1);
/// How often an account can be frozen: old mails in the wrong hands must not keep its owner out.
const FREEZES: Budget = Budget::Rate {
    tries: 5,
    period: Duration::from_hours(24),
};
const RACES: usize = 4;

impl Safety<'_> {
    /// "This wasn't me": freezes the account that the link is about, ends all its sessions, voids whatever sign-ins are under
    /// way, and mails a link that recovers it to the addresses that were the owner's before.
    ///
    /// # Errors
    /// [`Error::LinkIncorrect`] if the link was used, is too old, or the account was recovered since; [`Error::RateLimited`].
    pub async fn freeze(&self, request: &RequestContext, link: &LinkToken) -> Result<(), Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"proofs").await?;
        let mut charged = false;
        for _ in 0..RACES {
            let (attempt, state) = self.find(link, LinkPurpose::Freeze).await?;
            let user_id = state.user_id;
            let account = zalt.store().account(user_id).await?;
            let account = account.filter(|account| {
                let user = &account.user;
                let is_deleted = matches!(user.status, UserStatus::Deleted { .. });
                !is_deleted && user.recovered_at.is_none_or(|at| at < attempt.created_at)
            });
            let account = account.ok_or(Error::LinkIncorrect)?;
            if !charged {
                let key = zalt.budget_key(&[b"freezes", user_id.as_bytes()]);
                zalt.take_account_budget(key, &FREEZES).await?;
                charged = true;
            }
            let batch = self.frozen(request, &attempt, &state, &account)?;
            match zalt.commit(batch).await {
                Err(CommitError::Guard(failure))
                    if failure.reason == GuardReason::VersionMismatch => {}
                result => return Ok(result?),
            }
        }
        Err(Error::Conflict)
    }

    /// Lifts a freeze, for the application: whoever asks has shown by other means that the account is theirs.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`].
    pub async fn lift(&self, request: &RequestContext, user_id: UserId) -> Result<(), Error> {
        let account = self.zalt.users().find_account(user_id).await?;
        if account.user.frozen_at.is_none() {
            return Ok(());
        }
        let actor = Actor::Application;
        let kind = EventKind::UserUnfrozen;
        let event = self.zalt.event(request, actor, Some(user_id), kind)?;
        let lifted = Change::UpdateUser(self.unfrozen(&account.user));
        Ok(self
            .zalt
            .commit(Batch::new().change(lifted).event(event))
            .await?)
    }

    pub(super) fn unfrozen(&self, user: &User) -> User {
        let now = self.zalt.now();
        User {
            frozen_at: None,
            recovered_at: Some(now),
            updated_at: now,
            ..user.clone()
        }
    }

    fn frozen(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        state: &AccountLink,
        account: &Account,
    ) -> Result<Batch, Error> {
        let zalt = self.zalt;
        let (now, user_id) = (zalt.now(), state.user_id);
        let reason = RevokeReason::AccountFrozen;
        let user = User {
            frozen_at: account.user.frozen_at.or(Some(now)),
            updated_at: now,
            ..account.user.clone()
        };
        let event = |kind| zalt.event(request, Actor::Anonymous, Some(user_id), kind);
        let revoked = EventKind::AllSessionsRevoked {
            except: None,
            reason,
        };
        let mut batch = Batch::new()
            .change(Change::UpdateAttempt(used(attempt, state)))
            .change(Change::UpdateUser(user))
            .change(Change::RevokeUserSessions {
                user_id,
                except: None,
                at: now,
                reason,
            })
            .event(event(EventKind::UserFrozen)?)
            .event(event(revoked)?);
        batch
            .changes
            .extend(zalt.recovery_mails(user_id, &state.addresses)?);
        Ok(batch)
    }

    /// The link that was not used yet, with its attempt.
    pub(super) async fn find(
        &self,
        link: &LinkToken,
        purpose: LinkPurpose,
    ) -> Result<(Attempt, AccountLink), Error> {
        let attempt = self.zalt.store().attempt(link.id()).await?;
        let attempt = attempt
            .filter(|attempt| {
                attempt.token == link.digest() && self.zalt.now() < attempt.expires_at
            })
            .ok_or(Error::LinkIncorrect)?;
        match &attempt.state {
            AttemptState::AccountLink(state) if state.purpose == purpose && !state.used => {
                let state = state.clone();
                Ok((attempt, state))
            }
            _ => Err(Error::LinkIncorrect),
        }
    }
}

/// The attempt of a link that does nothing any more.
pub(super) fn used(attempt: &Attempt, state: &AccountLink) -> Attempt {
    Attempt {
        state: AttemptState::AccountLink(AccountLink {
            used: true,
            ..state.clone()
        }),
        ..attempt.clone()
    }
}

impl Zalt {
    /// The addresses of an account that speak for its owner at `now`: verified for long enough, or from the beginning.
    pub(crate) fn trusted_addresses(account: &Account, now: Timestamp) -> Vec<EmailAddress> {
        let from = (now - SAFETY_WINDOW).max(account.user.created_at);
        account
            .identifiers
            .iter()
            .filter(|identifier| identifier.verified_at.is_some_and(|at| at <= from))
            .filter_map(|identifier| match &identifier.value {
                IdentifierValue::EmailAddress(address) => Some(address.clone()),
                _ => None,
            })
            .collect()
    }

    /// The changes that tell every verified address of an account, as it was before, what happened to it. Those that were the
    /// owner's for long enough get a link to say that it wasn't them.
    pub(crate) fn mail_all(
        &self,
        account: &Account,
        notice: &Notice,
    ) -> Result<Vec<Change>, Error> {
        let trusted = Self::trusted_addresses(account, self.now());
        let mut changes = Vec::new();
        for identifier in &account.identifiers {
            let IdentifierValue::EmailAddress(address) = &identifier.value else {
                continue;
            };
            if identifier.verified_at.is_none() {
                continue;
            }
            let mut link = None;
            // An account that is gone is brought back by the application.
            let can_say = *notice != Notice::AccountDeleted;
            if can_say && trusted.contains(address) {
                let state = AccountLink {
                    purpose: LinkPurpose::Freeze,
                    user_id: account.user.id,
                    addresses: trusted.clone(),
                    used: false,
                };
                let (change, token) = self.account_link(state, SAFETY_WINDOW)?;
                changes.push(change);
                link = Some(page(&self.config().links.freeze, &token));
            }
            changes.push(self.mail_with_safety_link(address, notice.clone(), link)?);
        }
        Ok(changes)
    }

    /// The changes that send the way back into a frozen account to these addresses.
    pub(crate) fn recovery_mails(
        &self,
        user_id: UserId,
        addresses: &[EmailAddress],
    ) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        for address in addresses {
            let state = AccountLink {
                purpose: LinkPurpose::Recover,
                user_id,
                addresses: vec![address.clone()],
                used: false,
            };
            let (change, token) = self.account_link(state, RECOVERY_LIFETIME)?;
            let minutes = RECOVERY_LIFETIME.as_secs() / 60;
            let notice = Notice::AccountFrozen {
                link: page(&self.config().links.recover, &token),
                valid_minutes: u32::try_from(minutes).unwrap_or(u32::MAX),
            };
            changes.push(change);
            changes.push(self.mail(address, notice)?);
        }
        Ok(changes)
    }

    fn account_link(
        &self,
        state: AccountLink,
        lifetime: Duration,
    ) -> Result<(Change, LinkToken), Error> {
        let now = self.now();
        let id = AttemptId::mint(now, self.rng())?;
        let token = LinkToken::mint(id, self.rng())?;
        let attempt = Attempt {
            id,
            token: token.digest(),
            state: AttemptState::AccountLink(state),
            failed_codes: 0,
            sent_messages: 1,
            created_at: now,
            expires_at: now + lifetime,
            version: 0,
        };
        Ok((Change::InsertAttempt(attempt), token))
    }
}

fn page(template: &str, token: &LinkToken) -> String {
    template.replace("{token}", &token.expose())
}
