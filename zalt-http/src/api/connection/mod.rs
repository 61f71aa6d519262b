//! Signing in, signing up and linking through a provider.

mod answer;
mod begin;
mod callback;
mod came;
mod email_address;
mod id_token;
mod popup;

pub(super) use begin::{BegunConnection, GoTo};
use utoipa_axum::routes;

use super::endpoints::Endpoints;
pub(crate) use answer::is_form_post;

pub(super) fn routes<E: Endpoints>(endpoints: E) -> E {
    endpoints
        .routes(routes!(begin::begin))
        .routes(routes!(callback::callback, callback::form_post))
        .routes(routes!(id_token::begin))
        .routes(routes!(id_token::sign_in))
        .routes(routes!(email_address::give))
}
