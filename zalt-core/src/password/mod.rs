//! Passwords: what a person may choose, how it is stored, and the threads that do the work.
//!
//! - [`Password`] is the plaintext, normalised and capped, for as long as it has to exist.
//! - [`PasswordPolicy`] says whether a new one is good enough, and why not.
//! - [`PasswordPhc`] is what is stored: our Argon2id, or a hash that another system made.
//! - [`HashingPool`] hashes and verifies on a bounded set of threads, and refuses work instead of queueing
//!   without end.
//!
//! # The attacks, and what meets them
//!
//! | attack | answer |
//! |---|---|
//! | guessing offline from a stolen database | Argon2id at or above the OWASP floor, 16 random bytes of salt |
//! | a flood of sign-ins that exhausts memory | [`HashingPool`]: threads × memory, whatever the load |
//! | a flood that makes everyone wait | a bounded queue, then [`HashError::Overloaded`] at once |
//! | a megabyte as a password | [`Password::parse`] refuses above 1024 bytes before doing any work |
//! | an imported hash that costs a gigabyte to check | caps in [`PasswordPhc::parse`] and [`HashingConfig`] |
//! | telling known from unknown accounts by time | [`HashingPool::verify`] works as hard without a stored hash |
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use zalt_core::environment::SystemRng;
//! use zalt_core::password::{
//!     ForeignHashKeys, HashingConfig, HashingPool, Password, PasswordPolicy, Verified,
//! };
//!
//! # futures_executor::block_on(async {
//! let pool = HashingPool::new(HashingConfig::default(), ForeignHashKeys::default(), Arc::new(SystemRng))?;
//!
//! let password = Password::parse("a walk in the rain")?;
//! PasswordPolicy::default().check(&password, &["zalt", "ada"])?;
//! let stored = pool.hash(password).await?;
//!
//! let again = Password::parse("a walk in the rain")?;
//! assert_eq!(pool.verify(again, Some(stored)).await?, Verified::Match { needs_rehash: false });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod common;
pub mod danger;
mod foreign_keys;
mod params;
mod phc;
mod plaintext;
mod policy;
mod pool;

pub use foreign_keys::{ForeignHashKeyError, ForeignHashKeys};
pub use params::{Argon2Params, Argon2ParamsError};
pub use phc::{FirebaseScrypt, PasswordPhc, PhcError, Scheme};
pub use plaintext::{Password, PasswordError};
pub use policy::{PasswordPolicy, PasswordPolicyError, PasswordRefusal};
pub use pool::{HashError, HashingConfig, HashingConfigError, HashingPool, Verified};
