//! What users do to their own accounts.

use super::{Account, ImageUrl, Metadata, Name, User, UserStatus};
use crate::Zalt;
use crate::environment::Timestamp;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::{IdentifierId, UserId};
use crate::identifier::{
    EmailAddress, Identifier, IdentifierKind, IdentifierValue, PhoneNumber, Username,
};
use crate::message::Notice;
use crate::request::RequestContext;
use crate::session::Authenticated;
use crate::store::{Batch, Change, CommitError, EventFilter, GuardReason, Page, PageRequest};

/// Users and what belongs to them.
///
/// What changes how somebody signs in or is reached asks for a recent authentication
/// ([`Error::ReauthenticationRequired`]), and every verified address is told.
#[derive(Debug, Clone, Copy)]
pub struct Users<'z> {
    pub(super) zalt: &'z Zalt,
}

/// What a user changes of their profile. `None` leaves a part alone, `Some(None)` removes it.
#[derive(Debug, Clone, Default)]
pub struct ProfileUpdate {
    /// The given name.
    pub first_name: Option<Option<Name>>,
    /// The family name.
    pub last_name: Option<Option<Name>>,
    /// The picture.
    pub image_url: Option<Option<ImageUrl>>,
    /// Merged into the user's own metadata (RFC 7396).
    pub unsafe_metadata: Option<Metadata>,
}

/// The most identifiers of one account.
const MAX_IDENTIFIERS: usize = 20;

impl<'z> Users<'z> {
    pub(crate) const fn new(zalt: &'z Zalt) -> Self {
        Self { zalt }
    }

