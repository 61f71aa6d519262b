//! Authentication that you own: users, sessions, passwords and sign-in as one storage-agnostic core.

pub mod environment;

pub use environment::{Clock, Rng, RngError, SystemClock, SystemRng, Timestamp};
