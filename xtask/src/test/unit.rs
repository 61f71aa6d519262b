//! Tests that need nothing but the machine: unit, integration and documentation tests.

use super::counting;
use super::results::{self, Results};
use crate::command::{Program, cargo};
use crate::report::Outcome;

pub(super) fn run(results: &mut Results) -> Outcome {
    let tests = if has_nextest() {
        nextest("not package(zalt-tests)")
    } else {
        cargo_test().args(SUITES).args(["--exclude", "zalt-tests"])
    };
    let finished = tests.run_and_keep(results::is_quiet);
    results.read(&finished);
    counting::outcome(&finished)
}

/// nextest runs no documentation tests, so they are a step of their own.
pub(super) fn doc_tests() -> Outcome {
    let tests = cargo_test().args(["--quiet", "--doc"]);
    counting::outcome(&tests.run_and_keep(|_| false))
}

pub(super) fn has_nextest() -> bool {
    cargo().args(["nextest", "--version"]).answers()
}

/// All of the workspace is built and a filter picks what runs: another selection of packages
/// would unite other features and build the dependencies once more.
pub(super) fn nextest(filter: &str) -> Program {
    cargo()
        .args([
            "nextest",
            "run",
            "--workspace",
            "--cargo-quiet",
            "--no-fail-fast",
        ])
        .args([
            "--status-level",
            "pass",
            "--final-status-level",
            "fail",
            "-E",
            filter,
        ])
}

/// Not --all-targets: that would run the benchmarks too.
pub(super) const SUITES: [&str; 3] = ["--lib", "--bins", "--tests"];

/// Not --quiet: how each test ended is read from what this says.
pub(super) fn cargo_test() -> Program {
    cargo().args(["test", "--workspace", "--no-fail-fast"])
}
