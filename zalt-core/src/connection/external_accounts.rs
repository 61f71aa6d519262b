//! What people do with their accounts at providers.

use super::external_account::{ExternalAccount, PendingAccount};
use super::service::Connections;
use crate::credential::Credential;
use crate::error::Error;
use crate::event::EventKind;
use crate::id::CredentialId;
use crate::message::Notice;
use crate::request::RequestContext;
use crate::session::Authenticated;
use crate::store::{Batch, Change};
use crate::user::Account;

impl Connections<'_> {
    /// Takes an account at a provider away. Its tokens go with it, and are given back to the provider if it takes them.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LastWayIn`] if nothing else leads into the account,
    /// [`Error::ReauthenticationRequired`], [`Error::Conflict`].
    pub async fn unlink(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: CredentialId,
    ) -> Result<(), Error> {
        let zalt = self.zalt;
        let account = zalt.users().strong_account(authenticated).await?;
        let (credential, external) = account
            .external_accounts()
            .find(|(credential, _)| credential.id == id)
            .ok_or(Error::NotFound)?;
        let usable = self.usable_providers().await?;
        if zalt.is_last_way_in(&account, credential, &usable) {
            return Err(Error::LastWayIn);
        }
        let users = zalt.users();
        let kind = unlinked(credential, external);
        let mut batch = users
            .owners_batch(request, authenticated, &account)
            .change(crate::credential::deletion(credential))
            .event(users.own_event(request, account.user.id, kind)?);
        let notice = Notice::ExternalAccountUnlinked {
            provider: self.name_of(external).await?,
        };
        batch.changes.extend(zalt.mail_all(&account, &notice)?);
        zalt.commit(batch).await?;
        self.give_back(id, external).await;
        Ok(())
    }

    /// The same for an account that waited for its user to prove who they are. It may have become theirs meanwhile, or somebody
    /// else's.
    pub(crate) async fn with_pending(
        &self,
        request: &RequestContext,
        account: &Account,
        pending: &PendingAccount,
        batch: Batch,
    ) -> Result<Batch, Error> {
        let handle = pending.account.handle();
        match self.zalt.store().account_by_credential(handle).await? {
            Some(owner) if owner.user.id == account.user.id => Ok(batch),
            Some(_) => Err(Error::ExternalAccountTaken),
            None => {
                let provider = self.name_of(&pending.account).await?;
                self.with_linked(request, account, pending, provider, batch)
            }
        }
    }

    /// Completes `batch` with an account at a provider that becomes the user's, and what goes with it. The batch must not write
    /// an external account of the user otherwise.
    pub(crate) fn with_linked(
        &self,
        request: &RequestContext,
        account: &Account,
        pending: &PendingAccount,
        provider: String,
        batch: Batch,
    ) -> Result<Batch, Error> {
        let zalt = self.zalt;
        account.require_room(0)?;
        let user_id = account.user.id;
        let kind = EventKind::ExternalAccountLinked {
            credential_id: pending.id,
            connection: pending.account.connection.clone(),
        };
        let touches =
            |change: &Change| matches!(change, Change::UpdateUser(_) | Change::InsertUser(_));
        let touched = (!batch.changes.iter().any(touches)).then(|| zalt.users().touched(account));
        let mut batch = batch
            .maybe(touched)
            .change(Change::InsertCredential(
                pending.credential(user_id, zalt.now()),
            ))
            .event(zalt.users().own_event(request, user_id, kind)?);
        let notice = Notice::ExternalAccountLinked { provider };
        batch.changes.extend(zalt.mail_all(account, &notice)?);
        Ok(batch)
    }

    /// What people call the provider of an account.
    pub(crate) async fn name_of(&self, external: &ExternalAccount) -> Result<String, Error> {
        let known = self.find_known(&external.connection).await?;
        let traits = known.and_then(|(settings, ..)| {
            let protocol = self.protocol().ok()?;
            protocol.check(&settings).ok()
        });
        Ok(traits.map_or_else(
            || external.connection.to_string(),
            |traits| traits.display_name,
        ))
    }

    /// Gives tokens back to their provider. They are gone here already: it doesn't matter if that fails.
    pub(super) async fn give_back(&self, id: CredentialId, external: &ExternalAccount) {
        let Ok(Some(tokens)) = external.open_tokens(self.zalt, id) else {
            return;
        };
        let Ok(Some(usable)) = self.still_of(external).await else {
            return;
        };
        if let Err(error) = usable.protocol.revoke(&usable.settings, &tokens).await {
            tracing::info!(connection = %external.connection, %error, "tokens could not be given back");
        }
    }
}

pub(crate) fn unlinked(credential: &Credential, external: &ExternalAccount) -> EventKind {
    EventKind::ExternalAccountUnlinked {
        credential_id: credential.id,
        connection: external.connection.clone(),
    }
}
