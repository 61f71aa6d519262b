//! The SQLite store of Zalt: one application in one file, with nothing to run beside it.
//!
//! ```
//! use zalt_core::store::Store;
//! use zalt_store_sqlite::SqliteStore;
//!
//! # async fn example(folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::open(folder.join("zalt.db"))?;
//! store.ready().await?;
//! # Ok(())
//! # }
//! # let folder = tempfile::tempdir().unwrap();
//! # tokio::runtime::Runtime::new().unwrap().block_on(example(folder.path())).unwrap();
//! ```
//!
//! The file is made if it is not there, readable by its owner only, and the schema is brought up to date. A schema that a
//! newer version wrote is refused. The store runs on any async runtime, and on none: it brings its own few threads.
//!
//! # How it writes and reads
//!
//! - **Writes** are made by one thread. It takes everything that waits into one transaction, each batch under a savepoint
//!   of its own, and answers once the transaction is on the disk (write-ahead log, `synchronous=FULL`). So what was
//!   acknowledged survives a power cut, batches stay all or nothing, one sync serves everybody who waited, and a lone
//!   caller waits for nobody.
//! - **Reads by key** run where they are called, on one of a few connections: they take microseconds, less than the way to
//!   another thread and back.
//! - **Lists and counts** run on threads of the store, so that they never hold up a runtime.
//! - **Queues are bounded.** Past [`SqliteOptions::queue_length`] callers get
//!   [`Busy`](zalt_core::store::StoreErrorKind::Busy) at once.
//!
//! [`SqliteStore::backup`] copies the file while it is in use, [`SqliteStore::integrity_check`] reads all of it, and
//! [`SqliteStore::shutdown`] ends the store early; dropping it does too.
//!
//! # Sharing the file with your own tables
//!
//! The store may live in the file that your application keeps its own data in. Every table, index and trigger of Zalt begins
//! with `zalt_`, and Zalt touches no others. Your connections are your own; open them on the same path. The file has a
//! write-ahead log from then on, which is a property of the file and holds for you too.
//!
//! Refer to users by their id, the 16 bytes of `zalt_users.id`. With a foreign key a user's rows go when Zalt purges the
//! user, which is some time after the account was deleted:
//!
//! ```
//! use rusqlite::Connection;
//! use zalt_core::id::UserId;
//! use zalt_store_sqlite::SqliteStore;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("app.db");
//! let store = SqliteStore::open(&path)?;
//!
//! let app = Connection::open(&path)?;
//! app.busy_timeout(std::time::Duration::from_secs(5))?;
//! app.pragma_update(None, "foreign_keys", true)?;
//! app.execute_batch(
//!     "CREATE TABLE IF NOT EXISTS notes (
//!          id INTEGER PRIMARY KEY,
//!          owner BLOB NOT NULL REFERENCES zalt_users (id) ON DELETE CASCADE,
//!          text TEXT NOT NULL
//!      ) STRICT;
//!      CREATE INDEX IF NOT EXISTS notes_of_owner ON notes (owner);",
//! )?;
//!
//! // In a handler, for the user who is signed in:
//! fn notes(app: &Connection, owner: UserId) -> rusqlite::Result<Vec<String>> {
//!     app.prepare_cached("SELECT text FROM notes WHERE owner = ?1 ORDER BY id")?
//!         .query_map([owner.as_bytes()], |row| row.get(0))?
//!         .collect()
//! }
//! # assert!(notes(&app, UserId::from_bytes([0; 16]))?.is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! Rules of the house:
//!
//! - Read the tables of Zalt as you like, and leave the writing to Zalt: rows carry versions, and events tell what happened.
//! - Give such a foreign key `ON DELETE CASCADE` or `ON DELETE SET NULL`, and an index. One that forbids the deletion makes
//!   the purge of that user fail.
//! - Keep your write transactions short. There is one write lock per file; while you hold it, sign-ins wait, and after
//!   [`SqliteOptions::busy_timeout`] they fail. Set a busy timeout on your own connections as well.
//! - Zalt's commits and yours are separate transactions. What has to follow a sign-up reads the events.
//! - Never open the file by other means than SQLite while it is in use: closing it drops the locks of the whole process.

mod attempt;
mod backup;
mod budget;
mod checkpoints;
mod connection;
mod credential;
mod error;
mod event;
mod expired;
mod identifier;
mod message;
mod options;
mod password;
#[cfg(test)]
mod plans;
mod provider_connection;
mod queries;
mod queue;
mod readers;
mod scans;
mod schema;
mod session;
mod signing_key;
mod sql;
mod store;
mod threads;
mod user;
mod writer;

pub use backup::{BackupError, IntegrityError};
pub use options::{OpenError, OptionsError, SqliteOptions};
pub use schema::SCHEMA_VERSION;
pub use store::SqliteStore;
pub use writer::WriteStatistics;
