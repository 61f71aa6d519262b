//! SQLite store for Zalt: WAL, durable group commit, inline primary-key reads.
