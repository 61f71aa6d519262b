use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use zalt_core::id::MessageId;
use zalt_core::message::{Mail, Mailer, SendError, Sms, SmsSender};

use crate::templates::{Templates, is_format_trick};

/// Writes mail and text messages to a terminal or a file instead of sending them. For development only: codes and
/// links stand there for anybody who reads along.
pub struct ConsoleMailer {
    writer: Mutex<Box<dyn Write + Send>>,
    templates: Arc<dyn Templates>,
}

impl ConsoleMailer {
    /// Writes to `writer`, such as `std::io::stderr()`.
    pub fn new(writer: impl Write + Send + 'static, templates: Arc<dyn Templates>) -> Self {
        Self {
            writer: Mutex::new(Box::new(writer)),
            templates,
        }
    }

    fn write(&self, head: &str, to: &str, body: &str) -> Result<(), SendError> {
        // Put together first, so that no other line of the log gets in between.
        let mut page = format!("---- {head} to {to} ----\n{}\n", body.trim_end());
        page.push_str("----\n");
        let page: String = page.chars().filter(|c| is_printable(*c)).collect();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer
            .write_all(page.as_bytes())
            .and_then(|()| writer.flush())
            .map_err(|error: io::Error| SendError::Temporary(Box::new(error)))
    }
}

/// A terminal obeys control characters, and the mail holds names that strangers chose.
fn is_printable(c: char) -> bool {
    c == '\n' || !(c.is_control() || is_format_trick(c))
}

#[async_trait::async_trait]
impl Mailer for ConsoleMailer {
    async fn send(&self, id: MessageId, mail: &Mail) -> Result<(), SendError> {
        let rendered = self.templates.mail(mail)?;
        let body = format!("Subject: {}\n\n{}", rendered.subject(), rendered.text());
        self.write(&format!("mail {id}"), &mail.to, &body)
    }
}

#[async_trait::async_trait]
impl SmsSender for ConsoleMailer {
    async fn send(&self, id: MessageId, sms: &Sms) -> Result<(), SendError> {
        let text = self.templates.sms(sms)?;
        self.write(&format!("text message {id}"), &sms.to, &text)
    }
}

impl fmt::Debug for ConsoleMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleMailer").finish_non_exhaustive()
    }
}
