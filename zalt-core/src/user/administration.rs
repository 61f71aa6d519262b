//! What the application does to accounts.

use super::account::Users;
use super::{Account, User, UserStatus};
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::UserId;
use crate::message::Notice;
use crate::request::RequestContext;
use crate::session::RevokeReason;
use crate::store::{Batch, Change, Page, PageRequest, UserFilter};

impl Users<'_> {
    /// Users, newest first.
    pub async fn list(&self, filter: &UserFilter, page: PageRequest) -> Result<Page<User>, Error> {
        Ok(self.zalt.store().users(filter, page).await?)
    }

    /// Makes a user whose address is taken for verified, without an attempt.
    ///
    /// # Errors
    /// [`Error::EmailAddressTaken`], [`Error::UsernameTaken`].
    pub async fn create(
        &self,
        request: &RequestContext,
        new: super::NewUser,
    ) -> Result<User, Error> {
        let (batch, user) = self.with_new_user(request, Actor::Application, Batch::new(), new)?;
        self.commit_new_user(batch).await?;
        Ok(user)
    }

    /// Suspends an account: every session ends, and nobody can sign in.
    pub async fn suspend(&self, request: &RequestContext, id: UserId) -> Result<(), Error> {
        let account = self.find_account(id).await?;
        let status = UserStatus::Suspended {
            at: self.zalt.now(),
        };
        let reason = Some(RevokeReason::UserSuspended);
        self.change_status(
            request,
            Actor::Application,
            &account,
            status,
            EventKind::UserSuspended,
            reason,
        )
        .await
    }

    /// Makes a suspended or deleted account active again.
    pub async fn restore(&self, request: &RequestContext, id: UserId) -> Result<(), Error> {
        let account = self.find_account(id).await?;
        let kind = EventKind::UserRestored;
        self.change_status(
            request,
            Actor::Application,
            &account,
            UserStatus::Active,
            kind,
            None,
        )
        .await
    }

    /// Deletes an account; it can be restored until it is purged.
    pub async fn delete(&self, request: &RequestContext, id: UserId) -> Result<(), Error> {
        let account = self.find_account(id).await?;
        let status = UserStatus::Deleted {
            at: self.zalt.now(),
        };
        let reason = Some(RevokeReason::UserDeleted);
        self.change_status(
            request,
            Actor::Application,
            &account,
            status,
            EventKind::UserDeleted,
            reason,
        )
        .await
    }

    /// Removes all that is kept of a deleted account but its events.
    pub(crate) async fn purge(&self, user: &User) -> Result<(), Error> {
        let request = RequestContext::internal();
        let event = self.zalt.event(
            &request,
            Actor::Application,
            Some(user.id),
            EventKind::UserPurged,
        )?;
        let change = Change::PurgeUser {
            id: user.id,
            version: user.version,
        };
        Ok(self
            .zalt
            .commit(Batch::new().change(change).event(event))
            .await?)
    }

    pub(super) async fn change_status(
        &self,
        request: &RequestContext,
        actor: Actor,
        account: &Account,
        status: UserStatus,
        kind: EventKind,
        revoke: Option<RevokeReason>,
    ) -> Result<(), Error> {
        let now = self.zalt.now();
        let user = User {
            status,
            updated_at: now,
            ..account.user.clone()
        };
        let user_id = user.id;
        let deleted = matches!(status, UserStatus::Deleted { .. });
        let mut batch = Batch::new()
            .change(Change::UpdateUser(user))
            .event(self.zalt.event(request, actor, Some(user_id), kind)?);
        if let Some(reason) = revoke {
            let kind = EventKind::AllSessionsRevoked {
                except: None,
                reason,
            };
            batch = batch
                .change(Change::RevokeUserSessions {
                    user_id,
                    except: None,
                    at: now,
                    reason,
                })
                .event(self.zalt.event(request, actor, Some(user_id), kind)?);
        }
        if deleted {
            batch
                .changes
                .extend(self.zalt.mail_all(account, &Notice::AccountDeleted)?);
        }
        Ok(self.zalt.commit(batch).await?)
    }
}
