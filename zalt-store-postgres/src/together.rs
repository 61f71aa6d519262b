//! Looking rows up by key, those that are wanted at one time by one query.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use zalt_core::store::StoreError;

/// A look-up that is asked at once while few are, and together with others while many are: what comes while enough queries are
/// under way waits for one of them to end, and then goes with all that waits. So the more is asked, the less each costs, and
/// what is asked alone waits for nothing.
///
/// An answer is never older than its question: a query begins after everybody who gets its answer has asked.
pub(crate) struct Together<K, V> {
    shared: Arc<Shared<K, V>>,
    most_turns: usize,
}

struct Shared<K, V>(Mutex<State<K, V>>);

struct State<K, V> {
    /// How many may ask at the moment.
    turns: usize,
    waiting: Vec<Waiting<K, V>>,
}

struct Waiting<K, V> {
    key: K,
    tell: oneshot::Sender<Told<K, V>>,
}

enum Told<K, V> {
    Answer(Result<Option<V>, StoreError>),
    /// To ask, and for whoever else waits by then.
    Ask(Turn<K, V>),
}

/// The most keys of one query.
const MOST_KEYS: usize = 64;

impl<K: Copy + Eq + Hash, V: Clone> Together<K, V> {
    /// With at most so many queries under way, at least one.
    pub(crate) fn new(most_turns: usize) -> Self {
        Self {
            shared: Arc::new(Shared(Mutex::new(State {
                turns: 0,
                waiting: Vec::new(),
            }))),
            most_turns: most_turns.max(1),
        }
    }

    /// The row of this key. `ask` gives the rows that there are of these keys, in any order.
    pub(crate) async fn look_up<F>(
        &self,
        key: K,
        ask: impl Fn(Vec<K>) -> F,
    ) -> Result<Option<V>, StoreError>
    where
        F: Future<Output = Result<Vec<(K, V)>, StoreError>>,
    {
        let turn = match self.turn_or_place(key) {
            Ok(turn) => turn,
            Err(place) => match place.await {
                Ok(Told::Answer(answer)) => return answer,
                Ok(Told::Ask(turn)) => turn,
                // Whoever asked for this key too went away before the answer came, or could not read it.
                Err(_) => return Ok(ask(vec![key]).await?.pop().map(|(_, row)| row)),
            },
        };
        let others = self.shared.state().take_waiting(MOST_KEYS - 1);
        let answer = ask(keys(key, &others)).await;
        // Somebody else may go on before these have heard.
        drop(turn);
        match answer {
            Ok(rows) => {
                let rows: HashMap<K, V> = rows.into_iter().collect();
                for other in others {
                    // Who went away needs no answer.
                    let _ = other
                        .tell
                        .send(Told::Answer(Ok(rows.get(&other.key).cloned())));
                }
                Ok(rows.get(&key).cloned())
            }
            Err(error) => {
                // What isn't the server's trouble may be that of one row; whoever is told nothing asks for their own.
                if error.is_retryable() {
                    for other in others {
                        let _ = other.tell.send(Told::Answer(Err(same(&error))));
                    }
                }
                Err(error)
            }
        }
    }

    fn turn_or_place(&self, key: K) -> Result<Turn<K, V>, oneshot::Receiver<Told<K, V>>> {
        let mut state = self.shared.state();
        if state.turns < self.most_turns {
            state.turns += 1;
            return Ok(Turn(Some(Arc::clone(&self.shared))));
        }
        let (tell, place) = oneshot::channel();
        state.waiting.push(Waiting { key, tell });
        Err(place)
    }
}

fn keys<K: Copy + Eq + Hash, V>(own: K, others: &[Waiting<K, V>]) -> Vec<K> {
    let mut keys = Vec::with_capacity(others.len() + 1);
    keys.push(own);
    for other in others {
        if !keys.contains(&other.key) {
            keys.push(other.key);
        }
    }
    keys
}

/// The same failure for one more of those whom it concerns.
fn same(error: &StoreError) -> StoreError {
    let cause = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
    StoreError::with_source(error.kind(), cause)
}

