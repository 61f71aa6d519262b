//! Proving again who is there, before an important change.

use axum::Json;
use axum::extract::Query;
use axum::response::IntoResponse;
use zalt_core::Error;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy, StartedSignIn};
use zalt_core::password::Password;
use zalt_core::secret::SessionToken;
use zalt_core::session::Transport;
use zalt_http::cookie::CookieKind;

use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::handlers::passkey;
use crate::pages::handlers::second_factor::{self, SecondFactorPage, UseQuery, Ways};
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{Page, ReauthenticateView, SecondFactorView, SecondStep};
use crate::pages::visit::{SignedInVisitor, Visit};

const FIELDS: FieldNames = &[("password", "password")];
const BEFORE_A_CHANGE: SecondFactorPage = SecondFactorPage {
    path: paths::ACCOUNT_REAUTHENTICATE,
    action: paths::ACCOUNT_REAUTHENTICATE_SECOND_FACTOR,
    options: paths::ACCOUNT_REAUTHENTICATE_PASSKEY_OPTIONS,
    send: paths::ACCOUNT_REAUTHENTICATE_SECOND_FACTOR_SEND,
    is_signed_in: true,
};

pub(super) async fn show(visit: Visit, Query(query): Query<UseQuery>) -> Outcome {
    let visitor = visit.visitor_even_limited().await?;
    if visit.zalt().has_second_factor(&visitor.account) {
        let page = visitor.page(&visit);
        let view = second_form(&visit, &visitor, page, query.step(), query.challenge);
        return visit.show(&view);
    }
    let view = form(&visit, &visitor, visitor.page(&visit));
    visit.show(&view)
}

/// Whoever has set up a second factor proves that one.
pub(super) async fn by_second_factor(mut posted: Posted) -> Outcome {
    let [strategy, code, response, challenge] =
        posted.fields(["strategy", "code", "response", "challenge"])?;
    let step = SecondStep::parse(&strategy).ok_or(Fault::BadRequest)?;
    let visit = &posted.visit;
    let visitor = visit.visitor_even_limited().await?;
    let (context, authenticated) = (visit.context(), &visitor.authenticated);
    let sessions = visit.zalt().sessions();
    let result = match second_factor::proof(step, &code, &response) {
        Ok(proof) if step.sent().is_some() => {
            let id = challenge.parse().map_err(|_| Error::AttemptNotFound)?;
            sessions
                .step_up_by_message(context, authenticated, id, &proof)
                .await
        }
        Ok(proof) => sessions.step_up(context, authenticated, &proof).await,
        Err(error) => {
            let ask = sessions.prepare_passkey(context, authenticated);
            Err(passkey::why(error, ask).await)
        }
    };
    match result {
        Ok(token) => proved(visit, &visitor, token.as_ref()),
        Err(error) => {
            let mut page = visitor.page(visit);
            let status = second_factor::refuse(&mut page, step, error)?;
            let challenge = (!challenge.is_empty()).then(|| challenge.to_string());
            let view = second_form(visit, &visitor, page, Some(step), challenge);
            visit.show_as(status, &view)
        }
    }
}

/// Sends the code of a way that has one.
pub(super) async fn send_second_factor(mut posted: Posted) -> Outcome {
    let [strategy, again] = posted.fields(["strategy", "again"])?;
    let (step, factor) = second_factor::sent_way(&strategy)?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let sessions = visit.zalt().sessions();
    match sessions
        .prepare_step_up(visit.context(), &visitor.authenticated, factor)
        .await
    {
        Ok(sent) => {
            let path = BEFORE_A_CHANGE.path_to(visit, step);
            let path = format!("{path}&challenge={}", sent.id);
            Ok(second_factor::is_sent(visit, &path, &again))
        }
        Err(error) => {
            let mut page = visitor.page(visit);
            let status = messages::refuse(&mut page, error, &[])?;
            let view = second_form(visit, &visitor, page, Some(step), None);
            visit.show_as(status, &view)
        }
    }
}

/// What a passkey is asked for with.
pub(super) async fn passkey_options(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let authenticated = visit.auth().authenticated_even_limited().await?;
    let sessions = visit.zalt().sessions();
    let options = sessions
        .prepare_passkey(visit.context(), &authenticated)
        .await?;
    Ok(Json(options).into_response())
}

fn second_form(
    visit: &Visit,
    visitor: &SignedInVisitor,
    page: Page,
    wanted: Option<SecondStep>,
    challenge: Option<String>,
) -> SecondFactorView {
    let session = visitor.authenticated.session();
    let kinds = visit.zalt().step_up_kinds(session, &visitor.account);
    let ways = Ways::of(visitor.account.clone(), &kinds).with_challenge(wanted, challenge);
    BEFORE_A_CHANGE.view(visit, page, &ways, wanted)
}

fn proved(visit: &Visit, visitor: &SignedInVisitor, token: Option<&SessionToken>) -> Outcome {
    let mut response = visit.go_with(&visit.destination(), Flash::Reauthenticated);
    visit.keep_session(&mut response, &visitor.authenticated, token)?;
    Ok(response)
}

pub(super) async fn by_password(mut posted: Posted) -> Outcome {
    let [password, _] = posted.fields(["password", "identifier"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor_even_limited().await?;
    let result = match Password::parse(&password) {
        Ok(password) => {
            let sessions = visit.zalt().sessions();
            sessions
                .reauthenticate(visit.context(), &visitor.authenticated, password)
                .await
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(token) => proved(visit, &visitor, token.as_ref()),
        Err(error) => {
            let mut page = visitor.page(visit);
            let status = messages::refuse(&mut page, error, FIELDS)?;
            visit.show_as(status, &form(visit, &visitor, page))
        }
    }
}

/// Begins a sign-in by code; its session takes the place of this one.
pub(super) async fn send_code(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let visitor = visit.visitor_even_limited().await?;
    match begin(visit, &visitor).await {
        Ok(started) => {
            let path = match by_mail(visit) {
                ChallengeStrategy::EmailLink => paths::SIGN_IN_LINK_SENT,
                _ => paths::SIGN_IN_CODE,
            };
            let (token, attempt) = (&started.token, &started.attempt);
            visit.go_on_with(&visit.path(path), CookieKind::SignIn, token, attempt)
        }
        Err(error) => {
            let mut page = visitor.page(visit);
            let status = messages::refuse(&mut page, error, &[])?;
            visit.show_as(status, &form(visit, &visitor, page))
        }
    }
}

async fn begin(visit: &Visit, visitor: &SignedInVisitor) -> Result<StartedSignIn, Error> {
    let sign_ins = visit.zalt().sign_ins();
    let started = sign_ins
        .create(visit.context(), visitor.email(), Transport::Cookie)
        .await?;
    let (purpose, strategy) = (ChallengePurpose::SignIn, by_mail(visit));
    sign_ins
        .prepare(visit.context(), &started.token, purpose, strategy)
        .await?;
    Ok(started)
}

/// What is mailed to somebody who has no password.
fn by_mail(visit: &Visit) -> ChallengeStrategy {
    if visit.zalt().config().first_factors.email_code {
        ChallengeStrategy::EmailCode
    } else {
        ChallengeStrategy::EmailLink
    }
}

fn form(visit: &Visit, visitor: &SignedInVisitor, page: Page) -> ReauthenticateView {
    let passwords = visit.zalt().config().first_factors.password;
    ReauthenticateView {
        page,
        identifier: visitor.email().to_owned(),
        has_password: passwords && visitor.account.password.is_some(),
        by_link: by_mail(visit) == ChallengeStrategy::EmailLink,
    }
}
