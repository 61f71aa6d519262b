use super::account::Users;
use super::{Account, PasswordCredential};
use crate::attempt::Tries;
use crate::config::FirstFactor;
use crate::environment::Timestamp;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::SessionId;
use crate::message::Notice;
use crate::password::{Password, PasswordPhc};
use crate::request::RequestContext;
use crate::session::{Authenticated, RevokeReason};
use crate::store::{Batch, Change};

/// A password that is to take the place of the old one.
pub(crate) struct NewPassword {
    pub(crate) password: Password,
    /// The session that stays, if the others end.
    pub(crate) keep: Option<SessionId>,
    /// Whether the user's other sessions end.
    pub(crate) sign_out: bool,
    /// Whether it is a reset by mail and not a change by somebody who knew the old one.
    pub(crate) reset: bool,
    /// When it was given.
    pub(crate) at: Timestamp,
}

impl Users<'_> {
    /// Changes the password of the signed-in user, or sets the first one.
    ///
    /// The current password is asked for where there is one; without one the session's authentication has to be recent.
    /// Every verified address is told.
    ///
    /// # Errors
    /// [`Error::CredentialsIncorrect`] if the current password is wrong, [`Error::PasswordRequired`] if it is missing,
    /// [`Error::PasswordRefused`], [`Error::RateLimited`], [`Error::ReauthenticationRequired`], [`Error::Conflict`];
    /// [`Error::FactorNotAllowed`] where nobody signs in with a password.
    pub async fn change_password(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        current: Option<Password>,
        new: Password,
        sign_out_others: bool,
    ) -> Result<(), Error> {
        let account = self.find_account(authenticated.user().id).await?;
        if self.zalt.has_second_factor(&account) {
            // Whoever has the password alone must not change it.
            let assurance = self.zalt.strongest_proof(&account);
            self.zalt.sessions().require(authenticated, assurance)?;
        }
        // First, so that a new password which is refused costs no try of the current one.
        self.check_new_password(&new, &context_words(&account))?;
        let mut batch = Batch::new().change(
            self.zalt
                .sessions()
                .still_live(request, authenticated.session()),
        );
        if account.password.is_some() {
            let current = current.ok_or(Error::PasswordRequired)?;
            let checked = self
                .zalt
                .sign_ins()
                .check_password(request, Some(&account), Tries::OfAccount, current)
                .await?;
            batch = batch.change(Change::GiveBackBudget(checked.budget));
        } else {
            self.zalt.sessions().require_recent(authenticated)?;
        }
        let new = NewPassword {
            password: new,
            keep: Some(authenticated.session().id),
            sign_out: sign_out_others,
            reset: false,
            at: self.zalt.now(),
        };
        self.write_password(request, &account, new, batch).await
    }

    /// Hashes a password for [`NewUser`](super::NewUser), if the policy lets it pass. `context` holds the words that it
    /// must not consist of, such as the local part of the address.
    ///
    /// # Errors
    /// [`Error::PasswordRefused`], [`Error::Overloaded`]; [`Error::FactorNotAllowed`] where nobody signs in with a password.
    pub async fn hash_new_password(
        &self,
        password: Password,
        context: &[&str],
    ) -> Result<PasswordPhc, Error> {
        let words: Vec<_> = context.iter().copied().map(Some).collect();
        self.check_new_password(&password, &words)?;
        Ok(self.zalt.inner.hashing.hash(password).await?)
    }

    pub(crate) fn check_new_password(
        &self,
        password: &Password,
        context: &[Option<&str>],
    ) -> Result<(), Error> {
        let factors = self.zalt.config().first_factors;
        factors.require(FirstFactor::Password)?;
        let mut words = vec![self.zalt.config().application_name.as_str()];
        words.extend(context.iter().copied().flatten());
        Ok(self.zalt.config().password_policy.check(password, &words)?)
    }

    /// Completes `batch` with a new password and all that goes with it, and commits it.
    pub(crate) async fn write_password(
        &self,
        request: &RequestContext,
        account: &Account,
        new: NewPassword,
        batch: Batch,
    ) -> Result<(), Error> {
        let zalt = self.zalt;
        let user_id = account.user.id;
        self.check_new_password(&new.password, &context_words(account))?;
        let phc = zalt.inner.hashing.hash(new.password).await?;
        let now = new.at;
        let mut batch = batch
            .change(self.touched(account))
            .change(match &account.password {
                Some(old) => Change::UpdatePassword(PasswordCredential {
                    phc,
                    set_at: now,
                    ..old.clone()
                }),
                None => Change::InsertPassword(PasswordCredential {
                    user_id,
                    phc,
                    set_at: now,
                    version: 0,
                }),
            });
        let actor = if new.reset {
            Actor::Anonymous
        } else {
            Actor::User(user_id)
        };
        let event = |kind| zalt.event(request, actor, Some(user_id), kind);
        batch = batch.event(event(EventKind::PasswordChanged { reset: new.reset })?);
        if new.sign_out {
            let reason = RevokeReason::PasswordChanged;
            let except = new.keep;
            batch = batch
                .change(Change::RevokeUserSessions {
                    user_id,
                    except,
                    at: now,
                    reason,
                })
                .event(event(EventKind::AllSessionsRevoked { except, reason })?);
        }
        if new.reset {
            // Whoever was locked out by somebody's guesses has recovered.
            let budget = zalt.factors_budget(user_id);
            batch = batch.change(Change::GiveBackBudget(budget));
        }
        batch
            .changes
            .extend(zalt.mail_all(account, &Notice::PasswordChanged)?);
        Ok(zalt.commit(batch).await?)
    }
}

/// The words that a password of this account must not consist of.
fn context_words(account: &Account) -> Vec<Option<&str>> {
    let profile = &account.user.profile;
    let mut words = vec![
        profile.first_name.as_ref().map(super::Name::as_str),
        profile.last_name.as_ref().map(super::Name::as_str),
    ];
    for identifier in &account.identifiers {
        let text = identifier.value.as_str();
        words.push(Some(text));
        words.push(text.split_once('@').map(|(local, _)| local));
    }
    words
}
