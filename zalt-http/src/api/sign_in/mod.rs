//! Sign-in: one machine of several steps, or one step with a password.

mod create;
mod factor;
mod passkey;
mod progress;
mod reset;
mod second_factor;

pub(super) use passkey::ConfirmPasskey;
pub(super) use progress::{FactorPassed, SignedUp, arrive, go_on};
use utoipa_axum::routes;

use super::endpoints::Endpoints;

pub(super) fn routes<E: Endpoints>(endpoints: E) -> E {
    endpoints
        .routes(routes!(create::create))
        .routes(routes!(create::find))
        .routes(routes!(factor::prepare))
        .routes(routes!(factor::attempt))
        .routes(routes!(passkey::begin))
        .routes(routes!(passkey::prepare))
        .routes(routes!(passkey::begin_enrollment))
        .routes(routes!(passkey::confirm_enrollment))
        .routes(routes!(second_factor::prepare))
        .routes(routes!(second_factor::attempt))
        .routes(routes!(second_factor::begin_totp))
        .routes(routes!(second_factor::confirm_totp))
        .routes(routes!(reset::reset_password))
        .routes(routes!(reset::claim_reset_link))
}
