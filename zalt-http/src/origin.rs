//! The check that keeps other sites from sending requests in a person's name (cross-site request forgery), and from
//! signing a person in to somebody else's account (login CSRF).
//!
//! A browser says in `Origin` and `Sec-Fetch-Site` which page sent a request, and no page can change either. So every
//! unsafe request is held against the base URL, whether or not it carries a cookie:
//!
//! | `Authorization: Bearer` | `Origin` | `Sec-Fetch-Site` | passes |
//! |---|---|---|---|
//! | yes | any | any | yes: no page can send it across origins without our consent (CORS) |
//! | no | an allowed one | any | yes |
//! | no | the base URL's | `same-origin`, `none` or missing | yes |
//! | no | `null` | `same-origin` | yes: a page of ours whose referrer policy is `no-referrer` |
//! | no | `null` | anything else | no |
//! | no | any other, or several | any | no |
//! | no | missing | `same-origin`, `none` | yes |
//! | no | missing | `same-site`, `cross-site`, unknown | no: a subdomain is another party |
//! | no | missing | missing | without cookies, or with a JSON body |
//!
//! The last line is a program, or a browser too old to say where it comes from. Without a cookie the request has nothing
//! that a page could abuse. With one, it has to be `application/json`: a form, the one thing such a browser lets any
//! page post across origins with cookies, can't send that.

use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN, UPGRADE};
use http::{HeaderMap, HeaderName, Method};
use url::Url;

use crate::body::is_json;

/// An origin beside the base URL whose pages may call the API: exact, so that `https://evil-example.com` or
/// `https://example.com.evil.test` never passes for `https://example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigin(String);

/// Text that is not an origin such as `https://app.example.com`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an origin such as https://app.example.com: no path, no wildcard, no trailing slash"
)]
pub struct OriginError {
    text: String,
}

impl AllowedOrigin {
    /// Reads an origin as browsers write it: scheme, host and, where it is not the scheme's own, port.
    ///
    /// # Errors
    /// [`OriginError`]; `null` and wildcards are none.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let refused = || OriginError {
            text: text.to_owned(),
        };
        let url = Url::parse(text).map_err(|_| refused())?;
        let host = url.host_str().ok_or_else(refused)?;
        // Browsers have no opaque origin for schemes of native shells (`capacitor://localhost`), `url` does.
        let origin = if url.origin().is_tuple() {
            url.origin().ascii_serialization()
        } else {
            let port = url.port().map(|port| format!(":{port}"));
            format!("{}://{host}{}", url.scheme(), port.unwrap_or_default())
        };
        if origin == text && !host.contains('*') {
            Ok(Self(origin))
        } else {
            Err(refused())
        }
    }

    /// The origin.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The origins whose pages may send requests.
#[derive(Debug)]
pub(crate) struct Origins {
    own: String,
    allowed: Vec<AllowedOrigin>,
}

impl Origins {
    pub(crate) fn new(base_url: &Url, allowed: Vec<AllowedOrigin>) -> Self {
        Self {
            own: base_url.origin().ascii_serialization(),
            allowed,
        }
    }

    /// Whether pages of this origin get CORS headers.
    pub(crate) fn is_allowed(&self, origin: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.0 == origin)
    }

    /// Whether any origin gets CORS headers.
    pub(crate) fn any_allowed(&self) -> bool {
        !self.allowed.is_empty()
    }

    /// Whether another site may have sent the request. The table of the module says when.
    pub(crate) fn is_cross_origin(&self, method: &Method, headers: &HeaderMap) -> bool {
        if is_safe(method, headers) || has_bearer(headers) {
            return false;
        }
        let (Ok(origin), Ok(site)) = (single(headers, &ORIGIN), single(headers, &SEC_FETCH_SITE))
        else {
            return true;
        };
        let from_here = matches!(site, Some("same-origin" | "none"));
        match origin {
            Some("null") => site != Some("same-origin"),
            Some(origin) if self.is_allowed(origin) => false,
            Some(origin) => origin != self.own || !(from_here || site.is_none()),
            None if site.is_some() => !from_here,
            None => headers.contains_key(COOKIE) && !headers.get(CONTENT_TYPE).is_some_and(is_json),
        }
    }
}

/// Whether a script set the header. `Basic` does not count: a browser sends that of its own accord, across sites too.
fn has_bearer(headers: &HeaderMap) -> bool {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().get(..7))
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
}

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Safe methods change nothing. An upgrade does not count as safe: a page of another site may open a web socket with the
/// person's cookies.
fn is_safe(method: &Method, headers: &HeaderMap) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
        && !headers.contains_key(UPGRADE)
}

