//! Our own server as a process: started, waited for, asked to end.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::process::Process;

/// How long it may take to get ready or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a server is started.
#[derive(Debug, Clone)]
pub struct Launch {
    binary: PathBuf,
    data: PathBuf,
    environment: Vec<(String, String)>,
}

/// A server that is ready. It is killed when this value goes away.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    /// From the start of the process to its first "ready".
    pub started_in: Duration,
}

impl Launch {
    /// The binary, with its data in this folder.
    pub fn new(binary: &Path, data: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            data: data.to_owned(),
            environment: Vec::new(),
        }
    }

    /// With a setting.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it on a free port and waits until it is ready. What it says is dropped, unless it does not get ready.
    pub async fn start(&self) -> Server {
        let port = free_port();
        let log = tempfile::NamedTempFile::new().unwrap();
        let begun = Instant::now();
        let child = Command::new(&self.binary)
            .env_clear()
            .env("ZALT_LISTEN", format!("127.0.0.1:{port}"))
            .env("ZALT_DATA_DIR", &self.data)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.reopen().unwrap())
            .kill_on_drop(true)
            .spawn();
        let child = child.unwrap_or_else(|error| {
            panic!(
                "can't start {}: {error}; name the server's binary with --server",
                self.binary.display()
            )
        });
        let mut server = Server {
            child,
            port,
            started_in: Duration::ZERO,
        };
        while !server.is_ready().await {
            let ended = server.child.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < PATIENCE,
                "the server does not get ready ({ended:?}):\n{}",
                std::fs::read_to_string(log.path()).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        server.started_in = begun.elapsed();
        server
    }
}

impl Server {
    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process::of(self.child.id().expect("it was not waited for yet"))
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(mut self) {
        let pid = self.child.id().expect("it was not waited for yet");
        let kill = Command::new("kill")
            .args(["-TERM", &pid.to_string()])
            .status();
        assert!(kill.await.unwrap().success());
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("the server ends when it is asked to").unwrap();
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)).await else {
            return false;
        };
        let request = format!(
            "GET /readyz HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\n\r\n",
            self.port
        );
        let mut reply = String::new();
        stream.write_all(request.as_bytes()).await.is_ok()
            && stream.read_to_string(&mut reply).await.is_ok()
            && reply.starts_with("HTTP/1.1 200")
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
