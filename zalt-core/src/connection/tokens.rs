//! The tokens of providers, for the application that calls their APIs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::external_account::ExternalAccount;
use super::provider::{ProviderError, ProviderTokens};
use super::service::Connections;
use super::settings::ProviderMark;
use crate::credential::{Credential, CredentialState};
use crate::environment::Timestamp;
use crate::error::Error;
use crate::id::{CredentialId, UserId};
use crate::secret::SecretText;
use crate::store::{Batch, Change, CommitError, GuardReason};
use crate::user::UserStatus;

/// What opens a provider's API in the name of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderToken {
    /// The access token.
    pub access_token: SecretText,
    /// From when on it is worth nothing; `None` if the provider does not say.
    pub expires_at: Option<Timestamp>,
    /// What it opens.
    pub scopes: Vec<String>,
}

/// How long before its end a token is replaced. Meanwhile it goes on working for everybody but the one who gets the next.
const AHEAD: Duration = Duration::from_mins(2);
/// For how long the others leave it to whoever began to get fresh tokens.
const LEASE: Duration = Duration::from_secs(30);
/// How soon to ask again where another process is at it and the old token is over.
const ASK_AGAIN: Duration = Duration::from_secs(1);
const RACES: usize = 4;

/// The tokens that this process is getting fresh, each with a lock for which those wait who want it too.
#[derive(Debug, Default)]
pub(crate) struct Refreshing(Mutex<HashMap<CredentialId, Weak<futures_util::lock::Mutex<()>>>>);

impl Refreshing {
    fn turn(&self, id: CredentialId) -> Arc<futures_util::lock::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&id).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(id, Arc::downgrade(&turn));
        turn
    }
}

/// What is to be done about a token.
enum Freshness {
    Fresh(ProviderToken),
    /// It has to be replaced, with this.
    Due(SecretText),
}

