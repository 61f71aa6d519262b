//! Authentication that you own: users, sessions, passwords and sign-in as one storage-agnostic core.
//!
//! Everything hangs on one value, [`Zalt`]: an application with its store, its rules and its keys. Core knows no web
//! framework, no SQL and no async runtime; time and randomness are passed in.
//!
//! | room | what is in it |
//! |---|---|
//! | [`attempt`] | sign-in, sign-up and the verification of addresses: the state machines |
//! | [`session`] | sessions, their tokens, refresh and revocation |
//! | [`user`] | users, profiles, passwords and what their owners and the application do to them |
//! | [`identifier`] | e-mail addresses, phone numbers, usernames |
//! | [`credential`] | second factors, their recovery codes, and what is set up and taken away |
//! | [`connection`] | providers that people sign in with |
//! | [`passkey`] | passkeys: the requests to authenticators and the rules for their answers |
//! | [`safety`] | freezing an account and recovering it |
//! | [`password`] | the hashing pool, the policy and foreign formats |
//! | [`access_token`], [`jwt`], [`signing_key`] | access tokens, the strict JWT code and the keys at rest |
//! | [`secret`] | encryption keys, sealed values, opaque tokens |
//! | [`budget`] | how often something may be tried |
//! | [`store`] | the contract that a backend implements |
//! | [`message`], [`event`] | what people are told, and what happened |
//! | [`config`], [`error`], [`request`], [`environment`] | choices, errors, where requests come from, time and randomness |

pub mod access_token;
pub mod attempt;
pub mod budget;
mod builder;
pub mod config;
pub mod connection;
pub mod credential;
pub mod environment;
pub mod error;
pub mod event;
pub mod id;
pub mod identifier;
pub mod jwt;
pub mod message;
pub mod passkey;
pub mod password;
pub mod request;
pub mod safety;
pub mod secret;
pub mod session;
pub mod signing_key;
pub mod store;
pub mod user;
mod worker;
mod zalt;

pub use builder::{BuildError, ZaltBuilder};
pub use config::{Config, ConfigError};
pub use environment::{Clock, Rng, RngError, SystemClock, SystemRng, Timestamp};
pub use error::{Error, ErrorCode};
pub use request::RequestContext;
pub use worker::Worker;
pub use zalt::{ReadinessError, Zalt};
