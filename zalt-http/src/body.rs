//! Reading what a request brings: JSON bodies, ids in paths, pages of lists. Each refusal is a typed problem.

use std::borrow::Cow;
use std::str::FromStr;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zalt_core::store::{PageLimit, PageRequest};
use zalt_core::{Error, ErrorCode};

use crate::http_zalt::ZaltHttp;
use crate::problem::{ApiError, Problem};

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body, or none, which is the default.
pub(crate) struct OptionalJson<T>(pub(crate) T);

/// The body of an operation that takes no fields: absent or `{}`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFields {}

impl<T: DeserializeOwned> FromRequest<ZaltHttp> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, http: &ZaltHttp) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        require_json(&parts)?;
        parse(&read(body, http).await?).map(Self)
    }
}

impl<T: DeserializeOwned + Default> FromRequest<ZaltHttp> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, http: &ZaltHttp) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, http).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        require_json(&parts)?;
        parse(&bytes).map(Self)
    }
}

/// Whether a `Content-Type` is JSON in UTF-8, the only encoding it has (RFC 8259, section 8.1).
pub(crate) fn is_json(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else {
        return false;
    };
    let mut parts = text.split(';').map(str::trim);
    parts
        .next()
        .is_some_and(|media| media.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| {
            parameter.eq_ignore_ascii_case("charset=utf-8")
                || parameter.eq_ignore_ascii_case("charset=\"utf-8\"")
        })
}

fn require_json(parts: &Parts) -> Result<(), ApiError> {
    let mut types = parts.headers.get_all(CONTENT_TYPE).iter();
    let json = types.next().is_some_and(is_json) && types.next().is_none();
    if json && !parts.headers.contains_key(CONTENT_ENCODING) {
        Ok(())
    } else {
        Err(ApiError::new(
            ErrorCode::UnsupportedMediaType,
            "send the body as application/json, without a content encoding",
        ))
    }
}

async fn read(body: Body, http: &ZaltHttp) -> Result<Bytes, ApiError> {
    let limit = http.config().max_body_bytes;
    let too_large = || {
        ApiError::new(
            ErrorCode::BodyTooLarge,
            "the body is longer than this server takes",
        )
    };
    // A length that was announced is refused before anything of it is read.
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(ApiError::new(
            ErrorCode::MalformedBody,
            "the body ended before its end",
        )),
    }
}

/// The bytes of a form, up to the longest body.
pub(crate) async fn read_form(body: Body, http: &ZaltHttp) -> Result<Bytes, ApiError> {
    read(body, http).await
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // A struct would also read itself from a list of its fields.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::new(
            ErrorCode::MalformedBody,
            "the body is not a JSON object",
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| refusal(&error))?;
    json.end().map_err(|_| malformed())?;
    Ok(value)
}

fn malformed() -> ApiError {
    ApiError::new(
        ErrorCode::MalformedBody,
        "the body is not valid JSON, or nested too deeply",
    )
}

/// What is wrong with a body. The parser's message is looked at and never passed on: it quotes values, and a value may be
/// a password.
fn refusal(error: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    if !error.inner().is_data() {
        return malformed();
    }
    let message = error.inner().to_string();
    let named = |start: &str| {
        let rest = message.strip_prefix(start)?;
        let (name, _) = rest.split_once('`')?;
        field_name(name)
    };
    let problem = if message.starts_with("unknown field `") {
        let problem = Problem::new(ErrorCode::UnknownField, "the operation has no such field");
        with_field(problem, named("unknown field `"))
    } else if message.starts_with("missing field `") {
        let problem = Problem::new(ErrorCode::MissingField, "a field is missing");
        with_field(problem, named("missing field `"))
    } else if message.starts_with("duplicate field `") {
        let problem = Problem::new(ErrorCode::MalformedBody, "a field is there twice");
        with_field(problem, named("duplicate field `"))
    } else {
        let problem = Problem::new(
            ErrorCode::InvalidField,
            "a field has a value of the wrong type, or none of those it can have",
        );
        with_field(problem, field_name(&error.path().to_string()))
    };
    problem.into()
}

