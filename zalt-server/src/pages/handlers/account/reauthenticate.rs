//! Proving again who is there, before an important change.

use zalt_core::Error;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy, StartedSignIn};
use zalt_core::password::Password;
use zalt_core::session::Transport;
use zalt_http::cookie::CookieKind;

use crate::pages::fault::Outcome;
use crate::pages::flash::Flash;
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{Page, ReauthenticateView};
use crate::pages::visit::{SignedInVisitor, Visit, go};

const FIELDS: FieldNames = &[("password", "password")];

pub(super) async fn show(visit: Visit) -> Outcome {
    let visitor = visit.visitor().await?;
    let view = form(&visitor, visitor.page(&visit));
    visit.show(&view)
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
        Ok(token) => {
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
        Err(error) => {
            let mut page = visitor.page(visit);
            let status = messages::refuse(&mut page, error, FIELDS)?;
            visit.show_as(status, &form(&visitor, page))
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
            let mut response = go(&visit.path(paths::SIGN_IN_CODE));
            visit.keep_attempt(
                &mut response,
                CookieKind::SignIn,
                &started.token,
                &started.attempt,
            )?;
            Ok(response)
        }
        Err(error) => {
            let mut page = visitor.page(visit);
            let status = messages::refuse(&mut page, error, &[])?;
            visit.show_as(status, &form(&visitor, page))
        }
    }
}

async fn begin(visit: &Visit, visitor: &SignedInVisitor) -> Result<StartedSignIn, Error> {
    let sign_ins = visit.zalt().sign_ins();
    let started = sign_ins
        .create(visit.context(), visitor.email(), Transport::Cookie)
        .await?;
    let (purpose, strategy) = (ChallengePurpose::SignIn, ChallengeStrategy::EmailCode);
    sign_ins
        .prepare(visit.context(), &started.token, purpose, strategy)
        .await?;
    Ok(started)
}

fn form(visitor: &SignedInVisitor, page: Page) -> ReauthenticateView {
    ReauthenticateView {
        page,
        identifier: visitor.email().to_owned(),
        has_password: visitor.account.password.is_some(),
    }
}
