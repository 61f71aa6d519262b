//! Signing in and up with a provider: the way there, and what is still to be done after the way back. The callback between them is
//! the API's.

use axum::extract::Query;
use http::StatusCode;
use serde::Deserialize;
use zalt_core::attempt::{Attempt, AttemptState, BeginConnection, StartedConnection};
use zalt_core::connection::{ConnectionInfo, ConnectionKey, ConnectionStatus};
use zalt_core::identifier::EmailAddress;
use zalt_core::secret::AttemptToken;
use zalt_core::{Error, ErrorCode};
use zalt_http::cookie::CookieKind;

use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::marks::Mark;
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{
    AddressView, ConnectionFailedView, ConnectionItem, Connections, FailureKind, LeaveView, Page,
};
use crate::pages::visit::{Visit, go};

const FIELDS: FieldNames = &[("email_address", "email")];

/// The providers that may be chosen. A page without them is better than none.
pub(super) async fn offered(visit: &Visit) -> Connections {
    match visit.zalt().connections().usable().await {
        Ok(usable) => {
            let items = usable.into_iter().filter_map(|info| {
                let name = name_of(&info)?;
                Some(ConnectionItem {
                    key: info.settings.key.to_string(),
                    mark: Mark::of(&info.settings.provider, &name),
                    name,
                })
            });
            Connections(items.collect())
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the connections can't be listed"
            );
            Connections::default()
        }
    }
}

/// What people read. One without a preset is called by its key, or two of them could not be told apart.
fn name_of(info: &ConnectionInfo) -> Option<String> {
    let traits = info.provider.as_ref().ok()?;
    if !matches!(info.settings.provider.as_str(), "oidc" | "oauth2") {
        return Some(traits.display_name.clone());
    }
    let mut letters = info.settings.key.as_str().chars();
    let first = letters.next()?.to_ascii_uppercase();
    Some(std::iter::once(first).chain(letters).collect())
}

/// Leads to a provider, to sign in or up with it.
pub(super) async fn leave(mut posted: Posted) -> Outcome {
    let [connection] = posted.fields(["connection"])?;
    let visit = &posted.visit;
    let Ok(key) = ConnectionKey::parse(&connection) else {
        return Err(Fault::BadRequest);
    };
    let destination = visit.destination();
    let begin = BeginConnection {
        return_to: Some(&destination),
        ..BeginConnection::new(&key)
    };
    let connections = visit.zalt().connections();
    match connections.begin(visit.context(), begin).await {
        Ok(started) => lead_there(visit, visit.page(), &key, &started).await,
        Err(error) => refused(visit, error, paths::SIGN_IN),
    }
}

/// The page between ours and the provider's.
pub(super) async fn lead_there(
    visit: &Visit,
    page: Page,
    key: &ConnectionKey,
    started: &StartedConnection,
) -> Outcome {
    let offered = offered(visit).await.0.into_iter();
    let known = offered
        .into_iter()
        .find(|item| item.key == key.as_str())
        .ok_or(Error::ConnectionNotFound)?;
    let mut response = visit.show(&LeaveView {
        page,
        name: known.name,
        mark: known.mark,
        url: started.url.to_string(),
    })?;
    let (token, until) = (started.token.expose(), started.attempt.expires_at);
    visit.keep(&mut response, CookieKind::Connection, &token, until)?;
    Ok(response)
}

/// A page that says why nobody got to the provider.
pub(super) fn refused(visit: &Visit, error: Error, back: &str) -> Outcome {
    if let Error::ReauthenticationRequired { .. } | Error::Unauthenticated | Error::SessionOver =
        error
    {
        return Err(error.into());
    }
    let request_id = visit.request_id().unwrap_or_default().to_owned();
    failure(visit, visit.page(), error.code(), request_id, back)
}

/// What the callback says in the query: what is to be done next, or why nobody came in.
#[derive(Deserialize)]
pub(super) struct Came {
    #[serde(default)]
    status: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    request_id: String,
}

pub(super) async fn came(visit: Visit, Query(came): Query<Came>) -> Outcome {
    let path = match came.status.as_str() {
        "needs_first_factor" => {
            let path = visit.path(paths::SIGN_IN_PASSWORD);
            return Ok(visit.go_with(&path, Flash::ProveAccount));
        }
        "needs_second_factor" => paths::SIGN_IN_SECOND_FACTOR,
        "needs_mfa_enrollment" => paths::SIGN_IN_SET_UP,
        "needs_new_password" => paths::PASSWORD_NEW,
        "missing_requirements" => paths::SIGN_UP_VERIFY,
        "needs_email_address" => paths::SIGN_UP_ADDRESS,
        _ => return failed(&visit, &came).await,
    };
    Ok(go(&visit.path(path)))
}

