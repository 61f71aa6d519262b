//! The storage contract of Zalt as executable behaviours that any backend can run.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a behaviour says that a store broke it by panicking"
)]

mod assertions;
mod backend;
pub mod fixtures;
pub mod identifiers;
pub mod passwords;
mod registry;
pub mod sessions;
pub mod users;

pub use backend::{Backend, DurableBackend, Fresh, Place, SharedStore, TestStore};
#[doc(hidden)]
pub use registry::run_test;
pub use registry::{Behaviour, DurableBehaviour, Outcome, behaviours, check};
