//! Paging: from the newest id to the oldest, each row once, whatever is written meanwhile.

use std::sync::Arc;
use std::time::Duration;

use zalt_core::Timestamp;
use zalt_core::event::EventKind;
use zalt_core::id::UserId;
use zalt_core::session::Session;
use zalt_core::store::{Batch, Change, Cursor, EventFilter, PageRequest, UserFilter};
use zalt_core::user::User;

use crate::SharedStore;
use crate::assertions::{commit, new_user, page};
use crate::fixtures::{EPOCH, Fixtures};

/// The lists that a store pages.
#[derive(Debug, Clone, Copy)]
enum List {
    Users,
    UsersByPrefix,
    SessionsOf(UserId),
    Events,
    EventsOf(UserId),
}

impl List {
    /// Every list, each about a user of its own.
    async fn all(store: &SharedStore, f: &Fixtures) -> [Self; 5] {
        let (ada, ben) = (new_user(store, f).await, new_user(store, f).await);
        [
            Self::SessionsOf(ada.id),
            Self::Events,
            Self::EventsOf(ben.id),
            Self::Users,
            Self::UsersByPrefix,
        ]
    }

    /// Adds a row that the list holds, made at this instant, with two others that it does not hold.
    async fn add(self, store: &SharedStore, f: &Fixtures, now: Timestamp) -> [u8; 16] {
        match self {
            Self::Users => {
                let user = f.user_at(now);
                let id = *user.id.as_bytes();
                commit(store, Change::InsertUser(user)).await;
                id
            }
            Self::UsersByPrefix => {
                let (user, other) = (f.user_at(now), f.user_at(now));
                let id = *user.id.as_bytes();
                let text =
                    |prefix: &str, place: &str| format!("{prefix}{}.{place}@example.com", user.id);
                // Two that match, so that a list made by way of them could hold the user twice.
                let changes = [
                    Change::InsertIdentifier(f.identifier(&user, &text("paged-", "a"), true)),
                    Change::InsertIdentifier(f.identifier(&user, &text("paged-", "b"), false)),
                    Change::InsertIdentifier(f.identifier(&other, &text("other-", "a"), true)),
                ];
                let users = vec![
                    Change::InsertUser(user.clone()),
                    Change::InsertUser(other.clone()),
                ];
                commit(store, [users, Vec::from(changes)].concat()).await;
                id
            }
            Self::SessionsOf(user_id) => {
                let user = store.user(user_id).await.expect("no error");
                let user = user.expect("the fixture exists");
                let session = f.session_at(now, &user);
                let over = Session {
                    expires_at: EPOCH,
                    ..f.session_at(now, &user)
                };
                let id = *session.id.as_bytes();
                let inserts = [session, over].map(Change::InsertSession);
                commit(store, inserts).await;
                id
            }
            Self::Events => {
                let event = f.event_at(now, None, EventKind::UserCreated);
                let id = *event.id.as_bytes();
                commit(store, Batch::new().event(event)).await;
                id
            }
            Self::EventsOf(user_id) => {
                let event = f.event_at(now, Some(user_id), EventKind::UserUpdated);
                let others = [Some(user_id), None].map(|about| {
                    // One of another type, one about nobody.
                    let kind = match about {
                        Some(_) => EventKind::UserSuspended,
                        None => EventKind::UserUpdated,
                    };
                    f.event_at(now, about, kind)
                });
                let id = *event.id.as_bytes();
                let batch = others.into_iter().fold(Batch::new(), Batch::event);
                commit(store, batch.event(event)).await;
                id
            }
        }
    }

