use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Client, Place, binary, until};

/// How long a server may take to be ready, or to end, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server. It is killed, by its own id, when this value goes away.
pub(crate) struct Server {
    child: Child,
    origin: String,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

impl Server {
    /// Starts the binary on a place and waits for nothing.
    pub(crate) fn spawn(place: &Place, port: u16, arguments: &[&str]) -> Self {
        let origin = format!("http://localhost:{port}");
        let setup = place.setup();
        let mut words = setup.through.iter();
        let mut command = match words.next() {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(words).arg(binary::path());
                command
            }
            None => Command::new(binary::path()),
        };
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("ZALT_LISTEN", format!("127.0.0.1:{port}"))
            .env("ZALT_BASE_URL", &origin)
            .env("ZALT_DATA_DIR", place.data())
            .current_dir(place.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if !setup.config.is_empty() {
            let file = place.folder().path().join("zalt.toml");
            std::fs::write(&file, &setup.config).unwrap();
            command.env("ZALT_CONFIG", file);
        }
        command.envs(place.kept().environment());
        for (name, value) in &setup.environment {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        let mut child = command.spawn().expect("the binary can be started");
        let log = Arc::default();
        let readers = vec![
            read(child.stdout.take().unwrap(), Arc::clone(&log)),
            read(child.stderr.take().unwrap(), Arc::clone(&log)),
        ];
        Self {
            child,
            origin,
            log,
            readers,
        }
    }

    /// Where it is reached.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Writes this to its standard input and closes it.
    pub(crate) async fn hear(&mut self, text: &str) {
        let mut input = self.child.stdin.take().expect("it was told nothing yet");
        input.write_all(text.as_bytes()).await.unwrap();
    }

    /// All that it said so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it serves.
    pub(crate) async fn ready(&mut self) {
        let client = Client::by_cookie(&self.origin);
        let waited = timeout(
            PATIENCE,
            until("/readyz answers 200", PATIENCE, async || {
                match client.try_get("/readyz").await {
                    Ok(reply) if reply.status == 200 => Some(()),
                    _ => None,
                }
            }),
        );
        tokio::select! {
            status = self.child.wait() => panic!("the server ended with {status:?}\n{}", self.log()),
            waited = waited => assert!(waited.is_ok(), "the server is not ready\n{}", self.log()),
        }
    }

    /// Asks it to end, as systemd and Kubernetes do.
    pub(crate) async fn terminate(&self) {
        self.signal("-TERM").await;
    }

    /// Stops it in the middle of whatever it does, until it is told to go on.
    pub(crate) async fn pause(&self) {
        self.signal("-STOP").await;
    }

    pub(crate) async fn go_on(&self) {
        self.signal("-CONT").await;
    }

    async fn signal(&self, signal: &str) {
        let id = self.child.id().expect("the server runs").to_string();
        let status = Command::new("kill").args([signal, &id]).status().await;
        assert!(status.unwrap().success());
    }

    /// Asks it to end and waits until it has.
    pub(crate) async fn stop(self) -> Ended {
        self.terminate().await;
        self.ended().await
    }

    /// Ends it without a chance to do anything about it.
    pub(crate) async fn kill(mut self) -> Ended {
        // It may have ended by itself; how it did shows in the result.
        let _ = self.child.start_kill();
        self.ended().await
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(mut self) -> Ended {
        let Ok(status) = timeout(PATIENCE, self.child.wait()).await else {
            panic!("the process does not end\n{}", self.log());
        };
        for reader in self.readers.drain(..) {
            reader.await.unwrap();
        }
        let said = self.log();
        assert!(!said.contains("panicked at"), "{said}");
        Ended {
            code: status.unwrap().code(),
            said,
        }
    }
}

impl Ended {
    /// It ended because it had nothing more to do.
    pub(crate) fn well(&self) {
        assert_eq!(self.code, Some(0), "{}", self.said);
    }

    /// It refused, and said each of these words, in whatever case.
    pub(crate) fn refused(&self, words: &[&str]) {
        assert!(
            matches!(self.code, Some(1..)),
            "{:?}: {}",
            self.code,
            self.said
        );
        let said = self.said.to_lowercase();
        for word in words {
            assert!(
                said.contains(&word.to_lowercase()),
                "{word:?} is not in: {}",
                self.said
            );
        }
    }
}

fn read(
    mut stream: impl AsyncRead + Unpin + Send + 'static,
    log: Arc<Mutex<String>>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut bytes = vec![0; 8 * 1024];
        while let Ok(length @ 1..) = stream.read(&mut bytes).await {
            let text = String::from_utf8_lossy(&bytes[..length]);
            log.lock().unwrap().push_str(&text);
        }
    })
}
