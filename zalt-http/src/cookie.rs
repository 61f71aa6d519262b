//! The cookies: their names, how they are set, and the strict reader.
//!
//! Where the base URL is https each name has the `__Host-` prefix, so that no other host and no subdomain can set or
//! overwrite the cookie. Only at a plain http base URL, which core accepts for this very machine alone, do they go without
//! the prefix and without `Secure`: not every browser takes such cookies over http, not even from localhost.

use std::time::Duration;

use http::header::{COOKIE, InvalidHeaderValue};
use http::{HeaderMap, HeaderValue};
use url::Url;

/// The cookies of one application.
#[derive(Debug, Clone, Copy)]
pub struct Cookies {
    secure: bool,
}

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieKind {
    /// The session token.
    Session,
    /// The token that binds a sign-in under way to this browser.
    SignIn,
    /// The token of a sign-in without identifier, which a sign-in page begins as it opens: apart from the others, so that
    /// opening the page ends none of them.
    Passkey,
    /// The token of somebody who is at a provider, or came back and has something to add.
    Connection,
    /// The token that binds a sign-up under way to this browser.
    SignUp,
    /// The secret that the tokens in forms are bound to.
    Form,
    /// The token by which a browser is known again, and which may stand in for a second factor.
    Device,
}

/// Why cookies are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieError {
    /// The request has more cookies than are read.
    #[error("the cookies of the request are too large")]
    TooLarge,
    /// The cookie is there twice: somebody tries to put theirs before the one we set.
    #[error("a cookie is there twice")]
    Duplicate,
    /// The value has characters or a length that none of ours has.
    #[error("a cookie is malformed")]
    Malformed,
}

/// The most bytes of `Cookie` headers that are read; the cookies of the host are among them.
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// The longest value of ours.
const MAX_VALUE_BYTES: usize = 256;

impl CookieKind {
    /// The name with its prefix.
    const fn secure_name(self) -> &'static str {
        match self {
            Self::Session => "__Host-zalt_session",
            Self::SignIn => "__Host-zalt_sign_in",
            Self::Passkey => "__Host-zalt_passkey",
            Self::Connection => "__Host-zalt_connection",
            Self::SignUp => "__Host-zalt_sign_up",
            Self::Form => "__Host-zalt_form",
            Self::Device => "__Host-zalt_device",
        }
    }

    /// The name at a plain http base URL.
    const fn plain_name(self) -> &'static str {
        match self {
            Self::Session => "zalt_session",
            Self::SignIn => "zalt_sign_in",
            Self::Passkey => "zalt_passkey",
            Self::Connection => "zalt_connection",
            Self::SignUp => "zalt_sign_up",
            Self::Form => "zalt_form",
            Self::Device => "zalt_device",
        }
    }
}

impl Cookies {
    /// The cookies of an application at `base_url`.
    pub fn new(base_url: &Url) -> Self {
        Self {
            secure: base_url.scheme() == "https",
        }
    }

    /// The name of a cookie.
    pub const fn name(&self, kind: CookieKind) -> &'static str {
        if self.secure {
            kind.secure_name()
        } else {
            kind.plain_name()
        }
    }

    /// The `Set-Cookie` that keeps `value` for `max_age`: for this host alone, out of reach of scripts, and not sent along
    /// when another site's page posts to us.
    ///
    /// # Errors
    /// [`InvalidHeaderValue`] if the value can't stand in a header; no token of ours is such.
    pub fn set(
        &self,
        kind: CookieKind,
        value: &str,
        max_age: Duration,
    ) -> Result<HeaderValue, InvalidHeaderValue> {
        let mut header = HeaderValue::try_from(self.line(kind, value, max_age.as_secs()))?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// The `Set-Cookie` that removes a cookie.
    pub fn clear(&self, kind: CookieKind) -> HeaderValue {
        HeaderValue::try_from(self.line(kind, "", 0))
            .unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// The value of a cookie.
    ///
    /// # Errors
    /// [`CookieError`] if the request's cookies can't be trusted; the request is as good as one without.
    pub fn read<'h>(
        &self,
        kind: CookieKind,
        headers: &'h HeaderMap,
    ) -> Result<Option<&'h str>, CookieError> {
        let lines = headers.get_all(COOKIE).into_iter();
        find(lines.map(HeaderValue::as_bytes), self.name(kind))
    }

    fn line(self, kind: CookieKind, value: &str, max_age: u64) -> String {
        let name = self.name(kind);
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}")
    }
}

