//! Development tasks, run as `cargo xtask <task>`.
//!
//! `test` runs everything that has to be green before a change lands, `fuzz` runs the fuzz
//! targets for a while, `bench` measures, `services` lends databases. Each step of `test` is one
//! file in `test/`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks through its standard streams"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a task is timed by the clock on the wall; no product code runs in here"
)]

mod architecture;
mod bench;
mod command;
mod fuzz;
mod provision;
mod report;
#[cfg(test)]
mod requirements;
mod services;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <task>

  test [--fast]                      everything that must be green before a change lands;
                                     --fast leaves out what needs PostgreSQL, Redis or the server
  fuzz [--seconds N] [TARGET ...]    run every fuzz target, or the named ones, N seconds each
                                     (default 60; needs a nightly toolchain and cargo-fuzz)
  services [-- COMMAND ...]          throwaway PostgreSQL, PgBouncer, Redis and Redis cluster: prints
                                     where they are and keeps them until Ctrl-C, SIGTERM or the end
                                     of a pipe on standard input; or only for the command, whose
                                     environment names them
  bench [PART ...] [OPTION ...]      measure the performance budget and the server under load, in the
                                     release build; --help lists parts and options
  architecture                       only the check of who may depend on whom
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // Where the caller is, before the task goes to the top of the repository.
    let caller = std::env::current_dir();
    let root = match enter_repository() {
        Ok(root) => root,
        Err(reason) => return refuse(&reason),
    };
    match words.as_slice() {
        ["test"] => test::run(&root, test::Scope::Everything),
        ["test", "--fast"] => test::run(&root, test::Scope::Fast),
        ["fuzz", rest @ ..] => match fuzz::Request::parse(rest) {
            Ok(request) => fuzz::run(&request),
            Err(reason) => refuse(&reason),
        },
        ["services"] => services::lend(),
        ["services", "--", command, arguments @ ..] => {
            let folder = caller.unwrap_or(root);
            services::lend_to(command, arguments, &folder)
        }
        ["bench", rest @ ..] => bench::run(rest),
        ["architecture"] => match architecture::check() {
            Ok(()) => ExitCode::SUCCESS,
            Err(reason) => refuse(&reason),
        },
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        _ => refuse(&format!("no such task\n\n{HELP}")),
    }
}

/// Makes the repository's top folder the working folder, so that every step may use relative
/// paths wherever the task was called from.
fn enter_repository() -> Result<PathBuf, String> {
    let manifest = command::cargo()
        .args(["locate-project", "--workspace", "--message-format", "plain"])
        .text()?;
    let root = PathBuf::from(manifest.trim())
        .parent()
        .map(PathBuf::from)
        .ok_or_else(|| format!("no folder holds {}", manifest.trim()))?;
    std::env::set_current_dir(&root)
        .map_err(|source| format!("can't enter {}: {source}", root.display()))?;
    Ok(root)
}

fn refuse(reason: &str) -> ExitCode {
    eprintln!("xtask: {reason}");
    ExitCode::FAILURE
}
