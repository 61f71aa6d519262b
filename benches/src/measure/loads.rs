use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zalt_core::SystemRng;
use zalt_core::password::{ForeignHashKeys, HashingConfig, HashingPool, Password, PasswordPhc};
use zalt_core::secret::EncryptionKeys;

use super::figure::{Figure, Meter, Pace};
use super::ground::{Backend, Ground, Storage};
use super::limits::{Limits, one_hash};
use super::reads::{Read, read_all};
use super::{pictures, tables, verdicts};
use crate::adapter::{Adapter, Operation};
use crate::budget::Report;
use crate::chart::render;
use crate::client::Target;
use crate::drive::{Among, Crowd, Driver, Mailbox};
use crate::population::{self, PASSWORD, Population};

/// What is measured on our own server.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server's binary.
    pub server: PathBuf,
    /// On what.
    pub backends: Vec<Backend>,
    /// With how many users, in rising order.
    pub users: Vec<u32>,
    /// What is asked.
    pub operations: Vec<Operation>,
    /// How many of each are due in a second.
    pub rates: BTreeMap<Operation, f64>,
    /// How long, and how they arrive.
    pub pace: Pace,
    /// Whether more and more is asked, up to more than the server does.
    pub curves: bool,
}

/// What was measured at one place.
#[derive(Debug)]
pub struct Place {
    /// On what.
    pub backend: Backend,
    /// With how many users.
    pub users: u32,
    /// How long it took to fill the store.
    pub filled_in: Duration,
    /// Each operation.
    pub figures: Vec<Figure>,
    /// Operations under one load after the other.
    pub curves: Vec<Vec<Figure>>,
    /// Reads of the store itself.
    pub reads: Vec<Read>,
    /// What the machine can do at best.
    pub limits: Limits,
}

/// All places, backend by backend, from few users to many.
#[derive(Debug, Default)]
pub struct Loads {
    /// The places.
    pub places: Vec<Place>,
    /// What was left out, and why.
    pub left_out: Vec<String>,
}

impl Loads {
    /// All tables as Markdown.
    pub fn tables(&self) -> String {
        tables::of_loads(self)
    }

    /// The curves as SVG, each with the name of its file.
    pub fn pictures(&self) -> Vec<(&'static str, String)> {
        let drawn = [
            ("users.svg", pictures::by_users(self)),
            ("load.svg", pictures::by_load(self)),
        ];
        let drawn = drawn.into_iter();
        drawn
            .filter_map(|(file, picture)| Some((file, render(&picture?))))
            .collect()
    }

    /// Adds what has to be kept to the budget.
    pub fn judge(&self, report: &mut Report) {
        verdicts::add(self, report);
    }
}

/// Sessions that a cache holds without trouble.
const IN_USE: usize = 256;
/// Operations whose curves are drawn.
const CURVES: [Operation; 3] = [
    Operation::SignIn,
    Operation::SessionCheck,
    Operation::Refresh,
];
/// Loads of a curve, as parts of the most that the server does.
const STEPS: [f64; 7] = [0.1, 0.25, 0.5, 0.7, 0.85, 1.0, 1.15];

/// Measures it all. What is not there is left out and named.
pub async fn measure(plan: &Plan) -> Loads {
    let mut loads = Loads::default();
    // The middle one: large enough for the store to work, and quick enough to fill.
    let curves_at = plan.users.get(plan.users.len() / 2).copied();
    for storage in [Storage::Sqlite, Storage::Postgres] {
        let backends: Vec<_> = plan
            .backends
            .iter()
            .copied()
            .filter(|backend| backend.storage() == storage)
            .collect();
        if backends.is_empty() {
            continue;
        }
        let redis = backends.contains(&Backend::PostgresRedis);
        for &users in &plan.users {
            let curves = plan.curves && Some(users) == curves_at;
            match Ground::prepare(storage, redis) {
                Ok(ground) => {
                    let filled = fill(plan, &ground, users).await;
                    let places = measure_all(plan, &ground, filled, &backends, curves).await;
                    loads.places.extend(places);
                }
                Err(reason) => {
                    println!("left out: {reason}");
                    loads.left_out.push(format!("{backends:?}: {reason}"));
                    break;
                }
            }
        }
    }
    loads
        .places
        .sort_by_key(|place| (place.backend as u8, place.users));
    loads
}

/// A store full of people.
struct Filled {
    users: u32,
    key: String,
    population: Population,
    crowd: Crowd,
    took: Duration,
}

async fn fill(plan: &Plan, ground: &Ground, users: u32) -> Filled {
    println!("\nfilling with {users} users");
    let key = EncryptionKeys::generate(&SystemRng).unwrap().to_string();
    let keys = EncryptionKeys::parse(&key).unwrap();
    let filling = population::Plan {
        users,
        seed: plan.pace.seed,
    };
    let phc = real_hash().await;
    let begun = Instant::now();
    let population = ground.fill(filling, &keys, &phc).await;
    let took = begun.elapsed();
    println!("  took {:.1} s", took.as_secs_f64());
    Filled {
        users,
        key,
        crowd: population.crowd(Adapter::zalt().names(), plan.pace.seed),
        population,
        took,
    }
}

