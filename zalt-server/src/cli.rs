//! The command line.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::config::{Flags, Key};

/// What the server was asked to do.
pub(crate) struct Invocation {
    pub(crate) action: Action,
    pub(crate) flags: Flags,
}

/// The sub-commands.
pub(crate) enum Action {
    /// Serve until told to stop. The default.
    Serve,
    /// Bring the database up to date.
    Migrate,
    /// Check everything that a start needs.
    Doctor,
    /// Copy the database.
    Backup { to: PathBuf },
    /// Make a user.
    CreateUser(CreateUser),
}

/// The user to make.
pub(crate) struct CreateUser {
    pub(crate) email: String,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password_from_stdin: bool,
}

/// Reads the command line.
///
/// # Errors
/// What clap wants to print: help, the version, or what is wrong.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Invocation, clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    let (action, innermost) = match matches.subcommand() {
        Some(("migrate", inner)) => (Action::Migrate, inner),
        Some(("doctor", inner)) => (Action::Doctor, inner),
        Some(("backup", inner)) => {
            let to = inner.get_one::<PathBuf>("file").cloned();
            let to = to.unwrap_or_default();
            (Action::Backup { to }, inner)
        }
        Some(("user", user)) => match user.subcommand() {
            Some(("create", inner)) => (Action::CreateUser(create_user(inner)), inner),
            _ => (Action::Serve, user),
        },
        Some((_, inner)) => (Action::Serve, inner),
        None => (Action::Serve, &matches),
    };
    Ok(Invocation {
        action,
        flags: flags(innermost),
    })
}

fn command() -> Command {
    let serve = Command::new("serve").about("Serve until told to stop (the default)");
    let migrate =
        Command::new("migrate").about("Bring the database up to date and say its version");
    let doctor =
        Command::new("doctor").about("Check everything that a start needs, and say what is wrong");
    let backup = Command::new("backup")
        .about("Copy the database to a new file; the server may run meanwhile")
        .arg(
            Arg::new("file")
                .required(true)
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Where to; a file that exists is not overwritten"),
        );
    let user = Command::new("user")
        .about("Users")
        .subcommand_required(true)
        .subcommand(create_user_command());
    let root = Command::new("zalt-server")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Sign-in pages, account pages and the API of Zalt in one binary")
        .after_help(
            "Every setting is a flag, an environment variable and a key of the TOML file, in this order of precedence. \
             A secret can also be read from a file: add -file, _FILE or _file to its name. On the command line others \
             on this machine can see it.",
        )
        .term_width(100)
        .subcommands([serve, migrate, doctor, backup, user])
        .arg(
            Arg::new("config")
                .long("config")
                .global(true)
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("The TOML file with settings [env: ZALT_CONFIG]"),
        );
    Key::ALL.iter().fold(root, |command, key| {
        let command = command.arg(setting(*key));
        if key.is_secret() {
            command.arg(secret_file(*key))
        } else {
            command
        }
    })
}

fn setting(key: Key) -> Arg {
    Arg::new(key.toml())
        .long(key.flag())
        .global(true)
        .value_name(key.value_name())
        .help_heading(key.heading())
        .help(format!(
            "{} [env: {}] [file: {}]",
            key.help(),
            key.env(),
            key.toml()
        ))
}

fn secret_file(key: Key) -> Arg {
    Arg::new(key.file_toml())
        .long(key.file_flag())
        .global(true)
        .hide(true)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
}

fn create_user_command() -> Command {
    let text = |name: &'static str, flag: &'static str, help: &'static str| {
        Arg::new(name).long(flag).value_name("TEXT").help(help)
    };
    Command::new("create")
        .about("Make a user whose address counts as verified; the server may run meanwhile")
        .arg(text("email", "email", "The e-mail address").required(true))
        .arg(text("first_name", "first-name", "The given name"))
        .arg(text("last_name", "last-name", "The family name"))
        .arg(text("username", "username", "The username"))
        .arg(
            Arg::new("password_stdin")
                .long("password-stdin")
                .action(ArgAction::SetTrue)
                .help("Read the password from standard input, up to the end of the first line"),
        )
}

fn create_user(matches: &ArgMatches) -> CreateUser {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    CreateUser {
        email: text("email").unwrap_or_default(),
        first_name: text("first_name"),
        last_name: text("last_name"),
        username: text("username"),
        password_from_stdin: matches.get_flag("password_stdin"),
    }
}

fn flags(matches: &ArgMatches) -> Flags {
    let mut values = BTreeMap::new();
    let mut secret_files = BTreeMap::new();
    for key in Key::ALL.iter().copied() {
        if let Some(value) = matches.get_one::<String>(key.toml()) {
            values.insert(key, value.clone());
        }
        if key.is_secret()
            && let Some(file) = matches.get_one::<PathBuf>(&key.file_toml())
        {
            secret_files.insert(key, file.clone());
        }
    }
    Flags {
        config: matches.get_one::<PathBuf>("config").cloned(),
        values,
        secret_files,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Invocation {
        let program = ["zalt-server"].into_iter();
        let all = program.chain(arguments.iter().copied()).map(OsString::from);
        parse(all).map_err(|error| error.to_string()).unwrap()
    }

    #[test]
    fn the_command_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn flags_count_before_and_after_the_sub_command() {
        for arguments in [
            &["--listen", "127.0.0.1:1"][..],
            &["serve", "--listen", "127.0.0.1:1"],
            &["--listen", "127.0.0.1:1", "serve"],
        ] {
            let invocation = parsed(arguments);
            assert!(matches!(invocation.action, Action::Serve));
            let listen = invocation.flags.values.get(&Key::Listen);
            assert_eq!(listen.map(String::as_str), Some("127.0.0.1:1"));
        }
    }

    #[test]
    fn a_user_is_made_below_user() {
        let invocation = parsed(&[
            "user",
            "create",
            "--email",
            "a@example.com",
            "--password-stdin",
        ]);
        let Action::CreateUser(user) = invocation.action else {
            panic!("another action");
        };
        assert_eq!(user.email, "a@example.com");
        assert!(user.password_from_stdin);
    }
}
