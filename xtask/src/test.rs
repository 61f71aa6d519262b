//! `cargo xtask test`: the steps in their order.

mod counting;
mod deny;
mod end_to_end;
mod fuzz_check;
mod lint;
mod packages;
mod rustdoc;
mod server;
mod unit;

use crate::architecture;
use crate::report::{Outcome, Report};
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
    report.step("unit", "unit and integration tests", unit::run);
    report.step(
        "doc tests",
        "every example in the documentation runs",
        unit::doc_tests,
    );
    match scope {
        Scope::Everything => against_the_server(&mut report),
        Scope::Fast => report.step("end to end", "the real binary", || {
            Outcome::Skipped("--fast leaves it out".to_owned())
        }),
    }
    report.step("rustdoc", "documentation without a warning", rustdoc::run);
    report.step(
        "cargo-deny",
        "licences, bans and sources of dependencies",
        deny::run,
    );
    report.step("fuzz targets", "they compile", fuzz_check::run);
    report.finish()
}

fn against_the_server(report: &mut Report) {
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
        Ok(server) => end_to_end::run(server),
        Err(_) => Outcome::failed("there is no server to test"),
    });
    report.step(
        "browser",
        "the real binary in a real browser",
        || match &built {
            Ok(server) => packages::browser(server),
            Err(_) => Outcome::failed("there is no server to test"),
        },
    );
    report.step(
        "interop",
        "our tokens in the eyes of others",
        || match &built {
            Ok(server) => packages::interop(server),
            Err(_) => Outcome::failed("there is no server to test"),
        },
    );
}
