//! Secrets: the keys of an application, what is sealed under them, and the tokens that people hold.
//!
//! A store only ever sees [`TokenDigest`]s, [`CodeDigest`]s and [`Sealed`] envelopes. What opens them is
//! derived from [`EncryptionKeys`], which stay in the process.

mod digest;
mod form;
mod keys;
mod seal;
mod text;
mod token;

pub use digest::{CodeDigest, TokenDigest};
pub(crate) use keys::Purpose;
pub use keys::{EncryptionKeys, KeyError};
pub use seal::{SealError, Sealed};
pub use text::SecretText;
pub use token::{
    AttemptToken, DeviceToken, LinkToken, RefreshToken, SessionToken, TokenFormatError,
};
