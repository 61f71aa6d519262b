//! The SQLite store against the contract, and against what happens to files.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

mod contract;
mod support;
