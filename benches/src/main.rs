//! The program behind `cargo xtask bench`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool that measures: it speaks through its standard streams and looks at the clock"
)]

mod against;
mod arguments;
mod own;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.against {
        Some(url) => against::run(url, &arguments)
            .await
            .map_err(|error| error.to_string()),
        None => own::run(&arguments)
            .await
            .map_err(|error| error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zalt-benches: {error}");
            ExitCode::FAILURE
        }
    }
}
