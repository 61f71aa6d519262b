//! The PostgreSQL store of Zalt.

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

pub use options::{ConnectError, OptionsError, PostgresOptions, Replica};
pub use schema::SCHEMA_VERSION;
pub use store::PostgresStore;
