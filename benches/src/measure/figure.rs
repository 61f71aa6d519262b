use std::time::Duration;

use crate::adapter::Operation;
use crate::drive::{Among, Crowd, Driver, DriverError, Task};
use crate::load::{Arrivals, Outcome, Schedule};
use crate::process::{Memory, Process};

/// What one operation came to under one load.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The operation.
    pub operation: Operation,
    /// Among whom.
    pub among: Among,
    /// How many were due in a second.
    pub rate: f64,
    /// What came of them.
    pub outcome: Outcome,
    /// The processor time that the server took for one, where its process can be looked into.
    pub cpu: Option<Duration>,
    /// The same of the processes that keep its data, where there are any.
    pub storage_cpu: Option<Duration>,
    /// The server's memory at the end.
    pub memory: Option<Memory>,
    /// The same from as many clients as [`Meter::CLIENTS`] at once, as fast as it goes, where that was tried.
    pub saturated: Option<Outcome>,
}

impl Figure {
    /// What reports call it.
    pub fn title(&self) -> String {
        match (self.operation, self.among) {
            (Operation::SessionCheck, Among::Few(few)) => format!("session check, {few} in use"),
            (operation, _) => operation.title().to_owned(),
        }
    }
}

/// How long is measured, and how requests arrive.
#[derive(Debug, Clone)]
pub struct Pace {
    /// For how long each operation is under load.
    pub time: Duration,
    /// How requests follow each other.
    pub arrivals: Arrivals,
    /// What chances are drawn from.
    pub seed: u64,
    /// The most requests of one load.
    pub most: usize,
}

/// Measures one server.
#[derive(Clone)]
pub struct Meter {
    /// What asks it.
    pub driver: Driver,
    /// Its process, where it can be looked into.
    pub process: Option<Process>,
    /// Those that keep its data, where they are known.
    pub storage: Vec<Process>,
    /// How.
    pub pace: Pace,
}

/// The share of the time for which a server is warmed up by the same load.
const WARM_UP: f64 = 0.2;

impl Meter {
    /// How many ask at once where it is measured how much a server does at the most.
    pub const CLIENTS: usize = 32;

    /// An operation under a load of this rate, warmed up by the same.
    pub async fn figure(
        &self,
        operation: Operation,
        among: Among,
        rate: f64,
        crowd: &mut Crowd,
    ) -> Result<Figure, DriverError> {
        let time = self.pace.time;
        let warm_up = self.task(operation, among, rate, time.mul_f64(WARM_UP), "warm");
        self.driver.load(&warm_up, crowd).await?;
        self.measured(operation, among, rate, time, crowd).await
    }

    /// Points of a curve: the same operation under one load after the other.
    pub async fn curve(
        &self,
        operation: Operation,
        among: Among,
        rates: &[f64],
        crowd: &mut Crowd,
    ) -> Result<Vec<Figure>, DriverError> {
        let mut points = Vec::new();
        for rate in rates {
            let time = self.pace.time.mul_f64(0.5);
            points.push(self.measured(operation, among, *rate, time, crowd).await?);
        }
        Ok(points)
    }

    /// How much of it there can be at the most.
    pub async fn saturate(
        &self,
        operation: Operation,
        among: Among,
        crowd: &mut Crowd,
    ) -> Result<Outcome, DriverError> {
        let time = self.pace.time.mul_f64(0.4);
        let mut task = self.task(operation, among, f64::INFINITY, time, "most");
        // As many as are spread over otherwise: enough for the clients not to wait for each other.
        task.schedule.most = Self::CLIENTS * 8;
        self.driver.saturate(&task, Self::CLIENTS, crowd).await
    }

    async fn measured(
        &self,
        operation: Operation,
        among: Among,
        rate: f64,
        time: Duration,
        crowd: &mut Crowd,
    ) -> Result<Figure, DriverError> {
        let task = self.task(operation, among, rate, time, "load");
        // Whoever lacks something gets it now, so that it does not count.
        self.driver.prepare_for(&task, crowd).await?;
        if let Some(process) = self.process {
            process.forget_peak();
        }
        let before = self.used();
        let outcome = self.driver.load(&task, crowd).await?;
        let after = self.used();
        let answered = u32::try_from(outcome.latencies.count()).unwrap_or(u32::MAX);
        let each = |before: Option<Duration>, after: Option<Duration>| {
            after?.saturating_sub(before?).checked_div(answered)
        };
        Ok(Figure {
            operation,
            among,
            rate,
            cpu: each(before.0, after.0),
            storage_cpu: each(before.1, after.1),
            outcome,
            memory: self.process.and_then(Process::memory),
            saturated: None,
        })
    }

    /// The processor time of the server, and of what keeps its data.
    fn used(&self) -> (Option<Duration>, Option<Duration>) {
        let storage: Option<Vec<_>> = self
            .storage
            .iter()
            .map(|process| process.cpu_of_family())
            .collect();
        let storage = storage.filter(|used| !used.is_empty());
        (
            self.process.and_then(Process::cpu),
            storage.map(|used| used.into_iter().sum()),
        )
    }

    fn task(
        &self,
        operation: Operation,
        among: Among,
        rate: f64,
        time: Duration,
        run: &str,
    ) -> Task {
        let schedule = Schedule {
            arrivals: self.pace.arrivals,
            rate,
            time,
            most: self.pace.most,
            // Loads of one run differ from each other, and not from those of the next run.
            seed: self.pace.seed ^ rate.to_bits() ^ ((operation as u64) << 56),
        };
        Task {
            operation,
            schedule,
            among,
            run: format!("{run}-{rate:.0}-{}", run_tag()),
        }
    }
}

/// What tells the strangers of this load from those of all others: sign-ups can't be repeated.
pub fn run_tag() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("{:x}", since.unwrap_or_default().as_nanos())
}
