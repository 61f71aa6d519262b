//! Whole exchanges with providers: in memory where a clock decides, over sockets where a network does.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and its helpers too"
)]

mod caching;
mod exchange;
mod id_tokens;
mod network;
mod nonsense;
mod presets;
mod support;