/// Backends on the same data, one after the other.
async fn measure_all(
    plan: &Plan,
    ground: &Ground,
    mut filled: Filled,
    backends: &[Backend],
    curves: bool,
) -> Vec<Place> {
    let mut places = Vec::new();
    for &backend in backends {
        places.push(measure_place(plan, ground, &mut filled, backend, curves).await);
    }
    places
}

async fn measure_place(
    plan: &Plan,
    ground: &Ground,
    filled: &mut Filled,
    backend: Backend,
    curves: bool,
) -> Place {
    println!("{}, {} users", backend.title(), filled.users);
    let mailbox = Mailbox::open(0).await.unwrap();
    let smtp = format!(
        "smtp://{}?tls=none&from=no-reply@example.com",
        mailbox.address()
    );
    let server = ground
        .launch(&plan.server, backend)
        .with("ENCRYPTION_KEY", &filled.key)
        .with("SMTP_URL", &smtp)
        // All requests come from one network here.
        .with("ZALT_BUDGETS_NETWORK_TRIES", "1000000")
        .with("ZALT_BUDGETS_NETWORK_PERIOD", "1s")
        .start()
        .await;
    let target = Target::parse(&server.url()).unwrap();
    let meter = Meter {
        driver: Driver::new(Adapter::zalt(), target, Some(mailbox)),
        process: Some(server.process()),
        storage: ground.processes(),
        pace: plan.pace.clone(),
    };
    let crowd = &mut filled.crowd;
    let figures = figures(plan, &meter, crowd).await;
    let curves = if curves {
        draw(&meter, &figures, crowd).await
    } else {
        Vec::new()
    };
    server.stop().await;
    let mut reads = Vec::new();
    // Both backends of PostgreSQL read from it alike.
    if plan.operations.contains(&Operation::ListUsers) && backend != Backend::PostgresRedis {
        let store = ground.store().await;
        let (storage, time) = (backend.storage(), plan.pace.time.mul_f64(0.15));
        reads = read_all(&*store, storage, &filled.population, time, plan.pace.seed).await;
    }
    for read in &reads {
        let p95 = tables::duration(read.latencies.quantile(0.95));
        println!("  {}: p95 {p95}", read.what.title());
    }
    Place {
        backend,
        users: filled.users,
        filled_in: filled.took,
        figures,
        curves,
        reads,
        limits: Limits {
            one_hash: one_hash(),
            commits: ground.durable_commits(plan.pace.time.mul_f64(0.25)).await,
        },
    }
}

async fn figures(plan: &Plan, meter: &Meter, crowd: &mut Crowd) -> Vec<Figure> {
    let mut figures = Vec::new();
    for &operation in &plan.operations {
        if meter.driver.adapter().flow(operation).is_none() {
            continue;
        }
        let rate = plan.rates.get(&operation).copied().unwrap_or(1.0);
        let mut crowds = vec![Among::Everybody];
        if operation == Operation::SessionCheck {
            crowds.push(Among::Few(IN_USE));
        }
        for among in crowds {
            let mut figure = meter.figure(operation, among, rate, crowd).await.unwrap();
            // Each revocation costs a session, and there are only so many.
            if operation != Operation::Revoke {
                figure.saturated = Some(meter.saturate(operation, among, crowd).await.unwrap());
            }
            println!("  {}", tables::line(&figure));
            figures.push(figure);
        }
    }
    figures
}

async fn draw(meter: &Meter, figures: &[Figure], crowd: &mut Crowd) -> Vec<Vec<Figure>> {
    let mut curves = Vec::new();
    let drawn = figures
        .iter()
        .filter(|figure| CURVES.contains(&figure.operation) && figure.among == Among::Everybody);
    for figure in drawn {
        let Some(most) = figure
            .saturated
            .as_ref()
            .map(crate::load::Outcome::per_second)
        else {
            continue;
        };
        let rates = STEPS.map(|part| part * most);
        let (operation, among) = (figure.operation, figure.among);
        let curve = meter.curve(operation, among, &rates, crowd).await.unwrap();
        println!(
            "  {} at {:.0} to {:.0}/s",
            figure.title(),
            rates[0],
            rates[6]
        );
        curves.push(curve);
    }
    curves
}

/// The hash of the one password with the parameters of production.
async fn real_hash() -> PasswordPhc {
    let config = HashingConfig::default();
    let pool = HashingPool::new(config, ForeignHashKeys::default(), Arc::new(SystemRng)).unwrap();
    pool.hash(Password::parse(PASSWORD).unwrap()).await.unwrap()
}
