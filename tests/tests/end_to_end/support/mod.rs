//! What the tests stand on: the process, a client, a mailbox.

mod binary;
mod client;
mod faketime;
mod kept;
mod link;
mod mailbox;
mod place;
mod random;
mod server;
mod wait;

pub(crate) use client::{Client, Reply};
pub(crate) use faketime::Clock;
pub(crate) use link::Link;
pub(crate) use mailbox::Mailbox;
pub(crate) use place::{Place, Setup, free_port};
pub(crate) use random::Random;
pub(crate) use server::{Ended, Server};
pub(crate) use wait::until;

pub(crate) const PASSWORD: &str = "a walk in the quiet rain";
pub(crate) const NEW_PASSWORD: &str = "a swim in the cold lake";

/// A server that sends its mail to a mailbox of the test.
pub(crate) struct Stage {
    pub(crate) mailbox: Mailbox,
    pub(crate) place: Place,
    pub(crate) server: Server,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let mailbox = Mailbox::open().await;
        let place = Place::new(setup.mail_to(&mailbox));
        let server = place.start().await;
        Self {
            mailbox,
            place,
            server,
        }
    }

    /// Somebody whose session is held by a cookie.
    pub(crate) fn browser(&self) -> Client {
        Client::by_cookie(self.server.origin())
    }

    /// Somebody whose session is held by tokens.
    pub(crate) fn app(&self) -> Client {
        Client::by_tokens(self.server.origin())
    }
}

/// What an environment variable says, or else this.
pub(crate) fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect(variable))
}
