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
    /// See to the connections of the store.
    Connection(ConnectionAction),
}

/// What is done to a connection, by its key.
pub(crate) enum ConnectionAction {
    List,
    Add(Box<AddConnection>),
    Enable(String),
    Disable(String),
    Remove(String),
}

/// The connection to add.
pub(crate) struct AddConnection {
    pub(crate) key: String,
    /// By the names that they have in the file.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Each `name=value`.
    pub(crate) options: Vec<String>,
    pub(crate) secret_from_stdin: bool,
    pub(crate) disabled: bool,
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
        Some(("connection", connection)) => match connection.subcommand() {
            Some((name, inner)) => (Action::Connection(connection_action(name, inner)), inner),
            None => (Action::Serve, connection),
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
    let connection = Command::new("connection")
        .about("Connections to providers that are kept in the store; the server may run meanwhile")
        .subcommand_required(true)
        .subcommands(connection_commands());
    let root = Command::new("zalt-server")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Sign-in pages, account pages and the API of Zalt in one binary")
        .after_help(
            "Every setting is a flag, an environment variable and a key of the TOML file, in this order of precedence. \
             A secret can also be read from a file: add -file, _FILE or _file to its name. On the command line others \
             on this machine can see it.",
        )
        .term_width(100)
        .subcommands([serve, migrate, doctor, backup, user, connection])
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

fn connection_commands() -> [Command; 5] {
    let key = || {
        Arg::new("key")
            .required(true)
            .value_name("KEY")
            .help("Names the connection in addresses, such as google")
    };
    let mut add = Command::new("add")
        .about("Set up a connection, and say what to register with the provider")
        .arg(key());
    for (name, flag, help) in FIELDS {
        add = add.arg(Arg::new(name).long(flag).value_name("TEXT").help(help));
    }
    let add = add
        .arg(
            Arg::new("option")
                .long("option")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("What this provider needs beside that, such as tenant=...; may be repeated"),
        )
        .arg(
            Arg::new("client_secret_stdin")
                .long("client-secret-stdin")
                .action(ArgAction::SetTrue)
                .help("Read the client secret from standard input"),
        )
        .arg(
            Arg::new("disabled")
                .long("disabled")
                .action(ArgAction::SetTrue)
                .help("Don't offer it yet"),
        );
    [
        Command::new("list").about("Those of the store and those of the configuration"),
        add,
        Command::new("enable").about("Offer it").arg(key()),
        Command::new("disable")
            .about("Offer it no more; whoever is linked stays so")
            .arg(key()),
        Command::new("remove")
            .about("Remove it; whoever is linked stays so")
            .arg(key()),
    ]
}

/// The names of the file, the flags, and what they are for.
const FIELDS: [(&str, &str, &str); 8] = [
    (
        "provider",
        "provider",
        "The preset, or oidc or oauth2 [default: the key]",
    ),
    (
        "client_id",
        "client-id",
        "What the provider calls this application",
    ),
    ("issuer", "issuer", "The issuer of an OpenID provider"),
    (
        "authorization_url",
        "authorization-url",
        "Where browsers are sent, for oauth2",
    ),
    (
        "token_url",
        "token-url",
        "Where codes are redeemed, for oauth2",
    ),
    (
        "userinfo_url",
        "userinfo-url",
        "Where it is asked who came, for oauth2",
    ),
    (
        "revocation_url",
        "revocation-url",
        "Where tokens are given back, for oauth2",
    ),
    (
        "scopes",
        "scopes",
        "What is asked for beyond what signing in needs, separated by commas",
    ),
];

fn connection_action(name: &str, matches: &ArgMatches) -> ConnectionAction {
    let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten().cloned();
    let key = text("key").unwrap_or_default();
    match name {
        "add" => {
            let fields = FIELDS.iter();
            let options = matches.get_many::<String>("option");
            ConnectionAction::Add(Box::new(AddConnection {
                key,
                fields: fields
                    .filter_map(|(name, ..)| Some((*name, text(name)?)))
                    .collect(),
                options: options.into_iter().flatten().cloned().collect(),
                secret_from_stdin: matches.get_flag("client_secret_stdin"),
                disabled: matches.get_flag("disabled"),
            }))
        }
        "enable" => ConnectionAction::Enable(key),
        "disable" => ConnectionAction::Disable(key),
        "remove" => ConnectionAction::Remove(key),
        _ => ConnectionAction::List,
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
    fn a_connection_is_seen_to_below_connection() {
        let invocation = parsed(&[
            "connection",
            "add",
            "acme",
            "--provider",
            "oidc",
            "--client-id",
            "zalt",
            "--option",
            "a=b",
            "--option",
            "c=d",
            "--client-secret-stdin",
        ]);
        let Action::Connection(ConnectionAction::Add(added)) = invocation.action else {
            panic!("another action");
        };
        assert_eq!(added.key, "acme");
        let fields = [("provider", "oidc"), ("client_id", "zalt")];
        assert_eq!(
            added.fields,
            fields.map(|(name, text)| (name, text.to_owned()))
        );
        assert_eq!(added.options, ["a=b", "c=d"]);
        assert!(added.secret_from_stdin && !added.disabled);
        let action = parsed(&["connection", "disable", "acme"]).action;
        assert!(
            matches!(action, Action::Connection(ConnectionAction::Disable(key)) if key == "acme")
        );
        let action = parsed(&["connection", "list"]).action;
        assert!(matches!(action, Action::Connection(ConnectionAction::List)));
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
