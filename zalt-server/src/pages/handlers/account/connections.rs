//! The accounts at providers of whoever is signed in.

use std::time::Duration;

use axum::extract::Query;
use serde::Deserialize;
use zalt_core::Error;
use zalt_core::attempt::BeginConnection;
use zalt_core::connection::{ConnectionKey, ExternalAccount};
use zalt_core::credential::Credential;

use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::handlers::connection::{lead_there, offered, refused};
use crate::pages::marks::Mark;
use crate::pages::messages;
use crate::pages::moment;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{ConnectionItem, ConnectionsView, ExternalAccountItem, Page};
use crate::pages::visit::{SignedInVisitor, Visit};

/// Whether the person comes back from a provider.
#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    linked: String,
}

/// Where a provider leads back to.
const LINKED: &str = "/account/connections?linked=1";
/// How long that is news.
const NEWS: Duration = Duration::from_mins(1);

pub(super) async fn show(visit: Visit, Query(back): Query<Back>) -> Outcome {
    let visitor = visit.visitor().await?;
    let mut page = visitor.page(&visit);
    let now = visit.zalt().now();
    let mut accounts = visitor.account.external_accounts();
    let fresh =
        |(credential, _): (&Credential, &ExternalAccount)| now.since(credential.created_at) < NEWS;
    if back.linked == "1" && page.alert.is_none() && accounts.any(fresh) {
        page.alert = Some(Flash::AccountLinked.alert());
    }
    let view = list(&visit, &visitor, page).await;
    visit.show(&view)
}

pub(super) async fn link(mut posted: Posted) -> Outcome {
    let [connection] = posted.fields(["connection"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let Ok(key) = ConnectionKey::parse(&connection) else {
        return Err(Fault::BadRequest);
    };
    let begin = BeginConnection {
        return_to: Some(LINKED),
        ..BeginConnection::new(&key)
    };
    let connections = visit.zalt().connections();
    match connections
        .begin_link(visit.context(), &visitor.authenticated, begin)
        .await
    {
        Ok(started) => lead_there(visit, visitor.page(visit), &key, &started).await,
        Err(error) => refused(visit, error, paths::ACCOUNT_CONNECTIONS),
    }
}

pub(super) async fn unlink(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let id = id.parse().map_err(|_| Fault::BadRequest)?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let connections = visit.zalt().connections();
    match connections
        .unlink(visit.context(), &visitor.authenticated, id)
        .await
    {
        Ok(()) => Ok(visit.go_with(paths::ACCOUNT_CONNECTIONS, Flash::AccountUnlinked)),
        Err(error) => not_unlinked(visit, &visitor, error).await,
    }
}

async fn not_unlinked(visit: &Visit, visitor: &SignedInVisitor, error: Error) -> Outcome {
    let mut page = visitor.page(visit);
    let status = messages::refuse(&mut page, error, &[])?;
    visit.show_as(status, &list(visit, visitor, page).await)
}

async fn list(visit: &Visit, visitor: &SignedInVisitor, page: Page) -> ConnectionsView {
    let now = visit.zalt().now();
    let connections = offered(visit).await.0;
    let item = |(credential, account): (&Credential, &ExternalAccount)| {
        let key = account.connection.as_str();
        let offered = connections.iter().find(|item| item.key == key);
        let (provider, mark) = match offered {
            Some(ConnectionItem { name, mark, .. }) => (name.clone(), *mark),
            None => (key.to_owned(), Mark::of(key, key)),
        };
        let email = account
            .email
            .as_ref()
            .map(|email| email.address.to_string());
        let known = [email, account.username.clone(), account.name.clone()];
        ExternalAccountItem {
            id: credential.id.to_string(),
            provider,
            mark,
            called: known
                .into_iter()
                .flatten()
                .next()
                .unwrap_or_else(|| account.subject.clone()),
            linked: moment::moment(credential.created_at, now),
            last_used: credential.last_used_at.map(|at| moment::moment(at, now)),
            enabled: offered.is_some(),
        }
    };
    let accounts = visitor.account.external_accounts().map(item).collect();
    ConnectionsView {
        page,
        accounts,
        connections,
    }
}
