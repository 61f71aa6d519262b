//! Messages: the queue, its order, and the lease that one worker gets.

use std::time::Duration;

use zalt_core::Timestamp;
use zalt_core::message::Message;
use zalt_core::secret::Sealed;
use zalt_core::store::{Change, GuardReason};

use crate::SharedStore;
use crate::assertions::{commit, refused};
use crate::fixtures::{DAY, EPOCH, Fixtures};

const END: Timestamp = Timestamp::from_unix_millis(i64::MAX);

/// Every field of a message comes back as it was written, whatever bytes it holds.
pub async fn a_message_is_read_back_whole(store: &SharedStore) {
    let f = Fixtures::new();
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let mut written = Vec::new();
    for content in [vec![], every_byte.clone(), every_byte.repeat(256)] {
        written.push(Message {
            content: Sealed::from_bytes(content),
            expires_at: f.now() + DAY,
            tries: u32::MAX,
            version: 8,
            ..f.message()
        });
    }
    for message in &written {
        commit(store, Change::EnqueueMessage(message.clone())).await;
    }
    assert_eq!(due(store, END, 10).await, written);
}

/// A message is queued once.
pub async fn inserting_an_existing_id_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let written = f.message();
    commit(store, Change::EnqueueMessage(written.clone())).await;
    let other = Message {
        id: written.id,
        ..f.message()
    };
    let enqueue = Change::EnqueueMessage(other);
    refused(store, enqueue, 0, GuardReason::AlreadyExists).await;
    assert_eq!(due(store, END, 10).await, [written]);
}

/// Due are those whose instant has come, to the millisecond, the longest due first, however old they are.
pub async fn the_longest_due_come_first(store: &SharedStore) {
    let f = Fixtures::new();
    let now = EPOCH + DAY;
    let moment = Duration::from_millis(1);
    let due_at = |due_at| Message {
        due_at,
        ..f.message()
    };
    let third = due_at(now);
    let first = due_at(EPOCH - DAY);
    let later = due_at(now + moment);
    // Given up by the worker and not by the store: it is handed out though it is over.
    let second = Message {
        expires_at: EPOCH,
        ..due_at(EPOCH)
    };
    for message in [&third, &first, &later, &second] {
        commit(store, Change::EnqueueMessage(message.clone())).await;
    }
    let all = [first.clone(), second.clone(), third];
    assert_eq!(due(store, now, 10).await, all);
    assert_eq!(due(store, now, 3).await, all);
    assert_eq!(due(store, now, 2).await, [first, second]);
    assert_eq!(due(store, now, 0).await, []);
    assert_eq!(due(store, EPOCH - DAY - moment, 10).await, []);
    assert_eq!(due(store, now + moment, 10).await.last(), Some(&later));
}

/// The next instant at which something is due follows every write.
pub async fn the_next_due_instant_is_known(store: &SharedStore) {
    let f = Fixtures::new();
    let message = f.message();
    let later = Message {
        due_at: message.due_at + DAY,
        ..f.message()
    };
    let next = async || store.next_message_due().await.expect("no error");
    assert_eq!(next().await, None);
    commit(store, Change::EnqueueMessage(later.clone())).await;
    assert_eq!(next().await, Some(later.due_at));
    commit(store, Change::EnqueueMessage(message.clone())).await;
    assert_eq!(next().await, Some(message.due_at));
    let leased = Message {
        due_at: later.due_at + DAY,
        ..message.clone()
    };
    commit(store, Change::UpdateMessage(leased.clone())).await;
    assert_eq!(next().await, Some(later.due_at));
    commit(store, delete(&later, 1)).await;
    assert_eq!(next().await, Some(leased.due_at));
    commit(store, delete(&message, 2)).await;
    assert_eq!(next().await, None);
}

/// A lease hides a message until it runs out, and writes tries and the version plus one.
pub async fn a_lease_hides_a_message_until_it_runs_out(store: &SharedStore) {
    let f = Fixtures::new();
    let message = f.message();
    let now = message.due_at;
    commit(store, Change::EnqueueMessage(message.clone())).await;
    let leased = Message {
        due_at: now + DAY,
        tries: 1,
        ..message
    };
    commit(store, Change::UpdateMessage(leased.clone())).await;
    assert_eq!(due(store, now, 10).await, []);
    let expected = Message {
        version: 2,
        ..leased
    };
    assert_eq!(due(store, now + DAY, 10).await, [expected]);
}

/// A worker that lost its lease, or whose message was removed, writes nothing.
pub async fn a_write_needs_the_version_that_was_read(store: &SharedStore) {
    let f = Fixtures::new();
    let message = f.message();
    let update = |version| {
        Change::UpdateMessage(Message {
            tries: 1,
            version,
            ..message.clone()
        })
    };
    refused(store, update(1), 0, GuardReason::NotFound).await;
    refused(store, delete(&message, 1), 0, GuardReason::NotFound).await;
    commit(store, Change::EnqueueMessage(message.clone())).await;
    commit(store, update(1)).await;
    for version in [0, 1, 3, u64::MAX] {
        let reason = GuardReason::VersionMismatch;
        refused(store, update(version), 0, reason).await;
        refused(store, delete(&message, version), 0, reason).await;
    }
    let expected = Message {
        tries: 1,
        version: 2,
        ..message.clone()
    };
    assert_eq!(due(store, END, 10).await, [expected]);
    commit(store, delete(&message, 2)).await;
    assert_eq!(due(store, END, 10).await, []);
    refused(store, delete(&message, 2), 0, GuardReason::NotFound).await;
}

fn delete(message: &Message, version: u64) -> Change {
    Change::DeleteMessage {
        id: message.id,
        version,
    }
}

async fn due(store: &SharedStore, now: Timestamp, limit: u32) -> Vec<Message> {
    store
        .due_messages(now, limit)
        .await
        .expect("the query has to succeed")
}
