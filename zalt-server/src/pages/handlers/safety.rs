//! "This wasn't me", and the way back into a frozen account.

use axum::extract::Query;
use http::StatusCode;
use serde::Deserialize;
use zalt_core::Error;
use zalt_core::attempt::SignInStatus;
use zalt_core::config::SecondFactor;
use zalt_core::credential::{Credential, CredentialState};
use zalt_core::identifier::Identifier;
use zalt_core::safety::{Review, ReviewDecision};
use zalt_core::secret::LinkToken;
use zalt_core::session::Transport;
use zalt_http::cookie::CookieKind;

use super::sign_in::{current, sign_in};
use super::without_referrer;
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages;
use crate::pages::moment::moment;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{AddedItem, Page, ReviewView, SafetyStep, SafetyView};
use crate::pages::visit::Visit;

/// The secret of the link.
#[derive(Deserialize)]
pub(super) struct LinkQuery {
    #[serde(default)]
    token: String,
}

/// Reading never freezes anything: mail scanners open links too.
pub(super) async fn show_freeze(visit: Visit, Query(query): Query<LinkQuery>) -> Outcome {
    let step = match LinkToken::parse(&query.token) {
        Ok(_) => SafetyStep::Freeze { token: query.token },
        Err(_) => SafetyStep::Invalid,
    };
    page(&visit, StatusCode::OK, visit.page(), step)
}

pub(super) async fn freeze(mut posted: Posted) -> Outcome {
    let [text] = posted.fields(["token"])?;
    let visit = &posted.visit;
    let frozen = match LinkToken::parse(&text) {
        Ok(link) => visit.zalt().safety().freeze(visit.context(), &link).await,
        Err(_) => Err(Error::LinkIncorrect),
    };
    match frozen {
        Ok(()) => page(visit, StatusCode::OK, visit.page(), SafetyStep::Frozen),
        Err(error) => refuse(visit, error),
    }
}

pub(super) async fn show_recover(visit: Visit, Query(query): Query<LinkQuery>) -> Outcome {
    let step = match LinkToken::parse(&query.token) {
        Ok(_) => SafetyStep::Recover { token: query.token },
        Err(_) => SafetyStep::Invalid,
    };
    page(&visit, StatusCode::OK, visit.page(), step)
}

pub(super) async fn recover(mut posted: Posted) -> Outcome {
    let [text] = posted.fields(["token"])?;
    let visit = &posted.visit;
    let begun = match LinkToken::parse(&text) {
        Ok(link) => {
            let safety = visit.zalt().safety();
            safety
                .recover(visit.context(), &link, Transport::Cookie)
                .await
        }
        Err(_) => Err(Error::LinkIncorrect),
    };
    match begun {
        Ok(started) => {
            let path = match sign_in(&started.attempt)?.status {
                SignInStatus::NeedsNewPassword => paths::PASSWORD_NEW,
                _ => paths::RECOVERY_REVIEW,
            };
            let (token, attempt) = (&started.token, &started.attempt);
            visit.go_on_with(path, CookieKind::SignIn, token, attempt)
        }
        Err(error) => refuse(visit, error),
    }
}

pub(super) async fn show_review(visit: Visit) -> Outcome {
    let (token, _) = current(&visit).await?;
    let review = visit.zalt().safety().review(&token).await?;
    let view = list(&visit, visit.page(), &review);
    visit.show(&view)
}

pub(super) async fn finish(mut posted: Posted) -> Outcome {
    let [decision] = posted.fields(["decision"])?;
    let visit = &posted.visit;
    let (token, _) = current(visit).await?;
    let safety = visit.zalt().safety();
    let review = safety.review(&token).await?;
    let decision = match decision.as_str() {
        "remove" => ReviewDecision {
            credentials: review.credentials.iter().map(|row| row.id).collect(),
            identifiers: review.identifiers.iter().map(|row| row.id).collect(),
        },
        "keep" => ReviewDecision::default(),
        _ => return Err(Fault::BadRequest),
    };
    match safety.finish(visit.context(), &token, &decision).await {
        Ok(_) => Ok(visit.go_with(paths::SIGN_IN_PASSWORD, Flash::Recovered)),
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, &[])?;
            visit.show_as(status, &list(visit, page, &review))
        }
    }
}

fn list(visit: &Visit, page: Page, review: &Review) -> ReviewView {
    let now = visit.zalt().now();
    let credential = |row: &Credential| {
        let kind = match (&row.state, row.second_factor()) {
            (CredentialState::RecoveryCodes(_), _) => "Recovery codes",
            (_, Some(SecondFactor::Passkey)) => "Passkey",
            _ => "Authenticator app",
        };
        let name = row.name.as_ref();
        AddedItem {
            kind,
            name: name.map_or_else(|| kind.to_owned(), ToString::to_string),
            added: moment(row.created_at, now),
        }
    };
    let identifier = |row: &Identifier| AddedItem {
        kind: "Address or number",
        name: row.value.as_str().to_owned(),
        added: moment(row.created_at, now),
    };
    let credentials = review.credentials.iter().map(credential);
    let identifiers = review.identifiers.iter().map(identifier);
    ReviewView {
        page,
        added: credentials.chain(identifiers).collect(),
    }
}

fn refuse(visit: &Visit, error: Error) -> Outcome {
    let mut shown = visit.page();
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let status = match error {
        Error::LinkIncorrect => refused,
        error => messages::refuse(&mut shown, error, &[])?,
    };
    page(visit, status, shown, SafetyStep::Invalid)
}

fn page(visit: &Visit, status: StatusCode, page: Page, step: SafetyStep) -> Outcome {
    let view = SafetyView { page, step };
    Ok(without_referrer(visit.show_as(status, &view)?))
}