async fn failed(visit: &Visit, came: &Came) -> Outcome {
    let mut known = ErrorCode::ALL.iter().copied();
    let Some(code) = known.find(|code| code.as_str() == came.error) else {
        return Ok(go(&visit.path(paths::SIGN_IN)));
    };
    // Anybody can write the address of this page.
    let id = &came.request_id;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let request_id = if (1..=64).contains(&id.len()) && id.chars().all(plain) {
        id.clone()
    } else {
        visit.request_id().unwrap_or_default().to_owned()
    };
    let back = match visit.visitor().await {
        Ok(_) => paths::ACCOUNT_CONNECTIONS,
        Err(_) => paths::SIGN_IN,
    };
    failure(visit, visit.page(), code, request_id, back)
}

fn failure(visit: &Visit, page: Page, code: ErrorCode, request_id: String, back: &str) -> Outcome {
    let failure = kind(code);
    let view = ConnectionFailedView {
        page,
        failure,
        code: code.as_str(),
        request_id,
        back: visit.path(back),
        back_label: if back == paths::SIGN_IN {
            "Back to sign in"
        } else {
            "Back to your account"
        },
    };
    visit.show_as(failure.status(), &view)
}

fn kind(code: ErrorCode) -> FailureKind {
    match code {
        ErrorCode::ConnectionRefused => FailureKind::Refused,
        ErrorCode::ConnectionUnavailable => FailureKind::Unavailable,
        ErrorCode::ConnectionAnswerInvalid => FailureKind::Invalid,
        ErrorCode::ConnectionStateMismatch => FailureKind::Mismatch,
        ErrorCode::ConnectionNotFound => FailureKind::Gone,
        ErrorCode::ExternalAccountTaken => FailureKind::Taken,
        ErrorCode::SignUpClosed => FailureKind::SignUpClosed,
        ErrorCode::AccountSuspended | ErrorCode::AccountFrozen | ErrorCode::FactorNotAllowed => {
            FailureKind::NotAllowed
        }
        ErrorCode::ReturnAddressNotAllowed => FailureKind::ReturnAddress,
        ErrorCode::RateLimited => FailureKind::TooMany,
        _ => FailureKind::Ours,
    }
}

pub(super) async fn show_address(visit: Visit) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    let view = address_form(&visit, visit.page(), &attempt, "").await?;
    visit.show(&view)
}

pub(super) async fn give_address(mut posted: Posted) -> Outcome {
    let [email] = posted.fields(["email"])?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    let result = match EmailAddress::parse(&email) {
        Ok(address) => {
            let connections = visit.zalt().connections();
            connections
                .give_email_address(visit.context(), &token, address)
                .await
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(started) => {
            let path = visit.path(paths::SIGN_UP_VERIFY);
            let kept = started.token.as_ref().unwrap_or(&token);
            let mut response =
                visit.go_on_with(&path, CookieKind::SignUp, kept, &started.attempt)?;
            visit.clear(&mut response, CookieKind::Connection);
            Ok(response)
        }
        Err(error) => {
            let mut page = visit.page();
            let status: StatusCode = messages::refuse(&mut page, error, FIELDS)?;
            visit.show_as(status, &address_form(visit, page, &attempt, &email).await?)
        }
    }
}

/// The attempt of somebody whose provider told no address.
async fn current(visit: &Visit) -> Result<(AttemptToken, Attempt), Fault> {
    let token = visit.attempt_token(CookieKind::Connection)?;
    let attempt = visit.zalt().connections().find(&token).await?;
    match &attempt.state {
        AttemptState::Connection(state) if state.status == ConnectionStatus::NeedsEmailAddress => {
            Ok((token, attempt))
        }
        _ => Err(Error::AttemptStep.into()),
    }
}

async fn address_form(
    visit: &Visit,
    page: Page,
    attempt: &Attempt,
    email: &str,
) -> Result<AddressView, Fault> {
    let AttemptState::Connection(state) = &attempt.state else {
        return Err(Error::AttemptStep.into());
    };
    let key = state.via.key.as_str();
    let mut offered = offered(visit).await.0.into_iter();
    let name = offered.find(|item| item.key == key).map(|item| item.name);
    Ok(AddressView {
        page,
        name: name.unwrap_or_else(|| "The provider".to_owned()),
        email: email.to_owned(),
    })
}