    async fn read(self, store: &SharedStore, page: PageRequest) -> (Vec<[u8; 16]>, Option<Cursor>) {
        match self {
            Self::Users | Self::UsersByPrefix => {
                let filter = UserFilter {
                    identifier_prefix: matches!(self, Self::UsersByPrefix)
                        .then(|| "paged-".to_owned()),
                    ..UserFilter::default()
                };
                let page = store.users(&filter, page).await.expect("no error");
                let ids = page.data.iter().map(|user| *user.id.as_bytes());
                (ids.collect(), page.next)
            }
            Self::SessionsOf(user_id) => {
                let now = EPOCH + Duration::from_secs(1);
                let page = store.live_sessions(user_id, now, page).await;
                let page = page.expect("no error");
                let ids = page.data.iter().map(|session| *session.id.as_bytes());
                (ids.collect(), page.next)
            }
            Self::Events | Self::EventsOf(_) => {
                let filter = match self {
                    Self::EventsOf(user_id) => EventFilter {
                        user_id: Some(user_id),
                        kind: Some("user.updated".to_owned()),
                    },
                    _ => EventFilter::default(),
                };
                let page = store.events(&filter, page).await.expect("no error");
                let ids = page.data.iter().map(|event| *event.id.as_bytes());
                (ids.collect(), page.next)
            }
        }
    }

    /// All rows, and the lengths of the pages that they came in.
    async fn read_all(self, store: &SharedStore, limit: u32) -> (Vec<[u8; 16]>, Vec<usize>) {
        let (mut ids, mut lengths, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let (rows, next) = self.read(store, page(after, limit)).await;
            if let Some(next) = next {
                assert_eq!(Some(next.id()), rows.last(), "{self:?}: the cursor");
            }
            lengths.push(rows.len());
            ids.extend(rows);
            after = next;
            if after.is_none() {
                return (ids, lengths);
            }
        }
    }
}

/// With any limit, the pages hold every row once, the newest first, and the last page says that it is the last.
pub async fn pages_hold_every_row_once(store: &SharedStore) {
    let f = Fixtures::new();
    for list in List::all(store, &f).await {
        let mut expected = list.read_all(store, 100).await.0;
        while expected.len() < 12 {
            expected.insert(0, list.add(store, &f, f.now()).await);
        }
        for (limit, pages) in [
            (1, vec![1; 12]),
            (5, vec![5, 5, 2]),
            (6, vec![6, 6]),
            (11, vec![11, 1]),
            (12, vec![12]),
            (13, vec![12]),
        ] {
            let (rows, lengths) = list.read_all(store, limit).await;
            assert_eq!(rows, expected, "{list:?} by {limit}");
            assert_eq!(lengths, pages, "{list:?} by {limit}");
        }
    }
}

/// Twenty rows where nothing is said, and never more than a hundred.
pub async fn a_page_has_its_default_and_its_most(store: &SharedStore) {
    let f = Fixtures::new();
    for list in List::all(store, &f).await {
        let present = list.read_all(store, 100).await.0.len();
        for _ in present..101 {
            list.add(store, &f, f.now()).await;
        }
        let (rows, next) = list.read(store, PageRequest::default()).await;
        assert_eq!(rows.len(), 20, "{list:?}");
        assert!(next.is_some(), "{list:?}");
        let (rows, next) = list.read(store, page(None, u32::MAX)).await;
        assert_eq!(rows.len(), 100, "{list:?}");
        let (rows, next) = list.read(store, page(next, u32::MAX)).await;
        assert_eq!((rows.len(), next), (1, None), "{list:?}");
    }
}

/// Rows that were made in one millisecond are as well ordered as any.
pub async fn rows_of_one_millisecond_are_paged_like_any(store: &SharedStore) {
    let f = Fixtures::new();
    for list in List::all(store, &f).await {
        let now = f.now();
        let mut expected = list.read_all(store, 100).await.0;
        while expected.len() < 20 {
            expected.push(list.add(store, &f, now).await);
        }
        expected.sort_unstable_by(|one, other| other.cmp(one));
        for limit in [1, 3, 20] {
            let (rows, _) = list.read_all(store, limit).await;
            assert_eq!(rows, expected, "{list:?} by {limit}");
        }
    }
}

