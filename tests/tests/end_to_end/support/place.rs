use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use tempfile::TempDir;

use super::kept::Kept;
use super::{Ended, Mailbox, Random, Server};

/// How a server is to be configured.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) config: String,
    /// A program and its arguments that the server is started through.
    pub(crate) through: Vec<String>,
    /// Whether the test says itself where everything is kept, or means the file in the data folder.
    says_where: bool,
}

/// A data folder and an address. They outlast the processes that come and go on them.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
    data: PathBuf,
    port: u16,
    setup: Setup,
    kept: Kept,
}

impl Setup {
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Adds to the TOML file.
    pub(crate) fn config(mut self, toml: &str) -> Self {
        self.config.push_str(toml);
        self.config.push('\n');
        self
    }

    /// For what is about the database file.
    pub(crate) fn in_a_file(mut self) -> Self {
        self.says_where = true;
        self
    }

    /// For what is about one database of PostgreSQL.
    pub(crate) fn in_postgres(mut self, url: &str) -> Self {
        self.says_where = true;
        self.env("DATABASE_URL", url)
    }

    pub(crate) fn through(mut self, program: &[&str]) -> Self {
        self.through = program.iter().map(|&word| word.to_owned()).collect();
        self
    }

    pub(crate) fn mail_to(self, mailbox: &Mailbox) -> Self {
        self.env("SMTP_URL", mailbox.url())
    }
}

impl Place {
    pub(crate) fn new(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self::at(folder, data, setup)
    }

    /// With a data folder that the caller made, such as a file system of its own.
    pub(crate) fn at(folder: TempDir, data: PathBuf, setup: Setup) -> Self {
        Self {
            folder,
            data,
            port: free_port(),
            kept: if setup.says_where {
                Kept::AsSaid
            } else {
                Kept::chosen()
            },
            setup,
        }
    }

    pub(crate) fn folder(&self) -> &TempDir {
        &self.folder
    }

    pub(crate) fn data(&self) -> &PathBuf {
        &self.data
    }

    /// The database file.
    pub(crate) fn database(&self) -> PathBuf {
        self.data.join("zalt.db")
    }

    pub(crate) const fn kept(&self) -> &Kept {
        &self.kept
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) const fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(crate) const fn setup_mut(&mut self) -> &mut Setup {
        &mut self.setup
    }

    /// Starts a server and waits until it is ready.
    pub(crate) async fn start(&self) -> Server {
        let mut server = Server::spawn(self, self.port, &["serve"]);
        server.ready().await;
        server
    }

    /// Starts a server and waits for nothing.
    pub(crate) fn spawn(&self) -> Server {
        Server::spawn(self, self.port, &["serve"])
    }

    /// Runs a command that is expected to end by itself.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with_input(arguments, "").await
    }

    pub(crate) async fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut process = Server::spawn(self, self.port, arguments);
        process.hear(input).await;
        process.ended().await
    }
}

/// A port that nobody listens on.
///
/// It is below the range from which the system takes the ports of outgoing connections: one of those could otherwise have
/// it when a server comes back to it, and who tries to reach that server meanwhile could be connected to themselves.
pub(crate) fn free_port() -> u16 {
    const RANGE: std::ops::Range<u16> = 21_300..32_700;
    let random = RandomState::new().build_hasher().finish();
    let mut random = Random::new(random);
    loop {
        let port = RANGE.start + u16::try_from(random.index(RANGE.len())).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
