//! Where the way through a provider led, as a reply.

use axum::Json as Reply;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use url::form_urlencoded;
use utoipa::ToSchema;
use zalt_core::attempt::{ConnectionProgress, PendingSignIn, SignInProgress, Started};
use zalt_core::secret::AttemptToken;
use zalt_core::session::SignedIn;
use zalt_core::{Error, Timestamp};

use crate::api::attempt::{begun, view};
use crate::api::call::Call;
use crate::api::sign_in::go_on;
use crate::api::signed_in::{complete, session_cookies};
use crate::cookie::CookieKind;
use crate::problem::ApiError;
use crate::view::{ExternalAccountView, SignInView, SignUpView};

/// What the page has to know that a browser is led to.
pub(super) enum Came {
    /// There is a session, or the account was linked.
    Complete,
    /// There is something still to be done.
    Pending {
        attempt: String,
        status: &'static str,
    },
    /// Nobody came in.
    Failed {
        code: &'static str,
        connection: String,
        request_id: String,
    },
}

impl Came {
    /// What came, and the cookies that go with it. `shown` is the token that the browser showed.
    pub(super) async fn of(
        call: &Call,
        progress: ConnectionProgress,
        shown: Option<&AttemptToken>,
    ) -> Result<(Self, Vec<HeaderValue>), ApiError> {
        let over = call.clear(CookieKind::Connection);
        let of = |PendingSignIn { attempt, token }: PendingSignIn| Started { attempt, token };
        let (started, kind, status) = match progress {
            ConnectionProgress::SignIn(SignInProgress::Complete(signed_in))
            | ConnectionProgress::SignedUp(signed_in) => {
                let mut cookies = session_cookies(call, &signed_in).await?;
                cookies.push(over);
                return Ok((Self::Complete, cookies));
            }
            ConnectionProgress::Linked(_) => return Ok((Self::Complete, vec![over])),
            ConnectionProgress::SignIn(SignInProgress::NeedsSecondFactor(pending)) => {
                (of(pending), CookieKind::SignIn, "needs_second_factor")
            }
            ConnectionProgress::SignIn(SignInProgress::NeedsMfaEnrollment(pending)) => {
                (of(pending), CookieKind::SignIn, "needs_mfa_enrollment")
            }
            ConnectionProgress::SignIn(SignInProgress::NeedsNewPassword(attempt)) => {
                let token = None;
                (
                    Started { attempt, token },
                    CookieKind::SignIn,
                    "needs_new_password",
                )
            }
            ConnectionProgress::ProveAccount(started) => {
                (started, CookieKind::SignIn, "needs_first_factor")
            }
            ConnectionProgress::VerifyAddress(started) => {
                (started, CookieKind::SignUp, "missing_requirements")
            }
            ConnectionProgress::NeedsEmailAddress(started) => {
                (started, CookieKind::Connection, "needs_email_address")
            }
        };
        let mut cookies = Vec::new();
        if kind != CookieKind::Connection {
            cookies.push(over);
        }
        // The attempt goes on as another kind, and so does its token.
        if let Some(token) = started.token.as_ref().or(shown) {
            let until = started.attempt.expires_at;
            cookies.push(call.http.cookie_until(kind, &token.expose(), until)?);
        }
        let attempt = started.attempt.id.to_string();
        Ok((Self::Pending { attempt, status }, cookies))
    }

    /// The parameters that say it.
    pub(super) fn parameters(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Complete => Vec::new(),
            Self::Pending { attempt, status } => vec![("status", status), ("attempt", attempt)],
            Self::Failed {
                code,
                connection,
                request_id,
            } => vec![
                ("error", code),
                ("connection", connection),
                ("request_id", request_id),
            ],
        }
    }

    /// A page with what it has to know in its query.
    pub(super) fn at(&self, page: &str, return_to: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.parameters());
        if let Some(return_to) = return_to {
            query.append_pair("return_to", return_to);
        }
        let query = query.finish();
        let (page, fragment) = page.split_once('#').unwrap_or((page, ""));
        let joint = if page.contains('?') { '&' } else { '?' };
        let fragment = if fragment.is_empty() {
            String::new()
        } else {
            format!("#{fragment}")
        };
        format!("{page}{joint}{query}{fragment}")
    }
}

/// Somebody whose provider told no address.
#[derive(Serialize, ToSchema)]
pub(crate) struct NeedsEmailAddress {
    #[schema(example = "att_01h455vb4pex5vsknk084sn02q")]
    id: String,
    #[schema(example = "needs_email_address")]
    status: &'static str,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:00:00Z")]
    expires_at: Timestamp,
}

/// The same for an app or a script: a session, or the attempt that goes on.
pub(super) async fn reply(call: &Call, progress: ConnectionProgress) -> Result<Response, ApiError> {
    match progress {
        ConnectionProgress::SignIn(progress) => go_on(call, progress).await,
        ConnectionProgress::SignedUp(signed_in) => signed_up(call, signed_in).await,
        ConnectionProgress::ProveAccount(started) => {
            let view = SignInView::of(call.zalt(), &started.attempt);
            attempt(call, &started, CookieKind::SignIn, view)
        }
        ConnectionProgress::VerifyAddress(started) => verify(call, &started),
        ConnectionProgress::NeedsEmailAddress(started) => {
            let view = NeedsEmailAddress {
                id: started.attempt.id.to_string(),
                status: "needs_email_address",
                expires_at: started.attempt.expires_at,
            };
            attempt(call, &started, CookieKind::Connection, Some(view))
        }
        ConnectionProgress::Linked(credential) => {
            let view = ExternalAccountView::of(&credential);
            let view = view.ok_or(Error::Internal("an external account has no view"))?;
            Ok(Reply(view).into_response())
        }
    }
}

/// An address that has to be verified by a code first.
pub(super) fn verify(call: &Call, started: &Started) -> Result<Response, ApiError> {
    let view = SignUpView::of(&started.attempt);
    attempt(call, started, CookieKind::SignUp, view)
}

async fn signed_up(call: &Call, signed_in: SignedIn) -> Result<Response, ApiError> {
    complete(call, signed_in, Some(CookieKind::Connection)).await
}

fn attempt<V: Serialize>(
    call: &Call,
    started: &Started,
    kind: CookieKind,
    body: Option<V>,
) -> Result<Response, ApiError> {
    match &started.token {
        Some(token) => begun(call, StatusCode::OK, kind, &started.attempt, token, body),
        None => Ok(view(body)?.into_response()),
    }
}
