//! What a stranger, or a thief with half of what it takes, tries. Each test failed once.

mod at_rest;
mod enumeration;
mod exhaustion;
mod lockout;
mod new_keys;
mod stale_sessions;
mod takeover;
