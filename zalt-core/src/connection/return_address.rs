use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Connections;
use crate::error::Error;

/// Where somebody goes once they are through: a page of the application, or an address that it has on its list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReturnAddress(String);

impl ReturnAddress {
    /// The address: one of the list, or a path on the application's own origin that begins with one `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const MAX_BYTES: usize = 2048;

impl Connections<'_> {
    /// Reads where somebody wants to be afterwards.
    ///
    /// A path on the application's own origin is always right. Anything else has to stand, from the first character to the
    /// last, on the list of [`return_addresses`](crate::Config::return_addresses): no prefix, no other query, no other host.
    ///
    /// # Errors
    /// [`Error::ReturnAddressNotAllowed`].
    pub fn return_address(&self, text: &str) -> Result<ReturnAddress, Error> {
        let config = self.zalt.config();
        let listed = || config.return_addresses.iter().any(|listed| listed == text);
        if text.len() <= MAX_BYTES && (is_own_path(text) || listed()) {
            Ok(ReturnAddress(text.to_owned()))
        } else {
            Err(Error::ReturnAddressNotAllowed)
        }
    }
}

/// A path that no browser takes for another origin: `//evil.example`, `/\evil.example` and what hides behind tabs and line
/// breaks, which browsers drop, are none.
fn is_own_path(text: &str) -> bool {
    let mut rest = match text.strip_prefix('/') {
        Some(rest) => rest.chars(),
        None => return false,
    };
    !matches!(rest.next(), Some('/' | '\\'))
        && text
            .chars()
            .all(|c| !c.is_control() && c != '\\' && !c.is_whitespace())
}

/// Whether an address may be on the list: absolute, spelt as it is sent, and nothing that a browser would run.
pub(crate) fn may_be_listed(text: &str) -> bool {
    const NEVER: &[&str] = &[
        "javascript",
        "data",
        "vbscript",
        "file",
        "blob",
        "about",
        "filesystem",
        "view-source",
    ];
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let is_web = matches!(url.scheme(), "https" | "http");
    let is_safe = match url.scheme() {
        "https" => url.has_host(),
        // Plain http only where nobody can listen.
        "http" => matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
        scheme => !NEVER.contains(&scheme),
    };
    let own_spelling = url.as_str() == text || is_web && url.as_str() == format!("{text}/");
    is_safe
        && own_spelling
        && text.len() <= MAX_BYTES
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_origin_is_one() {
        for text in ["/", "/account", "/a?next=//b", "/a/../b#c"] {
            assert!(is_own_path(text), "{text}");
        }
        for text in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " /account",
            "https://evil.example",
            "javascript:alert(1)",
        ] {
            assert!(!is_own_path(text), "{text:?}");
        }
    }

    #[test]
    fn nothing_that_a_browser_runs_can_be_listed() {
        for text in [
            "https://app.example.com/done",
            "https://app.example.com",
            "com.example.app:/done",
            "myapp://done",
            "http://localhost:3000/done",
        ] {
            assert!(may_be_listed(text), "{text}");
        }
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "http://app.example.com/done",
            "https://user@app.example.com/done",
            "https://app.example.com/done#x",
            "HTTPS://app.example.com/done",
            "/done",
            "",
        ] {
            assert!(!may_be_listed(text), "{text}");
        }
    }
}
