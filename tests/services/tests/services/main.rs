//! The services themselves, started for real. `cargo xtask test` installs what they need and runs these.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that meets the unexpected fails, and waits for processes of the operating system"
)]

mod clearing;
mod pgbouncer;
mod postgres;
mod redis;

use std::time::{Duration, Instant};

/// Looks again and again until it is so.
fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "it never was so");
        std::thread::sleep(Duration::from_millis(20));
    }
}
