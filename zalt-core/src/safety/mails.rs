//! The mails about an account's safety, and the links in them.

use std::time::Duration;

use super::link::{AccountLink, LinkPurpose, SAFETY_WINDOW};
use crate::Zalt;
use crate::attempt::{Attempt, AttemptState};
use crate::budget::Budget;
use crate::environment::Timestamp;
use crate::error::Error;
use crate::id::{AttemptId, UserId};
use crate::identifier::EmailAddress;
use crate::message::Notice;
use crate::secret::LinkToken;
use crate::store::Change;
use crate::user::Account;

/// How long a mail that recovers an account is good for: longer than [`WAYS_BACK`] takes to yield the next, so that there is
/// always one that works, whoever asks for more.
const RECOVERY_LIFETIME: Duration = Duration::from_hours(1);
/// The same once a recovery was held back for as long as the application says.
const HELD_LIFETIME: Duration = Duration::from_hours(24);
/// How often the mails that recover an account are sent again.
const WAYS_BACK: Budget = Budget::Rate {
    tries: 3,
    period: Duration::from_hours(1),
};

/// Who asks for the mails that recover an account once more. Strangers must not spend what holders of a link have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskedBy {
    Anybody,
    LinkHolder,
}

impl Zalt {
    /// The addresses of an account that speak for its owner at `now`: verified for long enough, or from the beginning.
    pub(crate) fn trusted_addresses(account: &Account, now: Timestamp) -> Vec<EmailAddress> {
        let from = trusted_from(account, now);
        account
            .verified_addresses()
            .filter(|(_, verified_at)| *verified_at <= from)
            .map(|(address, _)| address.clone())
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
        // An account that is gone is brought back by the application.
        let can_say = *notice != Notice::AccountDeleted;
        let mut changes = Vec::new();
        for (address, _) in account.verified_addresses() {
            let user_id = (can_say && trusted.contains(address)).then_some(account.user.id);
            self.tell(&mut changes, address, notice, user_id, &trusted)?;
        }
        Ok(changes)
    }

    /// The changes that tell of a recovery. Whoever had an address on the account before or has one now can say that it wasn't
    /// them, also if it was taken off the account by this: freezing it is all that they can do then.
    pub(super) fn mail_recovered(
        &self,
        before: &Account,
        after: &Account,
    ) -> Result<Vec<Change>, Error> {
        let trusted = Self::trusted_addresses(after, self.now());
        let user_id = (!trusted.is_empty()).then_some(after.user.id);
        let mut told: Vec<&EmailAddress> = Vec::new();
        let mut changes = Vec::new();
        for (address, _) in after
            .verified_addresses()
            .chain(before.verified_addresses())
        {
            if !is_among(address, told.iter().copied()) {
                told.push(address);
                self.tell(
                    &mut changes,
                    address,
                    &Notice::AccountRecovered,
                    user_id,
                    &trusted,
                )?;
            }
        }
        Ok(changes)
    }

    /// Tells one address, with a link that freezes this account if one is named.
    fn tell(
        &self,
        changes: &mut Vec<Change>,
        address: &EmailAddress,
        notice: &Notice,
        user_id: Option<UserId>,
        owners: &[EmailAddress],
    ) -> Result<(), Error> {
        let mut link = None;
        if let Some(user_id) = user_id {
            let state = AccountLink {
                purpose: LinkPurpose::Freeze,
                user_id,
                addresses: owners.to_vec(),
                used: false,
            };
            let (change, token) = self.account_link(state, SAFETY_WINDOW)?;
            changes.push(change);
            link = Some(page(&self.config().links.freeze, &token));
        }
        changes.push(self.mail_with_safety_link(address, notice.clone(), link)?);
        Ok(())
    }

