//! The keys that sign access tokens, as they are kept.

use crate::environment::Timestamp;
use crate::secret::Sealed;

/// One signing key of the application, at rest.
///
/// A key is published before it signs, signs for a while, and is published until the last token that it signed has
/// expired. The instants are fixed when it is made, so all replicas agree on which key does what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// The key id in token headers and in the key set.
    pub kid: String,
    /// The algorithm, as RFC 7518 and RFC 8037 name it: `EdDSA` or `ES256`.
    pub alg: String,
    /// The private key, sealed for this `kid`.
    pub private_key: Sealed,
    /// When it was made and published.
    pub created_at: Timestamp,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// Until when it is published and its tokens are accepted.
    pub expires_at: Timestamp,
}
