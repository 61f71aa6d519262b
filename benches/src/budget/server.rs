//! The server's own process: from start to ready on an existing database, and its memory when nobody asks anything.

use std::path::Path;
use std::time::Duration;

use super::report::Report;
use crate::process::mib;
use crate::server::Launch;

const STARTS: usize = 11;

pub(crate) async fn measure(report: &mut Report, binary: &Path) {
    let folder = tempfile::TempDir::new().unwrap();
    let launch = Launch::new(binary, folder.path());
    // Makes the database and the keys.
    launch.start().await.stop().await;
    let mut starts = Vec::new();
    let mut idle = None;
    for _ in 0..STARTS {
        let server = launch.start().await;
        starts.push(server.started_in);
        tokio::time::sleep(Duration::from_secs(1)).await;
        idle = server.process().memory();
        server.stop().await;
    }
    starts.sort_unstable();
    let median = starts[STARTS / 2];
    report.add(
        "cold start to `/readyz`, existing database",
        format!(
            "{:.1} ms (slowest {:.1} ms)",
            median.as_secs_f64() * 1e3,
            starts[STARTS - 1].as_secs_f64() * 1e3
        ),
        "process start".to_owned(),
        "< 50 ms",
        median < Duration::from_millis(50),
    );
    let idle = idle.expect("the server ran");
    report.add(
        "idle resident memory of `zalt-server`",
        format!(
            "{:.1} MiB, {:.1} MiB of it its own",
            mib(idle.resident),
            mib(idle.anonymous)
        ),
        "its binary and its data".to_owned(),
        "< 20 MiB",
        idle.resident < 20 * 1024 * 1024,
    );
}
