//! What sends mail and text messages.

use std::num::NonZeroUsize;
use std::sync::Arc;

use zalt_core::id::MessageId;
use zalt_core::message::{Mail, Mailer, SendError, Sms, SmsSender};
use zalt_core::{Clock, ZaltBuilder};
use zalt_notify::hook::HttpHook;
use zalt_notify::http::{HttpClient, HttpConfig, HttpSetupError};
use zalt_notify::smtp::{SmtpMailer, SmtpSetupError};
use zalt_notify::templates::{Color, DefaultTemplates, Templates};
use zalt_notify::twilio::TwilioSms;
use zalt_notify::{ConsoleMailer, MemoryMailer};

use crate::config::{Config, HookConfig, MailConfig, SmsConfig};

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailSetupError {
    #[error(transparent)]
    Smtp(#[from] SmtpSetupError),
    #[error(transparent)]
    Http(#[from] HttpSetupError),
}

/// The most messages that the dev inbox keeps.
const INBOX_MESSAGES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// Gives the application what sends its messages. Where nothing does, the dev inbox is returned as well.
pub(crate) fn attach(
    builder: ZaltBuilder,
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<(ZaltBuilder, Option<MemoryMailer>), MailSetupError> {
    let templates = templates(config);
    let builder = match &config.sms {
        None => builder,
        Some(SmsConfig::Twilio(twilio)) => {
            let client = HttpClient::new(&HttpConfig::default())?;
            let sender = TwilioSms::new(twilio.clone(), client, templates.clone());
            builder.sms_sender(Counted(sender))
        }
        Some(SmsConfig::Hook(hook)) => {
            builder.sms_sender(Counted(http_hook(hook, &templates, clock)?))
        }
    };
    Ok(match &config.mail {
        MailConfig::Inbox => {
            let inbox =
                MemoryMailer::with_capacity(INBOX_MESSAGES, templates.clone(), clock.clone());
            let shown = || ShownMailer {
                inbox: inbox.clone(),
                console: ConsoleMailer::new(std::io::stderr(), templates.clone()),
            };
            let builder = builder.mailer(Counted(shown()));
            let builder = match &config.sms {
                None => builder.sms_sender(Counted(shown())),
                Some(_) => builder,
            };
            (builder, Some(inbox))
        }
        MailConfig::Smtp(smtp) => {
            let mailer = SmtpMailer::new(smtp.clone(), templates, clock.clone())?;
            (builder.mailer(Counted(mailer)), None)
        }
        MailConfig::Hook(hook) => {
            let hook = http_hook(hook, &templates, clock)?;
            (builder.mailer(Counted(hook)), None)
        }
    })
}

/// The words of mails and text messages, in the colour of the theme.
pub(crate) fn templates(config: &Config) -> Arc<dyn Templates> {
    let templates = DefaultTemplates::new();
    Arc::new(match Color::parse(&config.theme.icon_color()) {
        Ok(color) => templates.with_button_color(color),
        Err(_) => templates,
    })
}

fn http_hook(
    hook: &HookConfig,
    templates: &Arc<dyn Templates>,
    clock: &Arc<dyn Clock>,
) -> Result<HttpHook, MailSetupError> {
    Ok(HttpHook::new(
        hook.url.clone(),
        hook.secret.clone(),
        HttpClient::new(&HttpConfig::default())?,
        templates.clone(),
        clock.clone(),
    ))
}

/// Shows mail and text messages in the dev inbox and on the console.
#[derive(Debug)]
struct ShownMailer {
    inbox: MemoryMailer,
    console: ConsoleMailer,
}

#[async_trait::async_trait]
impl Mailer for ShownMailer {
    async fn send(&self, id: MessageId, mail: &Mail) -> Result<(), SendError> {
        Mailer::send(&self.inbox, id, mail).await?;
        // A console that is gone keeps nobody from reading the inbox.
        if let Err(error) = Mailer::send(&self.console, id, mail).await {
            tracing::debug!(%error, "a mail could not be shown on the console");
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl SmsSender for ShownMailer {
    async fn send(&self, id: MessageId, sms: &Sms) -> Result<(), SendError> {
        SmsSender::send(&self.inbox, id, sms).await?;
        // As above.
        if let Err(error) = SmsSender::send(&self.console, id, sms).await {
            tracing::debug!(%error, "a text message could not be shown on the console");
        }
        Ok(())
    }
}

/// Counts what becomes of messages.
#[derive(Debug)]
struct Counted<S>(S);

#[async_trait::async_trait]
impl<S: Mailer> Mailer for Counted<S> {
    async fn send(&self, id: MessageId, mail: &Mail) -> Result<(), SendError> {
        let outcome = Outcome::of("mail");
        outcome.is(self.0.send(id, mail).await)
    }
}

#[async_trait::async_trait]
impl<S: SmsSender> SmsSender for Counted<S> {
    async fn send(&self, id: MessageId, sms: &Sms) -> Result<(), SendError> {
        let outcome = Outcome::of("sms");
        outcome.is(self.0.send(id, sms).await)
    }
}

/// Counted when it is dropped: a sender that takes too long is given up on in the middle.
struct Outcome {
    channel: &'static str,
    outcome: &'static str,
}

impl Outcome {
    const fn of(channel: &'static str) -> Self {
        Self {
            channel,
            outcome: "put_off",
        }
    }

    fn is(mut self, sent: Result<(), SendError>) -> Result<(), SendError> {
        self.outcome = match &sent {
            Ok(()) => "sent",
            Err(SendError::Permanent(_)) => "refused",
            Err(_) => "put_off",
        };
        sent
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        metrics::counter!(
            "zalt_messages_total",
            "channel" => self.channel,
            "outcome" => self.outcome,
        )
        .increment(1);
    }
}
