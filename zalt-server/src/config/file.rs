//! Reads the TOML file.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use zeroize::Zeroizing;

use super::connections;
use super::gather::{Gathered, choose};
use super::key::Key;
use super::problem::{Problem, closest};
use super::values::{Given, Origin};

/// The table of the look, which has its own keys.
const THEME: &str = "theme";

pub(super) fn read(path: &Path, problems: &mut Vec<Problem>) -> Gathered {
    let mut gathered = Gathered::default();
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) => {
            problems.push(Problem::File {
                file: path.to_owned(),
                reason: error.to_string(),
            });
            return gathered;
        }
    };
    let mut table = match text.parse::<Table>() {
        Ok(table) => table,
        Err(error) => {
            // The error's own text shows the line, which may hold a secret.
            problems.push(Problem::NotToml {
                file: path.to_owned(),
                reason: error.message().to_owned(),
            });
            return gathered;
        }
    };
    if let Some(theme) = table.remove(THEME) {
        match theme.try_into() {
            Ok(theme) => gathered.theme = theme,
            Err(error) => problems.push(Problem::Theme(error.message().to_owned())),
        }
    }
    if let Some(tables) = table.remove(connections::TABLE) {
        gathered.connections = connections::of_file(tables, path, problems);
    }
    let mut entries = Vec::new();
    flatten("", table, &mut entries);
    for key in Key::ALL.iter().copied() {
        let direct = take(&mut entries, key.toml()).and_then(|value| {
            let origin = origin(key.toml(), path);
            let text = text_of(&value);
            if text.is_none() {
                problems.push(Problem::Value {
                    origin: origin.clone(),
                    reason: "write a text, a number, true, false or a list of texts".to_owned(),
                });
            }
            Some(Given {
                text: Zeroizing::new(text?),
                origin,
            })
        });
        let file_key = key.file_toml();
        let by_file = key
            .is_secret()
            .then(|| take(&mut entries, &file_key))
            .flatten()
            .and_then(|value| {
                let named = PathBuf::from(value.as_str()?);
                // Relative to the file that names it, wherever the server is started.
                let named = path
                    .parent()
                    .map_or(named.clone(), |folder| folder.join(named));
                Some((named, origin(&file_key, path)))
            });
        choose(&mut gathered.values, key, direct, by_file, problems);
    }
    for (key, _) in entries {
        let known = Key::ALL.iter().map(|key| key.toml().to_owned());
        problems.push(Problem::UnknownKey {
            suggestion: closest(&key, known),
            key,
            file: path.to_owned(),
        });
    }
    gathered
}

pub(super) fn origin(key: &str, file: &Path) -> Origin {
    Origin::File {
        key: key.to_owned(),
        file: file.to_owned(),
    }
}

fn take(entries: &mut Vec<(String, Value)>, key: &str) -> Option<Value> {
    let position = entries.iter().position(|(name, _)| name == key)?;
    Some(entries.swap_remove(position).1)
}

fn flatten(prefix: &str, table: Table, entries: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let key = format!("{prefix}{name}");
        match value {
            Value::Table(inner) => flatten(&format!("{key}."), inner, entries),
            value => entries.push((key, value)),
        }
    }
}

pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Array(items) => items
            .iter()
            .map(Value::as_str)
            .collect::<Option<Vec<_>>>()
            .map(|items| items.join(",")),
        _ => None,
    }
}
