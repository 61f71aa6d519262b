//! A forgotten password: a code or link, then a new one.

use axum::extract::Query;
use http::StatusCode;
use zalt_core::Error;
use zalt_core::attempt::{
    Attempt, ChallengePurpose, ChallengeStrategy, Proof, SignInStatus, StartedSignIn,
};
use zalt_core::password::Password;
use zalt_core::secret::{AttemptToken, LinkToken};
use zalt_core::session::Transport;
use zalt_http::cookie::CookieKind;

use super::RESEND_WAIT_SECONDS;
use super::sign_in::{current, go_on, sign_in};
use super::sign_up::LinkQuery;
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{
    CodeView, ForgottenPasswordView, LinkConfirmView, LinkState, NewPasswordView, Page,
    PasswordDoneView, Purpose,
};
use crate::pages::visit::{Visit, go};

const FIELDS: FieldNames = &[("identifier", "identifier")];
const CODE_FIELDS: FieldNames = &[("code", "code")];
const NEW_FIELDS: FieldNames = &[("password", "new_password")];

pub(super) async fn show(visit: Visit) -> Outcome {
    // Whoever comes from a sign-in has typed it already.
    let identifier = match current(&visit).await {
        Ok((_, attempt)) => sign_in(&attempt)?.identifier.to_string(),
        Err(_) => String::new(),
    };
    let view = ForgottenPasswordView {
        page: visit.page(),
        identifier,
    };
    visit.show(&view)
}

pub(super) async fn begin(mut posted: Posted) -> Outcome {
    let [identifier] = posted.fields(["identifier"])?;
    let visit = &posted.visit;
    match start(visit, &identifier).await {
        Ok(started) => {
            let mut response = go(&visit.path(paths::PASSWORD_CODE));
            visit.keep_attempt(
                &mut response,
                CookieKind::SignIn,
                &started.token,
                &started.attempt,
            )?;
            Ok(response)
        }
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, FIELDS)?;
            let view = ForgottenPasswordView {
                page,
                identifier: identifier.to_string(),
            };
            visit.show_as(status, &view)
        }
    }
}

pub(super) async fn show_code(visit: Visit) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    let view = code(visit.page(), &attempt)?;
    visit.show(&view)
}

pub(super) async fn by_code(mut posted: Posted) -> Outcome {
    let [typed] = posted.fields(["code"])?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    let proof = Proof::code(&typed);
    match visit
        .zalt()
        .sign_ins()
        .attempt_proof(visit.context(), &token, &proof)
        .await
    {
        Ok(progress) => go_on(visit, progress).await,
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, CODE_FIELDS)?;
            visit.show_as(status, &code(page, &attempt)?)
        }
    }
}

pub(super) async fn resend(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    match send(visit, &token).await {
        Ok(_) => Ok(visit.go_with(&visit.path(paths::PASSWORD_CODE), Flash::MessageSent)),
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, &[])?;
            visit.show_as(status, &code(page, &attempt)?)
        }
    }
}

pub(super) async fn show_link(visit: Visit, Query(query): Query<LinkQuery>) -> Outcome {
    let state = match LinkToken::parse(&query.token) {
        Ok(_) => LinkState::Confirm {
            token: query.token,
            email: None,
        },
        Err(_) => LinkState::Invalid,
    };
    link_page(&visit, visit.page(), StatusCode::OK, state)
}

/// Takes up the reset in this browser, wherever it was asked for.
pub(super) async fn follow_link(mut posted: Posted) -> Outcome {
    let [text] = posted.fields(["token"])?;
    let visit = &posted.visit;
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let Ok(link) = LinkToken::parse(&text) else {
        return link_page(visit, visit.page(), refused, LinkState::Invalid);
    };
    match visit
        .zalt()
        .sign_ins()
        .claim_reset_link(visit.context(), link, Transport::Cookie)
        .await
    {
        Ok(started) => {
            let mut response = go(paths::PASSWORD_NEW);
            visit.keep_attempt(
                &mut response,
                CookieKind::SignIn,
                &started.token,
                &started.attempt,
            )?;
            Ok(response)
        }
        Err(Error::LinkIncorrect | Error::AttemptNotFound | Error::AttemptStep) => {
            link_page(visit, visit.page(), refused, LinkState::Invalid)
        }
        Err(error) => {
            let mut page = visit.page();
            messages::refuse(&mut page, error, &[])?;
            link_page(visit, page, refused, LinkState::Invalid)
        }
    }
}

