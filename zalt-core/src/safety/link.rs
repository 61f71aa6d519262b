//! The links in safety mails, and what "this wasn't me" does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Safety;
use super::mails::{AskedBy, is_among};
use crate::attempt::{Attempt, AttemptState};
use crate::budget::Budget;
use crate::environment::Timestamp;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::UserId;
use crate::identifier::EmailAddress;
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
    /// The addresses that were the owner's when "this wasn't me" was offered: those recover the account.
    pub addresses: Vec<EmailAddress>,
    /// Whether it was used.
    pub used: bool,
}

/// What a link of a safety mail does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// Freezes the account; while it is frozen, sends the mails that recover it again.
    Freeze,
    /// Objects to a recovery through an address that is not the account's any more.
    Object {
        /// Which freeze it is about.
        frozen_at: Timestamp,
    },
    /// Begins to recover a frozen account.
    Recover {
        /// The address that it was sent to.
        address: EmailAddress,
        /// Which freeze it is that is to be lifted.
        frozen_at: Timestamp,
    },
}

/// How long "this wasn't me" can be said, and how long an address has to have been verified to be asked: whoever adds one of
/// theirs gets no say before the owner's links have run out.
pub(crate) const SAFETY_WINDOW: Duration = Duration::from_hours(7 * 24);
/// How often an account can be frozen: old mails in the wrong hands must not keep its owner out.
const FREEZES: Budget = Budget::Rate {
    tries: 5,
    period: Duration::from_hours(24),
};
const RACES: usize = 4;

impl Safety<'_> {
    /// "This wasn't me": freezes the account that the link is about, ends all its sessions, voids whatever sign-ins are under
    /// way, and mails a link that recovers it to the addresses that were the owner's before. Said again while the account is
    /// frozen, it sends those mails again.
    ///
    /// To a recovery through an address that is not the account's any more, its link objects: the account stays frozen, and
    /// every link that recovers it is void.
    ///
    /// # Errors
    /// [`Error::LinkIncorrect`] if the link was used, is too old, or the account was recovered since; [`Error::RateLimited`].
    pub async fn freeze(&self, request: &RequestContext, link: &LinkToken) -> Result<(), Error> {
        let zalt = self.zalt;
        zalt.take_network_budget(request, b"proofs").await?;
        let mut charged = false;
        for _ in 0..RACES {
            let (attempt, state) = self.find(link).await?;
            let user_id = state.user_id;
            let account = zalt.store().account(user_id).await?;
            let account = account.filter(|account| {
                let user = &account.user;
                let is_deleted = matches!(user.status, UserStatus::Deleted { .. });
                // The mail about a recovery is made as it happens.
                !is_deleted && user.recovered_at.is_none_or(|at| at <= attempt.created_at)
            });
            let account = account.ok_or(Error::LinkIncorrect)?;
            let batch = match (&state.purpose, account.user.frozen_at) {
                (LinkPurpose::Freeze, None) if !state.used => {
                    if !charged {
                        let key = zalt.budget_key(&[b"freezes", user_id.as_bytes()]);
                        zalt.take_account_budget(key, &FREEZES).await?;
                        charged = true;
                    }
                    self.frozen(request, &attempt, &state, &account)?
                }
                (LinkPurpose::Freeze, Some(frozen_at)) => {
                    zalt.take_way_back(user_id, AskedBy::LinkHolder).await?;
                    let owners = &state.addresses;
                    let mails = zalt.recovery_mails(&account, owners, frozen_at, false)?;
                    return Ok(zalt.commit(Batch::new().all(mails)).await?);
                }
                (LinkPurpose::Object { frozen_at }, Some(at))
                    if !state.used && *frozen_at == at =>
                {
                    self.objected(request, &attempt, &state, &account, at)?
                }
                _ => return Err(Error::LinkIncorrect),
            };
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
            frozen_at: Some(now),
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
            .extend(zalt.recovery_mails(account, &state.addresses, now, true)?);
        Ok(batch)
    }

    /// Keeps the account frozen: its freeze is another one from here on, which no link that is out is about. Whoever still has
    /// an address on the account gets a new one.
    fn objected(
        &self,
        request: &RequestContext,
        attempt: &Attempt,
        state: &AccountLink,
        account: &Account,
        frozen_at: Timestamp,
    ) -> Result<Batch, Error> {
        let zalt = self.zalt;
        // Not the time of now: an address must not come of age by it.
        let frozen_at = frozen_at + Duration::from_millis(1);
        let user = User {
            frozen_at: Some(frozen_at),
            updated_at: zalt.now(),
            ..account.user.clone()
        };
        let mut owners = state.addresses.clone();
        owners.retain(|owner| {
            let mut own = account.verified_addresses().map(|(address, _)| address);
            is_among(owner, &mut own)
        });
        let (actor, kind) = (Actor::Anonymous, EventKind::RecoveryObjected);
        let event = zalt.event(request, actor, Some(state.user_id), kind)?;
        Ok(Batch::new()
            .change(Change::UpdateAttempt(used(attempt, state)))
            .change(Change::UpdateUser(user))
            .all(zalt.recovery_mails(account, &owners, frozen_at, false)?)
            .event(event))
    }

    /// The link with its attempt.
    pub(super) async fn find(&self, link: &LinkToken) -> Result<(Attempt, AccountLink), Error> {
        let attempt = self.zalt.store().attempt(link.id()).await?;
        let attempt = attempt
            .filter(|attempt| {
                attempt.token == link.digest() && self.zalt.now() < attempt.expires_at
            })
            .ok_or(Error::LinkIncorrect)?;
        match &attempt.state {
            AttemptState::AccountLink(state) => {
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
