//! The PostgreSQL store against the contract, and against what happens to servers and connections.
//!
//! These tests need a server: `cargo xtask test` starts one and runs them. `ZALT_TEST_POSTGRES_URL` names a database in which
//! they may make schemas; each uses one of its own and drops it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

mod busy;
mod contract;
mod cut;
mod dropped;
mod full;
mod opening;
mod pool;
mod proxy;
mod replica;
mod round_trips;
mod schema;
mod support;