pub(super) async fn show_new(visit: Visit) -> Outcome {
    let (_, attempt) = proved(&visit).await?;
    let view = new_password(&visit, visit.page(), &attempt, true)?;
    visit.show(&view)
}

pub(super) async fn set(mut posted: Posted) -> Outcome {
    let [password, sign_out_others, _] =
        posted.fields(["new_password", "sign_out_others", "identifier"])?;
    let visit = &posted.visit;
    let everywhere = *sign_out_others == "true";
    let (token, attempt) = proved(visit).await?;
    let result = match Password::parse(&password) {
        Ok(password) => {
            let sign_ins = visit.zalt().sign_ins();
            sign_ins
                .reset_password(visit.context(), &token, password, everywhere)
                .await
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(_) => {
            let flash = if everywhere {
                Flash::PasswordResetEverywhere
            } else {
                Flash::PasswordReset
            };
            // The attempt stays: on it the owner has tries of the new password that strangers can't use up.
            Ok(visit.go_with(paths::PASSWORD_DONE, flash))
        }
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, NEW_FIELDS)?;
            visit.show_as(status, &new_password(visit, page, &attempt, everywhere)?)
        }
    }
}

pub(super) async fn show_done(visit: Visit) -> Outcome {
    let mut page = visit.page();
    // The page says it in its own words.
    page.alert = None;
    let sign_in = match current(&visit).await {
        Ok(_) => paths::SIGN_IN_PASSWORD,
        Err(_) => paths::SIGN_IN,
    };
    let view = PasswordDoneView {
        page,
        sign_in,
        signed_out_others: visit.flash() == Some(Flash::PasswordResetEverywhere),
    };
    visit.show(&view)
}

async fn start(visit: &Visit, identifier: &str) -> Result<StartedSignIn, Error> {
    let sign_ins = visit.zalt().sign_ins();
    let started = sign_ins
        .create(visit.context(), identifier, Transport::Cookie)
        .await?;
    send(visit, &started.token).await?;
    Ok(started)
}

/// Sends a message that holds both: the code for this browser, and the link for any.
async fn send(visit: &Visit, token: &AttemptToken) -> Result<Attempt, Error> {
    let (purpose, strategy) = (
        ChallengePurpose::ResetPassword,
        ChallengeStrategy::EmailLink,
    );
    let sign_ins = visit.zalt().sign_ins();
    sign_ins
        .prepare(visit.context(), token, purpose, strategy)
        .await
}

/// The reset of this browser, once the code or link was right.
async fn proved(visit: &Visit) -> Result<(AttemptToken, Attempt), Fault> {
    let (token, attempt) = current(visit).await?;
    if sign_in(&attempt)?.status == SignInStatus::NeedsNewPassword {
        Ok((token, attempt))
    } else {
        Err(Error::AttemptStep.into())
    }
}

fn code(page: Page, attempt: &Attempt) -> Result<CodeView, Fault> {
    Ok(CodeView {
        page,
        purpose: Purpose::PasswordReset,
        email: sign_in(attempt)?.identifier.to_string(),
        attempt_id: None,
        email_id: None,
        resend_wait_seconds: RESEND_WAIT_SECONDS,
    })
}

fn new_password(
    visit: &Visit,
    page: Page,
    attempt: &Attempt,
    sign_out_others: bool,
) -> Result<NewPasswordView, Fault> {
    Ok(NewPasswordView {
        page,
        identifier: sign_in(attempt)?.identifier.to_string(),
        min_password_length: visit.pages.min_password_length(),
        sign_out_others,
    })
}

fn link_page(visit: &Visit, page: Page, status: StatusCode, state: LinkState) -> Outcome {
    let view = LinkConfirmView {
        page,
        purpose: Purpose::PasswordReset,
        state,
    };
    Ok(super::without_referrer(visit.show_as(status, &view)?))
}
