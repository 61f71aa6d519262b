//! Throwaway PostgreSQL, Redis and PgBouncer, from the binaries that the machine has.
//!
//! Each service runs on 127.0.0.1 alone, on a free port, in a temporary folder of its own, and is a value: when it is
//! dropped, the process is stopped and the folder removed. Should the program that started it be killed instead, a
//! small watcher process does both. Everything blocks, so that tests, benches and tasks of any kind can use it.
//!
//! ```no_run
//! use zalt_services::{Postgres, PostgresOptions};
//!
//! # fn main() -> Result<(), zalt_services::ServiceError> {
//! let mut postgres = Postgres::start(&PostgresOptions::default())?;
//! println!("export DATABASE_URL={}", postgres.url("zalt"));
//! postgres.psql("CREATE TABLE kept (id bigint)")?;
//! postgres.kill()?; // as if the power had gone
//! postgres.start_again()?;
//! postgres.psql("SELECT id FROM kept")?;
//! # Ok(())
//! # }
//! ```
//!
//! - [`Postgres`]: restarts, crashes, standbys by streaming replication, failing over to one
//! - [`PgBouncer`]: a pooler in transaction mode in front of it
//! - [`Redis`] and [`RedisCluster`]: stops, crashes, pauses
//! - [`missing_packages`]: what Debian would have to install first

#![expect(
    clippy::disallowed_methods,
    reason = "waits for processes of the operating system, which know no other clock; no product code runs in here"
)]

mod account;
mod error;
mod home;
mod launch;
mod pgbouncer;
mod port;
mod postgres;
mod process;
mod programs;
mod redis;
mod wait;

pub use error::ServiceError;
pub use pgbouncer::{PgBouncer, PgBouncerOptions};
pub use postgres::{Postgres, PostgresOptions};
pub use programs::missing_packages;
pub use redis::{Redis, RedisCluster, RedisOptions};
