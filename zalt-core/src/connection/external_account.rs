use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::provider::{ProviderEmail, ProviderIdentity, ProviderTokens};
use super::settings::{ConnectionKey, ProviderMark};
use crate::Zalt;
use crate::credential::{Credential, CredentialHandle, CredentialState};
use crate::environment::Timestamp;
use crate::error::Error;
use crate::id::{CredentialId, UserId};
use crate::secret::Sealed;
use crate::user::Account;

/// An account of a user at a provider.
///
/// It is known by issuer and subject, and by nothing else: whatever address the provider has for it today, it leads to the
/// same user. What the provider said beside that is kept as it last said it, to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalAccount {
    /// The connection through which it last came.
    pub connection: ConnectionKey,
    /// Whom that connection spoke to then. Another provider may be behind its key by now.
    pub provider: ProviderMark,
    /// Who says so, as [`ProviderIdentity::issuer`].
    pub issuer: String,
    /// Which account it is there.
    pub subject: String,
    /// The address there.
    pub email: Option<ProviderEmail>,
    /// What its owner is called there.
    pub username: Option<String>,
    /// The name, whole.
    pub name: Option<String>,
    /// The picture.
    pub picture: Option<Url>,
    /// The provider's tokens, sealed for this credential; `None` if none came, or the provider takes them no more.
    pub tokens: Option<Sealed>,
    /// From when on the access token is worth nothing.
    pub tokens_expire_at: Option<Timestamp>,
    /// Until when somebody may be at getting fresh ones.
    pub refreshing_until: Option<Timestamp>,
}

/// An external account that becomes somebody's once they have proved who they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAccount {
    /// Names the credential that it will be. The tokens are sealed for it.
    pub id: CredentialId,
    /// The account.
    pub account: ExternalAccount,
}

impl PendingAccount {
    /// The credential of `user_id` that it becomes.
    pub(crate) fn credential(&self, user_id: UserId, now: Timestamp) -> Credential {
        Credential {
            id: self.id,
            user_id,
            handle: Some(self.account.handle()),
            name: None,
            state: CredentialState::ExternalAccount(self.account.clone()),
            created_at: now,
            last_used_at: Some(now),
            version: 0,
        }
    }
}

impl ExternalAccount {
    /// What a provider said of an account, without its tokens.
    pub(crate) fn new(
        connection: ConnectionKey,
        provider: ProviderMark,
        identity: ProviderIdentity,
    ) -> Self {
        Self {
            connection,
            provider,
            issuer: identity.issuer,
            subject: identity.subject,
            email: identity.email,
            username: identity.username.as_deref().map(shown),
            name: identity.name.as_deref().map(shown),
            picture: identity.picture.filter(|url| url.as_str().len() <= 2048),
            tokens: None,
            tokens_expire_at: None,
            refreshing_until: None,
        }
    }

    /// What the account is found by.
    pub(crate) fn handle(&self) -> CredentialHandle {
        let mut digest = Sha256::new();
        digest.update(b"external-account");
        for part in [&self.issuer, &self.subject] {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part.as_bytes());
        }
        CredentialHandle::from_bytes(digest.finalize().into())
    }

    /// Takes over tokens, sealed for the credential `id`. A provider that gave a refresh token once may give none the next time:
    /// the one from before goes on.
    pub(crate) fn put_tokens(
        &mut self,
        zalt: &Zalt,
        id: CredentialId,
        mut tokens: ProviderTokens,
    ) -> Result<(), Error> {
        if tokens.refresh_token.is_none() {
            // Ones that no key opens any more must keep nobody out.
            let before = self.open_tokens(zalt, id).unwrap_or_default();
            tokens.refresh_token = before.and_then(|before| before.refresh_token);
        }
        // It said who came, and is of no use after that.
        tokens.id_token = None;
        let json = serde_json::to_vec(&tokens).map(zeroize::Zeroizing::new);
        let json = json.map_err(|_| Error::Internal("tokens that can't be written"))?;
        if json.len() > MAX_TOKEN_BYTES {
            tracing::warn!(connection = %self.connection, "the provider's tokens are too long to be kept");
            return Ok(());
        }
        let sealed = zalt.encryption_keys().seal(&row(id), &json, zalt.rng())?;
        self.tokens = Some(sealed);
        self.tokens_expire_at = tokens.expires_at;
        self.refreshing_until = None;
        Ok(())
    }

    /// The tokens, if there are any.
    pub(crate) fn open_tokens(
        &self,
        zalt: &Zalt,
        id: CredentialId,
    ) -> Result<Option<ProviderTokens>, Error> {
        let Some(sealed) = &self.tokens else {
            return Ok(None);
        };
        let json = zalt.encryption_keys().open(&row(id), sealed)?;
        serde_json::from_slice(&json)
            .map(Some)
            .map_err(|_| Error::Internal("stored tokens can't be read"))
    }
}

const MAX_TOKEN_BYTES: usize = 32 * 1024;

/// The name that tokens are sealed for, which no other secret of the row has.
fn row(id: CredentialId) -> Vec<u8> {
    format!("{id} provider tokens").into_bytes()
}

/// Text of a provider, to be shown: of a length that fits, without control characters.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

impl Account {
    /// The user's accounts at providers.
    pub fn external_accounts(&self) -> impl Iterator<Item = (&Credential, &ExternalAccount)> {
        self.credentials
            .iter()
            .filter_map(|credential| match &credential.state {
                CredentialState::ExternalAccount(external) => Some((credential, external)),
                _ => None,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passkey::Base64Url;

    #[test]
    fn no_passkey_takes_the_place_of_an_account_at_a_provider() {
        let identity = ProviderIdentity {
            issuer: "https://github.com".to_owned(),
            subject: "583231".to_owned(),
            email: None,
            username: None,
            name: None,
            given_name: None,
            family_name: None,
            picture: None,
        };
        let key = ConnectionKey::parse("github").unwrap();
        let account = ExternalAccount::new(key, ProviderMark::from_text("github"), identity);
        // What the handle is a digest of, which an authenticator may call its passkey.
        let mut chosen = b"external-account".to_vec();
        chosen.extend([0, 0, 0, 0, 0, 0, 0, 18]);
        chosen.extend(b"https://github.com");
        chosen.extend([0, 0, 0, 0, 0, 0, 0, 6]);
        chosen.extend(b"583231");
        let digest = Sha256::digest(&chosen).into();
        assert_eq!(account.handle(), CredentialHandle::from_bytes(digest));
        let passkey = CredentialHandle::of_passkey(&Base64Url::new(chosen));
        assert_ne!(account.handle(), passkey);
    }
}
