//! Signing in, signing up and linking through a provider.
//!
//! ```text
//! begin ──▶ at_provider ──callback──▶ came_back ─┬─▶ the account there is known, or links by policy ─▶ sign-in, first factor passed
//!                                                ├─▶ its address has an account ─▶ sign-in: that account has to be proved, then it links
//!                                                ├─▶ a verified address ─▶ user and session
//!                                                ├─▶ an unverified address ─▶ sign-up: our own code verifies it
//!                                                ├─▶ no address ─▶ needs_email_address ─▶ sign-up: our own code verifies it
//!                                                └─▶ begun by a session ─▶ linked to its user
//! ```
//!
//! The attempt is one row all the way, and its token is the one that the browser got at the beginning.

mod arrival;
mod begin;
mod callback;
mod id_token;
mod known;
mod unknown;

pub use begin::{BeginConnection, StartedConnection};
pub use callback::{ConnectionAnswer, ConnectionProgress, ConnectionReturn, Started};
pub use id_token::{IdTokenNonce, StartedIdToken};
