//! The connections that an operator configures: tables of the file, and variables for each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use url::Url;
use zalt_core::connection::{ConnectionKey, ConnectionSettings, OAuthEndpoints};
use zalt_core::secret::SecretText;
use zeroize::Zeroizing;

use super::check::listed;
use super::file;
use super::gather::{Environment, secret_of};
use super::problem::{ConfigError, Problem, closest};
use super::values::{Given, Origin};

/// The table of the file.
pub(super) const TABLE: &str = "connections";
/// What the variables begin with.
pub(super) const PREFIX: &str = "ZALT_CONNECTIONS_";
/// What some providers need beyond the fields: a table of texts, or `name=value` separated by commas.
const OPTIONS: &str = "options";

/// What may be said of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Provider,
    ClientId,
    ClientSecret,
    Issuer,
    AuthorizationUrl,
    TokenUrl,
    UserinfoUrl,
    RevocationUrl,
    Scopes,
}

impl Field {
    const ALL: [Self; 9] = [
        Self::Provider,
        Self::ClientId,
        Self::ClientSecret,
        Self::Issuer,
        Self::AuthorizationUrl,
        Self::TokenUrl,
        Self::UserinfoUrl,
        Self::RevocationUrl,
        Self::Scopes,
    ];

    /// In the file, and in capitals at the end of a variable.
    const fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::Issuer => "issuer",
            Self::AuthorizationUrl => "authorization_url",
            Self::TokenUrl => "token_url",
            Self::UserinfoUrl => "userinfo_url",
            Self::RevocationUrl => "revocation_url",
            Self::Scopes => "scopes",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// The name of the field that names the file of the secret.
const SECRET_FILE: &str = "client_secret_file";

/// What was given of one connection, before it is checked.
#[derive(Default)]
pub(crate) struct GivenConnection {
    fields: BTreeMap<Field, Given>,
    options: BTreeMap<String, Given>,
}

impl GivenConnection {
    /// The settings that flags describe: fields by their names in the file, options as `name=value`.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub(crate) fn of_flags(
        key: &str,
        fields: &[(&'static str, String)],
        options: &[String],
    ) -> Result<ConnectionSettings, ConfigError> {
        let mut problems = Vec::new();
        let mut given = Self::default();
        let of_flag = |name: &str, text: &str| Given {
            text: Zeroizing::new(text.to_owned()),
            origin: Origin::Flag(name.replace('_', "-")),
        };
        for (name, text) in fields {
            if let Some(field) = Field::named(name) {
                given.fields.insert(field, of_flag(name, text));
            }
        }
        for option in options {
            match self::options(&of_flag("option", option)) {
                Ok(options) => given.options.extend(options),
                Err(problem) => problems.push(problem),
            }
        }
        match settings(key, &given, &mut problems) {
            Some(settings) if problems.is_empty() => Ok(settings),
            _ => Err(ConfigError(problems)),
        }
    }
}

/// What was given of connections, by their keys.
#[derive(Default)]
pub(super) struct GivenConnections(BTreeMap<String, GivenConnection>);

impl GivenConnections {
    /// Lays what has precedence over these, field by field.
    pub(super) fn overlaid(mut self, above: Self) -> Self {
        for (key, given) in above.0 {
            let below = self.0.entry(key).or_default();
            below.fields.extend(given.fields);
            below.options.extend(given.options);
        }
        self
    }

