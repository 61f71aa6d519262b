use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use zalt_core::session::Assurance;
use zalt_core::{Error, ErrorCode};

/// An error as a problem document (RFC 9457).
///
/// `code` is the stable name, `type` the same as a URN. `detail` is for people who read logs, in English; what it says of a
/// failure on the server's side is that there was one.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `urn:zalt:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "urn:zalt:problem:code_incorrect")]
    type_: String,
    /// The code in words.
    #[schema(example = "Code incorrect")]
    title: String,
    /// The status of the reply.
    #[serde(serialize_with = "serialize_status")]
    #[schema(value_type = u16, example = 422)]
    status: StatusCode,
    /// The stable name of the error.
    #[serde(serialize_with = "serialize_code")]
    #[schema(value_type = String, example = "code_incorrect")]
    code: ErrorCode,
    /// What went wrong, in English.
    #[schema(value_type = String, example = "the code is wrong or no longer valid")]
    detail: Cow<'static, str>,
    /// The field of the request that is meant, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "code")]
    field: Option<Cow<'static, str>>,
    /// The id under which the server's log has the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "5b0c1f3a9e7d42c8a6f1e0b3d4c5a697")]
    request_id: Option<Arc<str>>,
    /// After how many seconds the same request may succeed, where that is known. With status 503 it says that nothing was done;
    /// without it, a request that changes something may have been done, and whoever sent it has to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 30)]
    retry_after: Option<u64>,
    /// How recent an authentication the operation asks for, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 600)]
    max_age: Option<u64>,
    /// By how many factors the operation wants it proved who is signed in: `one_factor`, `two_factors` or `phishing_resistant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "two_factors")]
    assurance: Option<Assurance>,
}

/// The status of an error: the one place that says so.
///
/// 401 means that nobody is signed in and signing in helps. A wrong password or code is 422: for somebody who is signed in
/// and mistypes the current password, a 401 would say that the session is over.
pub const fn status_of(code: ErrorCode) -> StatusCode {
    use ErrorCode as C;
    match code {
        C::MalformedBody => StatusCode::BAD_REQUEST,
        C::Unauthenticated | C::SessionOver | C::RefreshTokenInvalid => StatusCode::UNAUTHORIZED,
        C::CrossOrigin
        | C::SignUpClosed
        | C::AccountSuspended
        | C::AccountFrozen
        | C::RecoveryHeld
        | C::SecondFactorRequired
        | C::MfaEnrollmentRequired
        | C::FactorNotAllowed
        | C::ReauthenticationRequired => StatusCode::FORBIDDEN,
        C::NotFound | C::AttemptNotFound | C::ConnectionNotFound => StatusCode::NOT_FOUND,
        C::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        C::AttemptStep
        | C::UsernameTaken
        | C::EmailAddressTaken
        | C::PhoneNumberTaken
        | C::TooManyIdentifiers
        | C::LastIdentifier
        | C::IdentifierNotVerified
        | C::TooManyCredentials
        | C::LastSecondFactor
        | C::LastWayIn
        | C::ConnectionStateMismatch
        | C::ExternalAccountTaken
        | C::ProviderTokenMissing
        | C::ConnectionKeyTaken
        | C::TooManyConnections
        | C::Conflict => StatusCode::CONFLICT,
        C::AttemptExhausted => StatusCode::GONE,
        C::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        C::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        C::InvalidField
        | C::MissingField
        | C::UnknownField
        | C::PasswordTooShort
        | C::PasswordTooLong
        | C::PasswordCommon
        | C::PasswordContext
        | C::CredentialsIncorrect
        | C::CodeIncorrect
        | C::PasskeyRefused
        | C::PasskeyRequestOver
        | C::PhoneNumberNotAllowed
        | C::ConnectionRefused
        | C::ConnectionAnswerInvalid
        | C::ReturnAddressNotAllowed
        | C::ConnectionSettingsInvalid
        | C::LinkIncorrect => StatusCode::UNPROCESSABLE_ENTITY,
        C::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        C::ConnectionUnavailable => StatusCode::BAD_GATEWAY,
        C::Overloaded | C::Unavailable | C::ProviderTokenBusy => StatusCode::SERVICE_UNAVAILABLE,
        // A code that core got and this table did not is a defect, which a test over all codes finds.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Problem {
    /// The problem of a code.
    pub fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            type_: format!("urn:zalt:problem:{}", code.as_str()),
            title: in_words(code),
            status: status_of(code),
            code,
            detail: detail.into(),
            field: None,
            request_id: None,
            retry_after: None,
            max_age: None,
            assurance: None,
        }
    }

    /// The problem that an error of core is. A failure of the server is not told from another one.
    pub fn of(error: &Error) -> Self {
        let code = error.code();
        let detail = match code {
            ErrorCode::Internal => "the server failed; its log has the request id".into(),
            ErrorCode::Unavailable => "the server can't do this for the moment".into(),
            _ => Cow::Owned(error.to_string()),
        };
        let mut problem = Self::new(code, detail);
        problem.field = error.field().map(Cow::Borrowed);
        problem.retry_after = error.retry_after().map(whole_seconds);
        if let Error::ReauthenticationRequired { max_age, assurance } = error {
            problem.max_age = Some(max_age.as_secs());
            problem.assurance = Some(*assurance);
        }
        if matches!(error, Error::MfaEnrollmentRequired) {
            problem.assurance = Some(Assurance::TwoFactors);
        }
        problem
    }

    /// The same problem with the field that is meant.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same problem with the id of its request.
    #[must_use]
    pub fn with_request_id(mut self, request_id: Option<&Arc<str>>) -> Self {
        self.request_id = request_id.cloned();
        self
    }

    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable name of the error.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The field that is meant, where one is.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The reply, for frameworks that don't have axum's body.
    pub fn to_response(&self) -> http::Response<Bytes> {
        let body = serde_json::to_vec(self).unwrap_or_default();
        let mut response = http::Response::new(Bytes::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 11.6.1: every 401 names a way to authenticate.
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.to_response().map(Body::from)
    }
}

