//! Text messages by Twilio's Messages API.
//!
//! Twilio knows no idempotency key: a message whose reply is lost is tried again and may arrive twice.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use url::Url;
use zalt_core::id::MessageId;
use zalt_core::message::{SendError, Sms, SmsSender};

use crate::http::{self, HttpClient, HttpSendError, ServiceUrl};
use crate::notice::secrets;
use crate::secret::Secret;
use crate::templates::{Templates, one_line};

/// An account at Twilio and in whose name it sends; checked when made.
///
/// `Debug` never shows the token.
#[derive(Debug, Clone)]
pub struct TwilioConfig {
    account: String,
    user: String,
    password: Secret,
    sender: Sender,
    messages: Url,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Sender {
    From(String),
    MessagingService(String),
}

/// Why a text can't be part of a [`TwilioConfig`]. No variant repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TwilioConfigError {
    /// Not an account SID.
    #[error("the account SID of Twilio is AC and 32 hexadecimal digits")]
    Account,
    /// Not an API key SID.
    #[error("the API key SID of Twilio is SK and 32 hexadecimal digits")]
    ApiKey,
    /// An empty token or secret.
    #[error("the auth token or API key secret of Twilio is empty")]
    Token,
    /// No sender that Twilio knows.
    #[error(
        "the sender is a number in E.164 (+15005550006), a name of up to 11 letters, digits and spaces, or the SID of a \
         messaging service (MG and 32 hexadecimal digits)"
    )]
    Sender,
    /// A base URL that can't be one.
    #[error("the base URL of Twilio can't be extended by a path")]
    BaseUrl,
}

const BASE_URL: &str = "https://api.twilio.com";

impl TwilioConfig {
    /// The account by its SID and auth token. `sender` is a number, a name, or the SID of a messaging service.
    ///
    /// # Errors
    /// [`TwilioConfigError`].
    pub fn new(account: &str, auth_token: &str, sender: &str) -> Result<Self, TwilioConfigError> {
        let account = sid("AC", account).ok_or(TwilioConfigError::Account)?;
        let base = Url::parse(BASE_URL).map_err(|_| TwilioConfigError::BaseUrl)?;
        Ok(Self {
            messages: messages_url(&base, &account)?,
            user: account.clone(),
            password: token(auth_token)?,
            sender: Sender::parse(sender)?,
            account,
        })
    }

    /// Signs in with an API key instead of the account's auth token: it can be revoked by itself.
    ///
    /// # Errors
    /// [`TwilioConfigError::ApiKey`] and [`TwilioConfigError::Token`].
    pub fn with_api_key(mut self, key: &str, secret: &str) -> Result<Self, TwilioConfigError> {
        self.user = sid("SK", key).ok_or(TwilioConfigError::ApiKey)?;
        self.password = token(secret)?;
        Ok(self)
    }

    /// Speaks to another host, such as a regional one (`https://api.dublin.ie1.twilio.com`).
    ///
    /// # Errors
    /// [`TwilioConfigError::BaseUrl`].
    pub fn with_base_url(mut self, base: &ServiceUrl) -> Result<Self, TwilioConfigError> {
        self.messages = messages_url(base.as_url(), &self.account)?;
        Ok(self)
    }
}

fn sid(prefix: &str, text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.strip_prefix(prefix)?;
    let valid = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| text.to_owned())
}

fn token(text: &str) -> Result<Secret, TwilioConfigError> {
    match text.trim() {
        "" => Err(TwilioConfigError::Token),
        text => Ok(Secret::new(text)),
    }
}

fn messages_url(base: &Url, account: &str) -> Result<Url, TwilioConfigError> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| TwilioConfigError::BaseUrl)?
        .pop_if_empty()
        .extend(["2010-04-01", "Accounts", account, "Messages.json"]);
    Ok(url)
}

impl Sender {
    fn parse(text: &str) -> Result<Self, TwilioConfigError> {
        let text = text.trim();
        if let Some(service) = sid("MG", text) {
            return Ok(Self::MessagingService(service));
        }
        let is_name = (1..=11).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
            && text.bytes().any(|byte| byte.is_ascii_alphabetic());
        if is_name || is_e164(text) {
            Ok(Self::From(text.to_owned()))
        } else {
            Err(TwilioConfigError::Sender)
        }
    }
}

