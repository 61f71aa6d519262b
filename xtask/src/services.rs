//! `cargo xtask services`: databases that live as long as the task, or as one command.

use crate::provision;
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};
use zalt_services::{
    PgBouncer, PgBouncerOptions, Postgres, PostgresOptions, Redis, RedisCluster, RedisOptions,
    ServiceError, missing_packages,
};

/// Where tests find the database in which they may make schemas.
const POSTGRES_VARIABLE: &str = "ZALT_TEST_POSTGRES_URL";
/// The same database, behind a pooler in transaction mode.
const PGBOUNCER_VARIABLE: &str = "ZALT_TEST_PGBOUNCER_URL";
const REDIS_VARIABLE: &str = "ZALT_TEST_REDIS_URL";
const REDIS_CLUSTER_VARIABLE: &str = "ZALT_TEST_REDIS_CLUSTER_URL";

/// Between two looks at a command that runs.
const PAUSE: Duration = Duration::from_millis(50);

/// What the environment of a test says of the services.
pub(crate) type Variables = [(&'static str, String)];

/// One of each, until dropped.
struct Services {
    // Dropped in this order: the pooler before the server that it leads to.
    pgbouncer: PgBouncer,
    postgres: Postgres,
    redis: Redis,
    redis_cluster: RedisCluster,
}

/// Services for the tests of this run: the caller's own where the environment names them, else new ones.
pub(crate) struct Lent {
    variables: Vec<(&'static str, String)>,
    _services: Option<Services>,
}

impl Lent {
    pub(crate) fn find() -> Result<Self, String> {
        if std::env::var_os(POSTGRES_VARIABLE).is_some() {
            eprintln!("   {POSTGRES_VARIABLE} is set: nothing is started");
            return Ok(Self {
                variables: Vec::new(),
                _services: None,
            });
        }
        let services = Services::start()?;
        Ok(Self {
            variables: services.variables(),
            _services: Some(services),
        })
    }

    /// What to add to the environment of the tests.
    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }
}

impl Services {
    /// Installs what is missing and starts them, saying so on the error stream.
    fn start() -> Result<Self, String> {
        let missing = missing_packages();
        if !missing.is_empty() {
            provision::install(&missing)?;
        }
        eprintln!(
            "   starting PostgreSQL, PgBouncer, Redis and a Redis cluster on free ports of 127.0.0.1"
        );
        let begun = Instant::now();
        let services = Self::start_all().map_err(|error| error.to_string())?;
        eprintln!("   they took {:.1} s", begun.elapsed().as_secs_f64());
        Ok(services)
    }

    fn start_all() -> Result<Self, ServiceError> {
        // Every test has a pool of its own, and several run at once.
        let postgres = Postgres::start(&PostgresOptions::default().max_connections(300))?;
        Ok(Self {
            pgbouncer: PgBouncer::start(&postgres, &PgBouncerOptions::default())?,
            postgres,
            redis: Redis::start(&RedisOptions::default())?,
            redis_cluster: RedisCluster::start(3)?,
        })
    }

    /// What to put into the environment of the tests.
    fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            (POSTGRES_VARIABLE, self.postgres.url("zalt")),
            (PGBOUNCER_VARIABLE, self.pgbouncer.url("zalt")),
            (REDIS_VARIABLE, self.redis.url()),
            (REDIS_CLUSTER_VARIABLE, self.redis_cluster.url()),
        ]
    }
}

/// Why to look up from waiting.
enum Event {
    Signal(i32),
    EndOfInput,
}

/// Prints where the services are, as lines for a shell, and keeps them until it is told to end.
pub(crate) fn lend() -> ExitCode {
    let lend = || -> Result<(), String> {
        let (sender, events) = watch_signals()?;
        let services = Services::start()?;
        for (name, value) in services.variables() {
            println!("export {name}={value}");
        }
        // A reader may wait for the lines, and wants no more than them.
        let _ = std::io::stdout().flush();
        watch_input(sender);
        let why = match events.recv() {
            Ok(Event::Signal(number)) => format!("signal {number}"),
            Ok(Event::EndOfInput) => "standard input ended".to_owned(),
            Err(_) => "nobody is left to end them".to_owned(),
        };
        eprintln!("   {why}: stopping the services");
        Ok(())
    };
    match lend() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => crate::refuse(&reason),
    }
}

/// Runs the command with the services in its environment, and ends as it does.
pub(crate) fn lend_to(command: &str, arguments: &[&str], folder: &Path) -> ExitCode {
    let lend = || -> Result<ExitStatus, String> {
        let (_sender, events) = watch_signals()?;
        let services = Services::start()?;
        let child = Command::new(command)
            .args(arguments)
            .current_dir(folder)
            .envs(services.variables())
            .spawn();
        let mut child = child.map_err(|source| format!("can't run {command}: {source}"))?;
        let pid = Pid::from_child(&child);
        loop {
            let ended = child
                .try_wait()
                .map_err(|source| format!("lost sight of {command}: {source}"))?;
            if let Some(status) = ended {
                return Ok(status);
            }
            match events.recv_timeout(PAUSE) {
                // Ctrl-C reaches the command by itself, which may have its own use for it.
                Ok(Event::Signal(SIGINT) | Event::EndOfInput)
                | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
                Ok(Event::Signal(_)) => {
                    // It may have ended since; the next look tells.
                    let _ = kill_process(pid, Signal::TERM);
                }
            }
        }
    };
    match lend() {
        Ok(status) => exit_code(status),
        Err(reason) => crate::refuse(&reason),
    }
}

/// As a shell has it: a command that died of a signal counts as 128 and the signal's number.
fn exit_code(status: ExitStatus) -> ExitCode {
    let number = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    number
        .and_then(|number| u8::try_from(number).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}

/// From here on the signals that would end this program are events.
fn watch_signals() -> Result<(Sender<Event>, Receiver<Event>), String> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|source| format!("can't watch for signals: {source}"))?;
    let (sender, events) = mpsc::channel();
    let told = sender.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            if told.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok((sender, events))
}

/// A pipe on standard input ends when the program at its other end does. Anything else tells nothing: a task in the
/// background reads from /dev/null, which has ended from the start, and one at a terminal has Ctrl-C.
fn watch_input(sender: Sender<Event>) {
    let Ok(input) = std::io::stdin().as_fd().try_clone_to_owned() else {
        return;
    };
    let mut input = File::from(input);
    let is_pipe = input.metadata().is_ok_and(|metadata| {
        let kind = metadata.file_type();
        kind.is_fifo() || kind.is_socket()
    });
    if !is_pipe {
        return;
    }
    thread::spawn(move || {
        let mut unread = [0; 256];
        while matches!(input.read(&mut unread), Ok(read) if read > 0) {}
        let _ = sender.send(Event::EndOfInput);
    });
}
