use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use zalt_benches::adapter::Operation;
use zalt_benches::budget;
use zalt_benches::load::Arrivals;
use zalt_benches::measure::{Backend, Pace};

/// Measures Zalt, or another product with the same driver.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
pub(crate) struct Arguments {
    /// What to measure; everything if nothing is named.
    pub(crate) parts: Vec<Part>,
    /// A look in a few minutes: less time, fewer users, no curves by load.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Seconds for each measurement [default: 3, quick 1].
    #[arg(long)]
    seconds: Option<f64>,
    /// With how many users, in rising order, separated by commas [default: 1000,100000,1000000, quick 1000,50000].
    #[arg(long, value_delimiter = ',')]
    users: Vec<u32>,
    /// On what [default: all].
    #[arg(long, value_delimiter = ',')]
    stores: Vec<Backend>,
    /// What is asked [default: all].
    #[arg(long, value_delimiter = ',')]
    operations: Vec<Operation>,
    /// How many of an operation are due in a second, as in `sign_in=40`; may be given for several.
    #[arg(long = "rate", value_parser = rate)]
    rates: Vec<(Operation, f64)>,
    /// How requests follow each other.
    #[arg(long, default_value = "poisson")]
    arrivals: Arrivals,
    /// What chances are drawn from: the same number gives the same arrivals and the same people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The most requests of one load.
    #[arg(long, default_value_t = 200_000)]
    most: usize,
    /// The folder for results. The performance document there gets the tables in their places [default: docs for everything,
    /// target/bench otherwise].
    #[arg(long)]
    into: Option<PathBuf>,
    /// The binary of our server.
    #[arg(long, default_value = "zalt-server", env = "ZALT_SERVER_BIN")]
    pub(crate) server: PathBuf,

    /// Measure the server at this URL instead, on this machine.
    #[arg(long)]
    pub(crate) against: Option<String>,
    /// The file that says how to ask it; see docs/benchmark-adapter.md [default: the one for Zalt].
    #[arg(long, requires = "against")]
    pub(crate) adapter: Option<PathBuf>,
    /// A file with people who have accounts there, one JSON object a line.
    #[arg(long, requires = "against")]
    pub(crate) population: Option<PathBuf>,
    /// How many people sign up first, where no population is named.
    #[arg(long, requires = "against", default_value_t = 64)]
    pub(crate) people: usize,
    /// The port of this machine at which the driver takes the server's mail.
    #[arg(long, requires = "against")]
    pub(crate) mailbox: Option<u16>,
    /// The process of the server, to be told what it uses.
    #[arg(long, requires = "against")]
    pub(crate) pid: Option<u32>,
    /// Sets a value of the adapter, as in `api_key=abc`; may be given for several.
    #[arg(long = "set", requires = "against", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,
}

/// A part of what is measured on our own server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
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
    /// All of the above.
    Budget,
    /// Operations on the running server, by store, number of users and load.
    Load,
}

impl Arguments {
    /// The parts of the budget that are wanted.
    pub(crate) fn budget(&self) -> Vec<budget::Part> {
        let wanted = |part: &budget::Part| {
            self.parts.is_empty()
                || self.parts.contains(&Part::Budget)
                || self
                    .parts
                    .iter()
                    .any(|named| named.of_budget() == Some(*part))
        };
        budget::Part::ALL.into_iter().filter(wanted).collect()
    }

    pub(crate) fn load(&self) -> bool {
        self.parts.is_empty() || self.parts.contains(&Part::Load)
    }

    pub(crate) fn time(&self) -> Duration {
        let usual = if self.quick { 1.0 } else { 3.0 };
        // No load takes longer than ten minutes, whatever was typed.
        Duration::from_secs_f64(self.seconds.unwrap_or(usual).clamp(0.1, 600.0))
    }

    pub(crate) fn pace(&self) -> Pace {
        Pace {
            time: self.time(),
            arrivals: self.arrivals,
            seed: self.seed,
            most: self.most.min(2_000_000),
        }
    }

    pub(crate) fn users(&self) -> Vec<u32> {
        match (self.users.as_slice(), self.quick) {
            ([], false) => vec![1_000, 100_000, 1_000_000],
            ([], true) => vec![1_000, 50_000],
            (named, _) => named.to_vec(),
        }
    }

    pub(crate) fn stores(&self) -> Vec<Backend> {
        if self.stores.is_empty() {
            Backend::ALL.to_vec()
        } else {
            self.stores.clone()
        }
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        // What needs many sessions comes last: it uses them up.
        let order = [
            Operation::Nothing,
            Operation::SessionCheck,
            Operation::SignIn,
            Operation::SignUp,
            Operation::ListUsers,
            Operation::Refresh,
            Operation::Revoke,
        ];
        let wanted = |operation: &Operation| {
            self.operations.is_empty() || self.operations.contains(operation)
        };
        order.into_iter().filter(wanted).collect()
    }

    pub(crate) fn rate(&self, operation: Operation) -> f64 {
        let named = self
            .rates
            .iter()
            .rev()
            .find(|(named, _)| *named == operation);
        named.map_or_else(|| usual_rate(operation), |(_, rate)| *rate)
    }

    /// Whether all that there is is measured, so that the figures of the document stay of one run.
    pub(crate) fn everything(&self) -> bool {
        self.parts.is_empty()
            && !self.quick
            && self.users.is_empty()
            && self.stores.is_empty()
            && self.operations.is_empty()
            && self.against.is_none()
    }

    pub(crate) fn into(&self) -> PathBuf {
        let usual = if self.everything() {
            "docs"
        } else {
            "target/bench"
        };
        self.into.clone().unwrap_or_else(|| PathBuf::from(usual))
    }
}

impl Part {
    const fn of_budget(self) -> Option<budget::Part> {
        match self {
            Self::Tokens => Some(budget::Part::Tokens),
            Self::Hashing => Some(budget::Part::Hashing),
            Self::Sessions => Some(budget::Part::Sessions),
            Self::Refresh => Some(budget::Part::Refresh),
            Self::Server => Some(budget::Part::Server),
            Self::Budget | Self::Load => None,
        }
    }
}

/// What two cores do without effort, the driver on the same two beside it.
const fn usual_rate(operation: Operation) -> f64 {
    match operation {
        Operation::Nothing | Operation::SessionCheck => 1_000.0,
        Operation::Refresh => 400.0,
        Operation::Revoke => 150.0,
        Operation::SignIn => 30.0,
        Operation::SignUp => 20.0,
        Operation::ListUsers => 100.0,
    }
}

fn rate(text: &str) -> Result<(Operation, f64), String> {
    let (name, number) = setting(text)?;
    let operation = Operation::from_str(&name, true)?;
    match number.parse() {
        Ok(rate) if rate > 0.0 && rate <= 1_000_000.0 => Ok((operation, rate)),
        _ => Err(format!("{number} is no number of requests in a second")),
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "write name=value".to_owned())?;
    Ok((name.to_owned(), value.to_owned()))
}
