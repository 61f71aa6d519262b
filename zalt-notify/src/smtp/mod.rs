//! Mail by SMTP.
//!
//! TLS is never optional across a network: `smtps://` speaks it from the first byte, `smtp://` upgrades by STARTTLS
//! before anything is said and refuses a server that can't, and only a server on this machine may do without. Of the
//! two, `smtps://` is the better (RFC 8314): it is one round trip shorter and has no moment in clear.
//!
//! An address with other than ASCII characters before the `@` needs a mail server with SMTPUTF8 (RFC 6531), and so does
//! every server further on; without it the mail is refused with [`SmtpError::SmtpUtf8NotOffered`]. International domains
//! need nothing: core gives them in their ASCII form.
//!
//! A mail whose last reply is lost (a timeout, a broken connection) is tried again and may arrive twice; both copies
//! carry the same `Message-ID`, by which mail programs recognise them as one.

mod config;
mod connection;
mod error;
mod line_stream;
mod message;

pub use config::{SmtpConfig, SmtpConfigError, SmtpSecurity};
pub use error::{Reply, SmtpError, SmtpSetupError};

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::Message;
use tokio::sync::Semaphore;
use zalt_core::id::MessageId;
use zalt_core::message::{Mail, Mailer, SendError};
use zalt_core::{Clock, Timestamp};

use self::connection::{Connection, Connector};
use crate::notice::secrets;
use crate::templates::Templates;

/// Sends mail by SMTP over a few connections that it keeps open.
///
/// Sending needs a Tokio runtime; making and dropping the mailer does not. Dropping a send half-way closes its
/// connection, so that no other mail is ever sent into the middle of it.
pub struct SmtpMailer {
    config: SmtpConfig,
    connector: Connector,
    templates: Arc<dyn Templates>,
    clock: Arc<dyn Clock>,
    idle: Mutex<Vec<Idle>>,
    permits: Semaphore,
}

/// A connection between two mails.
struct Idle {
    connection: Connection,
    since: Timestamp,
    sent: u32,
}

/// Shorter than the five minutes that servers must wait (RFC 5321, section 4.5.3.2.7) and most firewalls remember.
const MAX_IDLE: Duration = Duration::from_mins(1);

/// Many servers hang up after a hundred mails; better to do it ourselves, between two.
const MAX_PER_CONNECTION: u32 = 50;

impl SmtpMailer {
    /// A mailer for this server. Connects when the first mail is sent.
    ///
    /// # Errors
    /// [`SmtpSetupError`] if TLS can't be set up.
    pub fn new(
        config: SmtpConfig,
        templates: Arc<dyn Templates>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SmtpSetupError> {
        Ok(Self {
            connector: Connector::new(&config)?,
            permits: Semaphore::new(config.max_connections),
            config,
            templates,
            clock,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// Connects, signs in and greets the server, to find a wrong configuration before the first mail does.
    ///
    /// # Errors
    /// [`SmtpError`].
    pub async fn check(&self) -> Result<(), SmtpError> {
        self.in_time(async {
            let (connection, sent) = self.connection().await?;
            self.keep(connection, sent);
            Ok(())
        })
        .await
    }

    async fn hand_over(&self, message: &Message, secrets: &[&str]) -> Result<(), SmtpError> {
        // The connection is owned by this future while a mail is under way: a timeout or a cancelled caller drops it,
        // and only a finished exchange puts it back.
        let (mut connection, sent) = self.connection().await?;
        connection.send(message, secrets).await?;
        self.keep(connection, sent + 1);
        Ok(())
    }

    /// Runs `work` with one of the permits for a connection, within the configured time.
    async fn in_time<T: Send>(
        &self,
        work: impl Future<Output = Result<T, SmtpError>> + Send,
    ) -> Result<T, SmtpError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(SmtpError::NoRuntime);
        }
        let limited = async {
            let _permit = self
                .permits
                .acquire()
                .await
                .map_err(|error| SmtpError::Connection(Box::new(error)))?;
            work.await
        };
        tokio::time::timeout(self.config.timeout, limited)
            .await
            .map_err(|_| SmtpError::Timeout)?
    }

    /// An open connection, and how many mails it has carried.
    async fn connection(&self) -> Result<(Connection, u32), SmtpError> {
        while let Some(mut idle) = self.pop_idle() {
            let fresh = self.clock.now().since(idle.since) <= MAX_IDLE;
            if fresh && idle.connection.is_alive().await {
                return Ok((idle.connection, idle.sent));
            }
        }
        Ok((self.connector.connect(&self.config).await?, 0))
    }

    fn keep(&self, connection: Connection, sent: u32) {
        if sent < MAX_PER_CONNECTION {
            let since = self.clock.now();
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(Idle {
                    connection,
                    since,
                    sent,
                });
        }
    }

    fn pop_idle(&self) -> Option<Idle> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }
}

#[async_trait::async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, id: MessageId, mail: &Mail) -> Result<(), SendError> {
        let rendered = self.templates.mail(mail)?;
        let message = message::compose(id, mail, &rendered, &self.config.from, self.clock.now())?;
        let secrets = secrets(&mail.notice);
        self.in_time(self.hand_over(&message, &secrets)).await?;
        Ok(())
    }
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