/// The one value of a header; several of them, or other than text, are nothing that a browser sends.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        (Some(_), Some(_)) => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn origins() -> Origins {
        let allowed = AllowedOrigin::parse("https://app.example.com").unwrap();
        Origins::new(
            &Url::parse("https://auth.example.com").unwrap(),
            vec![allowed],
        )
    }

    fn passes(method: &Method, headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        !origins().is_cross_origin(method, &map)
    }

    #[test]
    fn the_table_of_the_module_holds() {
        const OWN: &str = "https://auth.example.com";
        const JSON: (&str, &str) = ("content-type", "application/json");
        const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
        const COOKIES: (&str, &str) = ("cookie", "a=b");
        for (headers, expected) in [
            (
                vec![
                    ("authorization", "Bearer x"),
                    ("origin", "https://evil.test"),
                ],
                true,
            ),
            (
                vec![
                    ("authorization", "Basic x"),
                    ("origin", "https://evil.test"),
                ],
                false,
            ),
            (
                vec![
                    ("origin", "https://app.example.com"),
                    ("sec-fetch-site", "same-site"),
                ],
                true,
            ),
            (
                vec![("origin", OWN), ("sec-fetch-site", "same-origin")],
                true,
            ),
            (vec![("origin", OWN), ("sec-fetch-site", "none")], true),
            (vec![("origin", OWN)], true),
            (
                vec![("origin", OWN), ("sec-fetch-site", "cross-site")],
                false,
            ),
            (
                vec![("origin", OWN), ("sec-fetch-site", "same-site")],
                false,
            ),
            (
                vec![("origin", "null"), ("sec-fetch-site", "same-origin")],
                true,
            ),
            (
                vec![("origin", "null"), ("sec-fetch-site", "cross-site")],
                false,
            ),
            (vec![("origin", "null"), ("sec-fetch-site", "none")], false),
            (vec![("origin", "null")], false),
            (vec![("origin", "null"), JSON], false),
            (vec![("origin", "https://evil.test")], false),
            (vec![("origin", "https://evil-auth.example.com")], false),
            (
                vec![("origin", "https://auth.example.com.evil.test")],
                false,
            ),
            (vec![("origin", "http://auth.example.com")], false),
            (vec![("origin", "https://auth.example.com:8443")], false),
            (vec![("origin", "https://AUTH.example.com")], false),
            (
                vec![
                    ("origin", "https://evil.test"),
                    ("sec-fetch-site", "same-origin"),
                ],
                false,
            ),
            (vec![("origin", OWN), ("origin", OWN)], false),
            (
                vec![
                    ("origin", OWN),
                    ("sec-fetch-site", "same-origin"),
                    ("sec-fetch-site", "same-origin"),
                ],
                false,
            ),
            (vec![("origin", "")], false),
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("sec-fetch-site", "none")], true),
            (vec![("sec-fetch-site", "same-site")], false),
            (vec![("sec-fetch-site", "cross-site"), JSON], false),
            (vec![("sec-fetch-site", "new-value")], false),
            (vec![], true),
            (vec![FORM], true),
            (vec![COOKIES], false),
            (vec![COOKIES, FORM], false),
            (vec![COOKIES, ("content-type", "text/plain")], false),
            (vec![COOKIES, JSON], true),
        ] {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(passes(&method, &headers), expected, "{method} {headers:?}");
            }
        }
    }

    #[test]
    fn reading_is_free_for_all_but_an_upgrade_is_not_reading() {
        let evil = ("origin", "https://evil.test");
        assert!(passes(&Method::GET, &[evil]));
        assert!(!passes(&Method::GET, &[evil, ("upgrade", "websocket")]));
        assert!(!passes(&Method::TRACE, &[evil]));
    }

    #[test]
    fn an_allowed_origin_is_written_as_browsers_write_it() {
        for text in [
            "https://app.example.com",
            "http://localhost:5173",
            "capacitor://localhost",
            "https://[::1]:8443",
        ] {
            assert_eq!(AllowedOrigin::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "https://app.example.com/",
            "https://app.example.com:443",
            "https://*.example.com",
            "https://App.example.com",
            "app.example.com",
            "null",
            "*",
            "",
        ] {
            assert!(AllowedOrigin::parse(text).is_err(), "{text}");
        }
    }
}
