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
        let (batch, account) = self.new_account(request, Actor::Application, new)?;
        self.commit_new_user(batch).await?;
        Ok(account.user)
    }

    /// Suspends an account: every session ends, and nobody can sign in.
    pub async fn suspend(&self, request: &RequestContext, id: UserId) -> Result<(), Error> {
        let at = self.zalt.now();
        self.set_status(request, id, UserStatus::Suspended { at })
            .await
    }

    /// Makes a suspended or deleted account active again.
    pub async fn restore(&self, request: &RequestContext, id: UserId) -> Result<(), Error> {
        self.set_status(request, id, UserStatus::Active).await
    }

    /// Deletes an account; it can be restored until it is purged.
    pub async fn delete(&self, request: &RequestContext, id: UserId) -> Result<(), Error> {
        let at = self.zalt.now();
        self.set_status(request, id, UserStatus::Deleted { at })
            .await
    }

    /// Ends every session of a user.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn end_sessions(&self, request: &RequestContext, id: UserId) -> Result<(), Error> {
        let reason = RevokeReason::RevokedByAdmin;
        let kind = EventKind::AllSessionsRevoked {
            except: None,
            reason,
        };
        let event = self
            .zalt
            .event(request, Actor::Application, Some(id), kind)?;
        let change = Change::RevokeUserSessions {
            user_id: id,
            except: None,
            at: self.zalt.now(),
            reason,
        };
        Ok(self
            .zalt
            .commit(Batch::new().change(change).event(event))
            .await?)
    }

    async fn set_status(
        &self,
        request: &RequestContext,
        id: UserId,
        status: UserStatus,
    ) -> Result<(), Error> {
        let account = self.find_account(id).await?;
        self.change_status(request, Actor::Application, &account, status, Batch::new())
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

    /// Completes `batch` with a new status and all that goes with it, and commits it.
    pub(super) async fn change_status(
        &self,
        request: &RequestContext,
        actor: Actor,
        account: &Account,
        status: UserStatus,
        batch: Batch,
    ) -> Result<(), Error> {
        let now = self.zalt.now();
        let user = User {
            status,
            updated_at: now,
            ..account.user.clone()
        };
        let user_id = user.id;
        let (kind, revoke) = match status {
            UserStatus::Active => (EventKind::UserRestored, None),
            UserStatus::Suspended { .. } => {
                (EventKind::UserSuspended, Some(RevokeReason::UserSuspended))
            }
            UserStatus::Deleted { .. } => (EventKind::UserDeleted, Some(RevokeReason::UserDeleted)),
        };
        let mut batch = batch
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
        if matches!(status, UserStatus::Deleted { .. }) {
            batch
                .changes
                .extend(self.zalt.mail_all(account, &Notice::AccountDeleted)?);
        }
        Ok(self.zalt.commit(batch).await?)
    }
}
