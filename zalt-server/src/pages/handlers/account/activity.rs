//! What happened on the account.

use axum::extract::Query;
use serde::Deserialize;
use zalt_core::config::SecondFactor;
use zalt_core::credential::Credential;
use zalt_core::event::{Event, EventKind};
use zalt_core::id::{CredentialId, IdentifierId};
use zalt_core::identifier::IdentifierKind;
use zalt_core::session::AuthenticationMethod;
use zalt_core::store::{PageLimit, PageRequest};
use zalt_core::user::Account;
use zalt_core::{Error, Timestamp};

use crate::pages::device::describe;
use crate::pages::fault::Outcome;
use crate::pages::moment::moment;
use crate::pages::paths;
use crate::pages::views::{ActivityItem, ActivityKind, ActivityView};
use crate::pages::visit::Visit;

/// Which part of the list.
#[derive(Deserialize)]
pub(super) struct Part {
    after: Option<String>,
}

const ROWS: u32 = 25;

pub(super) async fn show(visit: Visit, Query(part): Query<Part>) -> Outcome {
    let visitor = visit.visitor().await?;
    let after = match part.after {
        Some(text) => Some(text.parse().map_err(Error::from)?),
        None => None,
    };
    let request = PageRequest {
        after,
        limit: PageLimit::clamped(ROWS),
    };
    let users = visit.zalt().users();
    let events = users.events(visitor.account.user.id, request).await?;
    let now = visit.zalt().now();
    let view = ActivityView {
        page: visitor.page(&visit),
        items: events
            .data
            .iter()
            .map(|event| item(event, &visitor.account, now))
            .collect(),
        next_url: events
            .next
            .map(|cursor| format!("{}?after={cursor}", paths::ACCOUNT_ACTIVITY)),
    };
    visit.show(&view)
}

fn item(event: &Event, account: &Account, now: Timestamp) -> ActivityItem {
    let (kind, title) = words(&event.kind, account);
    let device = event
        .user_agent
        .as_deref()
        .map(|agent| describe(Some(agent)).0);
    let ip = event.ip.map(|ip| ip.to_string());
    let detail: Vec<String> = device.into_iter().chain(ip).collect();
    ActivityItem {
        kind,
        title: title.to_owned(),
        detail: (!detail.is_empty()).then(|| detail.join(" · ")),
        at: moment(event.occurred_at, now),
    }
}

fn words(kind: &EventKind, account: &Account) -> (ActivityKind, &'static str) {
    use ActivityKind::{Email, Factor, Password, Profile, SignIn, SignOut, Warning};
    match kind {
        EventKind::UserCreated => (Profile, "Account created"),
        EventKind::UserUpdated => (Profile, "Profile changed"),
        EventKind::UserSuspended => (Warning, "Account suspended"),
        EventKind::UserRestored => (Profile, "Account restored"),
        EventKind::UserDeleted => (Warning, "Account deleted"),
        EventKind::IdentifierAdded { identifier_id } => match is_number(*identifier_id, account) {
            Some(true) => (Email, "Phone number added"),
            Some(false) => (Email, "E-mail address added"),
            None => (Email, "Address or number added"),
        },
        EventKind::IdentifierVerified { identifier_id } => match is_number(*identifier_id, account)
        {
            Some(true) => (Email, "Phone number verified"),
            Some(false) => (Email, "E-mail address verified"),
            None => (Email, "Address or number verified"),
        },
        EventKind::IdentifierMadePrimary { identifier_id } => {
            match is_number(*identifier_id, account) {
                Some(true) => (Email, "Primary phone number changed"),
                Some(false) => (Email, "Primary e-mail address changed"),
                None => (Email, "Primary address or number changed"),
            }
        }
        EventKind::IdentifierRemoved { .. } => (Email, "Address or number removed"),
        EventKind::PasswordChanged { reset: true } => (Password, "Password reset"),
        EventKind::PasswordChanged { reset: false } => (Password, "Password changed"),
        EventKind::PasswordResetRequested => (Password, "Password reset asked for"),
        EventKind::SignInFailed {
            method: AuthenticationMethod::Password,
        } => (Warning, "Sign-in with a wrong password"),
        EventKind::SignInFailed {
            method: AuthenticationMethod::Passkey | AuthenticationMethod::PasskeyPresence,
        } => (Warning, "Sign-in with a passkey that was refused"),
        EventKind::SignInFailed { .. } => (Warning, "Sign-in with a wrong code"),
        EventKind::CredentialAdded { credential_id } => {
            (Factor, added_factor(*credential_id, account))
        }
        EventKind::CredentialRemoved { .. } => (Factor, "Second factor or passkey removed"),
        EventKind::CredentialRenamed { .. } => (Factor, "Passkey renamed"),
        EventKind::CredentialCloneSuspected { .. } => (Warning, "There may be a copy of a passkey"),
        EventKind::SecondFactorsReset { .. } => {
            (Warning, "Second factors taken away by the service")
        }
        EventKind::RecoveryCodesCreated { .. } => (Factor, "New recovery codes"),
        EventKind::RecoveryCodeUsed { .. } => (Warning, "Recovery code used"),
        EventKind::SignInLocked { .. } => (Warning, "Sign-in paused after too many tries"),
        EventKind::SignUpAddressTaken => (Warning, "Somebody tried to sign up with your address"),
        EventKind::SessionCreated { .. } => (SignIn, "Signed in"),
        EventKind::SessionReauthenticated { .. } => (SignIn, "Identity confirmed"),
        EventKind::SessionRevoked { .. } => (SignOut, "Signed out"),
        EventKind::AllSessionsRevoked { except: None, .. } => (SignOut, "Signed out everywhere"),
        EventKind::AllSessionsRevoked { .. } => (SignOut, "Signed out everywhere else"),
        EventKind::RefreshTokenReused { .. } => (Warning, "A used-up token was shown again"),
        EventKind::UserFrozen => (Warning, "Account frozen: a change was said not to be yours"),
        EventKind::RecoveryObjected => (
            Warning,
            "Recovery through an address that is gone was objected to",
        ),
        EventKind::UserUnfrozen => (Profile, "Account recovered"),
        EventKind::FirstFactorPassed { .. } => (Warning, "First step of a sign-in passed"),
        EventKind::ExternalAccountLinked { .. } => (Factor, "Account connected"),
        EventKind::ExternalAccountUnlinked { .. } => (Factor, "Account disconnected"),
        EventKind::ConnectionFailed { .. } => (Warning, "An account could not be connected"),
        EventKind::DeviceTrusted { .. } => (SignIn, "Device trusted"),
        EventKind::DeviceForgotten { .. } => (SignOut, "Device forgotten"),
        _ => (Profile, "Account changed"),
    }
}

/// Whether it is a phone number, and not an address; `None` if the account has it no longer.
fn is_number(id: IdentifierId, account: &Account) -> Option<bool> {
    let identifier = account.identifiers.iter().find(|row| row.id == id)?;
    Some(identifier.value.kind() == IdentifierKind::PhoneNumber)
}

fn added_factor(id: CredentialId, account: &Account) -> &'static str {
    let credential = account.credentials.iter().find(|row| row.id == id);
    match credential.and_then(Credential::second_factor) {
        Some(SecondFactor::Passkey) => "Passkey added",
        Some(SecondFactor::Totp) => "Authenticator app set up",
        Some(SecondFactor::SmsCode) => "Codes by text message turned on",
        Some(SecondFactor::EmailCode) => "Codes by e-mail turned on",
        _ => "Second factor or passkey added",
    }
}
