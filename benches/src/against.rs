//! A server of somebody else's, on this machine.

use std::fs;
use std::io::BufReader;
use std::path::PathBuf;

use zalt_benches::adapter::{Adapter, AdapterError, Operation};
use zalt_benches::client::{Target, TargetError};
use zalt_benches::document::{DocumentError, save};
use zalt_benches::drive::{Among, Crowd, CrowdError, Driver, DriverError, Mailbox};
use zalt_benches::measure::{Meter, figures_table, run_tag};
use zalt_benches::process::Process;

use crate::arguments::Arguments;

/// Why a server can't be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgainstError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("{}: {source}", file.display())]
    File {
        file: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: {source}", file.display())]
    Adapter { file: PathBuf, source: AdapterError },
    #[error("{}: {source}", file.display())]
    Population { file: PathBuf, source: CrowdError },
    #[error(transparent)]
    Setting(#[from] AdapterError),
    #[error("mail can't be taken at port {port}: {source}")]
    Mailbox { port: u16, source: std::io::Error },
    #[error("there is no process {0}")]
    NoProcess(u32),
    #[error(transparent)]
    Driver(#[from] DriverError),
    #[error(transparent)]
    Document(#[from] DocumentError),
}

pub(crate) async fn run(url: &str, arguments: &Arguments) -> Result<(), AgainstError> {
    let target = Target::parse(url)?;
    let adapter = adapter(arguments)?;
    let mailbox = mailbox(arguments.mailbox).await?;
    let process = arguments.pid.map(Process::of);
    if let Some((pid, _)) = arguments
        .pid
        .zip(process)
        .filter(|(_, process)| !process.is_there())
    {
        return Err(AgainstError::NoProcess(pid));
    }
    let name = adapter.name().to_owned();
    println!("{name} at {target}");
    let meter = Meter {
        driver: Driver::new(adapter, target, mailbox),
        process,
        storage: Vec::new(),
        pace: arguments.pace(),
    };
    let mut crowd = crowd(&meter.driver, arguments).await?;
    println!("{} people", crowd.len());
    let mut figures = Vec::new();
    for operation in arguments.operations() {
        if meter.driver.adapter().flow(operation).is_none() {
            println!("{}: the adapter has none", operation.title());
            continue;
        }
        let rate = arguments.rate(operation);
        let mut figure = meter
            .figure(operation, Among::Everybody, rate, &mut crowd)
            .await?;
        if operation != Operation::Revoke {
            let saturated = meter.saturate(operation, Among::Everybody, &mut crowd);
            figure.saturated = Some(saturated.await?);
        }
        figures.push(figure);
    }
    let rows = figures.iter().map(|figure| (figure.title(), figure));
    let table = figures_table(rows);
    println!("\n{table}");
    let file = arguments
        .into()
        .join(format!("against-{}.md", file_name(&name)));
    save(&file, &format!("# {name}\n\n{table}"))?;
    println!("written to {}", file.display());
    Ok(())
}

fn adapter(arguments: &Arguments) -> Result<Adapter, AgainstError> {
    let mut adapter = match &arguments.adapter {
        None => Adapter::zalt(),
        Some(file) => {
            let text = fs::read_to_string(file).map_err(|source| AgainstError::File {
                file: file.clone(),
                source,
            })?;
            Adapter::parse(&text).map_err(|source| AgainstError::Adapter {
                file: file.clone(),
                source,
            })?
        }
    };
    for (name, value) in &arguments.settings {
        adapter.set(name, value)?;
    }
    Ok(adapter)
}

async fn mailbox(port: Option<u16>) -> Result<Option<Mailbox>, AgainstError> {
    let Some(port) = port else {
        return Ok(None);
    };
    let opened = Mailbox::open(port).await;
    opened
        .map(Some)
        .map_err(|source| AgainstError::Mailbox { port, source })
}

/// The people of the file, or else some who sign up now.
async fn crowd(driver: &Driver, arguments: &Arguments) -> Result<Crowd, AgainstError> {
    let Some(file) = &arguments.population else {
        if driver.adapter().flow(Operation::SignUp).is_none() {
            return Ok(Crowd::default());
        }
        return Ok(driver
            .found(arguments.people, &format!("people-{}", run_tag()))
            .await?);
    };
    let opened = fs::File::open(file).map_err(|source| AgainstError::File {
        file: file.clone(),
        source,
    })?;
    Crowd::read(BufReader::new(opened), driver.adapter().names()).map_err(|source| {
        AgainstError::Population {
            file: file.clone(),
            source,
        }
    })
}

fn file_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().map(plain).collect()
}
