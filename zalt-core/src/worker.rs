//! The work that nobody waits for: sending messages, rotating keys, tidying up.

use std::fmt;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_channel::mpsc;
use futures_util::future::{Either, FutureExt, Shared, select};
use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use crate::Zalt;
use crate::environment::Timestamp;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::MessageId;
use crate::identifier::{EmailAddress, IdentifierValue, PhoneNumber};
use crate::message::{Mail, Mailer, Message, Notice, SendError, Sms, SmsSender};
use crate::request::RequestContext;
use crate::store::{Batch, Change, CommitError, Expired, PageLimit, PageRequest, UserFilter};

/// Sends messages, rotates keys and tidies up, on the host's own runtime.
///
/// Safe to run on every replica: what two of them take up at once, one of them gets.
#[must_use = "without its worker an application never sends a message: spawn the future of `run`"]
pub struct Worker {
    zalt: Zalt,
    mailer: Arc<dyn Mailer>,
    sms_sender: Option<Arc<dyn SmsSender>>,
    woken: mpsc::Receiver<()>,
}

/// A worker that has not been heard of for this long is reported as missing.
pub(crate) const LATEST_BEAT: Duration = Duration::from_secs(90);

/// Tidying up and looking for due keys happens this often.
const TICK: Duration = Duration::from_secs(30);
/// How long a message that another process queued waits at most until this one notices, should that other have died.
const POLL: Duration = Duration::from_secs(5);
/// The wait after the queue could not be read or written: a code that somebody waits for must not outlast an outage by much.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// A message that a worker took and neither sent nor gave up goes to another one after this.
const LEASE: Duration = Duration::from_mins(1);
/// How long a sender may take; less than the lease, so that no other worker sends the same message meanwhile.
const LONGEST_SEND: Duration = Duration::from_secs(45);
/// Messages under way at once.
const CONCURRENT_MESSAGES: usize = 8;
/// Messages read at once.
const MESSAGES_PER_ROUND: u32 = 64;
/// The wait after the first failed try; it doubles with each.
const FIRST_RETRY: Duration = Duration::from_secs(5);
/// The longest wait between two tries.
const LONGEST_RETRY: Duration = Duration::from_mins(5);
/// Rows that one tidying removes of each kind.
const SWEEP_ROWS: u32 = 2_000;
/// A session that has expired is kept this much longer, for whoever looks into what happened.
const EXPIRED_KEPT: Duration = Duration::from_hours(24);

/// A message before it is sealed.
#[derive(Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case")]
enum Outgoing {
    Mail(Mail),
    Sms(Sms),
}

impl Worker {
    pub(crate) const fn new(
        zalt: Zalt,
        mailer: Arc<dyn Mailer>,
        sms_sender: Option<Arc<dyn SmsSender>>,
        woken: mpsc::Receiver<()>,
    ) -> Self {
        Self {
            zalt,
            mailer,
            sms_sender,
            woken,
        }
    }

    /// Works until the future is dropped. `sleep` is the runtime's own, such as `tokio::time::sleep`.
    ///
    /// A sender that has not answered after 45 seconds is given up on, and its message tried again later.
    ///
    /// Dropping it between two steps loses nothing, but a message that was sent and whose row was not removed yet is sent
    /// once more, a minute later. A host that ends in order ends its worker by [`run_until`](Self::run_until).
    pub async fn run<S, F>(self, sleep: S)
    where
        S: Fn(Duration) -> F + Send + Sync,
        F: Future<Output = ()> + Send,
    {
        self.run_until(sleep, pending()).await;
    }

    /// Works until `stop` is over. Then it takes up no further message, and returns once those under way were sent, put off or
    /// given up, at the latest after 45 seconds.
    pub async fn run_until<S, F, Q>(mut self, sleep: S, stop: Q)
    where
        S: Fn(Duration) -> F + Send + Sync,
        F: Future<Output = ()> + Send,
        Q: Future<Output = ()> + Send,
    {
        let stop = stop.shared();
        let mut tidied_at: Option<Timestamp> = None;
        while !is_over(&stop) {
            let now = self.zalt.now();
            self.beat(now);
            if tidied_at.is_none_or(|at| now.since(at) >= TICK || now < at) {
                self.tidy().await;
                tidied_at = Some(now);
            }
            let give_up = || sleep(LONGEST_SEND);
            let next = match self.send_all(give_up, &stop).await {
                Ok(()) => self.next_wait().await,
                Err(error) => {
                    tracing::error!(%error, "messages could not be sent");
                    AFTER_FAILURE
                }
            };
            select(pin!(self.woken_within(sleep(next))), stop.clone()).await;
        }
    }

    async fn woken_within(&mut self, pause: impl Future<Output = ()> + Send) {
        let pause = pin!(pause);
        if let Either::Left((None, pause)) = select(self.woken.next(), pause).await {
            // Nobody can wake it any more; messages of other processes are still found by the clock.
            pause.await;
        }
    }

