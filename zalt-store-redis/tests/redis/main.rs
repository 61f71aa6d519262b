//! Redis against the contracts, and against what happens to servers and connections.
//!
//! Most of it needs a server: `cargo xtask test` starts what it takes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected fails"
)]
#![expect(
    clippy::print_stdout,
    reason = "what was measured is read with --no-capture"
)]

mod away;
mod budgets;
mod contract;
mod encrypted;
mod listening;
mod replicas;
mod rules;
mod support;
mod telling;
mod watching;
