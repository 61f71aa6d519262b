//! Tests that need nothing but the machine: unit, integration and documentation tests.

use super::counting;
use crate::command::{Program, cargo};
use crate::report::Outcome;

pub(super) fn run() -> Outcome {
    let tests = if has_nextest() {
        nextest("not package(zalt-tests)")
    } else {
        // Not --all-targets: that would run the benchmarks too.
        cargo_test().args(["--lib", "--bins", "--tests", "--exclude", "zalt-tests"])
    };
    counting::outcome(tests.run_and_keep())
}

/// nextest runs no documentation tests, so they are a step of their own.
pub(super) fn doc_tests() -> Outcome {
    counting::outcome(cargo_test().args(["--doc"]).run_and_keep())
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
            "slow",
            "--final-status-level",
            "fail",
            "-E",
            filter,
        ])
}

fn cargo_test() -> Program {
    cargo().args(["test", "--quiet", "--workspace", "--no-fail-fast"])
}