    fn beat(&self, now: Timestamp) {
        let seen_at = &self.zalt.inner.worker_seen_at;
        seen_at.store(now.unix_millis(), Ordering::Relaxed);
    }

    /// Sends every message that is due now, and returns once each was sent, put off or given up. Waits for senders as long
    /// as they take.
    ///
    /// # Errors
    /// [`Error::Store`] if messages could not be taken or their fate not be written. They stay in the queue.
    pub async fn send_due(&self) -> Result<(), Error> {
        self.send_all(pending::<()>, &pending().shared()).await
    }

    async fn send_all<F, W, Q>(&self, give_up: F, stop: &Shared<Q>) -> Result<(), Error>
    where
        F: Fn() -> W + Sync,
        W: Future<Output = ()> + Send,
        Q: Future<Output = ()> + Send,
    {
        while !is_over(stop) {
            let due = self
                .zalt
                .store()
                .due_messages(self.zalt.now(), MESSAGES_PER_ROUND)
                .await?;
            if due.is_empty() {
                return Ok(());
            }
            let mut handled = stream::iter(due)
                .take_until(stop.clone())
                .map(|message| self.deliver(message, &give_up))
                .buffer_unordered(CONCURRENT_MESSAGES);
            let mut failed = None;
            while let Some(result) = handled.next().await {
                failed = result.err().or(failed);
            }
            if let Some(error) = failed {
                // What could not be written is due as before: going on would try it again at once and for ever.
                return Err(error);
            }
        }
        Ok(())
    }

    /// Rotates keys and removes what is over. What fails is logged and tried again the next time.
    pub async fn tidy(&self) {
        if let Err(error) = self.zalt.access_tokens().rotate_if_due().await {
            tracing::error!(%error, "signing keys could not be rotated");
        }
        if let Err(error) = self.sweep().await {
            tracing::error!(%error, "what has expired could not be removed");
        }
        if let Err(error) = self.purge_deleted().await {
            tracing::error!(%error, "deleted accounts could not be purged");
        }
    }

    async fn next_wait(&self) -> Duration {
        match self.zalt.store().next_message_due().await {
            Ok(Some(due)) => due
                .since(self.zalt.now())
                .clamp(Duration::from_millis(10), POLL),
            Ok(None) => POLL,
            Err(error) => {
                tracing::error!(%error, "the message queue could not be read");
                AFTER_FAILURE
            }
        }
    }

    async fn deliver<F, W>(&self, message: Message, give_up: &F) -> Result<(), Error>
    where
        F: Fn() -> W + Sync,
        W: Future<Output = ()> + Send,
    {
        let now = self.zalt.now();
        // A mail server that hangs holds up what waits behind it, and is no reason to take the worker for dead.
        self.beat(now);
        if message.expires_at <= now {
            return self.give_up(&message).await;
        }
        let leased = Message {
            due_at: now + LEASE,
            tries: message.tries.saturating_add(1),
            ..message
        };
        if !self.write(Change::UpdateMessage(leased.clone())).await? {
            return Ok(());
        }
        let leased = Message {
            version: leased.version + 1,
            ..leased
        };
        let sent = match select(pin!(self.send(&leased)), pin!(give_up())).await {
            Either::Left((sent, _)) => sent,
            Either::Right(((), _)) => Err(SendError::Temporary("no answer in time".into())),
        };
        match sent {
            Ok(()) => {
                let change = Change::DeleteMessage {
                    id: leased.id,
                    version: leased.version,
                };
                self.write(change).await.map(drop)
            }
            Err(SendError::Permanent(source)) => {
                tracing::warn!(error = %source, message_id = %leased.id, "a message was refused");
                self.give_up(&leased).await
            }
            Err(SendError::Temporary(source)) => {
                tracing::warn!(error = %source, message_id = %leased.id, tries = leased.tries, "a message has to wait");
                self.put_off(leased).await
            }
        }
    }

