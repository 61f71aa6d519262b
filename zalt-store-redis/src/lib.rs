//! Redis for several replicas of Zalt: sessions are cached in each of them, a revocation on one is refused by all, and
//! attempt budgets hold across them.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use zalt_core::budget::MemoryBudgets;
//! use zalt_store_redis::{RedisBudgets, RedisConnection, RedisStore, WhenAway};
//! # use zalt_store_sqlite::SqliteStore as PostgresStore;
//!
//! # async fn example(postgres: PostgresStore) -> Result<(), zalt_store_redis::OptionsError> {
//! let redis = RedisConnection::builder()
//!     .prefix("myapp:")
//!     .open("redis://127.0.0.1:6379")?;
//!
//! // The store that the application is built with. Sessions are cached; what guards accounts is refused while Redis is away.
//! let store = RedisStore::builder(redis.clone()).start(Arc::new(postgres))?;
//!
//! // For `ZaltBuilder::network_budgets`: while Redis is away, each replica counts for itself.
//! let networks = RedisBudgets::new(redis)
//!     .when_away(WhenAway::Use(Arc::new(MemoryBudgets::new(10_000))));
//! # Ok(())
//! # }
//! ```
//!
//! Leave the application's own session cache ([`SessionConfig::cache`](zalt_core::config::SessionConfig::cache)) off: it
//! would hear of no other replica.
//!
//! # What is kept in Redis
//!
//! | key | what | how long |
//! |---|---|---|
//! | `{prefix}budget:{64 hex digits}` | the tries of an account or a network, as three numbers; the digits are a keyed digest | until it changes no answer, and five minutes; a lock for good |
//! | `{prefix}invalidations` | a stream of the ids of sessions and users that were written | about the last 10 000 entries |
//!
//! No session, no token and no name. The accounts, sessions and events stay in the store behind, and are all there without
//! Redis.
//!
//! Any number of applications share a Redis, each with a prefix of its own.
//!
//! # How soon a revocation counts
//!
//! | | on another replica |
//! |---|---|
//! | as a rule | as soon as it hears of it: within milliseconds |
//! | it can't hear, or Redis is away or paused | within the [lease](RedisStoreOptions::lease): 1 s |
//! | it was stopped (SIGSTOP) for longer than the lease | at once when it goes on |
//! | only the *writing* replica is cut off from Redis, or dies between its commit and its announcement | when it can announce it, at the latest after the [age](RedisStoreOptions::session_cache) of a cached answer: 10 s |
//! | a primary of Redis that was cut off from its replicas goes on being asked | as in the row above; `min-replicas-to-write 1` makes it the lease |
//!
//! The writer waits until its announcement is in Redis before its caller hears of the commit; it does not wait for a Redis
//! that is away. See [`RedisInvalidations`] for how it works.
//!
//! # What happens while Redis is away
//!
//! Nothing hangs. A call waits for [`connect_timeout`](RedisOptions::connect_timeout) and
//! [`response_timeout`](RedisOptions::response_timeout) at most, and after a few that failed none does: one call in each
//! [`away_pause`](RedisOptions::away_pause) tries, and the others go on without. A replica starts without Redis.
//!
//! - **Sessions** are read from the store, one query for each check. Caches fail open.
//! - **Account budgets** are refused, and with them what they guard: signing in with a password, codes, mails. They fail
//!   closed, with [`Unavailable`](zalt_core::store::StoreErrorKind::Unavailable). Those who are signed in notice nothing.
//!   [`AccountBudgets::Store`] keeps them in the store instead.
//! - **Network budgets** do what [`WhenAway`] says.
//!
//! # What Redis has to keep
//!
//! Account budgets are counters of failed tries, and a Redis that forgets them gives guessers new ones. So, for
//! [`AccountBudgets::Redis`]:
//!
//! - `maxmemory-policy noeviction`. Otherwise a full Redis throws away what it likes, and locks with it; a warning in the
//!   log says so. A full one that evicts nothing refuses new tries.
//! - `appendonly yes`, or a replica to fail over to. Without either, a restart forgets all counters: nobody gets in by it,
//!   but a guesser has as many tries again. With `appendfsync everysec` a crash forgets the last second.
//! - No `FLUSHALL`.
//!
//! The stream need not be kept: a replica that finds another one begins with an empty cache.
//!
//! # Cluster, TLS
//!
//! Several URLs with commas between them are a Redis Cluster, as is one with
//! [`cluster(true)`](RedisOptions::cluster). Each step needs one key only; budgets spread over all nodes, and the stream is
//! on one. A node that is away holds up what lies on it and nothing else.
//!
//! With Sentinel, give it an address that follows the primary: a connection that turns out to lead to a replica is made anew.
//!
//! It takes Redis 5 or later, or Valkey, and these commands: `EVAL`, `EVALSHA`, `GET`, `SET`, `DEL`, `EXISTS`, `XADD`,
//! `XTRIM`, `XREAD`, `XRANGE`, `INFO` and, for a cluster, `CLUSTER SLOTS`.
//!
//! `rediss://` URLs are TLS by rustls with aws-lc; [`RedisOptions::root_certificates`] is for a private authority.
//!
//! # Metrics
//!
//! Through the `metrics` facade, each with the label `prefix`:
//!
//! | name | what |
//! |---|---|
//! | `zalt_redis_available` | gauge: the share of the keys that can be reached, 1 or 0 but for a cluster |
//! | `zalt_redis_errors_total` | counter: what failed, by `operation` and `reason` (`connect`, `lost`, `timeout`, `refused`, `away`) |
//! | `zalt_budget_fallbacks_total` | counter: tries without Redis, by `action` (`refuse`, `use`) |
//! | `zalt_session_cache_lease` | gauge: 1 while the cache is used, 0 while each check asks the store |
//! | `zalt_session_cache_resets_total` | counter: how often the cache began empty, once for each connection to the stream |
//! | `zalt_invalidations_announced_total`, `zalt_invalidations_heard_total` | counters: rows that were told to others, and heard from them |
//! | `zalt_invalidations_pending` | gauge: rows that could not be announced yet |

mod budget;
mod connection;
mod failure;
mod invalidation;
mod metrics;
mod monotonic;
mod store;

pub use budget::{RedisBudgets, WhenAway};
pub use connection::{OptionsError, RedisConnection, RedisOptions};
pub use invalidation::RedisInvalidations;
pub use store::{AccountBudgets, RedisStore, RedisStoreOptions};
