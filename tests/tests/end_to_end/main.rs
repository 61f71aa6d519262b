//! The real binary, driven from outside: over HTTP, by signals, and by damage to its files.
//!
//! Each test starts servers of its own on data folders of their own. `cargo xtask test` builds the binary and names it in
//! `ZALT_SERVER_BIN`; without that variable the tests have cargo build it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that meets the unexpected fails, and says what it saw"
)]

mod accounts;
mod bad_input;
mod commands;
mod crash;
mod faults;
mod mail;
mod production;
mod refresh;
mod replicas;
mod resilience;
mod secrets;
mod shutdown;
mod support;
mod time;