    /// Writes to the queue. `false` if another worker has the message.
    async fn write(&self, change: Change) -> Result<bool, Error> {
        match self.zalt.commit(Batch::new().change(change)).await {
            Ok(()) => Ok(true),
            Err(CommitError::Guard(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let keys = self.zalt.encryption_keys();
        // Not for ever: an operator may yet give the key back with which it was sealed.
        let content = keys
            .open(message.id.to_string().as_bytes(), &message.content)
            .map_err(|error| SendError::Temporary(error.into()))?;
        // The parser's own error might quote what it read.
        let outgoing = serde_json::from_slice(&content)
            .map_err(|_| SendError::Permanent("a queued message has an unknown form".into()))?;
        match (outgoing, &self.sms_sender) {
            (Outgoing::Mail(mail), _) => self.mailer.send(message.id, &mail).await,
            (Outgoing::Sms(sms), Some(sender)) => sender.send(message.id, &sms).await,
            (Outgoing::Sms(_), None) => {
                Err(SendError::Permanent("no SMS sender is configured".into()))
            }
        }
    }

    async fn put_off(&self, message: Message) -> Result<(), Error> {
        let doublings = message.tries.saturating_sub(1).min(16);
        let wait = FIRST_RETRY
            .saturating_mul(1 << doublings)
            .min(LONGEST_RETRY);
        let later = Message {
            due_at: self.zalt.now() + wait,
            ..message
        };
        self.write(Change::UpdateMessage(later)).await.map(drop)
    }

    async fn give_up(&self, message: &Message) -> Result<(), Error> {
        let kind = EventKind::MessageFailed {
            tries: message.tries,
        };
        let event = self
            .zalt
            .event(&RequestContext::internal(), Actor::Application, None, kind)?;
        let change = Change::DeleteMessage {
            id: message.id,
            version: message.version,
        };
        match self
            .zalt
            .commit(Batch::new().change(change).event(event))
            .await
        {
            Err(CommitError::Guard(_)) => Ok(()),
            result => Ok(result?),
        }
    }

    async fn sweep(&self) -> Result<(), Error> {
        let now = self.zalt.now();
        let expired = Expired {
            sessions_before: now - EXPIRED_KEPT,
            // They hold hashes of passwords and addresses of people who may have no account; what happened, events say.
            attempts_before: now,
            budgets_before: now,
            signing_keys_before: now,
            events_before: self.zalt.config().events_kept.map(|kept| now - kept),
            limit: SWEEP_ROWS,
        };
        Ok(self
            .zalt
            .commit(Batch::new().change(Change::RemoveExpired(expired)))
            .await?)
    }

    async fn purge_deleted(&self) -> Result<(), Error> {
        let filter = UserFilter {
            deleted_before: Some(self.zalt.now() - self.zalt.config().deleted_users_kept),
            ..UserFilter::default()
        };
        let page = PageRequest {
            after: None,
            limit: PageLimit::MAX,
        };
        for user in self.zalt.users().list(&filter, page).await?.data {
            match self.zalt.users().purge(&user).await {
                // Restored, or purged by another worker.
                Err(Error::Conflict | Error::NotFound) => {}
                result => result?,
            }
        }
        Ok(())
    }
}

fn is_over<Q: Future<Output = ()>>(stop: &Shared<Q>) -> bool {
    stop.clone().now_or_never().is_some()
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

impl Zalt {
    /// The change that queues a mail.
    pub(crate) fn mail(&self, to: &EmailAddress, notice: Notice) -> Result<Change, Error> {
        self.mail_with_safety_link(to, notice, None)
    }

    /// The same with where to say "this wasn't me".
    pub(crate) fn mail_with_safety_link(
        &self,
        to: &EmailAddress,
        notice: Notice,
        safety_link: Option<String>,
    ) -> Result<Change, Error> {
        let lifetime = self.lifetime(&notice);
        let mail = Mail {
            to: to.mailbox(),
            notice,
            application_name: self.config().application_name.clone(),
            safety_link,
        };
        self.queue(&Outgoing::Mail(mail), lifetime)
    }

    /// The change that queues a text message. Whoever calls this has taken it from what limits them.
    pub(crate) fn text_message(&self, to: &PhoneNumber, notice: Notice) -> Result<Change, Error> {
        let lifetime = self.lifetime(&notice);
        let sms = Sms {
            to: to.as_str().to_owned(),
            notice,
            application_name: self.config().application_name.clone(),
            host: self.base_url().host_str().map(str::to_owned),
        };
        self.queue(&Outgoing::Sms(sms), lifetime)
    }

    /// The change that queues a message to an address or a number.
    pub(crate) fn message(&self, to: &IdentifierValue, notice: Notice) -> Result<Change, Error> {
        match to {
            IdentifierValue::EmailAddress(address) => self.mail(address, notice),
            IdentifierValue::PhoneNumber(number) => self.text_message(number, notice),
            IdentifierValue::Username(_) => Err(Error::Internal("nothing is sent to a username")),
        }
    }

    /// How long a message is worth sending: a code until it has expired, anything else for a day.
    fn lifetime(&self, notice: &Notice) -> Duration {
        if notice.code().is_some() {
            self.config().attempts.code_lifetime
        } else {
            Duration::from_hours(24)
        }
    }

    fn queue(&self, outgoing: &Outgoing, lifetime: Duration) -> Result<Change, Error> {
        let now = self.now();
        let id = MessageId::mint(now, self.rng())?;
        let content = zeroize::Zeroizing::new(
            serde_json::to_vec(outgoing)
                .map_err(|_| Error::Internal("a message can't be written"))?,
        );
        let content =
            self.encryption_keys()
                .seal(id.to_string().as_bytes(), &content, self.rng())?;
        let expires_at = now + lifetime;
        Ok(Change::EnqueueMessage(Message {
            id,
            content,
            created_at: now,
            due_at: now,
            expires_at,
            tries: 0,
            version: 0,
        }))
    }
}
