use serde::{Deserialize, Serialize};

use super::external_account::PendingAccount;
use super::return_address::ReturnAddress;
use super::settings::ConnectionKey;
use crate::id::{SessionId, UserId};
use crate::secret::{Sealed, TokenDigest};
use crate::session::Transport;

/// Somebody is at a provider, or has come back from it and something is still to be asked.
///
/// Once it is clear whether that is a sign-in or a sign-up, the same attempt goes on as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionAttempt {
    /// Where they come from and go to.
    pub via: ViaConnection,
    /// What they are there for.
    pub purpose: ConnectionPurpose,
    /// How far it has come.
    pub status: ConnectionStatus,
    /// The digest of the `state` that comes back with the browser.
    pub state: Option<TokenDigest>,
    /// What has to be in the ID token.
    pub nonce: String,
    /// The PKCE verifier, sealed for this attempt; gone once it was used.
    pub pkce_verifier: Option<Sealed>,
    /// How the session will be held.
    pub transport: Transport,
}

/// That a sign-in or sign-up went through a provider, and what is left to do for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViaConnection {
    /// The connection.
    pub key: ConnectionKey,
    /// Where the person goes once they are through.
    pub return_to: Option<ReturnAddress>,
    /// How the page is shown that they come back to.
    pub mode: RedirectMode,
    /// The account at the provider that becomes theirs when the attempt is complete; gone then.
    pub pending: Option<PendingAccount>,
}

impl ViaConnection {
    /// The same once the account at the provider is somebody's.
    pub(crate) fn settled(&self) -> Self {
        Self {
            pending: None,
            ..self.clone()
        }
    }
}

/// What somebody is at a provider for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionPurpose {
    /// To sign in or up in a browser.
    SignIn,
    /// To sign in or up with an ID token that an app gets by itself.
    IdToken,
    /// To add the account there to the one here.
    Link {
        /// Whose.
        user_id: UserId,
        /// The session that asked, without which nothing comes of it.
        session_id: SessionId,
    },
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionStatus {
    /// They are at the provider.
    AtProvider,
    /// They came back, once and for all. What they brought is being looked at, or was no good.
    CameBack,
    /// The provider told no address, which has to be given.
    NeedsEmailAddress,
    /// The account there was added to the one here.
    Complete,
}

/// How the page is shown that people come back to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RedirectMode {
    /// In place of the page that they left.
    #[default]
    Redirect,
    /// In a window of its own, which tells the page that opened it and closes.
    Popup,
}
