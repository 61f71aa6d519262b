//! The senders against servers of our own on the loopback interface.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, and its helpers too"
)]

mod http;
mod http_server;
mod memory;
mod smtp;
mod smtp_server;
mod support;