    fn take(&mut self, key: &str, name: &str, given: Given, problems: &mut Vec<Problem>) {
        let connection = self.0.entry(key.to_owned()).or_default();
        let secret_file = name == SECRET_FILE;
        let field = if secret_file {
            Field::ClientSecret
        } else {
            match Field::named(name) {
                Some(field) => field,
                None => return,
            }
        };
        if let Some(other) = connection.fields.get(&field) {
            problems.push(Problem::Both {
                origin: given.origin,
                other: other.origin.clone(),
            });
            return;
        }
        let given = if secret_file {
            let path = PathBuf::from(given.text.as_str());
            match secret_of(&path) {
                Ok(text) => Given {
                    text,
                    origin: given.origin,
                },
                Err(reason) => {
                    problems.push(Problem::File { file: path, reason });
                    return;
                }
            }
        } else {
            given
        };
        connection.fields.insert(field, given);
    }
}

/// The tables `[connections.KEY]` of the file.
pub(super) fn of_file(value: Value, path: &Path, problems: &mut Vec<Problem>) -> GivenConnections {
    let mut given = GivenConnections::default();
    let wrong_shape = |key: &str| Problem::Value {
        origin: file::origin(key, path),
        reason: "write a table for each connection, such as [connections.google]".to_owned(),
    };
    let Value::Table(connections) = value else {
        problems.push(wrong_shape(TABLE));
        return given;
    };
    for (key, value) in connections {
        let Value::Table(table) = value else {
            problems.push(wrong_shape(&format!("{TABLE}.{key}")));
            continue;
        };
        of_table(&mut given, &key, table, path, problems);
    }
    given
}

fn of_table(
    given: &mut GivenConnections,
    key: &str,
    table: Table,
    path: &Path,
    problems: &mut Vec<Problem>,
) {
    given.0.entry(key.to_owned()).or_default();
    for (name, value) in table {
        let dotted = format!("{TABLE}.{key}.{name}");
        if let (OPTIONS, Value::Table(options)) = (name.as_str(), &value) {
            for (option, value) in options {
                let dotted = format!("{dotted}.{option}");
                if let Some(text) = text(value, &dotted, path, problems) {
                    let connection = given.0.entry(key.to_owned()).or_default();
                    connection.options.insert(option.clone(), text);
                }
            }
            continue;
        }
        if name != SECRET_FILE && Field::named(&name).is_none() {
            let known = Field::ALL.iter().map(|field| field.name().to_owned());
            problems.push(Problem::UnknownKey {
                suggestion: closest(&name, known.chain([SECRET_FILE.to_owned()])),
                key: dotted,
                file: path.to_owned(),
            });
            continue;
        }
        let Some(mut text) = text(&value, &dotted, path, problems) else {
            continue;
        };
        if name == SECRET_FILE {
            // Relative to the file that names it, wherever the server is started.
            let named = path.parent().map(|folder| folder.join(text.text.as_str()));
            if let Some(named) = named {
                text.text = Zeroizing::new(named.to_string_lossy().into_owned());
            }
        }
        given.take(key, &name, text, problems);
    }
}

fn text(value: &Value, key: &str, path: &Path, problems: &mut Vec<Problem>) -> Option<Given> {
    let origin = file::origin(key, path);
    let Some(text) = file::text_of(value) else {
        problems.push(Problem::Value {
            origin,
            reason: "write a text or a list of texts".to_owned(),
        });
        return None;
    };
    let text = Zeroizing::new(text);
    Some(Given { text, origin })
}

/// The variables `ZALT_CONNECTIONS_KEY_FIELD`. In the key, `_` stands for `-`.
pub(super) fn of_environment(
    environment: &Environment,
    problems: &mut Vec<Problem>,
) -> GivenConnections {
    let mut given = GivenConnections::default();
    for variable in environment.names(PREFIX) {
        let Some((key, name)) = parts(&variable) else {
            continue;
        };
        let Some(text) = environment.get(&variable, problems) else {
            continue;
        };
        let value = Given {
            text: Zeroizing::new(text.to_owned()),
            origin: Origin::Variable(variable.clone()),
        };
        if name == OPTIONS {
            let connection = given.0.entry(key).or_default();
            match options(&value) {
                Ok(options) => connection.options.extend(options),
                Err(problem) => problems.push(problem),
            }
        } else {
            given.take(&key, &name, value, problems);
        }
    }
    given
}

/// Whether a variable says something of a connection.
pub(super) fn is_known(variable: &str) -> bool {
    parts(variable).is_some()
}

/// The key and the field of a variable.
fn parts(variable: &str) -> Option<(String, String)> {
    let rest = variable.strip_prefix(PREFIX)?.to_ascii_lowercase();
    let fields = Field::ALL.iter().map(|field| field.name());
    let name = fields
        .chain([SECRET_FILE, OPTIONS])
        .find(|name| rest.ends_with(&format!("_{name}")))?;
    let key = rest.strip_suffix(name)?.strip_suffix('_')?;
    (!key.is_empty()).then(|| (key.replace('_', "-"), name.to_owned()))
}

fn options(given: &Given) -> Result<Vec<(String, Given)>, Problem> {
    let one = |item: &str| {
        let (name, value) = item.split_once('=')?;
        let value = Given {
            text: Zeroizing::new(value.trim().to_owned()),
            origin: given.origin.clone(),
        };
        Some((name.trim().to_owned(), value))
    };
    let all: Option<Vec<_>> = listed(&given.text).map(one).collect();
    all.ok_or_else(|| Problem::Value {
        origin: given.origin.clone(),
        reason: "write name=value, separated by commas".to_owned(),
    })
}

/// The connections, each with what it takes to be one. Whether its provider can be spoken to with that is for others to say.
pub(super) fn check(
    given: &GivenConnections,
    problems: &mut Vec<Problem>,
) -> Vec<ConnectionSettings> {
    let connections = given.0.iter();
    connections
        .filter_map(|(key, given)| settings(key, given, problems))
        .collect()
}

fn settings(
    key: &str,
    given: &GivenConnection,
    problems: &mut Vec<Problem>,
) -> Option<ConnectionSettings> {
    let about = |reason: String| Problem::Connection {
        key: key.to_owned(),
        reason,
    };
    let parsed = match ConnectionKey::parse(key) {
        Ok(parsed) => parsed,
        Err(error) => {
            problems.push(about(error.to_string()));
            return None;
        }
    };
    let of = |field: Field| given.fields.get(&field).map(|given| given.text.as_str());
    let Some(client_id) = of(Field::ClientId) else {
        problems.push(about(format!(
            "set client_id, or {PREFIX}{}_CLIENT_ID: what the provider calls this application",
            key.to_ascii_uppercase().replace('-', "_")
        )));
        return None;
    };
    let before = problems.len();
    let mut url = |field: Field| -> Option<Url> {
        let given = given.fields.get(&field)?;
        let parsed = Url::parse(given.text.trim()).ok();
        if parsed.is_none() {
            problems.push(Problem::Value {
                origin: given.origin.clone(),
                reason: "write a whole address, such as https://login.example.com".to_owned(),
            });
        }
        parsed
    };
    let issuer = url(Field::Issuer);
    let authorization = url(Field::AuthorizationUrl);
    let token = url(Field::TokenUrl);
    let userinfo = url(Field::UserinfoUrl);
    let revocation = url(Field::RevocationUrl);
    if problems.len() > before {
        return None;
    }
    let endpoints = match (authorization, token, userinfo, revocation) {
        (None, None, None, None) => None,
        (Some(authorization), Some(token), Some(userinfo), revocation) => Some(OAuthEndpoints {
            authorization,
            token,
            userinfo,
            revocation,
        }),
        _ => {
            problems.push(about(
                "set authorization_url, token_url and userinfo_url, or none of them".to_owned(),
            ));
            return None;
        }
    };
    let mut settings =
        ConnectionSettings::new(parsed, of(Field::Provider).unwrap_or(key), client_id);
    settings.client_secret = of(Field::ClientSecret).map(SecretText::from);
    settings.issuer = issuer;
    settings.endpoints = endpoints;
    let scopes = of(Field::Scopes).unwrap_or_default();
    settings.extra_scopes = listed(scopes).map(str::to_owned).collect();
    settings.options = given
        .options
        .iter()
        .map(|(name, value)| (name.clone(), value.text.to_string()))
        .collect();
    Some(settings)
}
