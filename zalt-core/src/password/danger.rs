//! What must never run in production.

use super::Argon2Params;

/// Argon2id parameters so cheap that a stolen hash is guessed at once: 64 KiB, one pass.
///
/// They exist so that a test suite with thousands of sign-ins ends in seconds. No configuration leads here; only
/// code that calls this function does.
pub const fn insecure_params_for_tests() -> Argon2Params {
    Argon2Params::new_unchecked(64, 1, 1)
}
