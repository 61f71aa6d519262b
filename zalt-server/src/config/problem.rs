use std::fmt;
use std::path::PathBuf;

use super::key::Key;
use super::values::Origin;

/// Everything that is wrong with a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigError(pub(crate) Vec<Problem>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration can't be used:")?;
        for problem in &self.0 {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// One thing that is wrong, and what to do about it. No variant holds the value of a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("{name} is no variable of Zalt{}", hint(suggestion.as_deref()))]
    UnknownVariable {
        name: String,
        suggestion: Option<String>,
    },
    #[error("{key} in {} is no setting of Zalt{}", file.display(), hint(suggestion.as_deref()))]
    UnknownKey {
        key: String,
        file: PathBuf,
        suggestion: Option<String>,
    },
    #[error("{name} is not valid UTF-8")]
    NotText { name: String },
    #[error("{} can't be read: {reason}", file.display())]
    File { file: PathBuf, reason: String },
    #[error("{} is not TOML: {reason}", file.display())]
    NotToml { file: PathBuf, reason: String },
    #[error("{origin}: {reason}")]
    Value { origin: Origin, reason: String },
    #[error("{origin} can't be used together with {other}: set one of the two")]
    Both { origin: Origin, other: Origin },
    #[error("{origin} needs {} as well", other.env())]
    Needs { origin: Origin, other: Key },
    #[error("{origin} has no effect: {reason}")]
    NoEffect {
        origin: Origin,
        reason: &'static str,
    },
    #[error("[connections.{key}]: {reason}")]
    Connection { key: String, reason: String },
    #[error("[theme]: {0}")]
    Theme(String),
    #[error("{}: production needs it: {advice}", key.env())]
    Production { key: Key, advice: &'static str },
    #[error(
        "{origin}: {base_url} is for others to reach, which development is not meant for: remove it or set ZALT_ENV=production"
    )]
    DevelopmentForOthers { origin: Origin, base_url: String },
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(
        || ": remove it (`zalt-server --help` lists all)".to_owned(),
        |name| format!(": did you mean {name}?"),
    )
}

/// The known name that is closest to a mistyped one, if one is close.
pub(super) fn closest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    known
        .map(|known| (distance(name, &known), known))
        .filter(|(distance, known)| *distance <= known.len().div_ceil(4).min(4))
        .min()
        .map(|(_, known)| known)
}

/// The least number of single-character edits between two names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in (1..).zip(a.chars()) {
        let mut diagonal = i - 1;
        let mut left = i;
        let mut next = vec![i];
        for (above, to) in row.iter().skip(1).zip(&b) {
            let substituted = diagonal + usize::from(from != *to);
            left = substituted.min(above + 1).min(left + 1);
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{closest, distance};

    #[test]
    fn a_typo_finds_its_name_and_a_stranger_does_not() {
        let known = || ["ZALT_LISTEN", "ZALT_ENV"].map(str::to_owned).into_iter();
        assert_eq!(
            closest("ZALT_LISTN", known()).as_deref(),
            Some("ZALT_LISTEN")
        );
        assert_eq!(closest("ZALT_PORT_NUMBER", known()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
