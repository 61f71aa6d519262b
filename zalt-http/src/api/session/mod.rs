//! Sessions of the person who is signed in, and the tokens that hold them.

mod current;
mod list;
mod reauthenticate;
mod sign_out;
mod token;

use utoipa_axum::routes;

use super::endpoints::Endpoints;

pub(super) fn routes<E: Endpoints>(endpoints: E) -> E {
    endpoints
        .routes(routes!(token::refresh))
        .routes(routes!(token::issue))
        .routes(routes!(current::current))
        .routes(routes!(list::list))
        .routes(routes!(list::revoke))
        .routes(routes!(list::revoke_others))
        .routes(routes!(list::revoke_all))
        .routes(routes!(sign_out::sign_out))
        .routes(routes!(reauthenticate::reauthenticate))
        .routes(routes!(reauthenticate::prepare_passkey))
        .routes(routes!(reauthenticate::prepare_code))
}
