//! The account of whoever is signed in.

mod activity;
mod connections;
mod delete;
mod identifiers;
mod passkeys;
mod password;
mod profile;
mod reauthenticate;
mod second_factors;
mod sessions;

use axum::Router;
use axum::routing::{get, post};

use self::identifiers::{Addresses, Numbers};
use super::mailed::{follow_link, show_link};
use crate::pages::paths;
use crate::pages::state::Pages;

/// Where people sign in with passwords.
pub(super) fn password_router() -> Router<Pages> {
    Router::new().route(
        paths::ACCOUNT_PASSWORD,
        get(password::show).post(password::change),
    )
}

pub(super) fn router() -> Router<Pages> {
    Router::new()
        .route(paths::ACCOUNT, get(profile::show).post(profile::save))
        .merge(identifiers::router::<Addresses>())
        .route(
            paths::ACCOUNT_EMAIL_LINK,
            get(show_link::<Addresses>).post(follow_link::<Addresses>),
        )
        .merge(identifiers::router::<Numbers>())
        .route(
            paths::ACCOUNT_PASSKEYS,
            get(passkeys::show).post(passkeys::add),
        )
        .route(paths::ACCOUNT_PASSKEY_OPTIONS, post(passkeys::options))
        .route(
            paths::ACCOUNT_PASSKEY_RENAME,
            get(passkeys::show_name).post(passkeys::rename),
        )
        .route(paths::ACCOUNT_PASSKEY_REMOVE, post(passkeys::remove))
        .route(
            paths::ACCOUNT_REAUTHENTICATE_PASSKEY_OPTIONS,
            post(reauthenticate::passkey_options),
        )
        .route(paths::ACCOUNT_SECOND_FACTORS, get(second_factors::show))
        .route(paths::ACCOUNT_SECOND_FACTOR_ADD, post(second_factors::add))
        .route(
            paths::ACCOUNT_SECOND_FACTOR_CONFIRM,
            post(second_factors::confirm),
        )
        .route(
            paths::ACCOUNT_SECOND_FACTOR_MESSAGES,
            post(second_factors::add_messages),
        )
        .route(
            paths::ACCOUNT_SECOND_FACTOR_REMOVE,
            post(second_factors::remove),
        )
        .route(
            paths::ACCOUNT_RECOVERY_CODES,
            post(second_factors::new_codes),
        )
        .route(
            paths::ACCOUNT_CONNECTIONS,
            get(connections::show).post(connections::link),
        )
        .route(paths::ACCOUNT_CONNECTION_REMOVE, post(connections::unlink))
        .route(paths::ACCOUNT_SESSIONS, get(sessions::show))
        .route(paths::ACCOUNT_SESSION_REVOKE, post(sessions::revoke))
        .route(paths::ACCOUNT_DEVICE_FORGET, post(sessions::forget_device))
        .route(
            paths::ACCOUNT_SESSIONS_REVOKE_OTHERS,
            post(sessions::revoke_others),
        )
        .route(
            paths::ACCOUNT_SESSIONS_REVOKE_ALL,
            post(sessions::revoke_all),
        )
        .route(paths::ACCOUNT_ACTIVITY, get(activity::show))
        .route(
            paths::ACCOUNT_DELETE,
            get(delete::show).post(delete::delete),
        )
        .route(
            paths::ACCOUNT_REAUTHENTICATE,
            get(reauthenticate::show).post(reauthenticate::by_password),
        )
        .route(
            paths::ACCOUNT_REAUTHENTICATE_SECOND_FACTOR,
            post(reauthenticate::by_second_factor),
        )
        .route(
            paths::ACCOUNT_REAUTHENTICATE_SECOND_FACTOR_SEND,
            post(reauthenticate::send_second_factor),
        )
        .route(
            paths::ACCOUNT_REAUTHENTICATE_CODE,
            post(reauthenticate::send_code),
        )
}
