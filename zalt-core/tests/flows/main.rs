//! Whole flows over the in-memory store, with the clock in the test's hand.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected fails"
)]

mod accounts;
mod attacks;
mod connections;
mod devices;
mod faults;
mod keys;
mod live_sessions;
mod methods;
mod passkeys;
mod passwords;
mod phone_numbers;
mod recoveries;
mod refresh;
mod resets;
mod safety;
mod second_factors;
mod sent_codes;
mod sessions;
mod sign_ins;
mod sign_ups;
mod support;
mod worker;