impl Connections<'_> {
    /// A token for the API of the provider, in the name of a user and of one of their accounts there. Replaced before it ends;
    /// of all who ask at once, here and in other processes, one asks the provider.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ProviderTokenMissing`] if the user has to sign in with the provider again,
    /// [`Error::ConnectionUnavailable`], [`Error::ProviderTokenBusy`] while another process gets the next one.
    pub async fn provider_token(
        &self,
        user_id: UserId,
        id: CredentialId,
    ) -> Result<ProviderToken, Error> {
        let (credential, external) = self.find_external(user_id, id).await?;
        self.require_same_provider(&external).await?;
        if let Freshness::Fresh(token) = self.freshness(&credential, &external)? {
            return Ok(token);
        }
        let turn = self.zalt.inner.refreshing.turn(id);
        let _turn = turn.lock().await;
        for _ in 0..RACES {
            let (credential, external) = self.find_external(user_id, id).await?;
            let refresh_token = match self.freshness(&credential, &external)? {
                Freshness::Fresh(token) => return Ok(token),
                Freshness::Due(refresh_token) => refresh_token,
            };
            let now = self.zalt.now();
            if external.refreshing_until.is_some_and(|until| now < until) {
                // Another process is at it.
                if external.tokens_expire_at.is_some_and(|end| now < end) {
                    return self.current(&credential, &external);
                }
                let retry_after = ASK_AGAIN;
                return Err(Error::ProviderTokenBusy { retry_after });
            }
            let leased = ExternalAccount {
                refreshing_until: Some(now + LEASE),
                ..external.clone()
            };
            let Some(credential) = self.write(&credential, leased).await? else {
                continue;
            };
            if let Some(token) = self
                .refreshed(&credential, external, &refresh_token)
                .await?
            {
                return Ok(token);
            }
        }
        Err(Error::Conflict)
    }

    /// Gets fresh tokens and keeps them. `None` if the account was written meanwhile.
    async fn refreshed(
        &self,
        credential: &Credential,
        mut external: ExternalAccount,
        refresh_token: &SecretText,
    ) -> Result<Option<ProviderToken>, Error> {
        let zalt = self.zalt;
        let usable = self.still_of(&external).await?;
        let usable = usable.ok_or(Error::ProviderTokenMissing)?;
        let refreshing = usable
            .protocol
            .refresh(&usable.settings, refresh_token, zalt.now());
        let tokens = match refreshing.await {
            Ok(tokens) => tokens,
            Err(error) => return self.not_refreshed(credential, external, &error).await,
        };
        external.put_tokens(zalt, credential.id, tokens.clone())?;
        external.refreshing_until = None;
        match self.write(credential, external.clone()).await {
            Ok(written) => Ok(written.map(|_| token(tokens))),
            Err(Error::NotFound) => {
                // Taken away meanwhile: nothing here must keep what opens the account there.
                self.give_back(credential.id, &external).await;
                Err(Error::NotFound)
            }
            Err(error) => Err(error),
        }
    }

    async fn not_refreshed(
        &self,
        credential: &Credential,
        external: ExternalAccount,
        error: &ProviderError,
    ) -> Result<Option<ProviderToken>, Error> {
        tracing::warn!(connection = %external.connection, %error, "tokens could not be refreshed");
        let is_over = matches!(error, ProviderError::Refused { .. });
        let still_good = external
            .tokens_expire_at
            .is_some_and(|end| self.zalt.now() < end);
        let current = self.current(credential, &external)?;
        let after = ExternalAccount {
            // A provider that takes the refresh token no more never will again.
            tokens: external.tokens.filter(|_| !is_over || still_good),
            // Whoever asks next tries again, but not all at once.
            refreshing_until: (still_good || !is_over).then(|| self.zalt.now() + LEASE),
            ..external
        };
        self.write(credential, after).await?;
        match (still_good, is_over) {
            (true, _) => Ok(Some(current)),
            (false, true) => Err(Error::ProviderTokenMissing),
            (false, false) => Err(Error::ConnectionUnavailable),
        }
    }

    /// Whoever asks means the provider of the connection. If that is another by now, these tokens are not for it.
    async fn require_same_provider(&self, external: &ExternalAccount) -> Result<(), Error> {
        let known = self.find_known(&external.connection).await?;
        let is_same = known
            .is_some_and(|(settings, id, _)| ProviderMark::of(&settings, id) == external.provider);
        if is_same {
            Ok(())
        } else {
            Err(Error::ProviderTokenMissing)
        }
    }

    fn freshness(
        &self,
        credential: &Credential,
        external: &ExternalAccount,
    ) -> Result<Freshness, Error> {
        let now = self.zalt.now();
        let tokens = external.open_tokens(self.zalt, credential.id)?;
        let tokens = tokens.ok_or(Error::ProviderTokenMissing)?;
        let is_fresh = tokens.expires_at.is_none_or(|end| now + AHEAD < end);
        if is_fresh {
            return Ok(Freshness::Fresh(token(tokens)));
        }
        match (&tokens.refresh_token, tokens.expires_at) {
            (Some(refresh_token), _) => Ok(Freshness::Due(refresh_token.clone())),
            (None, Some(end)) if now < end => Ok(Freshness::Fresh(token(tokens))),
            (None, _) => Err(Error::ProviderTokenMissing),
        }
    }

    fn current(
        &self,
        credential: &Credential,
        external: &ExternalAccount,
    ) -> Result<ProviderToken, Error> {
        let tokens = external.open_tokens(self.zalt, credential.id)?;
        tokens.map(token).ok_or(Error::ProviderTokenMissing)
    }

    async fn find_external(
        &self,
        user_id: UserId,
        id: CredentialId,
    ) -> Result<(Credential, ExternalAccount), Error> {
        let account = self.zalt.users().find_account(user_id).await?;
        if matches!(account.user.status, UserStatus::Deleted { .. }) {
            return Err(Error::NotFound);
        }
        account
            .external_accounts()
            .find(|(credential, _)| credential.id == id)
            .map(|(credential, external)| (credential.clone(), external.clone()))
            .ok_or(Error::NotFound)
    }

    /// Writes an account over the version that was read. `None` if somebody else did first.
    async fn write(
        &self,
        credential: &Credential,
        external: ExternalAccount,
    ) -> Result<Option<Credential>, Error> {
        let written = Credential {
            state: CredentialState::ExternalAccount(external),
            ..credential.clone()
        };
        let batch = Batch::new().change(Change::UpdateCredential(written.clone()));
        match self.zalt.commit(batch).await {
            Ok(()) => Ok(Some(Credential {
                version: written.version + 1,
                ..written
            })),
            Err(CommitError::Guard(failure)) if failure.reason == GuardReason::VersionMismatch => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn token(tokens: ProviderTokens) -> ProviderToken {
    ProviderToken {
        access_token: tokens.access_token,
        expires_at: tokens.expires_at,
        scopes: tokens.scopes,
    }
}
