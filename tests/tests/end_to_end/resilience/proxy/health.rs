use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// What the balancer's health checks are like. The recovery times that are measured depend on them.
const INTERVAL: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(1);
/// One check that fails may be a busy machine.
const FAILURES: u32 = 2;

/// What a replica is like, as far as the balancer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    Up,
    /// It takes no connections, and may yet answer on those that it has.
    Closed,
    /// It says nothing, and what waits for it waits in vain.
    Silent,
}

/// Asks a replica whether it is alive, for ever. Whether its database is, is for the replica to say to its clients.
pub(super) async fn watch(port: u16, health: watch::Sender<Health>) {
    let mut failures = 0;
    loop {
        let now = match timeout(PATIENCE, is_alive(port)).await {
            Ok(Ok(true)) => Health::Up,
            Ok(_) => Health::Closed,
            Err(_) => Health::Silent,
        };
        failures = if now == Health::Up { 0 } else { failures + 1 };
        if failures == 0 || failures >= FAILURES {
            health.send_if_modified(|before| std::mem::replace(before, now) != now);
        }
        sleep(INTERVAL).await;
    }
}

async fn is_alive(port: u16) -> io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    Ok(&status == b"HTTP/1.1 200")
}
