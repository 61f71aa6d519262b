//! How many mails go to one mailbox, whoever asks for them and by whatever.

use super::challenge::{ChallengePurpose, ChallengeStrategy};
use super::step::message_label;
use crate::Zalt;
use crate::error::Error;
use crate::id::UserId;
use crate::identifier::{EmailAddress, Identifier, IdentifierKey, IdentifierValue};

/// Where a mail that somebody asked for goes.
#[derive(Clone, Copy)]
pub(super) enum Mailbox<'a> {
    /// To this address.
    Of(&'a EmailAddress),
    /// To the owners of this frozen account.
    OfOwners(UserId),
    /// Nowhere, since nobody has what was typed.
    Nobodys(&'a IdentifierKey),
}

impl<'a> Mailbox<'a> {
    /// Where the mail of a sign-in goes: to the recipient, if there is one.
    pub(super) fn reached(
        recipient: Option<&'a Identifier>,
        frozen: Option<UserId>,
        typed: &'a IdentifierKey,
    ) -> Self {
        match (recipient.map(|identifier| &identifier.value), frozen) {
            (Some(IdentifierValue::EmailAddress(address)), _) => Self::Of(address),
            (_, Some(user_id)) => Self::OfOwners(user_id),
            _ => Self::Nobodys(typed),
        }
    }
}

/// Whether a mail goes out to this mailbox, whichever of an account's identifiers, or of the spellings of an address, it was asked
/// for by. That it does not is not told: who sees one identifier's mails run out by another's would know that both are one
/// person's. For nobody as many limits are taken.
pub(super) async fn may_mail(
    zalt: &Zalt,
    to: Mailbox<'_>,
    strategy: ChallengeStrategy,
    purpose: ChallengePurpose,
) -> Result<bool, Error> {
    let label = message_label(purpose, strategy);
    let key = match to {
        Mailbox::Of(address) => {
            zalt.budget_key(&[label, b"mailbox", address.without_tag().as_bytes()])
        }
        Mailbox::OfOwners(user_id) => zalt.budget_key(&[label, b"owners", user_id.as_bytes()]),
        Mailbox::Nobodys(typed) => {
            let kind = typed.kind.as_str().as_bytes();
            zalt.budget_key(&[label, b"nobody", kind, typed.key.as_bytes()])
        }
    };
    let limit = &zalt.config().budgets.messages_per_address;
    match zalt.take_account_budget(key, limit).await {
        Ok(()) => Ok(true),
        Err(Error::RateLimited { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
