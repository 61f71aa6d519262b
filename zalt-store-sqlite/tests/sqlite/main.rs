//! The SQLite store against the contract, and against what happens to files.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected fails"
)]
#![expect(
    clippy::print_stderr,
    reason = "a test that a machine can't run says so"
)]

mod backups;
mod checkpoints;
mod contract;
mod damage;
mod full;
mod groups;
mod opening;
#[cfg(unix)]
mod read_only;
mod secrets;
mod sharing;
mod shutdown;
mod support;
mod sweep;
