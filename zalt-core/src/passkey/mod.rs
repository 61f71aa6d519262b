//! Passkeys: keys that authenticators hold, and that give nothing away to a page that only looks like ours (Web
//! Authentication Level 3).
//!
//! An attempt, or a session, opens a request; a browser passes it to an authenticator; what that signs comes back and is
//! held against the request, which is over then. Requests are kept on the server, are good for five minutes at most, and
//! for one answer: the commit that takes up an answer also writes that the request is over, so of two answers to one
//! request one counts.
//!
//! | what is checked | where |
//! |---|---|
//! | type, challenge, origin, frames (what the browser says) | here |
//! | relying party, flags, attestation, key, signature (what the authenticator says) | [`PasskeyVerifier`] |
//! | whose the passkey is, the counter, whether somebody was verified | here |

mod aaguid;
mod bytes;
mod check;
mod client_data;
mod config;
mod model;
mod options;
mod own_request;
mod refusal;
mod response;
mod verifier;

pub use bytes::Base64Url;
pub(crate) use check::{Answered, Refused};
pub use config::{ClonePolicy, PasskeyConfig, UserVerification};
pub use model::{OwnPasskeyRequest, Passkey, PasskeyPurpose, PasskeyRequest};
pub use options::{CreationOptions, RequestOptions};
pub(crate) use own_request::OpenRequest;
pub use refusal::PasskeyRefusal;
pub use response::{AssertionResponse, RegistrationResponse};
pub use verifier::{Expected, PasskeyVerifier, VerifiedAssertion, VerifiedRegistration};