/// An error on its way out of an endpoint. The service turns it into a [`Problem`] with the request's id, and logs what
/// must not be shown.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) problem: Box<Problem>,
    pub(crate) cause: Option<Arc<Error>>,
    /// What the reply's `WWW-Authenticate` says, where it is more than `Bearer`.
    pub(crate) challenge: Option<HeaderValue>,
}

impl ApiError {
    pub(crate) fn new(code: ErrorCode, detail: &'static str) -> Self {
        Problem::new(code, detail).into()
    }

    /// What failed once everything that was asked for had been done. Its reader is not told to ask again: `Retry-After` means
    /// that nothing was done.
    pub(crate) fn once_done(error: Error) -> Self {
        let mut failed = Self::from(error);
        failed.problem.retry_after = None;
        failed
    }

    /// The same error, about another field than the one that core calls it by.
    pub(crate) fn at(mut self, field: &'static str) -> Self {
        self.problem.field = Some(field.into());
        self
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            cause: None,
            challenge: None,
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let problem = Problem::of(&error);
        let cause = problem.status.is_server_error().then(|| Arc::new(error));
        Self {
            problem: Box::new(problem),
            cause,
            challenge: None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.problem.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Whole seconds, rounded up: whoever comes back after them is not too early.
fn whole_seconds(duration: Duration) -> u64 {
    let partial = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(partial).max(1)
}

fn in_words(code: ErrorCode) -> String {
    let mut words = code.as_str().replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn serialize_status<S: serde::Serializer>(
    status: &StatusCode,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn serialize_code<S: serde::Serializer>(
    code: &ErrorCode,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_of_its_own_choosing() {
        for code in ErrorCode::ALL {
            let expected = *code == ErrorCode::Internal;
            let is_fallback = status_of(*code) == StatusCode::INTERNAL_SERVER_ERROR;
            assert_eq!(is_fallback, expected, "{}", code.as_str());
        }
    }

    #[test]
    fn a_wait_is_whole_seconds_in_the_header_and_the_body() {
        let error = Error::RateLimited {
            retry_after: Some(Duration::from_millis(1_200)),
        };
        let response = Problem::of(&error).to_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["retry_after"], 2);
        assert_eq!(body["type"], "urn:zalt:problem:rate_limited");
        assert_eq!(body["title"], "Rate limited");
    }

    #[test]
    fn what_failed_inside_is_not_shown() {
        let problem = Problem::of(&Error::Internal("the hashing pool failed"));
        let text = serde_json::to_string(&problem).unwrap();
        assert!(!text.contains("hashing"), "{text}");
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
