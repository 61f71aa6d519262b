//! `cargo xtask test`: the steps in their order.

mod counting;
mod deny;
mod end_to_end;
mod fuzz_check;
mod lint;
mod oathtool;
mod packages;
mod parity;
mod results;
mod rustdoc;
mod server;
mod stores;
mod unit;

use crate::architecture;
use crate::report::{Outcome, Report};
use crate::services::{Lent, Variables};
use results::Results;
use std::path::Path;
use std::process::ExitCode;

/// How much to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    /// Leaves out what starts the server.
    Fast,
}

pub(crate) fn run(root: &Path, scope: Scope) -> ExitCode {
    let mut report = Report::default();
    println!("testing {}", root.display());

    report.step("format", "every file as rustfmt writes it", lint::format);
    report.step("architecture", "every arrow points up", || {
        architecture::check().into()
    });
    report.step("clippy", "no warning in any target", lint::clippy);
    let mut results = Results::default();
    report.step("unit", "unit and integration tests", || {
        unit::run(&mut results)
    });
    report.step(
        "doc tests",
        "every example in the documentation runs",
        unit::doc_tests,
    );
    match scope {
        Scope::Everything => {
            report.step(
                "one-time codes",
                "our codes in the eyes of oathtool",
                || oathtool::run(&mut results),
            );
            report.last_made_up_for("unit");
            against_servers(&mut report, &mut results);
        }
        Scope::Fast => {
            let left_out = || Outcome::Skipped("--fast leaves it out".to_owned());
            report.step(
                "one-time codes",
                "our codes in the eyes of oathtool",
                left_out,
            );
            report.step("stores", "what needs PostgreSQL or Redis", left_out);
            report.step("end to end", "the real binary", left_out);
        }
    }
    report.step("rustdoc", "documentation without a warning", rustdoc::run);
    report.step(
        "cargo-deny",
        "licences, bans and sources of dependencies",
        deny::run,
    );
    report.step("fuzz targets", "they compile", fuzz_check::run);
    parity::show(&results);
    report.finish()
}

/// With services that are there for these steps only.
fn against_servers(report: &mut Report, results: &mut Results) {
    let mut lent = Err("nothing was started".to_owned());
    report.step(
        "services",
        "PostgreSQL and Redis for the next steps",
        || {
            lent = Lent::find();
            lent.as_ref().map(|_| ()).map_err(Clone::clone).into()
        },
    );
    report.step("stores", "what needs PostgreSQL or Redis", || match &lent {
        Ok(lent) => stores::run(lent.variables(), results),
        Err(_) => Outcome::failed("there is no service to test against"),
    });
    report.last_made_up_for("unit");
    against_the_server(report, lent.as_ref().map_or(&[], Lent::variables));
}

fn against_the_server(report: &mut Report, services: &Variables) {
    let mut built = Err("zalt-server was not built".to_owned());
    report.step(
        "server",
        "build the binary for the end-to-end tests",
        || {
            built = server::build();
            built.as_ref().map(|_| ()).map_err(Clone::clone).into()
        },
    );
    report.step("end to end", "the real binary over HTTP", || match &built {
        Ok(server) => end_to_end::run(server, services),
        Err(_) => Outcome::failed("there is no server to test"),
    });
    report.step(
        "end to end, shared",
        "the same over PostgreSQL and Redis",
        || match &built {
            Ok(server) => end_to_end::run_on_postgres(server, services),
            Err(_) => Outcome::failed("there is no server to test"),
        },
    );
    report.step(
        "browser",
        "the real binary in a real browser",
        || match &built {
            Ok(server) => packages::browser(server, services),
            Err(_) => Outcome::failed("there is no server to test"),
        },
    );
    report.step(
        "browser, shared",
        "one story of it over PostgreSQL",
        || match &built {
            Ok(server) => packages::browser_on_postgres(server, services),
            Err(_) => Outcome::failed("there is no server to test"),
        },
    );
    report.step(
        "interop",
        "our tokens in the eyes of others",
        || match &built {
            Ok(server) => packages::interop(server, services),
            Err(_) => Outcome::failed("there is no server to test"),
        },
    );
}
