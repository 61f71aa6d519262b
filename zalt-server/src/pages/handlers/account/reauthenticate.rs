//! Proving again who is there, before an important change.

use axum::extract::Query;
use zalt_core::Error;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy, SecondFactorProof, StartedSignIn};
use zalt_core::password::Password;
use zalt_core::secret::SessionToken;
use zalt_core::session::Transport;
use zalt_http::cookie::CookieKind;

use crate::pages::fault::Outcome;
use crate::pages::flash::Flash;
use crate::pages::handlers::second_factor::{self, UseQuery};
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{Page, ReauthenticateView, SecondFactorView};
use crate::pages::visit::{SignedInVisitor, Visit};

const FIELDS: FieldNames = &[("password", "password")];

pub(super) async fn show(visit: Visit, Query(query): Query<UseQuery>) -> Outcome {
    let visitor = visit.visitor().await?;
    if visit.zalt().has_second_factor(&visitor.account) {
        let page = visitor.page(&visit);
        return visit.show(&second_form(&visit, page, query.by_recovery_code()));
    }
    let view = form(&visit, &visitor, visitor.page(&visit));
    visit.show(&view)
}

/// Whoever has set up a second factor proves that one.
pub(super) async fn by_second_factor(mut posted: Posted) -> Outcome {
    let [strategy, code] = posted.fields(["strategy", "code"])?;
    let proof = second_factor::proof(&strategy, &code)?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let sessions = visit.zalt().sessions();
    match sessions
        .step_up(visit.context(), &visitor.authenticated, &proof)
        .await
    {
        Ok(token) => proved(visit, &visitor, token),
        Err(error) => {
            let mut page = visitor.page(visit);
            let status = second_factor::refuse(&mut page, error)?;
            let by_recovery_code = matches!(proof, SecondFactorProof::RecoveryCode(_));
            visit.show_as(status, &second_form(visit, page, by_recovery_code))
        }
    }
}

fn second_form(visit: &Visit, page: Page, by_recovery_code: bool) -> SecondFactorView {
    let path = visit.path(paths::ACCOUNT_REAUTHENTICATE);
    SecondFactorView {
        page,
        action: paths::ACCOUNT_REAUTHENTICATE_SECOND_FACTOR,
        other: second_factor::other(&path, by_recovery_code),
        by_recovery_code,
    }
}

fn proved(visit: &Visit, visitor: &SignedInVisitor, token: Option<SessionToken>) -> Outcome {
    let mut response = visit.go_with(&visit.destination(), Flash::Reauthenticated);
    if let Some(token) = token {
        let session = visitor.authenticated.session();
        visit.keep(
            &mut response,
            CookieKind::Session,
            &token.expose(),
            session.expires_at,
        )?;
    }
    Ok(response)
}

pub(super) async fn by_password(mut posted: Posted) -> Outcome {
    let [password, _] = posted.fields(["password", "identifier"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
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
        Ok(token) => proved(visit, &visitor, token),
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
    let visitor = visit.visitor().await?;
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