/// Finds the cookie `name` in the lines of the `Cookie` header (RFC 6265, section 4.2; HTTP/2 may split it).
///
/// Other cookies belong to the host and may look as they like. The one we look for must be there once, with a value of 1
/// to 256 letters, digits, `_` and `-`.
///
/// # Errors
/// [`CookieError`].
pub fn find<'h>(
    lines: impl IntoIterator<Item = &'h [u8]>,
    name: &str,
) -> Result<Option<&'h str>, CookieError> {
    let mut found = None;
    let mut total = 0_usize;
    for line in lines {
        total = total.saturating_add(line.len());
        if total > MAX_HEADER_BYTES {
            return Err(CookieError::TooLarge);
        }
        for pair in line.split(|byte| *byte == b';') {
            let pair = pair.trim_ascii();
            let Some(value) = pair
                .strip_prefix(name.as_bytes())
                .and_then(|rest| rest.trim_ascii_start().strip_prefix(b"="))
            else {
                continue;
            };
            if found.is_some() {
                return Err(CookieError::Duplicate);
            }
            found = Some(token(value)?);
        }
    }
    Ok(found)
}

fn token(value: &[u8]) -> Result<&str, CookieError> {
    let is_ours = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if value.is_empty() || value.len() > MAX_VALUE_BYTES || !value.iter().all(is_ours) {
        return Err(CookieError::Malformed);
    }
    std::str::from_utf8(value).map_err(|_| CookieError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "__Host-zalt_session";

    fn find_in<'h>(lines: &[&'h str]) -> Result<Option<&'h str>, CookieError> {
        find(lines.iter().map(|line| line.as_bytes()), NAME)
    }

    #[test]
    fn ours_is_found_among_others() {
        for lines in [
            vec!["__Host-zalt_session=zst_abc-_1"],
            vec!["a=b; __Host-zalt_session=zst_abc-_1; c=\"d e\""],
            vec!["a=b;__Host-zalt_session=zst_abc-_1"],
            vec!["a=b", "__Host-zalt_session=zst_abc-_1"],
            vec!["=; ;; é=ü; __Host-zalt_session=zst_abc-_1"],
        ] {
            assert_eq!(find_in(&lines), Ok(Some("zst_abc-_1")), "{lines:?}");
        }
    }

    #[test]
    fn a_name_that_only_resembles_ours_is_not_ours() {
        for line in [
            "zalt_session=a",
            "__host-zalt_session=a",
            "x__Host-zalt_session=a",
            "__Host-zalt_session2=a",
            "a=__Host-zalt_session=b",
            "__Host-zalt_session",
            "",
        ] {
            assert_eq!(find_in(&[line]), Ok(None), "{line}");
        }
    }

    #[test]
    fn what_none_of_ours_looks_like_is_refused() {
        for line in [
            "__Host-zalt_session=",
            "__Host-zalt_session=\"a\"",
            "__Host-zalt_session=a b",
            "__Host-zalt_session=a,b",
            "__Host-zalt_session=a%20",
            "__Host-zalt_session=ä",
            "__Host-zalt_session= a",
        ] {
            assert_eq!(find_in(&[line]), Err(CookieError::Malformed), "{line}");
        }
        let long = format!("__Host-zalt_session={}", "a".repeat(257));
        assert_eq!(find_in(&[&long]), Err(CookieError::Malformed));
        let huge = format!("a={}; __Host-zalt_session=a", "a".repeat(32 * 1024));
        assert_eq!(find_in(&[&huge]), Err(CookieError::TooLarge));
    }

    #[test]
    fn two_of_ours_are_refused_wherever_they_stand() {
        for lines in [
            vec!["__Host-zalt_session=a; __Host-zalt_session=a"],
            vec!["__Host-zalt_session=a", "__Host-zalt_session=b"],
            vec!["__Host-zalt_session=a; __Host-zalt_session =b"],
        ] {
            assert_eq!(find_in(&lines), Err(CookieError::Duplicate), "{lines:?}");
        }
    }

    #[test]
    fn https_brings_the_prefix_and_secure() {
        let cookies = Cookies::new(&Url::parse("https://auth.example.com").unwrap());
        assert_eq!(
            cookies
                .set(CookieKind::Session, "zst_a", Duration::from_mins(1))
                .unwrap(),
            "__Host-zalt_session=zst_a; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            cookies.clear(CookieKind::SignIn),
            "__Host-zalt_sign_in=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
        );
        let plain = Cookies::new(&Url::parse("http://localhost:3000").unwrap());
        assert_eq!(
            plain
                .set(CookieKind::Session, "zst_a", Duration::from_mins(1))
                .unwrap(),
            "zalt_session=zst_a; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
        );
    }
}
