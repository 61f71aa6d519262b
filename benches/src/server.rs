//! The server's own process: from start to ready on an existing database, and its memory when nobody asks anything.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::app::{mib, resident};
use crate::report::Report;

const STARTS: usize = 11;

pub(crate) async fn measure(report: &mut Report, binary: &Path) {
    let folder = tempfile::TempDir::new().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    // Makes the database and the keys.
    let (mut first, _) = start(binary, folder.path(), port).await;
    stop(&mut first).await;
    let mut starts = Vec::new();
    let mut idle = 0;
    for _ in 0..STARTS {
        let (mut server, ready) = start(binary, folder.path(), port).await;
        starts.push(ready);
        tokio::time::sleep(Duration::from_secs(1)).await;
        idle = resident(server.id().unwrap());
        stop(&mut server).await;
    }
    starts.sort_unstable();
    let median = starts[STARTS / 2];
    report.add(
        "cold start to /readyz, existing database",
        format!(
            "{:.1} ms (slowest {:.1} ms)",
            median.as_secs_f64() * 1e3,
            starts[STARTS - 1].as_secs_f64() * 1e3
        ),
        "process start".to_owned(),
        "< 50 ms",
        median < Duration::from_millis(50),
    );
    report.add(
        "idle resident memory of zalt-server",
        format!("{:.1} MiB", mib(idle)),
        "nothing".to_owned(),
        "< 20 MiB",
        idle < 20 * 1024 * 1024,
    );
}

async fn start(binary: &Path, folder: &Path, port: u16) -> (Child, Duration) {
    let begun = Instant::now();
    let server = Command::new(binary)
        .env("ZALT_LISTEN", format!("127.0.0.1:{port}"))
        .env("ZALT_DATA_DIR", folder)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("name the server's binary with --binary");
    while !is_ready(port).await {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the server does not get ready"
        );
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    (server, begun.elapsed())
}

async fn is_ready(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else {
        return false;
    };
    let request =
        format!("GET /readyz HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n");
    let mut reply = String::new();
    stream.write_all(request.as_bytes()).await.is_ok()
        && stream.read_to_string(&mut reply).await.is_ok()
        && reply.starts_with("HTTP/1.1 200")
}

async fn stop(server: &mut Child) {
    let pid = server.id().unwrap().to_string();
    Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .await
        .unwrap();
    server.wait().await.unwrap();
}
