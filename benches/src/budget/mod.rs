//! The performance budget: each figure beside the limit that it is held against, measured in one run. Figures are ratios to
//! that limit, so that a slower or busier machine moves both.

mod hashing;
mod refresh;
mod report;
mod server;
mod sessions;
mod tokens;

use std::path::Path;
use std::time::Duration;

pub use report::Report;

/// One part of the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// An access token against one signature check.
    Tokens,
    /// Sign-ins against bare Argon2id, and what happens when too many come.
    Hashing,
    /// A handler behind a session check against the same without.
    Sessions,
    /// Refreshes against one durable commit each.
    Refresh,
    /// Start and memory of the server's process.
    Server,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Tokens,
        Self::Hashing,
        Self::Sessions,
        Self::Refresh,
        Self::Server,
    ];

    /// Measures it into the report: each measurement for `time`, `server` with this binary.
    pub async fn measure(self, report: &mut Report, time: Duration, server: &Path) {
        match self {
            Self::Tokens => tokens::measure(report).await,
            Self::Hashing => hashing::measure(report, time).await,
            Self::Sessions => sessions::measure(report, time).await,
            Self::Refresh => refresh::measure(report, time).await,
            Self::Server => server::measure(report, server).await,
        }
    }
}
