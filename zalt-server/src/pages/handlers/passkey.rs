//! Signing in with a passkey. The script of the page asks for what an authenticator is to sign, and sends its answer as a form
//! like any other.

use axum::Json;
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;
use zalt_core::Error;
use zalt_core::attempt::{PendingSignIn, SignInProgress, StartedSignIn};
use zalt_core::passkey::{PasskeyRefusal, RequestOptions};
use zalt_core::session::Transport;
use zalt_http::cookie::CookieKind;

use super::sign_in::{self, current, go_on};
use crate::pages::fault::Outcome;
use crate::pages::posted::Posted;
use crate::pages::visit::Visit;

/// Asks for whichever passkey the person has. The attempt has a cookie of its own: a sign-in page that asks as it opens must
/// not end what the person does in another tab.
pub(super) async fn begin(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let (started, options) = ask(visit).await?;
    let mut response = Json(options).into_response();
    visit.keep(
        &mut response,
        CookieKind::Passkey,
        &started.token.expose(),
        started.attempt.expires_at,
    )?;
    Ok(response)
}

/// Takes the answer to that.
pub(super) async fn sign_in(mut posted: Posted) -> Outcome {
    let [response] = posted.fields(["response"])?;
    let visit = &posted.visit;
    let answer = match answer(&response) {
        Ok(answer) => answer,
        Err(error) => {
            let error = why(error, ask(visit)).await;
            return sign_in::refuse(visit, error, "").await;
        }
    };
    let token = visit.attempt_token(CookieKind::Passkey)?;
    let sign_ins = visit.zalt().sign_ins();
    match sign_ins
        .attempt_passkey(visit.context(), &token, &answer)
        .await
    {
        Ok(SignInProgress::Complete(signed_in)) => {
            visit.sign_in(signed_in, CookieKind::Passkey, None).await
        }
        Ok(progress) => {
            let expires_at = match &progress {
                SignInProgress::NeedsSecondFactor(PendingSignIn { attempt, .. })
                | SignInProgress::NeedsMfaEnrollment(PendingSignIn { attempt, .. }) => {
                    attempt.expires_at
                }
                _ => return Err(Error::AttemptStep.into()),
            };
            // From here on it is the sign-in of this browser.
            let mut response = go_on(visit, progress).await?;
            visit.clear(&mut response, CookieKind::Passkey);
            visit.keep(
                &mut response,
                CookieKind::SignIn,
                &token.expose(),
                expires_at,
            )?;
            Ok(response)
        }
        Err(error) => sign_in::refuse(visit, error, "").await,
    }
}

/// Asks for a passkey in the sign-in under way, for whichever factor is due.
pub(super) async fn options(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let (token, _) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    let (_, options) = sign_ins.prepare_passkey(visit.context(), &token).await?;
    Ok(Json(options).into_response())
}

/// Takes a passkey for the first factor, after an identifier was given.
pub(super) async fn as_first_factor(mut posted: Posted) -> Outcome {
    let [response] = posted.fields(["response"])?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    let result = match answer(&response) {
        Ok(answer) => {
            sign_ins
                .attempt_passkey(visit.context(), &token, &answer)
                .await
        }
        Err(error) => Err(why(error, sign_ins.prepare_passkey(visit.context(), &token)).await),
    };
    match result {
        Ok(progress) => go_on(visit, progress).await,
        Err(error) => sign_in::refuse_choice(visit, &attempt, error),
    }
}

async fn ask(visit: &Visit) -> Result<(StartedSignIn, RequestOptions), Error> {
    let sign_ins = visit.zalt().sign_ins();
    sign_ins
        .begin_with_passkey(visit.context(), Transport::Cookie)
        .await
}

/// What an authenticator answered.
pub(super) fn answer<T: DeserializeOwned>(response: &str) -> Result<T, Error> {
    if response.is_empty() {
        return Err(Error::PasskeyRefused(PasskeyRefusal::NoRequest));
    }
    serde_json::from_str(response).map_err(|_| Error::PasskeyRefused(PasskeyRefusal::Malformed))
}

/// Why a form came without an answer: its browser can't ask for one, or was refused what to ask for. So it is asked for once
/// more.
pub(super) async fn why<T>(error: Error, ask: impl Future<Output = Result<T, Error>>) -> Error {
    ask.await.err().unwrap_or(error)
}
