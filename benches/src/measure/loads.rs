use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zalt_core::SystemRng;
use zalt_core::password::{ForeignHashKeys, HashingConfig, HashingPool, Password, PasswordPhc};
use zalt_core::secret::EncryptionKeys;

use super::figure::{Figure, Meter, Pace};
use super::ground::{Backend, Ground};
use super::limits::{Limits, durable_commits, one_hash};
use super::listing::{Listing, list};
use super::{pictures, tables, verdicts};
use crate::adapter::{Adapter, Operation};
use crate::budget::Report;
use crate::chart::render;
use crate::client::Target;
use crate::drive::{Among, Crowd, Driver, Mailbox};
use crate::population::{self, PASSWORD};

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
    /// Lists of the store.
    pub listings: Vec<Listing>,
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
    for &backend in &plan.backends {
        for &users in &plan.users {
            let curves = plan.curves && Some(users) == curves_at;
            match Ground::prepare(backend) {
                Ok(ground) => loads
                    .places
                    .push(measure_place(plan, backend, users, ground, curves).await),
                Err(reason) => {
                    let reason = reason.to_string();
                    println!("left out: {reason}");
                    if !loads.left_out.contains(&reason) {
                        loads.left_out.push(reason);
                    }
                }
            }
        }
    }
    loads
}

async fn measure_place(
    plan: &Plan,
    backend: Backend,
    users: u32,
    ground: Ground,
    curves: bool,
) -> Place {
    println!("\n{}, {users} users", backend.title());
    let key = EncryptionKeys::generate(&SystemRng).unwrap();
    let keys = EncryptionKeys::parse(&key).unwrap();
    let begun = Instant::now();
    let store = ground.store();
    let filling = population::Plan {
        users,
        seed: plan.pace.seed,
    };
    let population = filling.fill(&*store, &keys, &real_hash().await).await;
    let filled_in = begun.elapsed();
    println!("  filled in {:.1} s", filled_in.as_secs_f64());

    let mailbox = Mailbox::open(0).await.unwrap();
    let smtp = format!(
        "smtp://{}?tls=none&from=no-reply@example.com",
        mailbox.address()
    );
    let server = ground
        .launch(&plan.server)
        .with("ENCRYPTION_KEY", &key)
        .with("SMTP_URL", &smtp)
        // All requests come from one network here.
        .with("ZALT_BUDGETS_NETWORK_TRIES", "1000000")
        .with("ZALT_BUDGETS_NETWORK_PERIOD", "1s")
        .start()
        .await;
    let adapter = Adapter::zalt();
    let mut crowd = population.crowd(adapter.names(), plan.pace.seed);
    let target = Target::parse(&server.url()).unwrap();
    let meter = Meter {
        driver: Driver::new(adapter, target, Some(mailbox)).unwrap(),
        process: Some(server.process()),
        pace: plan.pace.clone(),
    };
    let figures = figures(plan, &meter, &mut crowd).await;
    let curves = if curves {
        draw(&meter, &figures, &mut crowd).await
    } else {
        Vec::new()
    };
    server.stop().await;

    let listings = if plan.operations.contains(&Operation::ListUsers) {
        list(&*store, &population.users(), plan.pace.seed).await
    } else {
        Vec::new()
    };
    for listing in &listings {
        println!(
            "  {}: p95 {:.0} µs",
            listing.what,
            listing.latencies.quantile(0.95).as_secs_f64() * 1e6
        );
    }
    drop(store);
    let limits = Limits {
        one_hash: one_hash(),
        commits: durable_commits(ground.folder(), plan.pace.time.mul_f64(0.25)),
    };
    Place {
        backend,
        users,
        filled_in,
        figures,
        curves,
        listings,
        limits,
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
        .filter(|figure| CURVES.contains(&figure.operation));
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
