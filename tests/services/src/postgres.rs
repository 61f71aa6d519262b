mod standby;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::account::Account;
use crate::error::Doing;
use crate::home::Home;
use crate::launch::{Launch, run};
use crate::process::{FAST, Process};
use crate::{ServiceError, port, programs};

const SERVICE: &str = "PostgreSQL";
/// The superuser, for what a test does to the server rather than in it.
const SUPERUSER: &str = "postgres";
/// The account of the code under test, and the database that it owns.
const OWNER: &str = "zalt";

/// How a [`Postgres`] is set up.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    max_connections: u16,
    settings: Vec<(String, String)>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            max_connections: 100,
            settings: Vec::new(),
        }
    }
}

impl PostgresOptions {
    /// The most connections at once, 100 unless said otherwise.
    #[must_use]
    pub fn max_connections(mut self, most: u16) -> Self {
        self.max_connections = most;
        self
    }

    /// Any other setting of `postgresql.conf`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A PostgreSQL server that keeps every acknowledged commit (`fsync` and `synchronous_commit` are on), until it is
/// dropped.
///
/// The role `zalt` owns the database `zalt`, is no superuser and needs no password; neither does the superuser
/// `postgres`. Both may come from 127.0.0.1 only. Where the caller is root, the server runs as the account `postgres`.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Process>,
    port: u16,
    server: PathBuf,
    psql: PathBuf,
    home: Home,
}

impl Postgres {
    /// Makes a new cluster and starts it. Takes a second or two.
    pub fn start(options: &PostgresOptions) -> Result<Self, ServiceError> {
        let initdb = programs::find(programs::INITDB)?;
        let mut home = Home::new(Account::without_root()?)?;
        run(
            "initdb",
            home.command(&initdb)
                .args(["--username", SUPERUSER, "--auth", "trust"])
                .args(["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"])
                .arg("--pgdata")
                .arg(home.file("data")),
        )?;
        let mut settings = format!(
            "fsync = on\nsynchronous_commit = on\nlisten_addresses = '127.0.0.1'\n\
             max_connections = {}\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n",
            options.max_connections
        );
        for (name, value) in &options.settings {
            let _ = writeln!(settings, "{name} = {}", quoted(value));
        }
        let (process, port) = launch(&mut home, &settings)?;
        let postgres = Self::of(process, port, home)?;
        postgres.ask(SUPERUSER, &format!("CREATE ROLE {OWNER} LOGIN"))?;
        postgres.create_database(OWNER)?;
        Ok(postgres)
    }

    fn of(process: Process, port: u16, home: Home) -> Result<Self, ServiceError> {
        Ok(Self {
            process: Some(process),
            port,
            server: programs::find(programs::POSTGRES)?,
            psql: programs::find(programs::PSQL)?,
            home,
        })
    }

    /// The port on 127.0.0.1; it stays the same across restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the role `zalt` reaches a database of this server.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{OWNER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Where the superuser reaches it.
    pub fn superuser_url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes one more database, owned by the role `zalt`.
    pub fn create_database(&self, name: &str) -> Result<(), ServiceError> {
        let statement = format!("CREATE DATABASE \"{name}\" OWNER {OWNER}");
        self.ask(SUPERUSER, &statement).map(|_| ())
    }

    /// Runs SQL as the superuser in the database `zalt` and gives the rows, one a line, their columns parted by `|`.
    pub fn psql(&self, sql: &str) -> Result<String, ServiceError> {
        self.ask(OWNER, sql)
    }

    /// Changes a setting for good and has the server read it. Some count from the next restart only.
    pub fn configure(&self, name: &str, value: &str) -> Result<(), ServiceError> {
        let statements = format!(
            "ALTER SYSTEM SET {name} = {};\nSELECT pg_reload_conf();",
            quoted(value)
        );
        self.ask(SUPERUSER, &statements).map(|_| ())
    }

    /// Whether it was started and has neither been stopped nor ended by itself.
    pub fn is_running(&mut self) -> bool {
        self.process
            .as_mut()
            .is_some_and(|process| matches!(process.ended(), Ok(None)))
    }

    /// Stops it fast: connections are closed, transactions under way are rolled back.
    pub fn stop(&mut self) -> Result<(), ServiceError> {
        self.end(Process::stop)
    }

    /// Kills it with all its workers, as if the machine had crashed.
    pub fn kill(&mut self) -> Result<(), ServiceError> {
        self.end(Process::kill)
    }

    /// Starts it again on the same port with the same data, after a stop or a crash.
    pub fn start_again(&mut self) -> Result<(), ServiceError> {
        if self.is_running() {
            return Err(ServiceError::Running(SERVICE));
        }
        self.process = Some(LAUNCH.again(&mut self.home, |home| command(home, &self.server))?);
        Ok(())
    }

    /// Stops it fast and starts it again.
    pub fn restart(&mut self) -> Result<(), ServiceError> {
        self.stop()?;
        self.start_again()
    }

    /// What the server logged since it was last started.
    pub fn log(&self) -> String {
        self.home.log()
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

    fn ask(&self, database: &str, sql: &str) -> Result<String, ServiceError> {
        if self.process.is_none() {
            return Err(ServiceError::Stopped(SERVICE));
        }
        let mut psql = self.home.command(&self.psql);
        let mut psql = psql
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"])
            .args(["--set", "ON_ERROR_STOP=1", "--host", "127.0.0.1"])
            .args(["--port", &self.port.to_string(), "--username", SUPERUSER])
            // From a file, each statement is a transaction of its own: some may not share one.
            .args(["--dbname", database, "--file", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .doing(|| "run psql".to_owned())?;
        if let Some(mut input) = psql.stdin.take() {
            // One that ended before it read everything says why on its error stream.
            let _ = writeln!(input, "{sql};");
        }
        let output = psql.wait_with_output().doing(|| "run psql".to_owned())?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(ServiceError::Refused {
                service: SERVICE,
                reply: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            })
        }
    }
}

const LAUNCH: Launch<'static> = Launch {
    service: SERVICE,
    stop: FAST,
    ready: &is_ready,
};

/// Starts the cluster in the folder with these settings, which win over the ones that are there, on a free port.
fn launch(home: &mut Home, settings: &str) -> Result<(Process, u16), ServiceError> {
    let server = programs::find(programs::POSTGRES)?;
    let file = home.file("data/postgresql.conf");
    let made = std::fs::read_to_string(&file).doing(|| format!("read {}", file.display()))?;
    LAUNCH.on_free_port(
        home,
        || port::free(&[]),
        |home, port| {
            let sockets = quoted(&home.path().display().to_string());
            let own = format!("{settings}port = {port}\nunix_socket_directories = {sockets}\n");
            home.write("data/postgresql.conf", &format!("{made}\n{own}"))?;
            Ok(command(home, &server))
        },
    )
}

fn command(home: &Home, server: &std::path::Path) -> Command {
    let mut command = home.command(server);
    command.arg("-D").arg(home.file("data"));
    command
}

/// As `pg_ctl` does it: the server writes into this file which process it is, and last of all how far it has come.
fn is_ready(home: &Home, pid: i32) -> bool {
    let file = std::fs::read_to_string(home.file("data/postmaster.pid")).unwrap_or_default();
    let mut lines = file.lines().map(str::trim);
    lines.next() == Some(pid.to_string().as_str())
        && matches!(lines.nth(6), Some("ready" | "standby"))
}

/// A value as `postgresql.conf` and SQL write it.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
