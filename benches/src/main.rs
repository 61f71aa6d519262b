//! The performance budget: each figure beside the limit that it is held against, measured in one run.
//!
//! `cargo run --release -p zalt-benches` measures all of it, `-- hashing refresh` a part, and prints a table. Figures are
//! ratios to a limit of the same run, so that a slower or busier machine moves both.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measuring program: it reads the clock, prints, and ends at the unexpected"
)]

mod app;
mod driver;
mod hashing;
mod refresh;
mod report;
mod scale;
mod server;
mod sessions;
mod tokens;

use clap::Parser;

use report::Report;

/// What to measure, and how long.
#[derive(Parser)]
struct Arguments {
    /// Parts to measure: hashing, tokens, sessions, refresh, scale, server. All if none is named.
    parts: Vec<String>,
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Users in the large store of `scale`.
    #[arg(long, default_value_t = 1_000_000)]
    users: u32,
    /// The server's binary, for `server`.
    #[arg(long, default_value = "zalt-server")]
    binary: std::path::PathBuf,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let wanted =
        |part: &str| arguments.parts.is_empty() || arguments.parts.iter().any(|name| name == part);
    let seconds = std::time::Duration::from_secs(arguments.seconds);
    let mut report = Report::default();
    if wanted("tokens") {
        tokens::measure(&mut report).await;
    }
    if wanted("hashing") {
        hashing::measure(&mut report, seconds).await;
    }
    if wanted("sessions") {
        sessions::measure(&mut report, seconds).await;
    }
    if wanted("refresh") {
        refresh::measure(&mut report, seconds).await;
    }
    if wanted("scale") {
        scale::measure(&mut report, arguments.users).await;
    }
    if wanted("server") {
        server::measure(&mut report, &arguments.binary).await;
    }
    print!("{report}");
}
