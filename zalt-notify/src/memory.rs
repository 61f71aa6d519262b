use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use zalt_core::id::MessageId;
use zalt_core::message::{Mail, Mailer, Notice, SendError, Sms, SmsSender};
use zalt_core::{Clock, Timestamp};

use crate::Channel;
use crate::templates::Templates;

/// Keeps mail and text messages in memory instead of sending them: the dev inbox, and the double for tests.
///
/// Clones are handles to the same messages. Only the newest are kept. A message that is sent again under the same id
/// counts once.
///
/// ```
/// # use std::sync::Arc;
/// # use zalt_core::{SystemClock, SystemRng, Clock, id::MessageId};
/// # use zalt_core::message::{Mail, Mailer, Notice};
/// # use zalt_notify::{MemoryMailer, templates::DefaultTemplates};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let inbox = MemoryMailer::new(Arc::new(DefaultTemplates::new()), Arc::new(SystemClock));
/// let before = inbox.generation();
/// # let mail = Mail {
/// #     to: "ada@example.com".into(),
/// #     notice: Notice::PasswordChanged,
/// #     application_name: "Acme".into(),
/// #     safety_link: None,
/// # };
/// # let id = MessageId::mint(SystemClock.now(), &SystemRng)?;
/// // ... something that sends mail ...
/// # Mailer::send(&inbox, id, &mail).await?;
/// let sent = inbox.next_after(before).await;
/// assert_eq!(sent.to, "ada@example.com");
/// assert_eq!(sent.subject, "Your password for Acme was changed");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryMailer {
    templates: Arc<dyn Templates>,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
}

/// A message that [`MemoryMailer`] kept.
///
/// `Debug` hides what it says, since that holds codes and links.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentMessage {
    /// Its id in the queue.
    pub id: MessageId,
    /// Counts the messages from 1 on; see [`MemoryMailer::generation`].
    pub generation: u64,
    /// Mail or SMS.
    pub channel: Channel,
    /// The address or number.
    pub to: String,
    /// What it says, before the templates.
    pub notice: Notice,
    /// Where to say that it wasn't them, in mails that tell of a change.
    pub safety_link: Option<String>,
    /// The subject; empty for SMS.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML; `None` for SMS.
    pub html: Option<String>,
    /// When it was sent.
    pub sent_at: Timestamp,
}

impl SentMessage {
    /// The code in it.
    pub fn code(&self) -> Option<&str> {
        self.notice.code()
    }

    /// The link in it.
    pub fn link(&self) -> Option<&str> {
        self.notice.link()
    }
}

struct Shared {
    capacity: usize,
    state: Mutex<State>,
    arrived: Condvar,
    generation: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Newest first.
    messages: VecDeque<Arc<SentMessage>>,
    generation: u64,
}

impl State {
    fn first_after(&self, generation: u64) -> Option<Arc<SentMessage>> {
        self.messages
            .iter()
            .rev()
            .find(|sent| sent.generation > generation)
            .cloned()
    }
}

const DEFAULT_CAPACITY: usize = 200;

impl MemoryMailer {
    /// An empty inbox for the newest 200 messages.
    pub fn new(templates: Arc<dyn Templates>, clock: Arc<dyn Clock>) -> Self {
        Self::with_capacity_of(DEFAULT_CAPACITY, templates, clock)
    }

    /// An empty inbox for the newest `capacity` messages.
    pub fn with_capacity(
        capacity: NonZeroUsize,
        templates: Arc<dyn Templates>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::with_capacity_of(capacity.get(), templates, clock)
    }

    fn with_capacity_of(
        capacity: usize,
        templates: Arc<dyn Templates>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            templates,
            clock,
            shared: Arc::new(Shared {
                capacity,
                state: Mutex::default(),
                arrived: Condvar::new(),
                generation: watch::Sender::new(0),
            }),
        }
    }

    /// All that are kept, newest first.
    pub fn messages(&self) -> Vec<Arc<SentMessage>> {
        self.state().messages.iter().cloned().collect()
    }

    /// One by its id.
    pub fn message(&self, id: MessageId) -> Option<Arc<SentMessage>> {
        self.state()
            .messages
            .iter()
            .find(|sent| sent.id == id)
            .cloned()
    }

    /// The newest to this address or number.
    pub fn latest_to(&self, to: &str) -> Option<Arc<SentMessage>> {
        self.state()
            .messages
            .iter()
            .find(|sent| sent.to == to)
            .cloned()
    }

    /// Forgets all messages; the generation goes on from where it was.
    pub fn clear(&self) {
        self.state().messages.clear();
    }

    /// How many messages there have been. Read it before doing what sends one, then wait for the next after it.
    pub fn generation(&self) -> u64 {
        self.state().generation
    }

    /// Waits for the first message after `generation` that is still kept. Dropping the future is safe.
    pub async fn next_after(&self, generation: u64) -> Arc<SentMessage> {
        let mut changed = self.shared.generation.subscribe();
        loop {
            if let Some(sent) = self.state().first_after(generation) {
                return sent;
            }
            // The sender lives in `self`, so this ends only with a change.
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits on this thread for the first message after `generation`, for `timeout` at most.
    pub fn wait_after(&self, generation: u64, timeout: Duration) -> Option<Arc<SentMessage>> {
        let (state, _) = self
            .shared
            .arrived
            .wait_timeout_while(self.state(), timeout, |state| {
                state.first_after(generation).is_none()
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.first_after(generation)
    }

    fn keep(&self, mut message: SentMessage) {
        let mut state = self.state();
        if state.messages.iter().any(|sent| sent.id == message.id) {
            return;
        }
        state.generation += 1;
        message.generation = state.generation;
        state.messages.push_front(Arc::new(message));
        state.messages.truncate(self.shared.capacity);
        self.shared.generation.send_replace(state.generation);
        drop(state);
        self.shared.arrived.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, id: MessageId, mail: &Mail) -> Result<(), SendError> {
        let rendered = self.templates.mail(mail)?;
        self.keep(SentMessage {
            id,
            generation: 0,
            channel: Channel::Mail,
            to: mail.to.clone(),
            notice: mail.notice.clone(),
            safety_link: mail.safety_link.clone(),
            subject: rendered.subject().to_owned(),
            text: rendered.text().to_owned(),
            html: Some(rendered.html().to_owned()),
            sent_at: self.clock.now(),
        });
        Ok(())
    }
}

#[async_trait::async_trait]
impl SmsSender for MemoryMailer {
    async fn send(&self, id: MessageId, sms: &Sms) -> Result<(), SendError> {
        let text = self.templates.sms(sms)?;
        self.keep(SentMessage {
            id,
            generation: 0,
            channel: Channel::Sms,
            to: sms.to.clone(),
            notice: sms.notice.clone(),
            safety_link: None,
            subject: String::new(),
            text,
            html: None,
            sent_at: self.clock.now(),
        });
        Ok(())
    }
}

impl fmt::Debug for MemoryMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryMailer")
            .field("messages", &self.state().messages.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SentMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentMessage")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .field("to", &self.to)
            .field("subject", &self.subject)
            .field("sent_at", &self.sent_at)
            .finish_non_exhaustive()
    }
}
