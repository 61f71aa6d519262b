//! The reply of a step of a sign-in.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use serde::Serialize;
use utoipa::ToSchema;
use zalt_core::attempt::{PendingSignIn, SignInProgress};

use crate::api::attempt::{Begun, begun, view};
use crate::api::call::Call;
use crate::api::signed_in::{Complete, complete};
use crate::cookie::CookieKind;
use crate::problem::ApiError;
use crate::view::SignInView;

/// Where a factor led.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only described: each arm is a reply of its own")]
pub(crate) enum FactorPassed {
    Complete(Box<Complete>),
    NeedsMore(SignInView),
}

/// Where a sign-up ended.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only described: each arm is a reply of its own")]
pub(in crate::api) enum SignedUp {
    Complete(Box<Complete>),
    /// The user is made, and the attempt is a sign-in from here on: set up a second factor.
    NeedsMore(Begun<SignInView>),
}

/// Hands over the session that a sign-up led to, or the sign-in that it goes on as.
pub(in crate::api) async fn arrive(
    call: &Call,
    progress: SignInProgress,
) -> Result<Response, ApiError> {
    let SignInProgress::NeedsMfaEnrollment(PendingSignIn {
        attempt,
        token: Some(token),
    }) = progress
    else {
        let signed_in = progress.into_session()?;
        return complete(call, signed_in, Some(CookieKind::SignUp)).await;
    };
    let view = SignInView::of(call.zalt(), &attempt);
    let (status, kind) = (StatusCode::OK, CookieKind::SignIn);
    let mut response = begun(call, status, kind, &attempt, &token, view)?;
    if response.headers().contains_key(SET_COOKIE) {
        let over = call.clear(CookieKind::SignUp);
        response.headers_mut().append(SET_COOKIE, over);
    }
    Ok(response)
}

/// Hands the session over, or says what is still to be done.
pub(crate) async fn go_on(call: &Call, progress: SignInProgress) -> Result<Response, ApiError> {
    match progress {
        SignInProgress::Complete(signed_in) => {
            complete(call, signed_in, Some(CookieKind::SignIn)).await
        }
        SignInProgress::NeedsNewPassword(attempt)
        | SignInProgress::NeedsSecondFactor(PendingSignIn {
            attempt,
            token: None,
        })
        | SignInProgress::NeedsMfaEnrollment(PendingSignIn {
            attempt,
            token: None,
        }) => Ok(view(SignInView::of(call.zalt(), &attempt))?.into_response()),
        SignInProgress::NeedsSecondFactor(PendingSignIn {
            attempt,
            token: Some(token),
        })
        | SignInProgress::NeedsMfaEnrollment(PendingSignIn {
            attempt,
            token: Some(token),
        }) => {
            let view = SignInView::of(call.zalt(), &attempt);
            let (status, kind) = (StatusCode::CREATED, CookieKind::SignIn);
            begun(call, status, kind, &attempt, &token, view)
        }
    }
}