    /// Whether the mails that recover an account may be sent once more. Whoever asks for a frozen account at the sign-in is not
    /// told.
    pub(crate) async fn may_mail_again(&self, user_id: UserId, by: AskedBy) -> Result<bool, Error> {
        match self.take_way_back(user_id, by).await {
            Err(Error::RateLimited { .. }) => Ok(false),
            result => result.map(|()| true),
        }
    }

    /// Takes one more sending of the mails that recover an account.
    pub(super) async fn take_way_back(&self, user_id: UserId, by: AskedBy) -> Result<(), Error> {
        let label: &[u8] = match by {
            AskedBy::Anybody => b"ways-back",
            AskedBy::LinkHolder => b"ways-back-by-link",
        };
        let key = self.budget_key(&[label, user_id.as_bytes()]);
        self.take_account_budget(key, &WAYS_BACK).await
    }

    /// The changes that send the way back into an account that is frozen since `frozen_at` to the addresses of its owner.
    ///
    /// One that is not the account's any more may be a mailbox that its owner has left to somebody else. It recovers nothing
    /// until the application's time is up, and whoever has an address on the account is told and can object. Where `begins`
    /// says that the freeze is new, the others on the account are told in any case.
    pub(crate) fn recovery_mails(
        &self,
        account: &Account,
        owners: &[EmailAddress],
        frozen_at: Timestamp,
        begins: bool,
    ) -> Result<Vec<Change>, Error> {
        let hold = self.config().recovery_hold;
        let own = || account.verified_addresses().map(|(address, _)| address);
        let mut changes = Vec::new();
        let mut is_held = false;
        for address in owners {
            let is_own = is_among(address, own());
            is_held |= !is_own;
            let (opens, lifetime) = if is_own {
                (Duration::ZERO, RECOVERY_LIFETIME)
            } else {
                (hold, HELD_LIFETIME)
            };
            let state = AccountLink {
                purpose: LinkPurpose::Recover {
                    address: address.clone(),
                    frozen_at,
                },
                user_id: account.user.id,
                addresses: owners.to_vec(),
                used: false,
            };
            let (change, token) = self.account_link(state, opens + lifetime)?;
            let link = page(&self.config().links.recover, &token);
            let valid_minutes = minutes(lifetime);
            let notice = if is_own {
                Notice::AccountFrozen {
                    link,
                    valid_minutes,
                }
            } else {
                Notice::RecoveryHeld {
                    link,
                    opens_in_minutes: minutes(hold),
                    valid_minutes,
                }
            };
            changes.push(change);
            changes.push(self.mail(address, notice)?);
        }
        for address in own() {
            if is_held {
                let state = AccountLink {
                    purpose: LinkPurpose::Object { frozen_at },
                    user_id: account.user.id,
                    addresses: owners.to_vec(),
                    used: false,
                };
                let (change, token) = self.account_link(state, hold + HELD_LIFETIME)?;
                let notice = Notice::RecoveryByAnother {
                    held_minutes: Some(minutes(hold)),
                };
                let link = Some(page(&self.config().links.freeze, &token));
                changes.push(change);
                changes.push(self.mail_with_safety_link(address, notice, link)?);
            } else if begins && !is_among(address, owners.iter()) {
                let notice = Notice::RecoveryByAnother { held_minutes: None };
                changes.push(self.mail(address, notice)?);
            }
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

/// Until when an address has to have been verified to speak for an account's owner at `now`.
pub(super) fn trusted_from(account: &Account, now: Timestamp) -> Timestamp {
    (now - SAFETY_WINDOW).max(account.user.created_at)
}

/// Whether an address is one of these, however it is written.
pub(super) fn is_among<'a>(
    address: &EmailAddress,
    mut others: impl Iterator<Item = &'a EmailAddress>,
) -> bool {
    let key = address.canonical();
    others.any(|other| other.canonical() == key)
}

fn minutes(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs() / 60).unwrap_or(u32::MAX)
}

fn page(template: &str, token: &LinkToken) -> String {
    template.replace("{token}", &token.expose())
}
