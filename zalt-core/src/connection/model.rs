use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::settings::{ConnectionKey, OAuthEndpoints};
use crate::environment::Timestamp;
use crate::id::ConnectionId;
use crate::secret::Sealed;

/// A connection that was set up at run time, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Names the connection. One that is deleted and made again has another.
    pub id: ConnectionId,
    /// Names it in addresses; no two have the same, and it never changes.
    pub key: ConnectionKey,
    /// How the provider is spoken to. A store keeps it as the JSON that `serde` makes of it.
    pub state: ConnectionState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts the writes of this row; an update names the version that it read.
    pub version: u64,
}

/// How the provider of a connection is spoken to, and whether anybody is sent there. The fields are those of
/// [`ConnectionSettings`](super::ConnectionSettings).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionState {
    /// Whether it can be used.
    pub enabled: bool,
    /// Which provider.
    pub provider: String,
    /// What the provider calls the application.
    pub client_id: String,
    /// The client secret, sealed for this row.
    pub client_secret: Option<Sealed>,
    /// The issuer.
    pub issuer: Option<Url>,
    /// Where an OAuth 2 provider is spoken to that has no preset.
    pub endpoints: Option<OAuthEndpoints>,
    /// What is asked for beyond what signing in needs.
    pub extra_scopes: Vec<String>,
    /// What some providers need beyond that.
    pub options: BTreeMap<String, String>,
}
