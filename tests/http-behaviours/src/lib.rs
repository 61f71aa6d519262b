//! How the HTTP API behaves: one table of behaviours that runs in process and through every adapter.
//!
//! An adapter's tests implement [`Adapter`] and write [`tests!`]; each behaviour becomes a test of its own. Every reply of
//! every behaviour is also held against what holds for all of them: headers, the form of problems, and that the OpenAPI
//! document names the status and code.
//!
//! ```ignore
//! zalt_http_behaviours::tests!(|behaviour| block_on(behaviour.run(&InProcess)));
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a behaviour says that an adapter broke it by panicking"
)]
#![expect(
    clippy::future_not_send,
    reason = "actix-web runs its requests on one thread, so a behaviour never asks for Send"
)]

mod account;
mod application;
mod bad_input;
mod budgets;
mod checks;
mod client;
mod connections;
mod enumeration;
mod in_process;
mod methods;
mod origins;
mod passkeys;
mod phone_numbers;
mod provider;
mod proxies;
mod registry;
mod resets;
mod safety;
mod second_factors;
mod sessions;
mod sign_ins;
mod sign_ups;
mod tokens;
mod world;

pub use application::{Application, Stores};
pub use client::{Adapter, Client};
pub use in_process::InProcess;
#[doc(hidden)]
pub use registry::find;
pub use registry::{Behaviour, behaviours};
pub use world::World;
