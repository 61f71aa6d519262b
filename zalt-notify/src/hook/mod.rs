//! An HTTP hook: every message as a signed JSON request to a service of your own, which sends it.
//!
//! The request is a POST by the rules of [Standard Webhooks](https://www.standardwebhooks.com), so their libraries
//! verify it, with this body (`subject` and `html` are `null` for SMS):
//!
//! ```json
//! {
//!   "id": "msg_01h455vb4pex5vsknk084sn02q",
//!   "channel": "mail",
//!   "to": "ada@example.com",
//!   "application_name": "Acme",
//!   "notice": { "kind": "sign_in", "code": "123456", "link": null, "valid_minutes": 10 },
//!   "subject": "Sign in to Acme",
//!   "text": "...",
//!   "html": "..."
//! }
//! ```
//!
//! The body holds codes and links: don't log it. The id is the same for every try, so the service can recognise a
//! message that it has sent already. Any status of 2xx means that the service has it; 408, 425, 429 and 5xx mean "later";
//! redirects (which are not followed), 401, 403, 404 and 405 count as a wrong configuration and are tried again too; any
//! other status gives the message up.

mod signature;

pub use signature::{HookSecret, HookSecretError};

use std::fmt;
use std::sync::Arc;

use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use zalt_core::Clock;
use zalt_core::id::MessageId;
use zalt_core::message::{Mail, Mailer, Notice, SendError, Sms, SmsSender};

use crate::Channel;
use crate::http::{self, HttpClient, HttpSendError, ServiceUrl};
use crate::templates::Templates;

/// Hands messages to a service of your own.
pub struct HttpHook {
    url: ServiceUrl,
    secrets: Vec<HookSecret>,
    client: HttpClient,
    templates: Arc<dyn Templates>,
    clock: Arc<dyn Clock>,
}

impl HttpHook {
    /// A hook at `url`, signed with `secret`.
    pub fn new(
        url: ServiceUrl,
        secret: HookSecret,
        client: HttpClient,
        templates: Arc<dyn Templates>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            url,
            secrets: vec![secret],
            client,
            templates,
            clock,
        }
    }

    /// Signs with `secret` as well, so that the service can change over from one secret to the other at its own time.
    #[must_use]
    pub fn with_second_secret(mut self, secret: HookSecret) -> Self {
        self.secrets.push(secret);
        self
    }

    async fn post(&self, payload: &Payload<'_>) -> Result<(), HttpSendError> {
        let body =
            serde_json::to_vec(payload).map_err(|error| HttpSendError::Request(Box::new(error)))?;
        let id = payload.id.to_string();
        let timestamp = self.clock.now().unix_seconds();
        let signatures: Vec<String> = self
            .secrets
            .iter()
            .map(|secret| secret.sign(&id, timestamp, &body))
            .collect();
        let request = self
            .client
            .post(self.url.as_url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(body);
        let status = http::send(request).await?.status();
        if status.is_success() {
            Ok(())
        } else {
            // The body is not read: what a service of the operator's says is in its own log.
            Err(HttpSendError::from_status(status.as_u16(), None))
        }
    }
}

#[derive(Serialize)]
struct Payload<'a> {
    id: MessageId,
    channel: Channel,
    to: &'a str,
    application_name: &'a str,
    notice: &'a Notice,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_link: Option<&'a str>,
    subject: Option<&'a str>,
    text: &'a str,
    html: Option<&'a str>,
}

#[async_trait::async_trait]
impl Mailer for HttpHook {
    async fn send(&self, id: MessageId, mail: &Mail) -> Result<(), SendError> {
        let rendered = self.templates.mail(mail)?;
        self.post(&Payload {
            id,
            channel: Channel::Mail,
            to: &mail.to,
            application_name: &mail.application_name,
            notice: &mail.notice,
            safety_link: mail.safety_link.as_deref(),
            subject: Some(rendered.subject()),
            text: rendered.text(),
            html: Some(rendered.html()),
        })
        .await?;
        Ok(())
    }
}

#[async_trait::async_trait]
impl SmsSender for HttpHook {
    async fn send(&self, id: MessageId, sms: &Sms) -> Result<(), SendError> {
        let text = self.templates.sms(sms)?;
        self.post(&Payload {
            id,
            channel: Channel::Sms,
            to: &sms.to,
            application_name: &sms.application_name,
            notice: &sms.notice,
            safety_link: None,
            subject: None,
            text: &text,
            html: None,
        })
        .await?;
        Ok(())
    }
}

impl fmt::Debug for HttpHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpHook")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}
