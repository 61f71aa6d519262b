//! Redis for several replicas of Zalt: attempt budgets that all of them take from, each try in one atomic step.
//!
//! ```
//! use std::sync::Arc;
//!
//! use zalt_core::budget::MemoryBudgets;
//! use zalt_store_redis::{RedisBudgets, RedisConnection, WhenAway};
//!
//! # fn main() -> Result<(), zalt_store_redis::OptionsError> {
//! let redis = RedisConnection::builder()
//!     .prefix("myapp:")
//!     .open("redis://127.0.0.1:6379")?;
//!
//! // What guards accounts is refused while Redis is away.
//! let accounts = RedisBudgets::new(redis.clone());
//! // What guards against busy networks is then counted by each replica for itself.
//! let networks = RedisBudgets::new(redis)
//!     .when_away(WhenAway::Use(Arc::new(MemoryBudgets::new(10_000))));
//! # Ok(())
//! # }
//! ```

mod budget;
mod connection;
mod failure;
mod metrics;
mod monotonic;

pub use budget::{RedisBudgets, WhenAway};
pub use connection::{OptionsError, RedisConnection, RedisOptions};
