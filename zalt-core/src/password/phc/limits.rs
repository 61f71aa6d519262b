//! The most that checking one stored hash may cost. Whoever can import hashes chooses their parameters, so each
//! cap is a defence: about 1 GiB and a few seconds of one core. [`HashingConfig`](super::super::HashingConfig) holds
//! memory further down.

/// 1 GiB.
pub(crate) const MEMORY_KIB: u64 = 1024 * 1024;

/// More lanes than machines that hash passwords have cores.
pub(crate) const ARGON2_LANES: u32 = 64;

/// 4 GiB filled over all passes.
const ARGON2_KIB_PASSES: u64 = 4 * 1024 * 1024;

pub(crate) fn argon2_affordable(memory_kib: u32, iterations: u32) -> bool {
    let memory = u64::from(memory_kib);
    memory <= MEMORY_KIB && memory.saturating_mul(u64::from(iterations)) <= ARGON2_KIB_PASSES
}

/// 65,536 rounds of the key schedule; 12 is common, 14 rare.
pub(super) const BCRYPT_COST: u32 = 16;

/// N·r·p; one block of scrypt is 128 bytes, so with p = 1 this is 1 GiB.
pub(super) const SCRYPT_BLOCKS: u64 = 8 * 1024 * 1024;

/// Iterations times output blocks; OWASP asks for 600,000 of SHA-256 and 1.3 million of SHA-1.
pub(super) const PBKDF2_ITERATIONS: u64 = 10_000_000;
