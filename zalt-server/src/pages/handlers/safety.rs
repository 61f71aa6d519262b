//! "This wasn't me", and the way back into a frozen account.

use std::collections::HashSet;

use axum::extract::Query;
use http::StatusCode;
use serde::Deserialize;
use zalt_core::Error;
use zalt_core::attempt::SignInStatus;
use zalt_core::config::SecondFactor;
use zalt_core::credential::{Credential, CredentialState};
use zalt_core::id::{CredentialId, IdentifierId};
use zalt_core::identifier::{Identifier, IdentifierKind};
use zalt_core::safety::{Review, ReviewDecision};
use zalt_core::secret::LinkToken;
use zalt_core::session::Transport;
use zalt_http::cookie::CookieKind;

use super::sign_in::{current, sign_in};
use super::without_referrer;
use crate::pages::fault::Outcome;
use crate::pages::flash::Flash;
use crate::pages::messages;
use crate::pages::moment::moment;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{AddedItem, Page, ReviewView, SafetyStep, SafetyView, wait};
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
    let view = list(&visit, visit.page(), &review, &Kept::default());
    visit.show(&view)
}

pub(super) async fn finish(mut posted: Posted) -> Outcome {
    let kept = Kept {
        credentials: posted.ticked(KEEP_CREDENTIAL)?,
        identifiers: posted.ticked(KEEP_IDENTIFIER)?,
    };
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let (token, _) = current(visit).await?;
    let safety = visit.zalt().safety();
    let review = safety.review(&token).await?;
    let decision = kept.decision(&review);
    match safety.finish(visit.context(), &token, &decision).await {
        Ok(_) => Ok(visit.go_with(paths::SIGN_IN_PASSWORD, Flash::Recovered)),
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, &[])?;
            visit.show_as(status, &list(visit, page, &review, &kept))
        }
    }
}

/// In front of an id in the name of its box.
const KEEP_CREDENTIAL: &str = "keep-credential-";
const KEEP_IDENTIFIER: &str = "keep-identifier-";

/// What was ticked.
#[derive(Default)]
struct Kept {
    credentials: HashSet<CredentialId>,
    identifiers: HashSet<IdentifierId>,
}

impl Kept {
    /// What was added and not ticked goes, also where it was added after the page was shown.
    fn decision(&self, review: &Review) -> ReviewDecision {
        let credentials = review.credentials.iter().map(|row| row.id);
        let identifiers = review.identifiers.iter().map(|row| row.id);
        ReviewDecision {
            credentials: credentials
                .filter(|id| !self.credentials.contains(id))
                .collect(),
            identifiers: identifiers
                .filter(|id| !self.identifiers.contains(id))
                .collect(),
        }
    }
}

fn list(visit: &Visit, page: Page, review: &Review, kept: &Kept) -> ReviewView {
    let now = visit.zalt().now();
    let credential = |row: &Credential| {
        let kind = kind_of(row);
        AddedItem {
            field: format!("{KEEP_CREDENTIAL}{}", row.id),
            kind,
            name: name_of(row).unwrap_or_else(|| kind.to_owned()),
            added: moment(row.created_at, now),
            keep: kept.credentials.contains(&row.id),
        }
    };
    let identifier = |row: &Identifier| AddedItem {
        field: format!("{KEEP_IDENTIFIER}{}", row.id),
        kind: match row.value.kind() {
            IdentifierKind::PhoneNumber => "Phone number",
            _ => "E-mail address",
        },
        name: row.value.as_str().to_owned(),
        added: moment(row.created_at, now),
        keep: kept.identifiers.contains(&row.id),
    };
    let credentials = review.credentials.iter().map(credential);
    let identifiers = review.identifiers.iter().map(identifier);
    ReviewView {
        page,
        added: credentials.chain(identifiers).collect(),
    }
}

fn kind_of(credential: &Credential) -> &'static str {
    match (&credential.state, credential.second_factor()) {
        (CredentialState::RecoveryCodes(_), _) => "Recovery codes",
        (CredentialState::ExternalAccount(_), _) => "Linked account",
        (_, Some(SecondFactor::Passkey)) => "Passkey",
        (_, Some(SecondFactor::SmsCode)) => "Codes by text message",
        (_, Some(SecondFactor::EmailCode)) => "Codes by e-mail",
        (_, Some(SecondFactor::Totp)) => "Authenticator app",
        _ => "Authenticator app that was not confirmed",
    }
}

/// What its owner knows it by.
fn name_of(credential: &Credential) -> Option<String> {
    let CredentialState::ExternalAccount(external) = &credential.state else {
        return credential.name.as_ref().map(ToString::to_string);
    };
    let email = external.email.as_ref().map(|email| email.address.as_str());
    let called = email.or(external.username.as_deref()).unwrap_or_default();
    Some(
        format!("{} {called}", external.connection)
            .trim_end()
            .to_owned(),
    )
}

fn refuse(visit: &Visit, error: Error) -> Outcome {
    let mut shown = visit.page();
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    if let Error::RecoveryHeld { retry_after } = error {
        let wait = wait(retry_after.as_secs().saturating_add(1));
        return page(visit, refused, shown, SafetyStep::Held { wait });
    }
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