/// Rows that are added between two pages neither shift nor repeat what follows.
pub async fn new_rows_neither_shift_nor_repeat(store: &SharedStore) {
    let f = Fixtures::new();
    for list in List::all(store, &f).await {
        for _ in 0..9 {
            list.add(store, &f, f.now()).await;
        }
        let expected = list.read_all(store, 100).await.0;
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = list.read(store, page(after, 2)).await;
            rows.extend(page);
            after = next;
            if after.is_none() {
                break;
            }
            list.add(store, &f, f.now()).await;
        }
        assert_eq!(rows, expected, "{list:?}");
    }
}

/// While others write, a reader of all pages sees everything that was there before, once and in order.
pub async fn a_reader_beside_writers_misses_nothing(store: &SharedStore) {
    let f = Arc::new(Fixtures::new());
    for list in List::all(store, &f).await {
        for _ in 0..15 {
            list.add(store, &f, f.now()).await;
        }
        let expected = list.read_all(store, 100).await.0;
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let (store, f) = (Arc::clone(store), Arc::clone(&f));
                tokio::spawn(async move {
                    for _ in 0..10 {
                        list.add(&store, &f, f.now()).await;
                    }
                })
            })
            .collect();
        for _ in 0..5 {
            let (rows, _) = list.read_all(store, 4).await;
            assert!(rows.is_sorted_by(|one, next| one > next), "{list:?}");
            let old: Vec<_> = rows
                .into_iter()
                .filter(|row| expected.contains(row))
                .collect();
            assert_eq!(old, expected, "{list:?}");
        }
        for writer in writers {
            writer.await.expect("a writer has to succeed");
        }
    }
}

/// Rows that are removed between two pages, the one that the cursor names among them, take no others along.
pub async fn removed_rows_take_no_others_along(store: &SharedStore) {
    let f = Fixtures::new();
    let mut users: Vec<User> = Vec::new();
    for _ in 0..9 {
        users.insert(0, new_user(store, &f).await);
    }
    let ids: Vec<_> = users.iter().map(|user| *user.id.as_bytes()).collect();
    let (rows, next) = List::Users.read(store, page(None, 3)).await;
    assert_eq!(rows, ids[..3]);
    // One that was seen, the one that the cursor names, and one that is still to come.
    for gone in [&users[0], &users[2], &users[4]] {
        let purge = Change::PurgeUser {
            id: gone.id,
            version: 1,
        };
        commit(store, purge).await;
    }
    let (rows, next) = List::Users.read(store, page(next, 3)).await;
    assert_eq!(rows, [ids[3], ids[5], ids[6]]);
    let (rows, next) = List::Users.read(store, page(next, 3)).await;
    assert_eq!((rows, next), (ids[7..].to_vec(), None));
}

/// A cursor is a place and not a row: any of 16 bytes is one.
pub async fn a_cursor_needs_no_row(store: &SharedStore) {
    let f = Fixtures::new();
    for list in List::all(store, &f).await {
        for _ in 0..3 {
            list.add(store, &f, f.now()).await;
        }
        let all = list.read_all(store, 100).await.0;
        let at = |bytes| page(Some(Cursor::after(bytes)), 100);
        let (rows, next) = list.read(store, at([0xff; 16])).await;
        assert_eq!((rows, next), (all.clone(), None), "{list:?}");
        let (rows, next) = list.read(store, at([0; 16])).await;
        assert_eq!((rows, next), (vec![], None), "{list:?}");
        let oldest = *all.last().expect("there are rows");
        let (rows, next) = list.read(store, at(oldest)).await;
        assert_eq!((rows, next), (vec![], None), "{list:?}");
        let mut between = all[0];
        // The id just below the newest one.
        let below = u128::from_be_bytes(between) - 1;
        between = below.to_be_bytes();
        let (rows, _) = list.read(store, at(between)).await;
        assert_eq!(rows, all[1..], "{list:?}");
    }
}
