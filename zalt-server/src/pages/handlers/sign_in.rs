//! Signing in: the identifier, then a password, a code or a link; and signing out.

use axum::extract::Query;
use http::StatusCode;
use zalt_core::Error;
use zalt_core::attempt::{
    Attempt, AttemptState, ChallengePurpose, ChallengeStrategy, Proof, SignIn, SignInProgress,
    SignInStatus,
};
use zalt_core::password::Password;
use zalt_core::secret::{AttemptToken, LinkToken};
use zalt_core::session::Transport;
use zalt_http::AuthRejectionReason;
use zalt_http::cookie::CookieKind;

use super::sign_up::LinkQuery;
use super::{RESEND_WAIT_SECONDS, second_factor};
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::state::Pages;
use crate::pages::views::{
    CodeView, LinkConfirmView, LinkSentView, LinkState, Page, Purpose, SignInPasswordView,
    SignInView,
};
use crate::pages::visit::{Visit, go};

const FIELDS: FieldNames = &[("identifier", "identifier")];
const PASSWORD_FIELDS: FieldNames = &[("password", "password")];
const CODE_FIELDS: FieldNames = &[("code", "code")];

pub(super) async fn show(visit: Visit) -> Outcome {
    if visit.is_signed_in().await {
        return Ok(go(&visit.destination()));
    }
    let view = SignInView {
        page: visit.page(),
        identifier: String::new(),
    };
    visit.show(&view)
}

pub(super) async fn begin(mut posted: Posted) -> Outcome {
    let [identifier] = posted.fields(["identifier"])?;
    let visit = &posted.visit;
    let sign_ins = visit.zalt().sign_ins();
    match sign_ins
        .create(visit.context(), &identifier, Transport::Cookie)
        .await
    {
        Ok(started) => {
            let mut response = go(&visit.path(paths::SIGN_IN_PASSWORD));
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
            let view = SignInView {
                page,
                identifier: identifier.to_string(),
            };
            visit.show_as(status, &view)
        }
    }
}

pub(super) async fn show_password(visit: Visit) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    let view = choices(visit.page(), sign_in(&attempt)?);
    visit.show(&view)
}

pub(super) async fn by_password(mut posted: Posted) -> Outcome {
    // The identifier is there for password managers; the attempt decides.
    let [password, _] = posted.fields(["password", "identifier"])?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    let result = match Password::parse(&password) {
        Ok(password) => {
            let sign_ins = visit.zalt().sign_ins();
            sign_ins
                .attempt_password(visit.context(), &token, password)
                .await
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(progress) => go_on(visit, progress).await,
        Err(error) => refuse_choice(visit, &attempt, error),
    }
}

pub(super) async fn choose(mut posted: Posted) -> Outcome {
    let [strategy] = posted.fields(["strategy"])?;
    let visit = &posted.visit;
    let (strategy, path) = match strategy.as_str() {
        "email_code" => (ChallengeStrategy::EmailCode, paths::SIGN_IN_CODE),
        "email_link" => (ChallengeStrategy::EmailLink, paths::SIGN_IN_LINK_SENT),
        _ => return Err(Fault::BadRequest),
    };
    let (token, attempt) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    let purpose = ChallengePurpose::SignIn;
    match sign_ins
        .prepare(visit.context(), &token, purpose, strategy)
        .await
    {
        Ok(_) => Ok(go(&visit.path(path))),
        Err(error) => refuse_choice(visit, &attempt, error),
    }
}

pub(super) async fn show_code(visit: Visit) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    let view = code(visit.page(), sign_in(&attempt)?);
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
            visit.show_as(status, &code(page, sign_in(&attempt)?))
        }
    }
}

pub(super) async fn show_link_sent(visit: Visit) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    let view = LinkSentView {
        page: visit.page(),
        purpose: Purpose::SignIn,
        email: sign_in(&attempt)?.identifier.to_string(),
        resend_wait_seconds: RESEND_WAIT_SECONDS,
    };
    visit.show(&view)
}

pub(super) async fn resend(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    let state = sign_in(&attempt)?;
    let strategy = state
        .challenge
        .as_ref()
        .map(|challenge| challenge.strategy)
        .unwrap_or_default();
    let path = match strategy {
        ChallengeStrategy::EmailLink => paths::SIGN_IN_LINK_SENT,
        _ => paths::SIGN_IN_CODE,
    };
    let sign_ins = visit.zalt().sign_ins();
    let purpose = ChallengePurpose::SignIn;
    match sign_ins
        .prepare(visit.context(), &token, purpose, strategy)
        .await
    {
        Ok(_) => Ok(visit.go_with(&visit.path(path), Flash::MessageSent)),
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, &[])?;
            visit.show_as(status, &code(page, state))
        }
    }
}