fn with_field(problem: Problem, field: Option<String>) -> Problem {
    match field {
        Some(field) => problem.with_field(field),
        None => problem,
    }
}

/// A name that may be echoed: one that could be a field.
fn field_name(text: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    (!text.is_empty() && text.len() <= 64 && text.chars().all(plain) && text != ".")
        .then(|| text.to_owned())
}

/// An id in the path. Text that is no id of the kind names nothing.
pub(crate) struct PathId<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for PathId<T>
where
    T: FromStr + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::NotFound)?;
        let id = text.parse().map_err(|_| Error::NotFound)?;
        Ok(Self(id))
    }
}

/// Which part of a list is wanted: `?after=<next_cursor>&limit=<1 to 100>`.
pub(crate) struct PageQuery(pub(crate) PageRequest);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageParameters {
    after: Option<String>,
    limit: Option<u32>,
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(PageParameters { after, limit }) = Query::from_request_parts(parts, state)
            .await
            .map_err(|_| {
                Problem::new(
                    ErrorCode::InvalidField,
                    "a list takes `after`, the next_cursor of the page before, and `limit`, 1 to 100",
                )
            })?;
        let after = match after {
            Some(text) => Some(text.parse().map_err(Error::Cursor)?),
            None => None,
        };
        let limit = limit.map_or_else(PageLimit::default, PageLimit::clamped);
        Ok(Self(PageRequest { after, limit }))
    }
}

/// A field that has to be there for the strategy that was chosen.
pub(crate) fn require<T>(value: Option<T>, field: &'static str) -> Result<T, ApiError> {
    value.ok_or_else(|| {
        Problem::new(ErrorCode::MissingField, Cow::from("a field is missing"))
            .with_field(field)
            .into()
    })
}

/// A field that may be left alone (absent), removed (`null`) or set.
#[expect(
    clippy::option_option,
    reason = "absent, null and a value are three things in a patch"
)]
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Fields {
        name: String,
        #[serde(default)]
        count: u32,
    }

    fn refused(body: &[u8]) -> (&'static str, Option<String>) {
        let error = parse::<Fields>(body).unwrap_err();
        let field = error.problem.field().map(str::to_owned);
        (error.problem.code().as_str(), field)
    }

    #[test]
    fn each_fault_has_its_code_and_field() {
        let field = |name: &str| Some(name.to_owned());
        for (body, expected) in [
            ("{", ("malformed_body", None)),
            ("", ("malformed_body", None)),
            ("[\"a\"]", ("malformed_body", None)),
            ("\"a\"", ("malformed_body", None)),
            ("{\"name\":\"a\"} x", ("malformed_body", None)),
            ("{\"name\":\"a\",}", ("malformed_body", None)),
            ("{}", ("missing_field", field("name"))),
            ("{\"name\":\"a\",\"x\":1}", ("unknown_field", field("x"))),
            ("{\"name\":\"a\",\"<b>\":1}", ("unknown_field", None)),
            (
                "{\"name\":\"a\",\"name\":\"b\"}",
                ("malformed_body", field("name")),
            ),
            ("{\"name\":1}", ("invalid_field", field("name"))),
            (
                "{\"name\":\"a\",\"count\":-1}",
                ("invalid_field", field("count")),
            ),
        ] {
            assert_eq!(refused(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(refused(b"{\"name\":\"\xff\"}").0, "malformed_body");
        let deep = format!("{{\"name\":{}", "[".repeat(100_000));
        assert_eq!(refused(deep.as_bytes()).0, "invalid_field");
        let deep = format!("{{\"name\":\"a\",\"x\":{}", "[".repeat(100_000));
        assert_eq!(refused(deep.as_bytes()).0, "unknown_field");
    }

    #[test]
    fn json_is_json_in_utf_8() {
        let is = |text: &str| is_json(&HeaderValue::from_str(text).unwrap());
        assert!(is("application/json"));
        assert!(is("Application/JSON; charset=UTF-8"));
        for text in [
            "text/plain",
            "application/json; charset=latin1",
            "application/jsonp",
            "text/plain; application/json",
            "application/json, text/plain",
            "",
        ] {
            assert!(!is(text), "{text}");
        }
    }
}
