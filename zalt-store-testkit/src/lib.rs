//! The storage contract of Zalt as executable behaviours that any backend can run.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a behaviour says that a store broke it by panicking"
)]

mod assertions;
pub mod attempts;
mod backend;
pub mod batches;
pub mod budgets;
pub mod durability;
pub mod events;
pub mod fixtures;
pub mod identifiers;
pub mod messages;
pub mod paging;
pub mod passwords;
pub mod races;
pub mod refresh;
mod registry;
pub mod sessions;
pub mod signing_keys;
pub mod users;
mod world;

pub use backend::{Backend, DurableBackend, Fresh, Place, SharedStore, TestStore};
pub use registry::{
    Behaviour, DurableBehaviour, Outcome, behaviours, check, check_durability, durable_behaviours,
};
#[doc(hidden)]
pub use registry::{run_durability_test, run_test};
