//! Signing keys: a rotation is decided on the newest one and happens once.

use std::time::Duration;

use zalt_core::secret::Sealed;
use zalt_core::signing_key::SigningKeyRecord;
use zalt_core::store::{Change, Expired, GuardReason};

use crate::SharedStore;
use crate::assertions::{NOTHING_EXPIRED, commit, refused};
use crate::fixtures::{DAY, EPOCH, Fixtures};

/// Every field of a key comes back as it was written, the oldest first.
pub async fn keys_are_read_back_whole(store: &SharedStore) {
    let f = Fixtures::new();
    let first = SigningKeyRecord {
        private_key: Sealed::from_bytes((0..=u8::MAX).collect()),
        signs_from: f.now() + DAY,
        ..f.signing_key("zz-first")
    };
    let second = SigningKeyRecord {
        alg: "ES256".to_owned(),
        ..f.signing_key("_-Aa0 \u{1f511}'")
    };
    commit(store, insert(&first, None)).await;
    commit(store, insert(&second, Some(&first.kid))).await;
    assert_eq!(keys(store).await, [first, second]);
}

/// Keys of one instant are in the order of the bytes of their ids, which is nobody's alphabet.
pub async fn keys_of_one_instant_are_in_the_order_of_their_ids(store: &SharedStore) {
    let f = Fixtures::new();
    let at = f.now();
    let kids = ["B", "Z", "a", "b", "é", "\u{1d573}"];
    // From the last to the first, so that the newest is always the last of all.
    let mut newest = None;
    for kid in kids.iter().rev() {
        let key = SigningKeyRecord {
            created_at: at,
            ..f.signing_key(kid)
        };
        commit(store, insert(&key, newest)).await;
        newest = kids.last().copied();
    }
    let listed: Vec<_> = keys(store).await.into_iter().map(|key| key.kid).collect();
    assert_eq!(listed, kids);
}

/// A key id is used once, also by a key that is not the newest.
pub async fn inserting_an_existing_id_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let (first, second) = (f.signing_key("one"), f.signing_key("two"));
    commit(store, insert(&first, None)).await;
    commit(store, insert(&second, Some("one"))).await;
    for kid in ["one", "two"] {
        let again = f.signing_key(kid);
        let change = insert(&again, Some("two"));
        refused(store, change, 0, GuardReason::AlreadyExists).await;
    }
    assert_eq!(keys(store).await, [first, second]);
}

/// A rotation that was decided on another newest key does not happen.
pub async fn an_insert_needs_the_newest_key(store: &SharedStore) {
    let f = Fixtures::new();
    let first = f.signing_key("one");
    let change = insert(&first, Some("none"));
    refused(store, change, 0, GuardReason::NotNewestKey).await;
    commit(store, insert(&first, None)).await;
    let second = f.signing_key("two");
    for newest in [None, Some("two"), Some("ONE"), Some("")] {
        let change = insert(&second, newest);
        refused(store, change, 0, GuardReason::NotNewestKey).await;
    }
    commit(store, insert(&second, Some("one"))).await;
    let third = f.signing_key("three");
    for newest in [None, Some("one")] {
        let change = insert(&third, newest);
        refused(store, change, 0, GuardReason::NotNewestKey).await;
    }
    assert_eq!(keys(store).await, [first, second]);
}

/// Where a replica's clock is behind, its key does not become the newest: the order is that of the list.
pub async fn the_newest_key_is_the_last_of_the_list(store: &SharedStore) {
    let f = Fixtures::new();
    let first = f.signing_key("one");
    let behind = SigningKeyRecord {
        created_at: EPOCH - DAY,
        ..f.signing_key("behind")
    };
    commit(store, insert(&first, None)).await;
    commit(store, insert(&behind, Some("one"))).await;
    let third = f.signing_key("three");
    let change = insert(&third, Some("behind"));
    refused(store, change, 0, GuardReason::NotNewestKey).await;
    commit(store, insert(&third, Some("one"))).await;
    assert_eq!(keys(store).await, [behind, first, third]);
}

/// The sweep removes keys that ended strictly before the instant, no more than its limit.
pub async fn the_sweep_removes_what_is_over(store: &SharedStore) {
    let f = Fixtures::new();
    let before = EPOCH + DAY;
    let moment = Duration::from_millis(1);
    let mut newest: Option<String> = None;
    for (kid, expires_at) in [
        ("over-1", EPOCH),
        ("over-2", before - moment),
        ("over-3", EPOCH),
        ("kept-1", before),
        ("kept-2", before + DAY),
    ] {
        let key = SigningKeyRecord {
            expires_at,
            ..f.signing_key(kid)
        };
        commit(store, insert(&key, newest.as_deref())).await;
        newest = Some(key.kid);
    }
    for (limit, left) in [(0, 5), (2, 3), (100, 2), (100, 2)] {
        let sweep = Change::RemoveExpired(Expired {
            signing_keys_before: before,
            limit,
            ..NOTHING_EXPIRED
        });
        commit(store, sweep).await;
        assert_eq!(keys(store).await.len(), left, "after a sweep of {limit}");
    }
    let kids: Vec<_> = keys(store).await.into_iter().map(|key| key.kid).collect();
    assert_eq!(kids, ["kept-1", "kept-2"]);
}

fn insert(key: &SigningKeyRecord, newest: Option<&str>) -> Change {
    Change::InsertSigningKey {
        key: key.clone(),
        newest: newest.map(ToOwned::to_owned),
    }
}

async fn keys(store: &SharedStore) -> Vec<SigningKeyRecord> {
    store
        .signing_keys()
        .await
        .expect("the query has to succeed")
}
