//! The devices that the account is known from.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use zalt_core::credential::{Credential, Device};
use zalt_core::id::CredentialId;
use zalt_core::user::Account;
use zalt_core::{Timestamp, Zalt};

use crate::api::call::Call;
use crate::body::{NoFields, OptionalJson, PathId};
use crate::openapi::errors;
use crate::problem::ApiError;
use crate::view::List;

/// A device that was signed in from.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceView {
    #[schema(example = "cred_01h455vb4pex5vsknk084sn02q")]
    id: String,
    #[schema(example = "Mozilla/5.0")]
    user_agent: Option<String>,
    #[schema(example = "203.0.113.7")]
    ip: Option<String>,
    /// Until when it stands in for the second factor; null if it does not.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T08:00:00Z")]
    trusted_until: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T08:00:00Z")]
    created_at: Timestamp,
}

impl DeviceView {
    fn of(zalt: &Zalt, account: &Account, (credential, device): (&Credential, &Device)) -> Self {
        Self {
            id: credential.id.to_string(),
            user_agent: device.user_agent.clone(),
            ip: device.ip.map(|ip| ip.to_string()),
            trusted_until: zalt.trusted_until(account, credential),
            created_at: credential.created_at,
        }
    }
}

errors!(ListErrors: [SIGNED_IN] NotFound);

/// The devices that the account is known from
#[utoipa::path(
    get, path = "/v1/client/me/devices", operation_id = "list_devices", tag = "me",
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 200, description = "The devices", body = List<DeviceView>), ListErrors)
)]
pub(super) async fn list(call: Call) -> Result<axum::Json<List<DeviceView>>, ApiError> {
    let authenticated = call.authenticated().await?;
    let zalt = call.zalt();
    let account = zalt.users().find_account(authenticated.user().id).await?;
    let devices = account.devices();
    let views = devices.map(|known| DeviceView::of(zalt, &account, known));
    Ok(axum::Json(List::whole(views.collect())))
}

errors!(ForgetErrors: [BODY, SIGNED_IN] NotFound, Conflict);

/// Forget a device
///
/// It stands in for no second factor any more.
#[utoipa::path(
    delete, path = "/v1/client/me/devices/{id}", operation_id = "forget_device", tag = "me",
    params(("id" = String, Path, description = "the device", example = "cred_01h455vb4pex5vsknk084sn02q")),
    security(("session_cookie" = []), ("access_token" = [])),
    responses((status = 204, description = "Forgotten"), ForgetErrors)
)]
pub(super) async fn forget(
    call: Call,
    PathId(id): PathId<CredentialId>,
    OptionalJson(NoFields {}): OptionalJson<NoFields>,
) -> Result<StatusCode, ApiError> {
    let authenticated = call.authenticated().await?;
    call.zalt()
        .credentials()
        .forget_device(call.context(), &authenticated, id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
