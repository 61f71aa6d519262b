use super::account::Users;
use super::{Account, Metadata, PasswordCredential, Profile, User, UserMetadata, UserStatus};
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::UserId;
use crate::identifier::{EmailAddress, IdentifierKind, IdentifierValue, Username};
use crate::password::PasswordPhc;
use crate::request::RequestContext;
use crate::store::{Batch, Change, CommitError, GuardReason};

/// What a user is made of.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The address, which whoever makes the user vouches for.
    pub email_address: EmailAddress,
    /// The username, if one is wanted.
    pub username: Option<Username>,
    /// The password's hash.
    pub password: Option<PasswordPhc>,
    /// The rest of the profile.
    pub profile: Profile,
    /// What the user's own metadata starts with.
    pub unsafe_metadata: Metadata,
}

impl Users<'_> {
    /// A user and all that belongs to them, with the batch that makes it: there is no instant at which half of it exists.
    pub(crate) fn new_account(
        &self,
        request: &RequestContext,
        actor: Actor,
        new: NewUser,
    ) -> Result<(Batch, Account), Error> {
        let now = self.zalt.now();
        let user = User {
            id: UserId::mint(now, self.zalt.rng())?,
            status: UserStatus::Active,
            profile: new.profile,
            metadata: UserMetadata {
                unsafe_: new.unsafe_metadata,
                ..UserMetadata::default()
            },
            session_epoch: 0,
            frozen_at: None,
            recovered_at: None,
            last_sign_in_at: None,
            created_at: now,
            updated_at: now,
            version: 0,
        };
        let email = IdentifierValue::EmailAddress(new.email_address);
        let email = self.identifier_at(now, user.id, email, true, true)?;
        let event = |kind| self.zalt.event(request, actor, Some(user.id), kind);
        let mut batch = Batch::new()
            .change(Change::InsertUser(user.clone()))
            .event(event(EventKind::UserCreated)?)
            .event(event(EventKind::IdentifierVerified {
                identifier_id: email.id,
            })?)
            .change(Change::InsertIdentifier(email.clone()));
        let mut identifiers = vec![email];
        if let Some(username) = new.username {
            let username = self.identifier_at(
                now,
                user.id,
                IdentifierValue::Username(username),
                true,
                true,
            )?;
            batch = batch.change(Change::InsertIdentifier(username.clone()));
            identifiers.push(username);
        }
        let password = new.password.map(|phc| PasswordCredential {
            user_id: user.id,
            phc,
            set_at: now,
            version: 0,
        });
        batch = batch.maybe(password.clone().map(Change::InsertPassword));
        let account = Account {
            user,
            identifiers,
            password,
            credentials: Vec::new(),
        };
        Ok((batch, account))
    }

    pub(super) async fn commit_new_user(&self, batch: Batch) -> Result<(), Error> {
        let changes = batch.changes.clone();
        match self.zalt.commit(batch).await {
            Err(CommitError::Guard(failure)) if failure.reason == GuardReason::IdentifierTaken => {
                Err(taken(changes.get(failure.change)))
            }
            result => Ok(result?),
        }
    }
}

/// What to say of the identifier that somebody else has.
pub(crate) fn taken(change: Option<&Change>) -> Error {
    let kind = match change {
        Some(Change::InsertIdentifier(identifier)) => identifier.value.kind(),
        _ => IdentifierKind::EmailAddress,
    };
    Error::taken(kind)
}
