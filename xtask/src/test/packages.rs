//! The tests in `packages/`: Node's test runner, with a real browser and with libraries of others.

use super::counting;
use super::end_to_end::{self, SERVER_VARIABLE};
use super::server::Server;
use crate::command::{Program, program};
use crate::provision::ensure_program;
use crate::report::Outcome;
use crate::services::Variables;
use std::path::PathBuf;

const BROWSER_TESTS: &str = "packages/browser-tests";
const INTEROP_TESTS: &str = "packages/interop-tests";
/// Where the tests find the browser; set by the caller, it names another one.
const BROWSER_VARIABLE: &str = "ZALT_CHROMIUM";
/// Where the tests leave pictures of every page; set by the caller, it names another folder.
const PICTURES_VARIABLE: &str = "ZALT_SCREENSHOTS";

/// Where the servers of the browser tests keep everything.
const DATABASE_VARIABLE: &str = "ZALT_E2E_DATABASE";
/// The story that touches most of what is kept.
const ONE_STORY: &str = "tests/sign_up_and_in.test.mjs";

/// The pages, with playwright-core and Chromium.
pub(super) fn browser(server: &Server, services: &Variables) -> Outcome {
    let tests = |node: Program, files: Vec<PathBuf>| node.args(files);
    run(
        BROWSER_TESTS,
        server,
        services,
        || with_browser(server),
        tests,
    )
}

/// One story over PostgreSQL: the pages know nothing of where things are kept, and this would show if they did.
pub(super) fn browser_on_postgres(server: &Server, services: &Variables) -> Outcome {
    let tests = |node: Program, _| node.args([ONE_STORY]).env(DATABASE_VARIABLE, "postgres");
    run(
        BROWSER_TESTS,
        server,
        services,
        || with_browser(server),
        tests,
    )
}

fn with_browser(server: &Server) -> Result<Vec<(&'static str, PathBuf)>, String> {
    let browser = match std::env::var_os(BROWSER_VARIABLE) {
        Some(chosen) => PathBuf::from(chosen),
        None => ensure_program(
            &["chromium", "chromium-browser", "google-chrome"],
            &["chromium"],
        )?,
    };
    let pictures = std::env::var_os(PICTURES_VARIABLE)
        .map_or_else(|| server.beside("browser-tests"), PathBuf::from);
    Ok(vec![
        (BROWSER_VARIABLE, browser),
        (PICTURES_VARIABLE, pictures),
    ])
}

/// What other people's libraries make of our tokens.
pub(super) fn interop(server: &Server, services: &Variables) -> Outcome {
    let tests = |node: Program, files: Vec<PathBuf>| node.args(files);
    run(
        INTEROP_TESTS,
        server,
        services,
        end_to_end::movable_clock,
        tests,
    )
}

/// Runs the tests of one package. What they need besides Node is prepared only if there are any.
fn run(
    package: &str,
    server: &Server,
    services: &Variables,
    prepare: impl FnOnce() -> Result<Vec<(&'static str, PathBuf)>, String>,
    choose: impl FnOnce(Program, Vec<PathBuf>) -> Program,
) -> Outcome {
    let tests = || -> Result<Outcome, String> {
        let files = test_files(package)?;
        if files.is_empty() {
            return Ok(Outcome::Skipped(format!("no test in {package}")));
        }
        install(package)?;
        let node = program("node").args(["--test", "--test-concurrency=1", "--test-reporter=tap"]);
        let tests = choose(node, files)
            .folder(package)
            .env(SERVER_VARIABLE, server.path())
            .envs(services);
        let tests = prepare()?
            .into_iter()
            .fold(tests, |tests, (name, value)| tests.env(name, value));
        Ok(counting::outcome(&tests.run_and_keep(|_| false)))
    };
    tests().unwrap_or_else(Outcome::failed)
}

fn install(package: &str) -> Result<(), String> {
    ensure_program(&["node"], &["nodejs"])?;
    ensure_program(&["npm"], &["npm"])?;
    program("npm")
        .args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel",
            "error",
        ])
        .folder(package)
        .run()
}

/// Listed here, since what `node --test` makes of a folder or a pattern differs between versions.
fn test_files(package: &str) -> Result<Vec<PathBuf>, String> {
    let folder = format!("{package}/tests");
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
