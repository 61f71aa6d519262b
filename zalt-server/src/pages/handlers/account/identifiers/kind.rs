//! What differs between addresses and numbers.

use askama::Template;
use zalt_core::Error;
use zalt_core::attempt::ChallengeStrategy;
use zalt_core::id::IdentifierId;
use zalt_core::identifier::{EmailAddress, Identifier, IdentifierKind, PhoneNumber};

use crate::pages::flash::Flash;
use crate::pages::messages::FieldNames;
use crate::pages::paths;
use crate::pages::views::{EmailAddressesView, IdentifierItem, Page, PhoneNumbersView, Purpose};
use crate::pages::visit::{SignedInVisitor, Visit};

/// The addresses or the numbers of an account.
pub(in super::super) trait Identifiers {
    /// The page with all of them.
    type View: Template;

    const KIND: IdentifierKind;
    const PURPOSE: Purpose;
    /// How the code comes that verifies one.
    const STRATEGY: ChallengeStrategy;
    /// Where all of them are.
    const LIST: &'static str;
    /// Where the code is typed.
    const VERIFY: &'static str;
    /// Where one is sent.
    const SEND: &'static str;
    const MAKE_PRIMARY: &'static str;
    const REMOVE: &'static str;
    /// The field of the form that adds one.
    const FIELD: &'static str;
    const FIELDS: FieldNames;
    const ON_VERIFIED: Flash;
    const ON_PRIMARY: Flash;
    const ON_REMOVED: Flash;
    const ON_GONE: Flash;

    fn add(
        visit: &Visit,
        visitor: &SignedInVisitor,
        typed: &str,
    ) -> impl Future<Output = Result<Identifier, Error>> + Send;

    fn remove(
        visit: &Visit,
        visitor: &SignedInVisitor,
        id: IdentifierId,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    fn view(page: Page, items: Vec<IdentifierItem>, typed: &str) -> Self::View;
}

/// The e-mail addresses. It is also what a link in a mail to a further one leads to, which the session that asked for it
/// follows.
pub(in super::super) struct Addresses;

pub(in super::super) struct Numbers;

impl Identifiers for Addresses {
    type View = EmailAddressesView;

    const KIND: IdentifierKind = IdentifierKind::EmailAddress;
    const PURPOSE: Purpose = Purpose::EmailAddress;
    // A message that holds both, the code and the link.
    const STRATEGY: ChallengeStrategy = ChallengeStrategy::EmailLink;
    const LIST: &'static str = paths::ACCOUNT_EMAILS;
    const VERIFY: &'static str = paths::ACCOUNT_EMAIL_VERIFY;
    const SEND: &'static str = paths::ACCOUNT_EMAIL_SEND;
    const MAKE_PRIMARY: &'static str = paths::ACCOUNT_EMAIL_PRIMARY;
    const REMOVE: &'static str = paths::ACCOUNT_EMAIL_REMOVE;
    const FIELD: &'static str = "email";
    const FIELDS: FieldNames = &[("email_address", "email")];
    const ON_VERIFIED: Flash = Flash::EmailVerified;
    const ON_PRIMARY: Flash = Flash::EmailMadePrimary;
    const ON_REMOVED: Flash = Flash::EmailRemoved;
    const ON_GONE: Flash = Flash::EmailGone;

    async fn add(
        visit: &Visit,
        visitor: &SignedInVisitor,
        typed: &str,
    ) -> Result<Identifier, Error> {
        let address = EmailAddress::parse(typed)?;
        let users = visit.zalt().users();
        users
            .add_email_address(visit.context(), &visitor.authenticated, address)
            .await
    }

    async fn remove(
        visit: &Visit,
        visitor: &SignedInVisitor,
        id: IdentifierId,
    ) -> Result<(), Error> {
        let users = visit.zalt().users();
        users
            .remove_email_address(visit.context(), &visitor.authenticated, id)
            .await
    }

    fn view(page: Page, items: Vec<IdentifierItem>, typed: &str) -> EmailAddressesView {
        EmailAddressesView {
            page,
            addresses: items,
            new_email: typed.to_owned(),
        }
    }
}

impl Identifiers for Numbers {
    type View = PhoneNumbersView;

    const KIND: IdentifierKind = IdentifierKind::PhoneNumber;
    const PURPOSE: Purpose = Purpose::PhoneNumber;
    const STRATEGY: ChallengeStrategy = ChallengeStrategy::SmsCode;
    const LIST: &'static str = paths::ACCOUNT_PHONES;
    const VERIFY: &'static str = paths::ACCOUNT_PHONE_VERIFY;
    const SEND: &'static str = paths::ACCOUNT_PHONE_SEND;
    const MAKE_PRIMARY: &'static str = paths::ACCOUNT_PHONE_PRIMARY;
    const REMOVE: &'static str = paths::ACCOUNT_PHONE_REMOVE;
    const FIELD: &'static str = "phone_number";
    const FIELDS: FieldNames = &[("phone_number", "phone_number")];
    const ON_VERIFIED: Flash = Flash::PhoneVerified;
    const ON_PRIMARY: Flash = Flash::PhoneMadePrimary;
    const ON_REMOVED: Flash = Flash::PhoneRemoved;
    const ON_GONE: Flash = Flash::PhoneGone;

    async fn add(
        visit: &Visit,
        visitor: &SignedInVisitor,
        typed: &str,
    ) -> Result<Identifier, Error> {
        let number = PhoneNumber::parse(typed)?;
        let users = visit.zalt().users();
        users
            .add_phone_number(visit.context(), &visitor.authenticated, number)
            .await
    }

    async fn remove(
        visit: &Visit,
        visitor: &SignedInVisitor,
        id: IdentifierId,
    ) -> Result<(), Error> {
        let users = visit.zalt().users();
        users
            .remove_phone_number(visit.context(), &visitor.authenticated, id)
            .await
    }

    fn view(page: Page, items: Vec<IdentifierItem>, typed: &str) -> PhoneNumbersView {
        PhoneNumbersView {
            page,
            numbers: items,
            new_number: typed.to_owned(),
        }
    }
}
