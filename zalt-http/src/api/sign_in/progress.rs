//! The reply of a step of a sign-in.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use zalt_core::attempt::{PendingSignIn, SignInProgress};

use crate::api::attempt::{begun, view};
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

/// Hands the session over, or says what is still to be done.
pub(super) async fn go_on(call: &Call, progress: SignInProgress) -> Result<Response, ApiError> {
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
