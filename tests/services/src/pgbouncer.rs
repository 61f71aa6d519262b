use crate::account::Account;
use crate::home::Home;
use crate::launch::Launch;
use crate::process::{Process, TERMINATE};
use crate::{Postgres, ServiceError, port, programs};

const SERVICE: &str = "PgBouncer";

/// How a [`PgBouncer`] is set up.
#[derive(Clone, Debug)]
pub struct PgBouncerOptions {
    pool_size: u16,
    max_clients: u16,
}

impl Default for PgBouncerOptions {
    fn default() -> Self {
        Self {
            pool_size: 20,
            max_clients: 500,
        }
    }
}

impl PgBouncerOptions {
    /// The most connections that it opens to the server for one database and role, 20 unless said otherwise.
    #[must_use]
    pub fn pool_size(mut self, most: u16) -> Self {
        self.pool_size = most;
        self
    }

    /// The most connections that it takes from clients, 500 unless said otherwise.
    #[must_use]
    pub fn max_clients(mut self, most: u16) -> Self {
        self.max_clients = most;
        self
    }
}

/// A PgBouncer in transaction mode: a client has a connection of the server for the length of a transaction only, so
/// that nothing of a session (prepared statements, `SET`, advisory locks, `LISTEN`) can be relied on.
#[derive(Debug)]
pub struct PgBouncer {
    _process: Process,
    port: u16,
    _home: Home,
}

impl PgBouncer {
    /// Starts one in front of the server, which may be restarted behind it.
    pub fn start(postgres: &Postgres, options: &PgBouncerOptions) -> Result<Self, ServiceError> {
        let program = programs::find(programs::PGBOUNCER)?;
        // It refuses to run as root too.
        let mut home = Home::new(Account::without_root()?)?;
        let users = home.write("users", "\"zalt\" \"\"\n\"postgres\" \"\"\n")?;
        let launch = Launch {
            service: SERVICE,
            stop: TERMINATE,
            ready: &is_ready,
        };
        let (process, port) = launch.on_free_port(
            &mut home,
            || port::free(&[]),
            |home, port| {
                let configuration = format!(
                    "[databases]\n\
                     * = host=127.0.0.1 port={server}\n\
                     [pgbouncer]\n\
                     listen_addr = 127.0.0.1\n\
                     listen_port = {port}\n\
                     unix_socket_dir =\n\
                     auth_type = trust\n\
                     auth_file = {users}\n\
                     pool_mode = transaction\n\
                     default_pool_size = {pool_size}\n\
                     max_client_conn = {clients}\n\
                     ignore_startup_parameters = extra_float_digits\n",
                    server = postgres.port(),
                    users = users.display(),
                    pool_size = options.pool_size,
                    clients = options.max_clients,
                );
                let file = home.write("pgbouncer.ini", &configuration)?;
                let mut command = home.command(&program);
                command.arg(file);
                Ok(command)
            },
        )?;
        Ok(Self {
            _process: process,
            port,
            _home: home,
        })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the role `zalt` reaches a database of the server behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://zalt@127.0.0.1:{}/{database}", self.port)
    }
}

/// It says so once it listens, and ends where it can't.
fn is_ready(home: &Home, _pid: i32) -> bool {
    home.log().contains("process up")
}
