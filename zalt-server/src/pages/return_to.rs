//! Where a person wants to go after signing in.

use std::fmt;

/// A path on this server, safe to redirect to.
///
/// It comes from the query or a form, so anybody may have written it. Only what every browser reads as a path below this
/// origin passes: `//evil.example`, `/\evil.example`, control characters that browsers drop, and their encoded forms are
/// refused rather than cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReturnTo(String);

const MAX_BYTES: usize = 512;

impl ReturnTo {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let safe_path = path.starts_with('/')
            && !path.contains("//")
            && path
                .split('/')
                .all(|segment| !matches!(segment, "." | ".."))
            && is_plain(path);
        (text.len() <= MAX_BYTES && safe_path && is_plain(query)).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Only characters that stand for themselves in a path or query, and encoded ones that stand for nothing else.
fn is_plain(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~/=&+,:@!$*()".contains(&byte);
        let encoded = byte == b'%' && {
            let high = bytes.next().and_then(hex);
            let low = bytes.next().and_then(hex);
            match (high, low) {
                (Some(high), Some(low)) => stands_for_itself(high * 16 + low),
                _ => false,
            }
        };
        if !plain && !encoded {
            return false;
        }
    }
    true
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Not a slash, a dot or another percent sign, with which somebody hides what the path really is.
fn stands_for_itself(byte: u8) -> bool {
    byte >= 0x20 && byte != 0x7f && !b"/\\.%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::ReturnTo;

    #[test]
    fn paths_of_ours_pass() {
        for text in [
            "/",
            "/account",
            "/account/emails",
            "/account/activity?after=abc-_1",
            "/search?q=caf%C3%A9+au%20lait&page=2",
        ] {
            assert_eq!(ReturnTo::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn nothing_that_could_lead_elsewhere_passes() {
        for text in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/%2f/evil.example",
            "/%2F%2Fevil.example",
            "/%5cevil.example",
            "/%09/evil.example",
            "/%252f/evil.example",
            "/./%2e%2e//evil.example",
            "/.//evil.example",
            "/a/../..//evil.example",
            "/%2e%2e/evil",
            "https://evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/account#fragment",
            "/account<script>",
            "/\u{ff0f}evil.example",
            " /account",
            "/%",
            "/%4",
            "/%zz",
            "/a?next=\r\nset-cookie:x",
        ] {
            assert_eq!(ReturnTo::parse(text), None, "{text:?}");
        }
        assert_eq!(ReturnTo::parse(&format!("/{}", "a".repeat(512))), None);
    }
}