    /// The account of a user, whatever its status.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn find_account(&self, id: UserId) -> Result<Account, Error> {
        self.zalt.store().account(id).await?.ok_or(Error::NotFound)
    }

    /// What happened to a user's account, newest first.
    pub async fn events(
        &self,
        id: UserId,
        page: PageRequest,
    ) -> Result<Page<crate::event::Event>, Error> {
        let filter = EventFilter {
            user_id: Some(id),
            kind: None,
        };
        Ok(self.zalt.store().events(&filter, page).await?)
    }

    /// Changes the profile.
    ///
    /// # Errors
    /// [`Error::Metadata`] if the merged metadata is too large, [`Error::Conflict`].
    pub async fn update_profile(
        &self,
        request: &RequestContext,
        user_id: UserId,
        update: ProfileUpdate,
    ) -> Result<User, Error> {
        let mut user = self
            .zalt
            .store()
            .user(user_id)
            .await?
            .ok_or(Error::NotFound)?;
        if let Some(first_name) = update.first_name {
            user.profile.first_name = first_name;
        }
        if let Some(last_name) = update.last_name {
            user.profile.last_name = last_name;
        }
        if let Some(image_url) = update.image_url {
            user.profile.image_url = image_url;
        }
        if let Some(patch) = update.unsafe_metadata {
            user.metadata.unsafe_ = user.metadata.unsafe_.merged(&patch)?;
        }
        user.updated_at = self.zalt.now();
        let event = self.own_event(request, user_id, EventKind::UserUpdated)?;
        self.zalt
            .commit(
                Batch::new()
                    .change(Change::UpdateUser(user.clone()))
                    .event(event),
            )
            .await?;
        Ok(User {
            version: user.version + 1,
            ..user
        })
    }

    /// Sets, changes or removes the username.
    ///
    /// # Errors
    /// [`Error::UsernameTaken`], [`Error::ReauthenticationRequired`].
    pub async fn set_username(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        username: Option<Username>,
    ) -> Result<Account, Error> {
        let account = self.strong_account(authenticated).await?;
        let notice = Notice::UsernameChanged {
            username: username.as_ref().map(ToString::to_string),
        };
        let mut batch = self.owners_batch(request, authenticated, &account);
        let old = account
            .identifiers
            .iter()
            .find(|identifier| identifier.value.kind() == IdentifierKind::Username);
        if let Some(old) = old {
            batch = batch.change(Change::DeleteIdentifier {
                id: old.id,
                version: old.version,
            });
        }
        if let Some(username) = username {
            let new = self.new_identifier(
                account.user.id,
                IdentifierValue::Username(username),
                true,
                true,
            )?;
            batch = batch.change(Change::InsertIdentifier(new));
        }
        let event = self.own_event(request, account.user.id, EventKind::UserUpdated)?;
        batch.changes.extend(self.zalt.mail_all(&account, &notice)?);
        match self.zalt.commit(batch.event(event)).await {
            Err(CommitError::Guard(failure)) if failure.reason == GuardReason::IdentifierTaken => {
                return Err(Error::UsernameTaken);
            }
            result => result?,
        }
        self.find_account(account.user.id).await
    }

    /// Adds an address, which leads nowhere until it is verified.
    ///
    /// # Errors
    /// [`Error::EmailAddressTaken`] if the user has it already, [`Error::TooManyIdentifiers`],
    /// [`Error::ReauthenticationRequired`].
    pub async fn add_email_address(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        address: EmailAddress,
    ) -> Result<Identifier, Error> {
        let value = IdentifierValue::EmailAddress(address);
        self.add(request, authenticated, value).await
    }

    /// Adds a phone number, which leads nowhere until it is verified.
    ///
    /// # Errors
    /// [`Error::PhoneNumberNotAllowed`], [`Error::PhoneNumberTaken`] if the user has it already,
    /// [`Error::TooManyIdentifiers`], [`Error::ReauthenticationRequired`].
    pub async fn add_phone_number(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        number: PhoneNumber,
    ) -> Result<Identifier, Error> {
        self.zalt.text_message_region(&number)?;
        let value = IdentifierValue::PhoneNumber(number);
        self.add(request, authenticated, value).await
    }

    async fn add(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        value: IdentifierValue,
    ) -> Result<Identifier, Error> {
        let account = self.strong_account(authenticated).await?;
        if account.identifiers.len() >= MAX_IDENTIFIERS {
            return Err(Error::TooManyIdentifiers);
        }
        let kind = value.kind();
        let identifier = self.new_identifier(account.user.id, value, false, false)?;
        let added = EventKind::IdentifierAdded {
            identifier_id: identifier.id,
        };
        let batch = self
            .owners_batch(request, authenticated, &account)
            .change(Change::InsertIdentifier(identifier.clone()))
            .event(self.own_event(request, account.user.id, added)?);
        match self.zalt.commit(batch).await {
            Ok(()) => Ok(identifier),
            Err(CommitError::Guard(failure)) if failure.reason == GuardReason::IdentifierTaken => {
                Err(Error::taken(kind))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a verified address or number the one of its kind that messages go to.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::IdentifierNotVerified`], [`Error::ReauthenticationRequired`].
    pub async fn make_primary(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: IdentifierId,
    ) -> Result<Account, Error> {
        let account = self.strong_account(authenticated).await?;
        let chosen = account
            .identifiers
            .iter()
            .find(|identifier| identifier.id == id)
            .filter(|identifier| identifier.value.kind() != IdentifierKind::Username)
            .ok_or(Error::NotFound)?;
        if chosen.verified_at.is_none() {
            return Err(Error::IdentifierNotVerified);
        }
        if chosen.primary {
            return Ok(account);
        }
        let mut batch = self.owners_batch(request, authenticated, &account);
        if let Some(before) = account.primary(chosen.value.kind()) {
            batch = batch.change(Change::UpdateIdentifier(Identifier {
                primary: false,
                ..before.clone()
            }));
        }
        let kind = EventKind::IdentifierMadePrimary { identifier_id: id };
        let notice = Notice::PrimaryEmailAddressChanged {
            address: chosen.value.as_str().to_owned(),
        };
        if chosen.value.kind() == IdentifierKind::EmailAddress {
            batch.changes.extend(self.zalt.mail_all(&account, &notice)?);
        }
        let batch = batch
            .change(Change::UpdateIdentifier(Identifier {
                primary: true,
                ..chosen.clone()
            }))
            .event(self.own_event(request, account.user.id, kind)?);
        self.zalt.commit(batch).await?;
        self.find_account(account.user.id).await
    }

    /// Removes an address. The last verified one stays; if the primary one goes, the oldest verified one takes its place.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LastIdentifier`], [`Error::ReauthenticationRequired`].
    pub async fn remove_email_address(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: IdentifierId,
    ) -> Result<(), Error> {
        let kind = IdentifierKind::EmailAddress;
        self.remove(request, authenticated, id, kind).await
    }

    /// Removes a phone number, and with it the second factor of codes to it. If the primary one goes, the oldest verified one
    /// takes its place.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LastSecondFactor`] where everybody needs one, [`Error::ReauthenticationRequired`].
    pub async fn remove_phone_number(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: IdentifierId,
    ) -> Result<(), Error> {
        let kind = IdentifierKind::PhoneNumber;
        self.remove(request, authenticated, id, kind).await
    }

    async fn remove(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: IdentifierId,
        kind: IdentifierKind,
    ) -> Result<(), Error> {
        let account = self.strong_account(authenticated).await?;
        let of_kind = || {
            let identifiers = account.identifiers.iter();
            identifiers.filter(|identifier| identifier.value.kind() == kind)
        };
        let removed = of_kind()
            .find(|identifier| identifier.id == id)
            .ok_or(Error::NotFound)?;
        let successor =
            of_kind().find(|identifier| identifier.id != id && identifier.verified_at.is_some());
        let was_verified = removed.verified_at.is_some();
        // Mail is how an account is recovered; a number may go.
        if kind == IdentifierKind::EmailAddress && was_verified && successor.is_none() {
            return Err(Error::LastIdentifier);
        }
        let mut batch =
            self.owners_batch(request, authenticated, &account)
                .change(Change::DeleteIdentifier {
                    id,
                    version: removed.version,
                });
        if let Some(messages) = account.messages_to(id) {
            let credentials = self.zalt.credentials();
            batch = credentials.with_removed(request, &account, messages, batch)?;
        }
        if removed.primary
            && let Some(successor) = successor
        {
            let successor = Identifier {
                primary: true,
                ..successor.clone()
            };
            batch = batch.change(Change::UpdateIdentifier(successor));
        }
        if was_verified {
            let gone = removed.value.as_str().to_owned();
            let notice = match kind {
                IdentifierKind::PhoneNumber => Notice::PhoneNumberRemoved { number: gone },
                _ => Notice::EmailAddressRemoved { address: gone },
            };
            // The address that goes is told too: it may be its owner's only warning.
            batch.changes.extend(self.zalt.mail_all(&account, &notice)?);
        }
        let kind = EventKind::IdentifierRemoved { identifier_id: id };
        let event = self.own_event(request, account.user.id, kind)?;
        Ok(self.zalt.commit(batch.event(event)).await?)
    }

    /// Deletes the account: every session ends, and nobody can sign in. It can be restored until it is purged.
    ///
    /// # Errors
    /// [`Error::ReauthenticationRequired`], [`Error::Conflict`].
    pub async fn delete_own(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
    ) -> Result<(), Error> {
        let account = self.strong_account(authenticated).await?;
        let batch = Batch::new().change(
            self.zalt
                .sessions()
                .still_live(request, authenticated.session()),
        );
        let actor = Actor::User(account.user.id);
        let status = UserStatus::Deleted {
            at: self.zalt.now(),
        };
        self.change_status(request, actor, &account, status, batch)
            .await
    }

    /// Begins a change by the account's owner: only while their session lasts and the account is as it was read.
    pub(crate) fn owners_batch(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        account: &Account,
    ) -> Batch {
        let session = authenticated.session();
        Batch::new()
            .change(self.zalt.sessions().still_live(request, session))
            .change(self.touched(account))
    }

    /// The write that everything which belongs to a user rides with.
    pub(crate) fn touched(&self, account: &Account) -> Change {
        Change::UpdateUser(User {
            updated_at: self.zalt.now(),
            ..account.user.clone()
        })
    }

    pub(crate) fn new_identifier(
        &self,
        user_id: UserId,
        value: IdentifierValue,
        verified: bool,
        primary: bool,
    ) -> Result<Identifier, Error> {
        self.identifier_at(self.zalt.now(), user_id, value, verified, primary)
    }

    /// The same at the instant at which whatever it belongs to is made.
    pub(super) fn identifier_at(
        &self,
        now: Timestamp,
        user_id: UserId,
        value: IdentifierValue,
        verified: bool,
        primary: bool,
    ) -> Result<Identifier, Error> {
        Ok(Identifier {
            id: IdentifierId::mint(now, self.zalt.rng())?,
            user_id,
            value,
            verified_at: verified.then_some(now),
            primary,
            created_at: now,
            version: 0,
        })
    }

    pub(crate) fn own_event(
        &self,
        request: &RequestContext,
        user_id: UserId,
        kind: EventKind,
    ) -> Result<crate::event::Event, Error> {
        self.zalt
            .event(request, Actor::User(user_id), Some(user_id), kind)
    }

    /// The account of the signed-in user, if they proved well and recently enough who they are to change it.
    pub(crate) async fn strong_account(
        &self,
        authenticated: &Authenticated,
    ) -> Result<Account, Error> {
        let account = self.find_account(authenticated.user().id).await?;
        let assurance = self.zalt.strongest_proof(&account);
        self.zalt.sessions().require(authenticated, assurance)?;
        Ok(account)
    }
}
