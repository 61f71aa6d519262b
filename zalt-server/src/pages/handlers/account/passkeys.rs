//! The passkeys of whoever is signed in.

use axum::Json;
use axum::extract::Query;
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zalt_core::Error;
use zalt_core::credential::{Credential, Enrolled};
use zalt_core::id::CredentialId;
use zalt_core::passkey::Passkey;
use zalt_core::user::Name;

use super::second_factors::added;
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::handlers::passkey::{answer, why};
use crate::pages::messages::{self, FieldNames};
use crate::pages::moment;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{KeptOn, Page, PasskeyItem, PasskeyNameView, PasskeysView};
use crate::pages::visit::{SignedInVisitor, Visit};

const FIELDS: FieldNames = &[("name", "name")];

/// Which passkey is meant.
#[derive(Deserialize)]
pub(super) struct WhichQuery {
    #[serde(default)]
    id: String,
}

pub(super) async fn show(visit: Visit) -> Outcome {
    let visitor = visit.visitor_even_limited().await?;
    let view = list(&visit, &visitor, visitor.page(&visit));
    visit.show(&view)
}

/// What a new passkey is asked for with.
pub(super) async fn options(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let authenticated = visit.auth().authenticated_even_limited().await?;
    let credentials = visit.zalt().credentials();
    let options = credentials
        .begin_passkey(visit.context(), &authenticated)
        .await?;
    Ok(Json(options).into_response())
}

pub(super) async fn add(mut posted: Posted) -> Outcome {
    let [name, response] = posted.fields(["name", "response"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor_even_limited().await?;
    match register(visit, &visitor, &name, &response).await {
        Ok(enrolled) => {
            let list = paths::ACCOUNT_PASSKEYS;
            added(visit, &visitor, &enrolled, (list, Flash::PasskeyAdded))
        }
        Err(error) => refused(visit, &visitor, error),
    }
}

pub(super) async fn show_name(visit: Visit, Query(query): Query<WhichQuery>) -> Outcome {
    let visitor = visit.visitor().await?;
    let view = name_form(&visitor, visitor.page(&visit), parse_id(&query.id)?)?;
    visit.show(&view)
}

pub(super) async fn rename(mut posted: Posted) -> Outcome {
    let [id, name] = posted.fields(["id", "name"])?;
    let id = parse_id(&id)?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let credentials = visit.zalt().credentials();
    let result = match parse_name(&name) {
        Ok(name) => {
            credentials
                .rename(visit.context(), &visitor.authenticated, id, name)
                .await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(_) => Ok(visit.go_with(paths::ACCOUNT_PASSKEYS, Flash::PasskeyRenamed)),
        Err(error) => {
            let mut page = visitor.page(visit);
            let status = messages::refuse(&mut page, error, FIELDS)?;
            visit.show_as(status, &name_form(&visitor, page, id)?)
        }
    }
}

pub(super) async fn remove(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let id = parse_id(&id)?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let credentials = visit.zalt().credentials();
    match credentials
        .remove(visit.context(), &visitor.authenticated, id)
        .await
    {
        Ok(()) => Ok(visit.go_with(paths::ACCOUNT_PASSKEYS, Flash::PasskeyRemoved)),
        Err(error) => refused(visit, &visitor, error),
    }
}

async fn register(
    visit: &Visit,
    visitor: &SignedInVisitor,
    name: &str,
    response: &str,
) -> Result<Enrolled, Error> {
    let name = parse_name(name)?;
    let (context, authenticated) = (visit.context(), &visitor.authenticated);
    let credentials = visit.zalt().credentials();
    match answer(response) {
        Ok(answer) => {
            let (_, enrolled) = credentials
                .confirm_passkey(context, authenticated, &answer, name)
                .await?;
            Ok(enrolled)
        }
        Err(error) => {
            let ask = credentials.begin_passkey(context, authenticated);
            Err(why(error, ask).await)
        }
    }
}

pub(super) fn parse_name(text: &str) -> Result<Option<Name>, Error> {
    if text.trim().is_empty() {
        Ok(None)
    } else {
        Ok(Some(Name::parse(text)?))
    }
}

fn parse_id(text: &str) -> Result<CredentialId, Fault> {
    text.parse().map_err(|_| Fault::BadRequest)
}

fn refused(visit: &Visit, visitor: &SignedInVisitor, error: Error) -> Outcome {
    let mut page = visitor.page(visit);
    let status = messages::refuse(&mut page, error, FIELDS)?;
    visit.show_as(status, &list(visit, visitor, page))
}

fn name_form(
    visitor: &SignedInVisitor,
    page: Page,
    id: CredentialId,
) -> Result<PasskeyNameView, Fault> {
    let mut passkeys = visitor.account.passkeys();
    let (credential, passkey) = passkeys
        .find(|(credential, _)| credential.id == id)
        .ok_or(Error::NotFound)?;
    Ok(PasskeyNameView {
        page,
        id: id.to_string(),
        called: name_of(credential, passkey),
    })
}

fn list(visit: &Visit, visitor: &SignedInVisitor, page: Page) -> PasskeysView {
    let now = visit.zalt().now();
    let config = visit.zalt().config();
    let item = |(credential, passkey): (&Credential, &Passkey)| PasskeyItem {
        id: credential.id.to_string(),
        name: name_of(credential, passkey),
        // Where it is the name already, once is enough.
        authenticator: passkey
            .authenticator()
            .filter(|_| credential.name.is_some()),
        added: moment::moment(credential.created_at, now),
        last_used: credential.last_used_at.map(|at| moment::moment(at, now)),
        kept_on: if passkey.backed_up {
            KeptOn::SeveralDevices
        } else if passkey.backup_eligible {
            KeptOn::OneDeviceSoFar
        } else {
            KeptOn::OneDevice
        },
    };
    let ids: Vec<String> = visitor
        .account
        .passkeys()
        .map(|(_, passkey)| passkey.credential_id.to_string())
        .collect();
    PasskeysView {
        page,
        allowed: config.first_factors.passkey || config.second_factors.methods.passkey,
        passkeys: visitor.account.passkeys().map(item).collect(),
        rp_id: config.passkeys.rp_id.clone().unwrap_or_default(),
        user_handle: URL_SAFE_NO_PAD.encode(visitor.account.user.id.as_bytes()),
        credential_ids: ids.join(" "),
    }
}

fn name_of(credential: &Credential, passkey: &Passkey) -> String {
    match (&credential.name, passkey.authenticator()) {
        (Some(name), _) => name.to_string(),
        (None, Some(model)) => model.to_owned(),
        (None, None) => "Passkey".to_owned(),
    }
}
