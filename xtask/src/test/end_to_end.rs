//! The `zalt-tests` crate: the real binary, driven over HTTP.

use super::server::Server;
use super::{counting, results, unit};
use crate::command::{Program, cargo};
use crate::provision::{ensure_file, find_program};
use crate::report::Outcome;
use crate::services::Variables;
use std::path::PathBuf;

/// Where the tests find the binary to start.
pub(super) const SERVER_VARIABLE: &str = "ZALT_SERVER_BIN";
/// Where the tests find libfaketime; set by the caller, it names another one.
const CLOCK_VARIABLE: &str = "ZALT_FAKETIME";
const LIBFAKETIME: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
];

/// Where the servers of tests that don't care keep everything.
const DATABASE_VARIABLE: &str = "ZALT_E2E_DATABASE";
/// Tests that are about the database file, or say themselves where everything is kept: once is enough.
const ON_THEIR_OWN: &[&str] = &["crash::", "faults::", "replicas::", "resilience::"];

/// With those that a bare `cargo test` ignores, since they need the services.
pub(super) fn run(server: &Server, services: &Variables) -> Outcome {
    let tests = if unit::has_nextest() {
        unit::nextest("package(zalt-tests)").args(["--run-ignored", "all"])
    } else {
        cargo_test().args(["--include-ignored"])
    };
    finish(tests, server, services)
}

/// Those that don't care where everything is kept, over PostgreSQL and Redis.
pub(super) fn run_on_postgres(server: &Server, services: &Variables) -> Outcome {
    let tests = if unit::has_nextest() {
        let all = "package(zalt-tests)".to_owned();
        let filter = ON_THEIR_OWN
            .iter()
            .fold(all, |filter, room| filter + " - test(/^" + room + "/)");
        unit::nextest(&filter)
    } else {
        let skips = ON_THEIR_OWN.iter().flat_map(|room| ["--skip", room]);
        cargo_test().args(skips)
    };
    finish(
        tests.env(DATABASE_VARIABLE, "postgres+redis"),
        server,
        services,
    )
}

fn cargo_test() -> Program {
    cargo()
        .args(["test", "--quiet", "-p", "zalt-tests", "--no-fail-fast"])
        .args(["--"])
}

fn finish(tests: Program, server: &Server, services: &Variables) -> Outcome {
    let tests = match movable_clock() {
        Ok(variables) => variables
            .into_iter()
            .fold(tests, |tests, (name, value)| tests.env(name, value)),
        Err(reason) => return Outcome::failed(reason),
    };
    let tests = tests.env(SERVER_VARIABLE, server.path()).envs(services);
    counting::outcome(&tests.run_and_keep(results::is_quiet))
}

/// Tells the tests where libfaketime is, with which they move the server's clock. They leave those tests out, and say
/// so, where it is neither named nor found.
pub(super) fn movable_clock() -> Result<Vec<(&'static str, PathBuf)>, String> {
    if std::env::var_os(CLOCK_VARIABLE).is_some() {
        return Ok(Vec::new());
    }
    if find_program(&["apt-get"]).is_none() {
        println!("   this is no Debian: install libfaketime and name it in {CLOCK_VARIABLE}");
        return Ok(Vec::new());
    }
    let library = ensure_file(LIBFAKETIME, &["libfaketime"])?;
    Ok(vec![(CLOCK_VARIABLE, library)])
}
