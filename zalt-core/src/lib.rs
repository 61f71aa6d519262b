//! Authentication that you own: users, sessions, passwords and sign-in as one storage-agnostic core.

pub mod attempt;
pub mod budget;
pub mod environment;
pub mod event;
pub mod id;
pub mod identifier;
pub mod jwt;
pub mod message;
pub mod password;
pub mod secret;
pub mod session;
pub mod signing_key;
pub mod store;
pub mod user;

pub use environment::{Clock, Rng, RngError, SystemClock, SystemRng, Timestamp};
