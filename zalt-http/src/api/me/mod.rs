//! The account of the person who is signed in.

mod credential;
mod email_address;
mod email_verification;
mod event;
mod password;
mod profile;
mod username;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http_zalt::ZaltHttp;

pub(super) fn routes() -> OpenApiRouter<ZaltHttp> {
    OpenApiRouter::new()
        .routes(routes!(profile::find, profile::update, profile::delete))
        .routes(routes!(username::set, username::remove))
        .routes(routes!(email_address::list, email_address::add))
        .routes(routes!(email_address::remove))
        .routes(routes!(email_address::make_primary))
        .routes(routes!(email_verification::prepare))
        .routes(routes!(email_verification::attempt))
        .routes(routes!(password::change))
        .routes(routes!(credential::list))
        .routes(routes!(credential::begin_totp))
        .routes(routes!(credential::confirm_totp))
        .routes(routes!(credential::remove))
        .routes(routes!(credential::new_recovery_codes))
        .routes(routes!(event::list))
}
