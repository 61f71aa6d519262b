//! What is still to be announced.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use zalt_core::store::Stale;

/// The most that one entry of the stream names; what is more becomes everything.
const ENTRY: usize = 100;
/// The most that waits; what is more becomes everything.
const CAPACITY: usize = 10_000;

/// Announcements in the order in which they were made, without end to the waiting but with one to the memory.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    more: Notify,
    idle: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Announcement>,
    /// How many rows the announcements name together.
    length: usize,
    /// Whether the last try failed: nobody waits for the next.
    failing: bool,
    /// Whether announcements are under way.
    sending: bool,
}

#[derive(Debug)]
struct Announcement {
    stale: Vec<Stale>,
    /// Dropped once it was made or will take too long.
    done: Option<oneshot::Sender<()>>,
}

/// Some announcements, taken off the queue to be made together.
#[derive(Debug)]
pub(super) struct Bundle(Vec<Announcement>);

impl Bundle {
    pub(super) fn stale(&self) -> Vec<Stale> {
        self.0
            .iter()
            .flat_map(|announcement| &announcement.stale)
            .copied()
            .collect()
    }
}

impl Queue {
    /// Adds an announcement. What is returned is done when it was made, or when nobody should wait for that.
    pub(super) fn push(&self, stale: Vec<Stale>) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        let done = (!state.failing).then_some(sender);
        let stale = if stale.len() > ENTRY {
            vec![Stale::Everything]
        } else {
            stale
        };
        state.length += stale.len();
        state.waiting.push_back(Announcement { stale, done });
        if state.length > CAPACITY {
            state.collapse();
        }
        drop(state);
        self.more.notify_one();
        receiver
    }

    /// Waits for an announcement and takes it, with those behind it that fit into the same entry.
    pub(super) async fn take(&self) -> Bundle {
        loop {
            if let Some(bundle) = self.take_now() {
                return bundle;
            }
            self.more.notified().await;
        }
    }

    fn take_now(&self) -> Option<Bundle> {
        let mut state = self.state();
        let mut bundle = Vec::new();
        let mut length = 0;
        while let Some(next) = state.waiting.pop_front_if(|next| {
            length += next.stale.len();
            bundle.is_empty() || length <= ENTRY
        }) {
            state.length -= next.stale.len();
            bundle.push(next);
        }
        state.sending = !bundle.is_empty();
        (!bundle.is_empty()).then_some(Bundle(bundle))
    }

    /// They were made.
    pub(super) fn announced(&self, bundle: Bundle) {
        let mut state = self.state();
        state.failing = false;
        state.sending = false;
        let idle = state.waiting.is_empty();
        // Those who wait are told by the drop of their senders, once what they see is in order.
        drop(state);
        drop(bundle);
        if idle {
            self.idle.notify_waiters();
        }
    }

    /// They could not be made and stay at the front. Nobody waits for them any longer.
    pub(super) fn put_back(&self, bundle: Bundle) {
        let mut state = self.state();
        state.failing = true;
        state.sending = false;
        for announcement in bundle.0.into_iter().rev() {
            state.length += announcement.stale.len();
            state.waiting.push_front(announcement);
        }
        for announcement in &mut state.waiting {
            announcement.done = None;
        }
        if state.length > CAPACITY {
            state.collapse();
        }
    }

    /// How many rows wait to be announced.
    pub(super) fn len(&self) -> usize {
        self.state().length
    }

    /// Waits until everything was announced.
    pub(super) async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.is_idle() {
                return;
            }
            idle.await;
        }
    }

    fn is_idle(&self) -> bool {
        let state = self.state();
        state.waiting.is_empty() && !state.sending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Says the same with one word.
    fn collapse(&mut self) {
        self.waiting.clear();
        self.length = 1;
        self.waiting.push_back(Announcement {
            stale: vec![Stale::Everything],
            done: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;
    use zalt_core::id::UserId;

    use super::*;

    fn users(numbers: std::ops::Range<u8>) -> Vec<Stale> {
        numbers
            .map(|number| Stale::User(UserId::from_bytes([number; 16])))
            .collect()
    }

    fn is_done(receiver: &mut oneshot::Receiver<()>) -> bool {
        receiver.try_recv() == Err(TryRecvError::Closed)
    }

    #[test]
    fn what_waits_goes_out_together_and_in_order() {
        let queue = Queue::default();
        let mut first = queue.push(users(0..3));
        let mut second = queue.push(users(3..5));
        let mut third = queue.push(users(0..99));
        let bundle = queue.take_now().unwrap();
        assert_eq!(bundle.stale(), users(0..5));
        assert!(!is_done(&mut first) && !queue.is_idle());
        queue.announced(bundle);
        assert!(is_done(&mut first) && is_done(&mut second));
        assert!(!is_done(&mut third));
        let bundle = queue.take_now().unwrap();
        assert_eq!(bundle.stale().len(), 99);
        queue.announced(bundle);
        assert!(queue.take_now().is_none() && queue.is_idle());
    }

    #[test]
    fn nobody_waits_for_what_failed_and_nothing_of_it_is_lost() {
        let queue = Queue::default();
        let mut first = queue.push(users(0..1));
        let bundle = queue.take_now().unwrap();
        let mut second = queue.push(users(1..2));
        queue.put_back(bundle);
        assert!(is_done(&mut first) && is_done(&mut second));
        assert!(is_done(&mut queue.push(users(2..3))));
        let bundle = queue.take_now().unwrap();
        assert_eq!(bundle.stale(), users(0..3));
        queue.announced(bundle);
        assert!(!is_done(&mut queue.push(users(3..4))));
    }

    #[test]
    fn what_is_too_much_to_name_becomes_everything() {
        let queue = Queue::default();
        drop(queue.push(users(0..101)));
        let bundle = queue.take_now().unwrap();
        assert_eq!(bundle.stale(), [Stale::Everything]);
        queue.put_back(bundle);
        for _ in 0..100 {
            drop(queue.push(users(0..100)));
        }
        // One and ten thousand are one too many.
        assert_eq!(queue.len(), 1);
        assert_eq!(queue.take_now().unwrap().stale(), [Stale::Everything]);
    }
}
