//! The work that nobody waits for: sending messages, rotating keys, tidying up.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_channel::mpsc;
use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use crate::Zalt;
use crate::environment::Timestamp;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::MessageId;
use crate::identifier::{EmailAddress, IdentifierValue};
use crate::message::{Mail, Mailer, Message, Notice, SendError, Sms, SmsSender};
use crate::request::RequestContext;
use crate::store::{Batch, Change, CommitError, Expired, PageLimit, PageRequest, UserFilter};
use crate::user::Account;

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
/// A message that a worker took and neither sent nor gave up goes to another one after this.
const LEASE: Duration = Duration::from_mins(1);
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
/// What has expired is kept this much longer, for whoever looks into what happened.
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
    /// Dropping it between two steps loses nothing: a message that was taken and not sent is taken again.
    pub async fn run<S, F>(mut self, sleep: S)
    where
        S: Fn(Duration) -> F + Send,
        F: Future<Output = ()> + Send,
    {
        let mut tidied_at: Option<Timestamp> = None;
        loop {
            let now = self.zalt.now();
            self.zalt
                .inner
                .worker_seen_at
                .store(now.unix_millis(), Ordering::Relaxed);
            if tidied_at.is_none_or(|at| now.since(at) >= TICK || now < at) {
                self.tidy().await;
                tidied_at = Some(now);
            }
            let next = match self.send_due().await {
                Ok(()) => self.next_wait().await,
                Err(error) => {
                    tracing::error!(%error, "messages could not be sent");
                    TICK
                }
            };
            let pause = Box::pin(sleep(next));
            if let Either::Left((None, pause)) = select(self.woken.next(), pause).await {
                // Nobody can wake it any more; messages of other processes are still found by the clock.
                pause.await;
            }
        }
    }

    /// Sends every message that is due now, and returns once each was sent, put off or given up.
    pub async fn send_due(&self) -> Result<(), Error> {
        loop {
            let due = self
                .zalt
                .store()
                .due_messages(self.zalt.now(), MESSAGES_PER_ROUND)
                .await?;
            if due.is_empty() {
                return Ok(());
            }
            stream::iter(due)
                .for_each_concurrent(CONCURRENT_MESSAGES, |message| async move {
                    let id = message.id;
                    if let Err(error) = self.deliver(message).await {
                        tracing::error!(%error, message = %id, "a message could not be handled");
                    }
                })
                .await;
        }
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
                .clamp(Duration::from_millis(10), TICK),
            Ok(None) => TICK,
            Err(error) => {
                tracing::error!(%error, "the message queue could not be read");
                TICK
            }
        }
    }

    async fn deliver(&self, message: Message) -> Result<(), Error> {
        let now = self.zalt.now();
        if message.expires_at <= now {
            return self.give_up(&message).await;
        }
        let leased = Message {
            due_at: now + LEASE,
            tries: message.tries.saturating_add(1),
            ..message
        };
        match self
            .zalt
            .commit(Batch::new().change(Change::UpdateMessage(leased.clone())))
            .await
        {
            Ok(()) => {}
            // Another worker was faster.
            Err(CommitError::Guard(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let leased = Message {
            version: leased.version + 1,
            ..leased
        };
        match self.send(&leased).await? {
            Ok(()) => {
                let change = Change::DeleteMessage {
                    id: leased.id,
                    version: leased.version,
                };
                Ok(self.zalt.commit(Batch::new().change(change)).await?)
            }
            Err(SendError::Permanent(source)) => {
                tracing::warn!(error = %source, message = %leased.id, "a message was refused");
                self.give_up(&leased).await
            }
            Err(error) => {
                tracing::warn!(%error, message = %leased.id, tries = leased.tries, "a message has to wait");
                self.put_off(leased).await
            }
        }
    }

    async fn send(&self, message: &Message) -> Result<Result<(), SendError>, Error> {
        let content = self
            .zalt
            .encryption_keys()
            .open(message.id.as_bytes(), &message.content)?;
        let outgoing = serde_json::from_slice(&content)
            .map_err(|_| Error::Internal("a queued message has an unknown form"))?;
        Ok(match (outgoing, &self.sms_sender) {
            (Outgoing::Mail(mail), _) => self.mailer.send(message.id, &mail).await,
            (Outgoing::Sms(sms), Some(sender)) => sender.send(message.id, &sms).await,
            (Outgoing::Sms(_), None) => {
                Err(SendError::Permanent("no SMS sender is configured".into()))
            }
        })
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
        Ok(self
            .zalt
            .commit(Batch::new().change(Change::UpdateMessage(later)))
            .await?)
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
            attempts_before: now - EXPIRED_KEPT,
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

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

impl Zalt {
    /// The change that queues a mail.
    pub(crate) fn mail(&self, to: &EmailAddress, notice: Notice) -> Result<Change, Error> {
        let now = self.now();
        let id = MessageId::mint(now, self.rng())?;
        // A code is worth nothing once it has expired; anything else may be late by a day.
        let lifetime = match notice {
            Notice::VerifyEmailAddress { .. }
            | Notice::SignIn { .. }
            | Notice::ResetPassword { .. } => self.config().attempts.code_lifetime,
            _ => Duration::from_hours(24),
        };
        let outgoing = Outgoing::Mail(Mail {
            to: to.mailbox(),
            notice,
            application_name: self.config().application_name.clone(),
        });
        let content = zeroize::Zeroizing::new(
            serde_json::to_vec(&outgoing)
                .map_err(|_| Error::Internal("a message can't be written"))?,
        );
        let content = self
            .encryption_keys()
            .seal(id.as_bytes(), &content, self.rng())?;
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

    /// The changes that tell every verified address of an account.
    pub(crate) fn mail_all(
        &self,
        account: &Account,
        notice: &Notice,
    ) -> Result<Vec<Change>, Error> {
        account
            .identifiers
            .iter()
            .filter(|identifier| identifier.verified_at.is_some())
            .filter_map(|identifier| match &identifier.value {
                IdentifierValue::EmailAddress(address) => Some(self.mail(address, notice.clone())),
                _ => None,
            })
            .collect()
    }
}
