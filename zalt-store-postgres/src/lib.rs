//! The PostgreSQL store of Zalt: one application in one schema, for any number of replicas.
//!
//! ```no_run
//! use zalt_core::store::Store;
//! use zalt_store_postgres::PostgresStore;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = PostgresStore::connect("postgres://zalt@localhost/app").await?;
//! store.ready().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The schema, `zalt` unless [`PostgresOptions::schema`] says otherwise, is made if it is not there and brought up to date.
//! Replicas may do so at the same moment, and while others of the previous version serve: each step is a short transaction
//! that holds the row of the schema's version and never waits long for a lock. A schema says from which version of Zalt on it
//! can be served; an older one refuses to open it, and is no longer [ready](zalt_core::store::Store::ready).
//!
//! # How it writes and reads
//!
//! - **A read is one statement**, which is one round trip: a session with its user, an account with its identifiers and its
//!   password.
//! - **A batch is as few statements as its changes allow.** Each change is a common table expression that writes its row only if
//!   its guard holds. Changes that don't depend on each other go into one statement, with the events. If that is all of the
//!   batch, it commits itself: a sign-in, a refresh, a code that is used up and a sign-out are one round trip each. Otherwise
//!   there is a transaction around the statements.
//! - **A guard that fails undoes all of it.** The batch is then tried once more, one change after the other, which tells which
//!   guard failed and why, or goes through if it holds by now.
//! - **What has to wait for others sees what they did.** Whoever signs in and whoever ends all sessions write the user's row
//!   first, so one waits for the other; the sessions are ended in a statement of its own, which sees those that were begun
//!   meanwhile. This holds under every isolation level; the store's own connections use `READ COMMITTED`.
//! - **Budgets** are read, judged by the rule in `zalt-core`, and written over that same state; when many want one at once,
//!   its row is locked instead.
//! - **Counts of users** are kept, in rows of which each has a part of the users, so that sign-ups don't wait for each other.
//!
//! A commit is acknowledged once the server has: with `synchronous_commit = on`, which is PostgreSQL's default, it is on the
//! disk then, and with synchronous standbys on theirs as well.
//!
//! # When something fails
//!
//! | what happened | what the call does |
//! |---|---|
//! | a serialization failure, a deadlock | tries again, five times with longer waits, then [`Busy`](zalt_core::store::StoreErrorKind::Busy) |
//! | a connection was lost before a commit, or while reading | tries again, then [`Unavailable`](zalt_core::store::StoreErrorKind::Unavailable) |
//! | a connection was lost while a commit was under way | [`Unknown`](zalt_core::store::StoreErrorKind::Unknown); it is never tried again |
//! | no connection was free in time; a lock or a statement took too long | [`Busy`](zalt_core::store::StoreErrorKind::Busy) |
//! | the disk is full | [`Full`](zalt_core::store::StoreErrorKind::Full) |
//! | the server is a standby, or takes no writes | [`ReadOnly`](zalt_core::store::StoreErrorKind::ReadOnly) |
//!
//! After a connection was found dead, those that are idle are looked at before they are used, so that a server that was
//! restarted costs each connection one look and no call its answer. Errors hold no parameters and nothing of a row.
//!
//! # Connections
//!
//! The store has a pool of its own, of a few connections: twice the number of cores by default. More of them wait in the
//! server in place of here. A caller who goes away in the middle of a call leaves the connection to finish in the background;
//! an open transaction is undone by closing it. [`PostgresOptions::with_pool`] takes a pool of the host's instead, whose
//! settings and timeouts then apply.
//!
//! Over a network, have the server's certificate checked: `?sslmode=verify-full&sslrootcert=/path/ca.pem`. Without it, whoever
//! answers is trusted.
//!
//! [`PostgresStore::pool_status`] tells how many are in use. Through the `metrics` facade the store counts
//! `zalt_postgres_retries_total`, `zalt_postgres_connections_lost_total`, and in `zalt_postgres_pool_timeouts_total` the calls
//! for which no connection was free in time.
//!
//! # Sharing the database with your own tables
//!
//! Zalt touches nothing outside of its schema, or with [`PostgresOptions::table_prefix`] nothing without its prefix. It qualifies
//! every name and leaves `search_path` alone. Refer to users by their id; with a foreign key a user's rows go when Zalt purges
//! the user, which is some time after the account was deleted:
//!
//! ```sql
//! CREATE TABLE notes (
//!     id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
//!     owner UUID NOT NULL REFERENCES zalt.users (id) ON DELETE CASCADE,
//!     text TEXT NOT NULL
//! );
//! CREATE INDEX notes_of_owner ON notes (owner);
//! ```
//!
//! A [`UserId`](zalt_core::id::UserId) is bound as the UUID of its 16 bytes: `Uuid::from_bytes(*user.as_bytes())`.
//!
//! Rules of the house:
//!
//! - Read the tables of Zalt as you like, and leave the writing to Zalt: rows carry versions, and events tell what happened.
//! - Give such a foreign key `ON DELETE CASCADE` or `ON DELETE SET NULL`, and an index. One that forbids the deletion makes the
//!   purge of that user fail.
//! - A transaction of yours that locks a row of Zalt holds up whoever signs in to that account, until
//!   [`PostgresOptions::lock_timeout`].
//! - Zalt's commits and yours are separate transactions. What has to follow a sign-up reads the events.
//!
//! # Roles
//!
//! The role that opens the store owns the tables, since it migrates them. It needs `CREATE` on the database only if the schema
//! is not there yet. To keep the two apart, have one role migrate (open a store and close it) and grant another `USAGE` on the
//! schema and `SELECT, INSERT, UPDATE, DELETE` on its tables: it opens a store on a schema that is up to date.
//!
//! # Poolers
//!
//! Behind PgBouncer in session mode nothing changes. In transaction mode say [`PostgresOptions::transaction_pooler`]: prepared
//! statements are not relied on then, and every call is a transaction, which takes more round trips. The whole test kit runs
//! through PgBouncer 1.18 in that mode. A pooler that passes prepared statements on (PgBouncer 1.21 and later with
//! `max_prepared_statements`) doesn't make it unnecessary.
//!
//! # Read replicas
//!
//! [`PostgresOptions::stale_reads_from`] has a replica answer lists of users and events and counts of users. They may then not
//! show what was just written. Sessions, accounts, attempts, budgets and keys are read where they are written, always: a
//! revocation holds at once, on every replica of the application.
//!
//! # Other engines
//!
//! No triggers, no functions, no extensions, no advisory locks, no `LISTEN`; ids are UUIDs of version 7; no statement writes a
//! table twice. So CockroachDB, YugabyteDB and Citus should be able to serve it. Only PostgreSQL (15) was run: expect to look
//! into collations, generated columns and `JSON` there, and into the order of the ids where a cluster splits tables by ranges.

// The tests in here use what those beside it use, which know this crate by its name.
#[cfg(test)]
extern crate self as zalt_store_postgres;

mod attempt;
mod budget;
mod commit;
mod connections;
mod credential;
mod database;
mod error;
mod event;
mod expired;
mod identifier;
mod message;
mod names;
mod options;
mod password;
#[cfg(test)]
mod plans;
mod provider_connection;
mod queries;
mod replica;
mod schema;
mod session;
mod signing_key;
mod sql;
mod steps;
mod store;
mod texts;
mod together;
mod tries;
mod user;

#[cfg(test)]
#[path = "../tests/postgres/schema.rs"]
mod test_schema;

pub use connections::PoolStatus;
pub use options::{ConnectError, OptionsError, PostgresOptions, StaleReads};
pub use schema::SCHEMA_VERSION;
pub use store::PostgresStore;
