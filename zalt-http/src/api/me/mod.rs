//! The account of the person who is signed in.

mod credential;
mod device;
mod email_address;
mod event;
mod external_account;
mod passkey;
mod password;
mod phone_number;
mod profile;
mod username;
mod verification;

use utoipa_axum::routes;

use super::endpoints::Endpoints;

pub(super) fn routes<E: Endpoints>(endpoints: E) -> E {
    endpoints
        .routes(routes!(profile::find, profile::update, profile::delete))
        .routes(routes!(username::set, username::remove))
        .routes(routes!(email_address::list, email_address::add))
        .routes(routes!(email_address::remove))
        .routes(routes!(email_address::make_primary))
        .routes(routes!(verification::prepare_email_address))
        .routes(routes!(verification::attempt_email_address))
        .routes(routes!(phone_number::list, phone_number::add))
        .routes(routes!(phone_number::remove))
        .routes(routes!(phone_number::make_primary))
        .routes(routes!(verification::prepare_phone_number))
        .routes(routes!(verification::attempt_phone_number))
        .routes(routes!(password::change))
        .routes(routes!(credential::list))
        .routes(routes!(credential::begin_totp))
        .routes(routes!(credential::confirm_totp))
        .routes(routes!(credential::add_messages))
        .routes(routes!(passkey::begin))
        .routes(routes!(passkey::confirm))
        .routes(routes!(credential::rename, credential::remove))
        .routes(routes!(credential::new_recovery_codes))
        .routes(routes!(external_account::list, external_account::link))
        .routes(routes!(external_account::unlink))
        .routes(routes!(external_account::token))
        .routes(routes!(device::list))
        .routes(routes!(device::forget))
        .routes(routes!(event::list))
}
