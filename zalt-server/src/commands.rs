//! The sub-commands besides serving.

mod backup;
mod connection;
mod create_user;
mod doctor;
mod migrate;

pub(crate) use backup::backup;
pub(crate) use connection::connection;
pub(crate) use create_user::create_user;
pub(crate) use doctor::doctor;
pub(crate) use migrate::migrate;

use std::io::{self, Write};

/// Says something to whoever called.
fn say(line: impl std::fmt::Display) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