impl<K, V> Shared<K, V> {
    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> State<K, V> {
    fn take_waiting(&mut self, most: usize) -> Vec<Waiting<K, V>> {
        let count = self.waiting.len().min(most);
        self.waiting.drain(..count).collect()
    }
}

/// That its holder may ask. Whatever becomes of the holder, it goes on to whoever has waited longest.
struct Turn<K, V>(Option<Arc<Shared<K, V>>>);

impl<K, V> Drop for Turn<K, V> {
    fn drop(&mut self) {
        let Some(shared) = self.0.take() else {
            return;
        };
        loop {
            let next = {
                let mut state = shared.state();
                let Some(next) = state.take_waiting(1).pop() else {
                    state.turns = state.turns.saturating_sub(1);
                    return;
                };
                next
            };
            match next.tell.send(Told::Ask(Self(Some(Arc::clone(&shared))))) {
                Ok(()) => return,
                // Who went away has no use for the turn, which is offered to the next one here and not by its own end.
                Err(Told::Ask(mut turn)) => turn.0 = None,
                Err(Told::Answer(_)) => {}
            }
        }
    }
}

impl<K, V> fmt::Debug for Together<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Together")
            .field("most_turns", &self.most_turns)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::{Pin, pin};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;
    use zalt_core::store::StoreErrorKind;

    type Answer = Result<Option<u32>, StoreError>;

    /// A server that notes what it is asked and answers each query once it is let.
    struct Server {
        together: Together<u32, u32>,
        asked: Mutex<Vec<Vec<u32>>>,
        answers: Semaphore,
        trouble: Option<StoreErrorKind>,
    }

    impl Server {
        fn new(most_turns: usize, trouble: Option<StoreErrorKind>) -> Arc<Self> {
            Arc::new(Self {
                together: Together::new(most_turns),
                asked: Mutex::default(),
                answers: Semaphore::new(0),
                trouble,
            })
        }

        /// Ten times the key; there are no rows of odd ones.
        async fn look_up(self: Arc<Self>, key: u32) -> Answer {
            let ask = |keys: Vec<u32>| {
                self.asked.lock().unwrap().push(keys.clone());
                async {
                    self.answers.acquire().await.unwrap().forget();
                    if let Some(kind) = self.trouble {
                        return Err(StoreError::new(kind));
                    }
                    let even = keys.into_iter().filter(|key| key % 2 == 0);
                    Ok(even.map(|key| (key, key * 10)).rev().collect())
                }
            };
            self.together.look_up(key, ask).await
        }

        fn asked(&self) -> Vec<Vec<u32>> {
            self.asked.lock().unwrap().clone()
        }
    }

    /// Polls once; it is not to be ready.
    macro_rules! begin {
        ($future:expr) => {
            assert!(futures_now(&mut $future).is_none())
        };
    }

    /// Look-ups of these keys, each under way and none answered yet.
    fn begun(server: &Arc<Server>, keys: &[u32]) -> Vec<Pin<Box<impl Future<Output = Answer>>>> {
        let begin = |key: &u32| {
            let mut look_up = Box::pin(Arc::clone(server).look_up(*key));
            begin!(look_up);
            look_up
        };
        keys.iter().map(begin).collect()
    }

    fn futures_now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match Pin::new(future).poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn what_is_asked_alone_is_asked_at_once_and_alone() {
        let server = Server::new(1, None);
        server.answers.add_permits(2);
        assert_eq!(Arc::clone(&server).look_up(2).await.unwrap(), Some(20));
        assert_eq!(Arc::clone(&server).look_up(3).await.unwrap(), None);
        assert_eq!(server.asked(), [[2], [3]]);
    }

    #[tokio::test]
    async fn what_comes_meanwhile_goes_together_and_each_gets_its_own() {
        let server = Server::new(1, None);
        let mut first = pin!(Arc::clone(&server).look_up(2));
        begin!(first);
        let others = begun(&server, &[4, 5, 4, 6]);
        assert_eq!(server.asked(), [[2]]);
        server.answers.add_permits(2);
        assert_eq!(first.await.unwrap(), Some(20));
        let mut answers = Vec::new();
        for other in others {
            answers.push(other.await.unwrap());
        }
        assert_eq!(answers, [Some(40), None, Some(40), Some(60)]);
        assert_eq!(server.asked(), [vec![2], vec![4, 5, 6]]);
    }

