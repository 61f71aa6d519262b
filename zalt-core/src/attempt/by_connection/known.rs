//! The account at the provider is somebody's, or becomes it.

use super::arrival::{Arrived, Origin};
use super::callback::ConnectionProgress;
use crate::attempt::model::{Attempt, AttemptState, PassedFactor, SignIn, SignInStatus};
use crate::attempt::second_factor::Next;
use crate::attempt::sign_in::{SignInProgress, pending};
use crate::attempt::step::RACES;
use crate::connection::{
    ConnectionFailure, ConnectionStatus, Connections, PendingAccount, ViaConnection,
};
use crate::error::Error;
use crate::id::{CredentialId, IdentifierId};
use crate::identifier::IdentifierKind;
use crate::request::RequestContext;
use crate::session::{Authenticated, AuthenticationMethod, Transport};
use crate::store::{Batch, Change};
use crate::user::Account;

/// By what the account here is somebody's who came through a provider.
pub(super) enum By {
    /// The account there is theirs already.
    Account(CredentialId, Box<Change>),
    /// They have this address on both sides, and the account there becomes theirs.
    Address(IdentifierId, Box<PendingAccount>),
}

impl Connections<'_> {
    /// Signs in whoever has the account there. `None` if it was written meanwhile.
    pub(super) async fn known(
        &self,
        request: &RequestContext,
        arrived: &Arrived,
        origin: &Origin,
        (account, transport): (Account, Transport),
    ) -> Result<Option<ConnectionProgress>, Error> {
        let handle = Some(arrived.account.handle());
        let mut own = account.external_accounts();
        let (credential, external) = own
            .find(|(credential, _)| credential.handle == handle)
            .ok_or(Error::Internal(
                "a credential of another kind has the handle",
            ))?;
        let refreshed = arrived.refreshed(self, credential, external)?;
        let by = By::Account(credential.id, Box::new(Change::UpdateCredential(refreshed)));
        self.pass(request, arrived, origin, (&account, by, transport))
            .await
    }

    /// Passes the first factor by a connection. `None` if something of it was written meanwhile.
    pub(super) async fn pass(
        &self,
        request: &RequestContext,
        arrived: &Arrived,
        origin: &Origin,
        (account, by, transport): (&Account, By, Transport),
    ) -> Result<Option<ConnectionProgress>, Error> {
        let zalt = self.zalt;
        let user_id = account.user.id;
        if let Err(error) = account.user.require_usable() {
            let reason = ConnectionFailure::AccountNotUsable;
            let user_id = Some(user_id);
            self.failed(request, user_id, &arrived.via.key, reason)
                .await;
            return Err(error);
        }
        let sign_ins = zalt.sign_ins();
        let method = AuthenticationMethod::Connection;
        let (external_account, sent_to, change, links) = match by {
            By::Account(id, change) => (Some(id), None, Some(*change), None),
            By::Address(identifier, account) => (None, Some(identifier), None, Some(*account)),
        };
        let next = sign_ins.next_step(request, account, transport, links.is_some());
        let due = match next {
            Next::More(status) => Some(status),
            Next::Done | Next::Trusted => None,
        };
        let passed = PassedFactor {
            sent_to,
            external_account,
            ..sign_ins.passed(method, None, account)
        };
        let shown = account.primary(IdentifierKind::EmailAddress);
        let state = SignIn {
            status: due.unwrap_or(SignInStatus::Complete),
            first_factor: due.map(|_| passed),
            connection: Some(ViaConnection {
                pending: links.clone().filter(|_| due.is_some()),
                ..arrived.via.clone()
            }),
            ..SignIn::new(
                shown.map(|identifier| identifier.value.clone()),
                Some(user_id),
                transport,
            )
        };
        if due.is_some() {
            let moved = self.moved(origin, AttemptState::SignIn(state))?;
            let passed = sign_ins.first_factor_passed(request, account, method)?;
            let batch = moved.batch().maybe(change).event(passed);
            if !self.settle(request, &arrived.via.key, batch).await? {
                return Ok(None);
            }
            let (attempt, token) = moved.written();
            return pending(attempt, token).map(|due| Some(ConnectionProgress::SignIn(due)));
        }
        let first = match origin {
            Origin::Attempt(attempt) => Change::UpdateAttempt(Attempt {
                state: AttemptState::SignIn(state),
                ..(**attempt).clone()
            }),
            Origin::IdToken(used) => (**used).clone(),
        };
        let batch = Batch::new()
            .change(first)
            .maybe(change)
            .change(Change::GiveBackBudget(zalt.factors_budget(user_id)));
        let amr = next.amr(method);
        let (batch, new) = sign_ins
            .with_session(request, batch, account, (transport, amr), links.as_ref())
            .await?;
        if !self.settle(request, &arrived.via.key, batch).await? {
            return Ok(None);
        }
        let signed_in = new.signed_in(zalt, account.user.clone())?;
        Ok(Some(ConnectionProgress::SignIn(SignInProgress::Complete(
            signed_in,
        ))))
    }

    /// Adds the account there to that of the session which asked for it.
    pub(super) async fn link(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        arrived: &Arrived,
        attempt: Attempt,
    ) -> Result<ConnectionProgress, Error> {
        let zalt = self.zalt;
        let session = authenticated.session();
        let user_id = session.user_id;
        let mut done = attempt;
        if let AttemptState::Connection(state) = &mut done.state {
            state.status = ConnectionStatus::Complete;
        }
        let handle = arrived.account.handle();
        for _ in 0..RACES {
            let owner = zalt.store().account_by_credential(handle).await?;
            if owner.as_ref().is_some_and(|owner| owner.user.id != user_id) {
                let reason = ConnectionFailure::AccountTaken;
                let key = &arrived.via.key;
                return Err(self.failed(request, Some(user_id), key, reason).await);
            }
            let batch = Batch::new()
                .change(Change::UpdateAttempt(done.clone()))
                .change(zalt.sessions().still_live(request, session));
            let theirs = owner.as_ref().and_then(|owner| {
                let mut accounts = owner.external_accounts();
                accounts.find(|(credential, _)| credential.handle == Some(handle))
            });
            let (batch, credential) = if let Some((credential, external)) = theirs {
                let refreshed = arrived.refreshed(self, credential, external)?;
                (
                    batch.change(Change::UpdateCredential(refreshed.clone())),
                    refreshed,
                )
            } else {
                let account = zalt.users().find_account(user_id).await?;
                account.user.require_usable()?;
                let pending = arrived.pending(self)?;
                let provider = arrived.provider.clone();
                let batch = self.with_linked(request, &account, &pending, provider, batch)?;
                (batch, pending.credential(user_id, zalt.now()))
            };
            if self.settle(request, &arrived.via.key, batch).await? {
                return Ok(ConnectionProgress::Linked(credential));
            }
        }
        Err(Error::Conflict)
    }
}