pub(super) async fn show_link(visit: Visit, Query(query): Query<LinkQuery>) -> Outcome {
    let state = match LinkToken::parse(&query.token) {
        Ok(link) => match of_link(&visit, &link).await {
            Some(attempt) => LinkState::Confirm {
                token: query.token,
                email: Some(sign_in(&attempt)?.identifier.to_string()),
            },
            None => LinkState::OtherBrowser,
        },
        Err(_) => LinkState::Invalid,
    };
    link_page(&visit, visit.page(), StatusCode::OK, state)
}

pub(super) async fn follow_link(mut posted: Posted) -> Outcome {
    let [text] = posted.fields(["token"])?;
    let visit = &posted.visit;
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let (Ok(link), Ok(proof)) = (LinkToken::parse(&text), Proof::link(&text)) else {
        return link_page(visit, visit.page(), refused, LinkState::Invalid);
    };
    if of_link(visit, &link).await.is_none() {
        return link_page(visit, visit.page(), refused, LinkState::OtherBrowser);
    }
    let token = visit.attempt_token(CookieKind::SignIn)?;
    match visit
        .zalt()
        .sign_ins()
        .attempt_proof(visit.context(), &token, &proof)
        .await
    {
        Ok(progress) => go_on(visit, progress).await,
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

pub(super) async fn sign_out(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    match visit.auth().authenticated().await {
        Ok(authenticated) => {
            let sessions = visit.zalt().sessions();
            sessions
                .sign_out(visit.context(), authenticated.session())
                .await?;
        }
        // Whoever holds a cookie that leads nowhere wants to be rid of it.
        Err(rejection)
            if matches!(
                rejection.reason(),
                AuthRejectionReason::Missing
                    | AuthRejectionReason::Invalid
                    | AuthRejectionReason::SessionOver
            ) => {}
        Err(rejection) => return Err(rejection.into()),
    }
    let mut response = visit.go_with(paths::SIGN_IN, Flash::SignedOut);
    visit.forget_session(&mut response);
    Ok(response)
}

/// Leads on from a proof that was right.
pub(super) async fn go_on(visit: &Visit, progress: SignInProgress) -> Outcome {
    match progress {
        SignInProgress::Complete(signed_in) => {
            visit.sign_in(signed_in, CookieKind::SignIn, None).await
        }
        SignInProgress::NeedsSecondFactor(_) => {
            Ok(second_factor::lead_on(visit, paths::SIGN_IN_SECOND_FACTOR))
        }
        SignInProgress::NeedsMfaEnrollment(_) => {
            Ok(second_factor::lead_on(visit, paths::SIGN_IN_SET_UP))
        }
        SignInProgress::NeedsNewPassword(_) => Ok(go(paths::PASSWORD_NEW)),
    }
}

/// The sign-in under way in this browser.
pub(super) async fn current(visit: &Visit) -> Result<(AttemptToken, Attempt), Fault> {
    let token = visit.attempt_token(CookieKind::SignIn)?;
    let attempt = visit.zalt().sign_ins().find(&token).await?;
    if sign_in(&attempt)?.status == SignInStatus::Complete {
        return Err(Error::AttemptStep.into());
    }
    Ok((token, attempt))
}

pub(super) fn sign_in(attempt: &Attempt) -> Result<&SignIn, Fault> {
    match &attempt.state {
        AttemptState::SignIn(state) => Ok(state),
        _ => Err(Error::AttemptNotFound.into()),
    }
}

/// The sign-in under way, if the link is one of it.
async fn of_link(visit: &Visit, link: &LinkToken) -> Option<Attempt> {
    let (token, attempt) = current(visit).await.ok()?;
    (token.id() == link.id()).then_some(attempt)
}

fn choices(page: Page, state: &SignIn) -> SignInPasswordView {
    SignInPasswordView {
        page,
        identifier: state.identifier.to_string(),
        strategies: Pages::sign_in_strategies(),
    }
}

fn refuse_choice(visit: &Visit, attempt: &Attempt, error: Error) -> Outcome {
    let mut page = visit.page();
    let status = messages::refuse(&mut page, error, PASSWORD_FIELDS)?;
    visit.show_as(status, &choices(page, sign_in(attempt)?))
}

fn code(page: Page, state: &SignIn) -> CodeView {
    CodeView {
        page,
        purpose: Purpose::SignIn,
        email: state.identifier.to_string(),
        attempt_id: None,
        email_id: None,
        resend_wait_seconds: RESEND_WAIT_SECONDS,
    }
}

fn link_page(visit: &Visit, page: Page, status: StatusCode, state: LinkState) -> Outcome {
    let view = LinkConfirmView {
        page,
        purpose: Purpose::SignIn,
        state,
    };
    Ok(super::without_referrer(visit.show_as(status, &view)?))
}
