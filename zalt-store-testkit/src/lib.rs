//! The storage contract of Zalt as executable behaviours that any backend can run.
//!
//! A backend is done when it passes. Each behaviour is one function that tries one thing on an empty store and panics
//! if the store does otherwise: every change, every guard with its exact reason, every query, paging under writes,
//! races that exactly one task may win, and what is there after the store was closed and opened again.
//!
//! # Running it
//!
//! Say how an empty store is made, and name that in [`tests!`]: it becomes one test for each behaviour, such as
//! `refresh::a_rotation_needs_the_current_generation`, so that a failure names what is broken.
//!
//! ```
//! use zalt_core::store::memory::MemoryStore;
//! use zalt_store_testkit::{Backend, Fresh};
//!
//! struct Memory;
//!
//! #[async_trait::async_trait]
//! impl Backend for Memory {
//!     async fn fresh(&self) -> Fresh {
//!         Fresh::new(MemoryStore::new())
//!     }
//! }
//!
//! zalt_store_testkit::tests!(Memory);
//! # fn main() {}
//! ```
//!
//! A backend that keeps its data implements [`DurableBackend`] in place of [`Backend`]: a place is where the data stays,
//! and it is opened again after the store that was open on it is gone. It then runs [`durability_tests!`] as well. A
//! backend without durability has no such tests, rather than some that pass for nothing.
//!
//! ```
//! # use zalt_core::store::memory::MemoryStore as MyStore;
//! use std::sync::Arc;
//!
//! use zalt_store_testkit::{DurableBackend, Place, SharedStore};
//!
//! struct MyBackend;
//!
//! struct Folder(std::path::PathBuf);
//!
//! #[async_trait::async_trait]
//! impl DurableBackend for MyBackend {
//!     async fn place(&self) -> Arc<dyn Place> {
//!         // A temporary folder that is removed with this value.
//!         Arc::new(Folder("...".into()))
//!     }
//! }
//!
//! #[async_trait::async_trait]
//! impl Place for Folder {
//!     async fn open(&self) -> SharedStore {
//!         // MyStore::open(&self.0)
//!         Arc::new(MyStore::new())
//!     }
//! }
//!
//! zalt_store_testkit::tests!(MyBackend);
//! zalt_store_testkit::durability_tests!(MyBackend);
//! # fn main() {}
//! ```
//!
//! Attributes after the argument go to each test. A backend that needs a server so keeps out of a bare `cargo test`:
//!
//! ```
//! # use zalt_core::store::memory::MemoryStore;
//! # struct OnServer;
//! # #[async_trait::async_trait]
//! # impl zalt_store_testkit::Backend for OnServer {
//! #     async fn fresh(&self) -> zalt_store_testkit::Fresh {
//! #         zalt_store_testkit::Fresh::new(MemoryStore::new())
//! #     }
//! # }
//! zalt_store_testkit::tests!(OnServer, #[ignore = "needs a server"]);
//! # fn main() {}
//! ```
//!
//! A place for budgets only, such as a server for counters, implements [`BudgetBackend`] and runs [`budget_tests!`].
//!
//! The tests bring a runtime of their own; the crate that runs them needs `async-trait` and nothing else. A program that
//! wants the outcomes as data calls [`check`] and [`check_durability`], or goes through [`behaviours`] itself.
//!
//! # What it does not show
//!
//! The kit lives in the process of the store. That a commit survives a power cut or `kill -9` takes a test that kills a
//! process, and that several replicas agree takes several processes.
//!
//! # Rooms
//!
//! - [`users`], [`user_lists`], [`identifiers`], [`ownership`], [`passwords`], [`credentials`]: accounts
//! - [`sessions`], [`revocation`], [`refresh`]: sessions
//! - [`attempts`], [`messages`], [`signing_keys`], [`connections`], [`events`], [`budgets`]: all else that is kept
//! - [`batches`], [`paging`], [`one_winner`], [`races`], [`durability`]: what holds for every kind of row
//! - [`fixtures`]: the rows that they write, the same in every run
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
pub mod connections;
pub mod credentials;
pub mod durability;
pub mod events;
pub mod fixtures;
pub mod identifiers;
pub mod messages;
pub mod one_winner;
pub mod ownership;
pub mod paging;
pub mod passwords;
pub mod races;
pub mod refresh;
mod registry;
pub mod revocation;
pub mod sessions;
pub mod signing_keys;
pub mod user_lists;
pub mod users;
mod world;

pub use backend::{
    Backend, BudgetBackend, DurableBackend, Fresh, Place, SharedBudgets, SharedStore, TestStore,
};
pub use registry::{
    Behaviour, BudgetBehaviour, DurableBehaviour, Outcome, behaviours, budget_behaviours, check,
    check_budgets, check_durability, durable_behaviours,
};
#[doc(hidden)]
pub use registry::{run_budget_test, run_durability_test, run_test};
