//! Our own server, on every store.

use std::time::Instant;

use zalt_benches::budget::Report;
use zalt_benches::document::{Document, DocumentError, save};
use zalt_benches::measure::{Loads, Plan, measure};

use crate::arguments::Arguments;

pub(crate) async fn run(arguments: &Arguments) -> Result<(), DocumentError> {
    let begun = Instant::now();
    let mut report = Report::default();
    for part in arguments.budget() {
        part.measure(&mut report, arguments.time(), &arguments.server)
            .await;
    }
    let mut loads = Loads::default();
    if arguments.load() {
        let operations = arguments.operations();
        let rates = operations
            .iter()
            .map(|operation| (*operation, arguments.rate(*operation)))
            .collect();
        let plan = Plan {
            server: arguments.server.clone(),
            backends: arguments.stores(),
            users: arguments.users(),
            operations,
            rates,
            pace: arguments.pace(),
            curves: !arguments.quick,
        };
        loads = measure(&plan).await;
        println!();
        loads.judge(&mut report);
    }
    let took = format!("{:.0} s", begun.elapsed().as_secs_f64());
    write(arguments, &report, &loads, &took)
}

fn write(
    arguments: &Arguments,
    report: &Report,
    loads: &Loads,
    took: &str,
) -> Result<(), DocumentError> {
    let folder = arguments.into();
    let (budget, tables) = (report.to_string(), loads.tables());
    let machine = machine(took);
    println!("\n{machine}\n{budget}\n{tables}");
    let pictures = loads.pictures();
    let beside = folder.join("performance");
    for (name, svg) in &pictures {
        save(&beside.join(name), svg)?;
    }
    let file = folder.join("performance.md");
    if file.is_file() {
        let mut document = Document::open(&file)?;
        document.put("machine", &machine)?;
        document.put("budget", &budget)?;
        if !loads.places.is_empty() {
            document.put("load", &tables)?;
        }
        document.save()?;
    } else {
        let shown: Vec<_> = pictures
            .iter()
            .map(|(name, _)| format!("![{name}](performance/{name})\n\n"))
            .collect();
        let text = format!("{machine}\n{budget}\n{tables}{}", shown.concat());
        save(&file, &text)?;
    }
    println!("written to {}", file.display());
    Ok(())
}

/// On what it was measured, which every figure depends on.
fn machine(took: &str) -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    let date = time::OffsetDateTime::now_utc().date();
    format!(
        "Measured on {date} in {took}, on {cores} cores ({model}), driver, server and store on the same ones; load average at \
         the end {load}."
    )
}
