//! Passkeys for Zalt: what authenticators sign, checked by [webauthn-rs].
//!
//! Core has the ceremonies and their rules; this crate implements its
//! [`PasskeyVerifier`](zalt_core::passkey::PasskeyVerifier), which says whether an attestation, a key and a signature are
//! right. It is a crate of its own since it brings some seventy others, which programs without passkeys do without.
//!
//! ```
//! # use zalt_core::{BuildError, Worker, Zalt, message::Mailer, secret::EncryptionKeys, store::memory::MemoryStore};
//! # async fn example(keys: EncryptionKeys, mailer: impl Mailer + 'static) -> Result<(Zalt, Worker), BuildError> {
//! use zalt_webauthn::WebauthnVerifier;
//!
//! Zalt::builder(MemoryStore::new(), keys, "https://app.example.com")
//!     .mailer(mailer)
//!     .passkeys(WebauthnVerifier::new())
//!     .build()
//!     .await
//! # }
//! ```
//!
//! Keys may be ES256, RS256 or ES384. Attestation statements are taken out before anything reads them: Zalt asks for none, and
//! what nobody asked for need not be parsed.
//!
//! [webauthn-rs] logs what it refuses as errors of its own, which any stranger can cause: silence them with
//! `webauthn_rs_core=off`. Zalt logs refusals itself.
//!
//! [webauthn-rs]: https://docs.rs/webauthn-rs-core

mod attested;
mod refusal;
mod state;
mod verifier;

pub use verifier::WebauthnVerifier;