    #[tokio::test]
    async fn as_many_are_under_way_as_may_be() {
        let server = Server::new(2, None);
        let _all = begun(&server, &[2, 4, 6]);
        assert_eq!(server.asked(), [[2], [4]]);
    }

    #[tokio::test]
    async fn who_goes_away_takes_nobody_along() {
        let server = Server::new(1, None);
        let mut asks = Box::pin(Arc::clone(&server).look_up(2));
        begin!(asks);
        let mut waits = Box::pin(Arc::clone(&server).look_up(4));
        begin!(waits);
        let mut waits_too = Box::pin(Arc::clone(&server).look_up(6));
        begin!(waits_too);
        // The turn goes to `waits`, who leaves without ever hearing of it, and from there to `waits_too`.
        drop(asks);
        drop(waits);
        begin!(waits_too);
        // And who is left out while the answer is under way asks again.
        let mut left = Box::pin(Arc::clone(&server).look_up(8));
        begin!(left);
        server.answers.add_permits(1);
        assert_eq!(waits_too.await.unwrap(), Some(60));
        begin!(left);
        let mut last = Box::pin(Arc::clone(&server).look_up(10));
        begin!(last);
        server.answers.add_permits(2);
        assert_eq!(left.await.unwrap(), Some(80));
        assert_eq!(last.await.unwrap(), Some(100));
        // Nobody has a turn any more: who comes now asks at once.
        assert_eq!(server.together.shared.state().turns, 0);
        assert_eq!(server.asked(), [[2], [6], [8], [10]]);
    }

    #[tokio::test]
    async fn who_waited_with_somebody_who_went_away_asks_alone() {
        let server = Server::new(1, None);
        let mut first = Box::pin(Arc::clone(&server).look_up(2));
        begin!(first);
        let mut second = Box::pin(Arc::clone(&server).look_up(4));
        begin!(second);
        let mut third = Box::pin(Arc::clone(&server).look_up(6));
        begin!(third);
        server.answers.add_permits(1);
        assert_eq!(first.await.unwrap(), Some(20));
        begin!(second);
        assert_eq!(server.asked(), [vec![2], vec![4, 6]]);
        drop(second);
        server.answers.add_permits(1);
        assert_eq!(third.await.unwrap(), Some(60));
        assert_eq!(server.asked().last(), Some(&vec![6]));
    }

    #[tokio::test]
    async fn a_failure_is_everybodys_whose_question_it_was() {
        let server = Server::new(1, Some(StoreErrorKind::Unavailable));
        let mut first = Box::pin(Arc::clone(&server).look_up(2));
        begin!(first);
        let others = begun(&server, &[4, 6]);
        server.answers.add_permits(2);
        let error = first.await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        for other in others {
            let error = other.await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        }
        assert_eq!(server.asked().len(), 2);
    }

    #[tokio::test]
    async fn a_row_that_nobody_can_read_is_in_nobody_elses_way() {
        let server = Server::new(1, Some(StoreErrorKind::Corrupt));
        let mut first = Box::pin(Arc::clone(&server).look_up(2));
        begin!(first);
        let mut second = Box::pin(Arc::clone(&server).look_up(4));
        begin!(second);
        let mut third = Box::pin(Arc::clone(&server).look_up(6));
        begin!(third);
        server.answers.add_permits(3);
        let error = first.await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
        assert!(second.await.is_err());
        assert!(third.await.is_err());
        assert_eq!(server.asked(), [vec![2], vec![4, 6], vec![6]]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_at_once_each_get_their_own() {
        let server = Server::new(2, None);
        server.answers.add_permits(10_000);
        let right = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..2_000_u32)
            .map(|key| {
                let (server, right) = (Arc::clone(&server), Arc::clone(&right));
                tokio::spawn(async move {
                    let expected = (key % 2 == 0).then_some(key * 10);
                    assert_eq!(server.look_up(key).await.unwrap(), expected);
                    right.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(right.load(Ordering::Relaxed), 2_000);
        assert_eq!(server.together.shared.state().turns, 0);
        assert!(server.asked().iter().all(|keys| keys.len() <= MOST_KEYS));
    }
}
