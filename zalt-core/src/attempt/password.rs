use super::sign_in::SignIns;
use super::step::sign_in_budget;
use crate::budget::BudgetKey;
use crate::config::FirstFactor;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::{AttemptId, UserId};
use crate::identifier::IdentifierKey;
use crate::password::{HashError, Password, Verified};
use crate::request::RequestContext;
use crate::session::AuthenticationMethod;
use crate::store::{Batch, Change};
use crate::user::{Account, PasswordCredential, UserStatus};

/// A password that was right.
pub(crate) struct CheckedPassword {
    /// The budget that the success gives back.
    pub(crate) budget: BudgetKey,
    /// The write that brings the hash up to the current parameters, if they moved.
    pub(crate) rehash: Option<Change>,
}

/// Whose tries a password is taken from.
#[derive(Clone, Copy)]
pub(crate) enum Tries<'k> {
    /// The account's, or the identifier's where nobody owns it.
    Of(&'k IdentifierKey),
    /// Those of an attempt in which the account was recovered, which are nobody else's.
    OfAttempt(AttemptId, &'k IdentifierKey),
    /// The account's, for somebody who is signed in.
    OfAccount,
}

impl SignIns<'_> {
    /// Checks a password, at the same cost whether the account, or its password, exists.
    ///
    /// A try is taken from the account's budget first; a success gives it back in the commit that the caller makes.
    pub(crate) async fn check_password(
        &self,
        request: &RequestContext,
        account: Option<&Account>,
        tries: Tries<'_>,
        password: Password,
    ) -> Result<CheckedPassword, Error> {
        let zalt = self.zalt;
        zalt.config().first_factors.require(FirstFactor::Password)?;
        let usable =
            account.filter(|account| !matches!(account.user.status, UserStatus::Deleted { .. }));
        let budget = match (usable, tries) {
            (Some(account), _) => zalt.factors_budget(account.user.id),
            (None, Tries::Of(key) | Tries::OfAttempt(_, key)) => sign_in_budget(zalt, None, key),
            (None, Tries::OfAccount) => return Err(Error::CredentialsIncorrect),
        };
        let taken = match tries {
            Tries::OfAttempt(id, _) => zalt.budget_key(&[b"password", b"recovered", id.as_bytes()]),
            Tries::Of(_) | Tries::OfAccount => budget,
        };
        // A try that could not even be made must not count: else whoever fills the queue locks out everybody who comes.
        zalt.inner.hashing.require_room()?;
        if let Err(error) = zalt
            .take_account_budget(taken, &zalt.config().budgets.password)
            .await
        {
            let user_id = usable.map(|account| account.user.id);
            let method = AuthenticationMethod::Password;
            return Err(zalt.note_lock(request, user_id, method, taken, error).await);
        }
        let credential = usable.and_then(|account| account.password.as_ref());
        if let (Some(account), Some(credential), Verified::Match { needs_rehash }) = (
            usable,
            credential,
            self.verify(password.clone(), credential).await?,
        ) {
            if let Err(refused) = account.user.require_usable() {
                self.note_failure(request, Some(account.user.id)).await?;
                return Err(refused);
            }
            let rehash = if needs_rehash {
                self.rehash(credential, password).await
            } else {
                None
            };
            Ok(CheckedPassword { budget, rehash })
        } else {
            let user_id = usable.map(|account| account.user.id);
            self.note_failure(request, user_id).await?;
            Err(Error::CredentialsIncorrect)
        }
    }

    async fn note_failure(
        &self,
        request: &RequestContext,
        user_id: Option<UserId>,
    ) -> Result<(), Error> {
        let kind = EventKind::SignInFailed {
            method: AuthenticationMethod::Password,
        };
        let event = self.zalt.event(request, Actor::Anonymous, user_id, kind)?;
        Ok(self.zalt.commit(Batch::new().event(event)).await?)
    }

    async fn verify(
        &self,
        password: Password,
        credential: Option<&PasswordCredential>,
    ) -> Result<Verified, Error> {
        let hashing = &self.zalt.inner.hashing;
        let stored = credential.map(|kept| kept.phc.clone());
        match hashing.verify(password.clone(), stored).await {
            Err(error @ (HashError::TooExpensive | HashError::UnknownKey)) => {
                // The configuration lacks something for this one account, which a stranger must not learn.
                let user = credential.map(|kept| kept.user_id);
                tracing::error!(%error, ?user, "a stored password can't be checked");
                Ok(hashing.verify(password, None).await?)
            }
            result => Ok(result?),
        }
    }

    /// The password under the current parameters. That it could not be hashed again now is no reason to refuse it.
    async fn rehash(&self, credential: &PasswordCredential, password: Password) -> Option<Change> {
        match self.zalt.inner.hashing.hash(password).await {
            Ok(phc) => Some(Change::UpdatePassword(PasswordCredential {
                phc,
                ..credential.clone()
            })),
            Err(error) => {
                tracing::warn!(%error, user = %credential.user_id, "a password could not be hashed again");
                None
            }
        }
    }
}
