//! Credentials beside the password: authenticator apps, passkeys and recovery codes.
//!
//! Each is one row with a version. Whatever a credential may be used for only once, a time step, a recovery code, is written
//! as an update that names the version it read: of two requests with one code, one wins.

mod device;
mod enrollment;
mod messages;
mod passkey;
mod proof;
mod qr;
mod recovery;
mod second_factor;
mod totp;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use device::Arrival;
pub use device::{Device, DeviceTrust};
pub(crate) use enrollment::deletion;
pub use enrollment::{Credentials, Enrolled, NewRecoveryCodes, TotpEnrollment};
pub use messages::Messages;
pub(crate) use proof::{Asked, UsedCredential, WrongProof};
pub use recovery::{RecoveryCode, RecoveryCodes};
pub use totp::{Totp, TotpSecret};

use crate::connection::ExternalAccount;
use crate::environment::Timestamp;
use crate::id::{CredentialId, UserId};
use crate::passkey::Passkey;
use crate::user::Name;

/// One credential, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Names the credential.
    pub id: CredentialId,
    /// Whose it is.
    pub user_id: UserId,
    /// What others know it by, so that its owner is found from it; no two credentials have the same.
    pub handle: Option<CredentialHandle>,
    /// What its owner calls it.
    pub name: Option<Name>,
    /// What it is. A store keeps it as the JSON that `serde` makes of it.
    pub state: CredentialState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last proved who somebody is.
    pub last_used_at: Option<Timestamp>,
    /// Counts the writes of this row; an update names the version that it read.
    pub version: u64,
}

/// What a credential is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "an account has a few, which are read, changed and written whole"
)]
pub enum CredentialState {
    /// An authenticator app.
    Totp(Totp),
    /// A passkey.
    Passkey(Passkey),
    /// Codes that are mailed or texted.
    Messages(Messages),
    /// Codes on paper, for when everything else is lost.
    RecoveryCodes(RecoveryCodes),
    /// A browser or app that was signed in from.
    Device(Device),
    /// An account at a provider.
    ExternalAccount(ExternalAccount),
}

/// What a credential is known by: the SHA-256 of what its authenticator calls it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialHandle([u8; 32]);

impl CredentialHandle {
    /// The handle with these bytes, as a store kept them.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CredentialHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialHandle(..)")
    }
}
