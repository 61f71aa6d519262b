//! The self-hosted Zalt server: sign-in pages, account pages and the API in one binary.

mod application;
mod causes;
mod cli;
mod commands;
mod config;
mod data_dir;
mod logging;
mod mail;
mod metrics;
mod pages;
mod serve;
mod storage;

use std::io::{self, Write};
use std::process::ExitCode;

use causes::WithCauses;
use cli::{Action, Invocation};
use config::{Config, Environment};

fn main() -> ExitCode {
    let Invocation { action, flags } = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(error) => {
            // Help and the version are no failures; clap knows which is which.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let config = match Config::load(&flags, &Environment::new(std::env::vars_os())) {
        Ok(config) => config,
        Err(error) => return fail(&error),
    };
    if let Err(error) = logging::init(&config.log) {
        return fail(&error);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("zalt")
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(run(action, config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&*error),
    }
}

async fn run(
    action: Action,
    config: Config,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match action {
        Action::Serve => serve::serve(config).await?,
        Action::Migrate => commands::migrate(&config).await?,
        Action::Doctor => commands::doctor(&config).await?,
        Action::Backup { to } => commands::backup(&config, &to).await?,
        Action::Connection(action) => commands::connection(&config, action).await?,
        Action::CreateUser(user) => commands::create_user(&config, user).await?,
    }
    Ok(())
}

/// Says why the process ends, with every cause.
fn fail(error: &dyn std::error::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "zalt-server: {}", WithCauses(error));
    ExitCode::FAILURE
}
