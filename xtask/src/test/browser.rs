//! The browser tests: Node's test runner with playwright-core and Chromium.

use super::counting;
use super::end_to_end::SERVER_VARIABLE;
use super::server::Server;
use crate::command::program;
use crate::provision::ensure_program;
use crate::report::Outcome;
use std::path::PathBuf;

const PACKAGE: &str = "packages/browser-tests";
/// Where the tests find the browser; set by the caller, it names another one.
const BROWSER_VARIABLE: &str = "ZALT_CHROMIUM";

pub(super) fn run(server: &Server) -> Outcome {
    match run_tests(server) {
        Ok(outcome) => outcome,
        Err(reason) => Outcome::failed(reason),
    }
}

fn run_tests(server: &Server) -> Result<Outcome, String> {
    let files = test_files()?;
    if files.is_empty() {
        return Ok(Outcome::Skipped(format!("no test in {PACKAGE}")));
    }
    ensure_program(&["node"], &["nodejs"])?;
    ensure_program(&["npm"], &["npm"])?;
    let browser = match std::env::var_os(BROWSER_VARIABLE) {
        Some(chosen) => PathBuf::from(chosen),
        None => ensure_program(
            &["chromium", "chromium-browser", "google-chrome"],
            &["chromium"],
        )?,
    };
    program("npm")
        .args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel",
            "error",
        ])
        .folder(PACKAGE)
        .run()?;
    let tests = program("node")
        .args(["--test", "--test-concurrency=1", "--test-reporter=tap"])
        .args(files)
        .folder(PACKAGE)
        .env(SERVER_VARIABLE, server.path())
        .env(BROWSER_VARIABLE, browser);
    Ok(counting::outcome(tests.run_and_keep()))
}

/// Listed here, since what `node --test` makes of a folder or a pattern differs between versions.
fn test_files() -> Result<Vec<PathBuf>, String> {
    let folder = format!("{PACKAGE}/tests");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for entry in entries {
        let name = entry
            .map_err(|source| format!("can't list {folder}: {source}"))?
            .file_name();
        if name.to_string_lossy().ends_with(".test.mjs") {
            files.push(PathBuf::from("tests").join(name));
        }
    }
    files.sort();
    Ok(files)
}
