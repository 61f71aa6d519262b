mod cluster;
mod wire;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

pub use cluster::RedisCluster;

use crate::account::Account;
use crate::home::Home;
use crate::launch::Launch;
use crate::process::{Process, TERMINATE};
use crate::{ServiceError, port, programs};

const SERVICE: &str = "Redis";
/// Nodes of a cluster talk to each other this many ports further on.
const BUS: u16 = 10_000;

/// How a [`Redis`] is set up.
#[derive(Clone, Debug, Default)]
pub struct RedisOptions {
    append_only: bool,
    cluster: bool,
    settings: Vec<(String, String)>,
}

impl RedisOptions {
    /// Keeps every acknowledged write across a crash. Without it, a Redis that is stopped has forgotten everything.
    #[must_use]
    pub fn append_only(mut self) -> Self {
        self.append_only = true;
        self
    }

    /// Any other setting of `redis.conf`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    fn cluster_node() -> Self {
        Self {
            cluster: true,
            ..Self::default()
        }
    }

    fn lines(&self, home: &Home, port: u16) -> String {
        let folder = home.path().display();
        let mut lines = format!(
            "bind 127.0.0.1\nport {port}\nsave \"\"\ndir \"{folder}\"\ndaemonize no\n\
             appendonly {}\nappendfsync always\ncluster-enabled {}\n",
            yes_or_no(self.append_only),
            yes_or_no(self.cluster),
        );
        for (name, value) in &self.settings {
            let _ = writeln!(lines, "{name} {value}");
        }
        lines
    }
}

fn yes_or_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// A Redis server without a password, until it is dropped.
#[derive(Debug)]
pub struct Redis {
    process: Option<Process>,
    port: u16,
    server: PathBuf,
    home: Home,
}

impl Redis {
    /// Starts an empty one.
    pub fn start(options: &RedisOptions) -> Result<Self, ServiceError> {
        let server = programs::find(programs::REDIS_SERVER)?;
        let mut home = Home::new(Account::Own)?;
        let beside: &[u16] = if options.cluster { &[BUS] } else { &[] };
        let (process, port) = LAUNCH.on_free_port(
            &mut home,
            || port::free(beside),
            |home, port| {
                home.write("redis.conf", &options.lines(home, port))?;
                Ok(command(home, &server))
            },
        )?;
        Ok(Self {
            process: Some(process),
            port,
            server,
            home,
        })
    }

    /// The port on 127.0.0.1; it stays the same across restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where clients reach it.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends one command and gives the reply as text, nested ones on lines of their own. Words are parted by spaces.
    pub fn command(&self, words: &str) -> Result<String, ServiceError> {
        if self.process.is_none() {
            return Err(ServiceError::Stopped(SERVICE));
        }
        wire::ask(self.port, words)
    }

    /// Whether it was started and has neither been stopped nor ended by itself.
    pub fn is_running(&mut self) -> bool {
        self.process
            .as_mut()
            .is_some_and(|process| matches!(process.ended(), Ok(None)))
    }

    /// Asks it to end, and waits.
    pub fn stop(&mut self) -> Result<(), ServiceError> {
        self.end(Process::stop)
    }

    /// Kills it on the spot.
    pub fn kill(&mut self) -> Result<(), ServiceError> {
        self.end(Process::kill)
    }

    /// Starts it again on the same port, after a stop or a crash.
    pub fn start_again(&mut self) -> Result<(), ServiceError> {
        if self.is_running() {
            return Err(ServiceError::Running(SERVICE));
        }
        self.process = Some(LAUNCH.again(&mut self.home, |home| command(home, &self.server))?);
        Ok(())
    }

    /// Stops it and starts it again.
    pub fn restart(&mut self) -> Result<(), ServiceError> {
        self.stop()?;
        self.start_again()
    }

    /// Stops its time: connections stay open and nothing is answered, until [`resume`](Self::resume).
    pub fn pause(&self) -> Result<(), ServiceError> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<(), ServiceError> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), ServiceError> {
        self.process
            .as_ref()
            .ok_or(ServiceError::Stopped(SERVICE))?
            .signal(signal)
    }

    fn end(
        &mut self,
        how: impl FnOnce(&mut Process) -> Result<(), ServiceError>,
    ) -> Result<(), ServiceError> {
        if let Some(mut process) = self.process.take() {
            how(&mut process)?;
            self.home.stopped();
        }
        Ok(())
    }
}

const LAUNCH: Launch<'static> = Launch {
    service: SERVICE,
    stop: TERMINATE,
    ready: &is_ready,
};

fn command(home: &Home, server: &std::path::Path) -> Command {
    let mut command = home.command(server);
    command.arg(home.file("redis.conf"));
    command
}

/// Whether the process itself answers, and has read back all that it kept: until then it refuses commands.
fn is_ready(home: &Home, pid: i32) -> bool {
    let configuration = std::fs::read_to_string(home.file("redis.conf")).unwrap_or_default();
    let port = configuration
        .lines()
        .find_map(|line| line.strip_prefix("port ")?.parse().ok());
    let process = format!("process_id:{pid}");
    port.and_then(|port| wire::ask(port, "INFO").ok())
        .is_some_and(|about| {
            let says = |wanted: &str| about.lines().any(|line| line == wanted);
            says(&process) && says("loading:0")
        })
}
