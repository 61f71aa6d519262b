use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A first-in-first-out queue of bounded length between async callers and threads.
///
/// Pushing never waits. Whoever takes can tell a quiet spell from more work.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<T>,
    open: bool,
}

/// Something in a [`Queue`] that its owner may have lost interest in.
pub(super) trait Abandonable {
    fn is_abandoned(&self) -> bool;
}

/// What a thread gets from a [`Queue`].
pub(super) enum Next<T> {
    Item(T),
    /// Nothing came for a while.
    Idle,
    /// Nothing will come any more.
    Closed,
}

impl<T: Abandonable> Queue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            open: true,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            capacity,
        }
    }

    /// Appends `item`, or hands it back when the queue is full or closed.
    pub(super) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.items.len() >= self.capacity {
            // Callers that have gone must not keep others out.
            state.items.retain(|item| !item.is_abandoned());
        }
        if !state.open || state.items.len() >= self.capacity {
            return Err(item);
        }
        state.items.push_back(item);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for an item, at most `patience` if there is one.
    pub(super) fn next(&self, patience: Option<Duration>) -> Next<T> {
        let nothing_to_do = |state: &mut State<T>| state.open && state.items.is_empty();
        let state = self.lock();
        let mut state = match patience {
            Some(patience) => {
                self.changed
                    .wait_timeout_while(state, patience, nothing_to_do)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self
                .changed
                .wait_while(state, nothing_to_do)
                .unwrap_or_else(PoisonError::into_inner),
        };
        match state.items.pop_front() {
            Some(item) => Next::Item(item),
            None if state.open => Next::Idle,
            None => Next::Closed,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Lets the threads end once the queue is empty.
    pub(super) fn close(&self) {
        self.lock().open = false;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing in here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Item {
        number: u32,
        abandoned: bool,
    }

    impl Abandonable for Item {
        fn is_abandoned(&self) -> bool {
            self.abandoned
        }
    }

    fn item(number: u32) -> Item {
        Item {
            number,
            abandoned: false,
        }
    }

    fn take(queue: &Queue<Item>) -> Option<u32> {
        match queue.next(Some(Duration::ZERO)) {
            Next::Item(item) => Some(item.number),
            Next::Idle | Next::Closed => None,
        }
    }

    #[test]
    fn items_come_out_in_the_order_they_went_in() {
        let queue = Queue::new(3);
        for number in 1..=3 {
            queue.push(item(number)).unwrap();
        }
        assert_eq!(queue.push(item(4)), Err(item(4)));
        assert_eq!((take(&queue), take(&queue)), (Some(1), Some(2)));
        queue.push(item(5)).unwrap();
        assert_eq!(
            (take(&queue), take(&queue), take(&queue)),
            (Some(3), Some(5), None)
        );
    }

    #[test]
    fn the_abandoned_make_room_when_it_is_needed() {
        let queue = Queue::new(2);
        queue
            .push(Item {
                number: 1,
                abandoned: true,
            })
            .unwrap();
        queue.push(item(2)).unwrap();
        queue.push(item(3)).unwrap();
        assert_eq!(queue.push(item(4)), Err(item(4)));
        assert_eq!((take(&queue), take(&queue)), (Some(2), Some(3)));
    }

    #[test]
    fn a_closed_queue_hands_out_what_it_holds_and_takes_nothing() {
        let queue = Queue::new(2);
        queue.push(item(1)).unwrap();
        queue.close();
        assert_eq!(queue.push(item(2)), Err(item(2)));
        assert_eq!(take(&queue), Some(1));
        assert!(matches!(queue.next(None), Next::Closed));
    }

    #[test]
    fn a_quiet_spell_is_told_from_the_end() {
        let queue: Queue<Item> = Queue::new(1);
        assert!(matches!(queue.next(Some(Duration::ZERO)), Next::Idle));
    }
}
