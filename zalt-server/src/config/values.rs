use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::key::Key;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(String),
    Variable(String),
    File { key: String, file: PathBuf },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Variable(name) => f.write_str(name),
            Self::File { key, file } => write!(f, "{key} in {}", file.display()),
        }
    }
}

/// A value as text, before it is checked.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) text: Zeroizing<String>,
    pub(super) origin: Origin,
}

/// Every value that was given, the one with precedence for each setting.
#[derive(Default)]
pub(super) struct Values(HashMap<Key, Given>);

impl Values {
    pub(super) fn set(&mut self, key: Key, given: Given) {
        self.0.insert(key, given);
    }

    pub(super) fn get(&self, key: Key) -> Option<&Given> {
        self.0.get(&key)
    }

    pub(super) fn has(&self, key: Key) -> bool {
        self.0.contains_key(&key)
    }

    /// Lays values that have precedence over these.
    pub(super) fn overlaid(mut self, above: Self) -> Self {
        self.0.extend(above.0);
        self
    }
}