/// Also keeps prefixes such as `whatsapp:` out, which would have Twilio use another channel.
fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Sends text messages by Twilio.
pub struct TwilioSms {
    config: TwilioConfig,
    client: HttpClient,
    templates: Arc<dyn Templates>,
}

impl TwilioSms {
    /// A sender for this account.
    pub fn new(config: TwilioConfig, client: HttpClient, templates: Arc<dyn Templates>) -> Self {
        Self {
            config,
            client,
            templates,
        }
    }
}

#[async_trait::async_trait]
impl SmsSender for TwilioSms {
    async fn send(&self, _id: MessageId, sms: &Sms) -> Result<(), SendError> {
        let text = self.templates.sms(sms)?;
        if !is_e164(&sms.to) {
            return Err(HttpSendError::Recipient.into());
        }
        let sender = match &self.config.sender {
            Sender::From(from) => ("From", from.as_str()),
            Sender::MessagingService(service) => ("MessagingServiceSid", service.as_str()),
        };
        let request = self
            .client
            .post(self.config.messages.clone())
            .basic_auth(&self.config.user, Some(self.config.password.expose()))
            .form(&[("To", sms.to.as_str()), sender, ("Body", text.as_str())]);
        let response = http::send(request).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let body = http::read_start(response, MAX_REPLY).await;
        Err(
            HttpSendError::from_status(status.as_u16(), detail(&body, &secrets(&sms.notice)))
                .into(),
        )
    }
}

/// Far more than any of Twilio's error replies.
const MAX_REPLY: usize = 16 * 1024;

/// Twilio's own error code and words, without the content of the message.
fn detail(body: &[u8], secrets: &[&str]) -> Option<String> {
    #[derive(Deserialize)]
    struct Reply {
        code: Option<u32>,
        #[serde(default)]
        message: String,
    }

    let reply: Reply = serde_json::from_slice(body).ok()?;
    let message = one_line(&reply.message, 200);
    let told = secrets.iter().any(|secret| message.contains(secret));
    match (reply.code, told || message.is_empty()) {
        (None, true) => None,
        (None, false) => Some(message),
        (Some(code), true) => Some(code.to_string()),
        (Some(code), false) => Some(format!("{code} {message}")),
    }
}

impl fmt::Debug for TwilioSms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioSms")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "AC00000000000000000000000000000000";

    #[test]
    fn each_part_is_checked() {
        let new = TwilioConfig::new;
        assert_eq!(
            new("AC123", "t0ken", "Acme").unwrap_err(),
            TwilioConfigError::Account
        );
        assert_eq!(
            new(&ACCOUNT.replace('0', "/"), "t0ken", "Acme").unwrap_err(),
            TwilioConfigError::Account
        );
        assert_eq!(
            new(ACCOUNT, " ", "Acme").unwrap_err(),
            TwilioConfigError::Token
        );
        for sender in [
            "",
            "15005550006",
            "+0150",
            "whatsapp:+15005550006",
            "Much too long a name",
            "Ac/me",
        ] {
            assert_eq!(
                new(ACCOUNT, "t0ken", sender).unwrap_err(),
                TwilioConfigError::Sender,
                "{sender}"
            );
        }
        let config = new(ACCOUNT, "t0ken", "+15005550006").unwrap();
        assert_eq!(
            config.messages.as_str(),
            "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages.json"
        );
        assert_eq!(
            config.clone().with_api_key("SK1", "s").unwrap_err(),
            TwilioConfigError::ApiKey
        );
        assert!(!format!("{config:?}").contains("t0ken"));
    }

    #[test]
    fn a_reply_is_told_without_the_secret() {
        assert_eq!(
            detail(br#"{"code":21211,"message":"Bad\r\nnumber"}"#, &["123456"]),
            Some("21211 Bad number".to_owned())
        );
        assert_eq!(
            detail(
                br#"{"code":21211,"message":"Body was 123456"}"#,
                &["123456"]
            ),
            Some("21211".to_owned())
        );
        assert_eq!(detail(b"<html>", &[]), None);
    }
}
