//! Account safety: what happens when somebody says "this wasn't me".
//!
//! Every mail that tells of a change carries a link to the addresses that were the owner's before it. The link freezes the
//! account: all sessions end, nobody signs in, and nothing is removed. A fresh link then goes to those same addresses, and
//! whoever reads one sets a new password and looks through what was added lately. After that the freeze is lifted, and
//! whatever second factor was there before is asked for as ever: a mailbox alone opens no account that it did not open before.
//!
//! An address counts as the owner's once it has been verified for as long as the links are valid, or if it came with the
//! account. So whoever adds an address of theirs gets neither link, also where they removed all others.
//!
//! An old address that was taken off the account may have been left to somebody else on purpose. So it recovers the account only
//! after a while, in which whoever has an address on it can object.

mod link;
mod mails;
mod recovery;

pub use link::{AccountLink, LinkPurpose};
pub(crate) use mails::AskedBy;
pub use recovery::{Recovery, Review, ReviewDecision};

use crate::Zalt;

/// Freezing an account and recovering it.
#[derive(Debug, Clone, Copy)]
pub struct Safety<'z> {
    zalt: &'z Zalt,
}

impl<'z> Safety<'z> {
    pub(crate) const fn new(zalt: &'z Zalt) -> Self {
        Self { zalt }
    }
}
