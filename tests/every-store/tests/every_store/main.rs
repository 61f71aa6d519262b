//! The same behaviours and the same random walks on every store: what is above a store must not notice which one it is.
//!
//! What needs PostgreSQL is ignored by a bare `cargo test`; `cargo xtask test` starts one and runs it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected fails"
)]

mod behaviours;
mod places;
mod walks;
