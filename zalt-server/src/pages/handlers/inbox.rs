//! The dev inbox: mail and text messages that are shown instead of sent.

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::{CONTENT_SECURITY_POLICY, HOST};
use serde::{Deserialize, Serialize};
use zalt_core::Timestamp;
use zalt_notify::{Channel, MemoryMailer, SentMessage};

use crate::pages::fault::{Fault, Outcome};
use crate::pages::moment::moment;
use crate::pages::state::Pages;
use crate::pages::views::{InboxItem, InboxView, MessageView};
use crate::pages::visit::Visit;
use crate::pages::{local, paths, policy};

pub(super) fn router() -> Router<Pages> {
    Router::new()
        .route(paths::DEV_INBOX, get(list))
        .route(paths::DEV_INBOX_JSON, get(list_json))
        .route("/dev/inbox/{id}", get(show))
        .route("/dev/inbox/{id}/html", get(show_html))
}

/// Which messages a program wants.
#[derive(Deserialize)]
struct Wanted {
    /// Only those to this address.
    to: Option<String>,
}

/// A message for programs.
#[derive(Serialize)]
struct JsonMessage {
    id: String,
    to: String,
    subject: String,
    code: Option<String>,
    link: Option<String>,
    safety_link: Option<String>,
    sent_at: Timestamp,
}

#[derive(Serialize)]
struct JsonMessages {
    data: Vec<JsonMessage>,
}

async fn list(visit: Visit, headers: HeaderMap) -> Outcome {
    let inbox = inbox(&visit.pages, &headers)?;
    let now = visit.zalt().now();
    let messages = inbox.messages();
    let view = InboxView {
        page: visit.page(),
        messages: messages
            .iter()
            .map(|sent| InboxItem {
                id: sent.id.to_string(),
                to: sent.to.clone(),
                subject: subject(sent),
                code: sent.code().map(str::to_owned),
                by_text: sent.channel == Channel::Sms,
                at: moment(sent.sent_at, now),
            })
            .collect(),
    };
    visit.show(&view)
}

async fn list_json(
    State(pages): State<Pages>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Outcome {
    let data = inbox(&pages, &headers)?
        .messages()
        .iter()
        .filter(|sent| wanted.to.as_ref().is_none_or(|to| *to == sent.to))
        .map(|sent| JsonMessage {
            id: sent.id.to_string(),
            to: sent.to.clone(),
            subject: subject(sent),
            code: sent.code().map(str::to_owned),
            link: sent.link().map(str::to_owned),
            safety_link: sent.safety_link.clone(),
            sent_at: sent.sent_at,
        })
        .collect();
    Ok(Json(JsonMessages { data }).into_response())
}

async fn show(visit: Visit, Path(id): Path<String>, headers: HeaderMap) -> Outcome {
    let sent = message(inbox(&visit.pages, &headers)?, &id)?;
    let view = MessageView {
        page: visit.page(),
        id: sent.id.to_string(),
        from: visit.pages.site().product_name.clone(),
        to: sent.to.clone(),
        subject: subject(&sent),
        at: moment(sent.sent_at, visit.zalt().now()),
        code: sent.code().map(str::to_owned),
        link: sent.link().map(str::to_owned),
        safety_link: sent.safety_link.clone(),
        text: sent.text.clone(),
        has_html: sent.html.is_some(),
    };
    let mut response = visit.show(&view)?;
    let policy = visit.pages.mail_policy().clone();
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

async fn show_html(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Outcome {
    let sent = message(inbox(&pages, &headers)?, &id)?;
    let html = sent.html.clone().ok_or(Fault::NotFound)?;
    let mut response: Response = Html(html).into_response();
    response.headers_mut().insert(
        CONTENT_SECURITY_POLICY,
        http::HeaderValue::from_static(policy::MAIL_BODY),
    );
    Ok(response)
}

/// The subject of a mail; text messages have none.
fn subject(sent: &SentMessage) -> String {
    match sent.channel {
        Channel::Sms => "Text message".to_owned(),
        _ => sent.subject.clone(),
    }
}

/// The inbox, for whoever asks for it at the address of this server. A page of a stranger whose name was made to lead to
/// this machine (DNS rebinding) says another host, and must not read the codes.
fn inbox<'p>(pages: &'p Pages, headers: &HeaderMap) -> Result<&'p MemoryMailer, Fault> {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok());
    let base = pages.zalt().base_url();
    let ours = host.is_some_and(|host| local::is_known(base, host));
    pages.inbox().filter(|_| ours).ok_or(Fault::NotFound)
}

fn message(inbox: &MemoryMailer, id: &str) -> Result<std::sync::Arc<SentMessage>, Fault> {
    let id = id.parse().map_err(|_| Fault::NotFound)?;
    inbox.message(id).ok_or(Fault::NotFound)
}
