//! The PostgreSQL store of Zalt.

// The tests in here use what those beside it use, which know this crate by its name.
#[cfg(test)]
extern crate self as zalt_store_postgres;

mod attempt;
mod budget;
mod commit;
mod connections;
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
mod queries;
mod schema;
mod session;
mod signing_key;
mod sql;
mod steps;
mod store;
mod texts;
mod tries;
mod user;

#[cfg(test)]
#[path = "../tests/postgres/schema.rs"]
mod test_schema;

pub use options::{ConnectError, OptionsError, PostgresOptions, Replica};
pub use schema::SCHEMA_VERSION;
pub use store::PostgresStore;
