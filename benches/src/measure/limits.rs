use std::path::Path;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::load::Latencies;

/// What the machine can do at best, measured in the same run.
#[derive(Debug, Clone)]
pub struct Limits {
    /// One password, hashed with the default parameters on an idle core.
    pub one_hash: Duration,
    /// Durable commits of one row, one after the other.
    pub commits: Latencies,
}

/// How long one bare Argon2id takes with the default parameters: the median of a few.
pub fn one_hash() -> Duration {
    let params = Params::new(19_456, 2, 1, Some(32)).unwrap();
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut out = [0; 32];
    let mut took = Vec::new();
    for _ in 0..31 {
        let begun = Instant::now();
        argon2
            .hash_password_into_with_memory(
                b"correct horse",
                b"0123456789abcdef",
                &mut out,
                &mut memory,
            )
            .unwrap();
        took.push(begun.elapsed());
    }
    Latencies::of(took).quantile(0.5)
}

/// How long it takes to change one row for good in a file of this folder: WAL, `synchronous=FULL`.
pub(super) fn commits_of_a_file(folder: &Path, time: Duration) -> Latencies {
    let db = rusqlite::Connection::open(folder.join("limit.db")).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         CREATE TABLE IF NOT EXISTS session (id INTEGER PRIMARY KEY, generation INTEGER, padding BLOB);
         INSERT OR REPLACE INTO session VALUES (1, 0, zeroblob(300));",
    )
    .unwrap();
    let mut update = db
        .prepare("UPDATE session SET generation = generation + 1 WHERE id = 1")
        .unwrap();
    let begun = Instant::now();
    let mut took = Vec::new();
    while begun.elapsed() < time {
        let at = Instant::now();
        update.execute([]).unwrap();
        took.push(at.elapsed());
    }
    Latencies::of(took)
}
