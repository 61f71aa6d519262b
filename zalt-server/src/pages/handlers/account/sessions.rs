//! The devices that are signed in.

use zalt_core::Error;
use zalt_core::credential::{Credential, Device};
use zalt_core::id::SessionId;
use zalt_core::session::Session;
use zalt_core::store::{PageLimit, PageRequest};

use crate::pages::device::describe;
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::moment::{day, moment};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{DeviceItem, SessionItem, SessionsView};
use crate::pages::visit::{SignedInVisitor, Visit};

pub(super) async fn show(visit: Visit) -> Outcome {
    let visitor = visit.visitor().await?;
    let current = visitor.authenticated.session();
    let request = PageRequest {
        after: None,
        limit: PageLimit::MAX,
    };
    let sessions = visit
        .zalt()
        .sessions()
        .list(current.user_id, request)
        .await?;
    let now = visit.zalt().now();
    let item = |session: &Session| {
        let (device, kind) = describe(session.user_agent.as_deref());
        SessionItem {
            id: session.id.to_string(),
            device,
            kind,
            address: session.ip.map(|ip| ip.to_string()),
            signed_in: moment(session.created_at, now),
            last_seen: moment(session.last_seen_at, now),
            current: session.id == current.id,
        }
    };
    let others = sessions
        .data
        .iter()
        .filter(|session| session.id != current.id);
    let view = SessionsView {
        page: visitor.page(&visit),
        sessions: std::iter::once(current).chain(others).map(item).collect(),
        devices: devices(&visit, &visitor),
    };
    visit.show(&view)
}

/// Those that may stand in for the second factor, where the application has that.
fn devices(visit: &Visit, visitor: &SignedInVisitor) -> Option<Vec<DeviceItem>> {
    let zalt = visit.zalt();
    zalt.config().trusted_devices?;
    let item = |(credential, known): (&Credential, &Device)| {
        let (device, kind) = describe(known.user_agent.as_deref());
        DeviceItem {
            id: credential.id.to_string(),
            device,
            kind,
            address: known.ip.map(|ip| ip.to_string()),
            since: moment(credential.created_at, zalt.now()),
            trusted_until: zalt.trusted_until(&visitor.account, credential).map(day),
        }
    };
    Some(visitor.account.devices().map(item).collect())
}

pub(super) async fn forget_device(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let id = id.parse().map_err(|_| Fault::BadRequest)?;
    let visit = &posted.visit;
    let authenticated = visit.authenticated().await?;
    let credentials = visit.zalt().credentials();
    match credentials
        .forget_device(visit.context(), &authenticated, id)
        .await
    {
        // One that is gone already is as forgotten as it can be.
        Ok(()) | Err(Error::NotFound) => {
            Ok(visit.go_with(paths::ACCOUNT_SESSIONS, Flash::DeviceForgotten))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn revoke(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let visit = &posted.visit;
    let authenticated = visit.authenticated().await?;
    let id: SessionId = id.parse().map_err(Error::from)?;
    let sessions = visit.zalt().sessions();
    match sessions.revoke(visit.context(), &authenticated, id).await {
        // One that is gone already is as ended as it can be.
        Ok(()) | Err(Error::NotFound) => {
            Ok(visit.go_with(paths::ACCOUNT_SESSIONS, Flash::SessionEnded))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn revoke_others(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let authenticated = visit.authenticated().await?;
    let sessions = visit.zalt().sessions();
    sessions
        .revoke_others(visit.context(), &authenticated)
        .await?;
    Ok(visit.go_with(paths::ACCOUNT_SESSIONS, Flash::OthersEnded))
}

pub(super) async fn revoke_all(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let authenticated = visit.authenticated().await?;
    let sessions = visit.zalt().sessions();
    sessions.revoke_all(visit.context(), &authenticated).await?;
    let mut response = visit.go_with(paths::SIGN_IN, Flash::SignedOutEverywhere);
    visit.forget_session(&mut response);
    Ok(response)
}
