//! Brings flags, variables and the file together.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::connections::{self, GivenConnections};
use super::file;
use super::key::Key;
use super::problem::{Problem, closest};
use super::values::{Given, Origin, Values};
use crate::pages::ThemeConfig;

/// The variable that names the TOML file.
const CONFIG: &str = "ZALT_CONFIG";
/// A secret is a line; a file beyond this is a mistake.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// What was given on the command line.
#[derive(Default)]
pub(crate) struct Flags {
    pub(crate) config: Option<PathBuf>,
    pub(crate) values: BTreeMap<Key, String>,
    pub(crate) secret_files: BTreeMap<Key, PathBuf>,
}

/// The environment variables of the process; passed in, so that a test has its own.
#[derive(Default)]
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    pub(crate) fn new(variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        // What a compose file passes on without a value is not set.
        Self(variables.filter(|(_, value)| !value.is_empty()).collect())
    }

    pub(super) fn get(&self, name: &str, problems: &mut Vec<Problem>) -> Option<&str> {
        let value = self.0.get(&OsString::from(name))?;
        let text = value.to_str();
        if text.is_none() {
            problems.push(Problem::NotText {
                name: name.to_owned(),
            });
        }
        text
    }

    /// The names of the variables that begin with `prefix`.
    pub(super) fn names(&self, prefix: &str) -> impl Iterator<Item = String> {
        let names = self.0.keys().map(|name| name.to_string_lossy());
        names.filter_map(move |name| name.starts_with(prefix).then(|| name.into_owned()))
    }
}

/// Every value that was given, the connections, and the theme of the file.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) values: Values,
    pub(super) theme: ThemeConfig,
    pub(super) connections: GivenConnections,
}

pub(super) fn gather(
    flags: &Flags,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) -> Gathered {
    refuse_unknown(environment, problems);
    let config = flags
        .config
        .clone()
        .or_else(|| environment.get(CONFIG, problems).map(PathBuf::from));
    let mut gathered = Gathered::default();
    if let Some(path) = config {
        gathered = file::read(&path, problems);
    }
    let variables = of_environment(environment, problems);
    let given = of_flags(flags, problems);
    gathered.values = gathered.values.overlaid(variables).overlaid(given);
    let connections = connections::of_environment(environment, problems);
    gathered.connections = gathered.connections.overlaid(connections);
    gathered
}

fn of_environment(environment: &Environment, problems: &mut Vec<Problem>) -> Values {
    let mut values = Values::default();
    for key in Key::ALL.iter().copied() {
        let direct = environment.get(key.env(), problems).map(|text| Given {
            text: Zeroizing::new(text.to_owned()),
            origin: Origin::Variable(key.env().to_owned()),
        });
        let by_file = key.is_secret().then(|| key.file_env()).and_then(|name| {
            let path = PathBuf::from(environment.get(&name, problems)?);
            Some((path, Origin::Variable(name)))
        });
        choose(&mut values, key, direct, by_file, problems);
    }
    values
}

fn of_flags(flags: &Flags, problems: &mut Vec<Problem>) -> Values {
    let mut values = Values::default();
    for key in Key::ALL.iter().copied() {
        let direct = flags.values.get(&key).map(|text| Given {
            text: Zeroizing::new(text.clone()),
            origin: Origin::Flag(key.flag()),
        });
        let by_file = flags
            .secret_files
            .get(&key)
            .map(|path| (path.clone(), Origin::Flag(key.file_flag())));
        choose(&mut values, key, direct, by_file, problems);
    }
    values
}

/// Takes the value that was given, be it directly or in a file of its own.
pub(super) fn choose(
    values: &mut Values,
    key: Key,
    direct: Option<Given>,
    by_file: Option<(PathBuf, Origin)>,
    problems: &mut Vec<Problem>,
) {
    match (direct, by_file) {
        (Some(given), Some((_, other))) => problems.push(Problem::Both {
            origin: given.origin,
            other,
        }),
        (Some(given), None) => values.set(key, given),
        (None, Some((path, origin))) => match secret_of(&path) {
            Ok(text) => values.set(key, Given { text, origin }),
            Err(reason) => problems.push(Problem::File { file: path, reason }),
        },
        (None, None) => {}
    }
}

/// The content of a file that holds a secret, without the line break at its end.
pub(super) fn secret_of(path: &Path) -> Result<Zeroizing<String>, String> {
    let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MAX_SECRET_BYTES {
        return Err("it is too long for a secret".to_owned());
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| error.to_string())?);
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

fn refuse_unknown(environment: &Environment, problems: &mut Vec<Problem>) {
    let known = || {
        let direct = Key::ALL.iter().map(|key| key.env().to_owned());
        let files = Key::ALL.iter().filter(|key| key.is_secret());
        direct
            .chain(files.map(|key| key.file_env()))
            .chain([CONFIG.to_owned()])
    };
    for name in environment.0.keys() {
        let name = name.to_string_lossy();
        if name.starts_with("ZALT_")
            && !known().any(|known| known == name)
            && !connections::is_known(&name)
        {
            problems.push(Problem::UnknownVariable {
                suggestion: closest(&name, known()),
                name: name.into_owned(),
            });
        }
    }
}
