//! Redis against the contracts, and against what happens to servers and connections.
//!
//! Most of it needs a server: `cargo xtask test` starts what it takes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected fails"
)]

mod budgets;
mod rules;
mod support;
