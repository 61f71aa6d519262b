//! Reads of the store itself: the look-ups behind sign-ins and session checks, and the lists of an administrator, for which
//! there is no endpoint yet.

use std::time::{Duration, Instant};

use zalt_core::identifier::{EmailAddress, IdentifierValue};
use zalt_core::store::{Cursor, EventFilter, PageLimit, PageRequest, Store, UserFilter};

use super::ground::Storage;
use crate::load::{Latencies, Random};
use crate::population::{Person, Population};
use crate::process::Process;

/// One kind of read.
#[derive(Debug, Clone)]
pub struct Read {
    /// What was asked.
    pub what: What,
    /// How long it took.
    pub latencies: Latencies,
    /// How often the file was read for one, where the store is one.
    pub file_reads: Option<f64>,
}

/// What is asked of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A user by their key: what the others are held against.
    User,
    /// The account of an address.
    Account,
    /// A session with its user.
    Session,
    /// The newest users.
    FirstPage,
    /// Users from somewhere in the list.
    RandomPage,
    /// How many users there are.
    Count,
    /// Users by the beginning of an address. It finds more where there are more users.
    Search,
    /// The newest events.
    Events,
    /// The events of a user.
    EventsOfUser,
}

impl What {
    const ALL: [Self; 9] = [
        Self::User,
        Self::Account,
        Self::Session,
        Self::FirstPage,
        Self::RandomPage,
        Self::Count,
        Self::Search,
        Self::Events,
        Self::EventsOfUser,
    ];

    /// What reports call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::User => "one user by key",
            Self::Account => "sign-in look-up",
            Self::Session => "session look-up",
            Self::FirstPage => "first page of users",
            Self::RandomPage => "a random page of users",
            Self::Count => "how many users",
            Self::Search => "users whose address begins with `user123`",
            Self::Events => "newest events",
            Self::EventsOfUser => "events of a user",
        }
    }

    async fn ask(self, store: &dyn Store, person: &Person) {
        let first = PageRequest::default();
        let all = UserFilter::default();
        match self {
            Self::User => assert!(store.user(person.id).await.unwrap().is_some()),
            Self::Account => {
                let email = EmailAddress::parse(&person.email).unwrap();
                let key = IdentifierValue::EmailAddress(email).key();
                assert!(store.account_by_identifier(&key).await.unwrap().is_some());
            }
            Self::Session => {
                let found = store.session_with_user(person.session()).await;
                assert!(found.unwrap().is_some());
            }
            Self::FirstPage => drop(store.users(&all, first).await.unwrap()),
            Self::RandomPage => {
                let page = PageRequest {
                    after: Some(Cursor::after(*person.id.as_bytes())),
                    limit: PageLimit::default(),
                };
                store.users(&all, page).await.unwrap();
            }
            Self::Count => assert!(store.user_count(&all).await.unwrap() > 0),
            Self::Search => {
                let search = UserFilter {
                    identifier_prefix: Some("user123".to_owned()),
                    ..all
                };
                store.users(&search, first).await.unwrap();
            }
            Self::Events => drop(store.events(&EventFilter::default(), first).await.unwrap()),
            Self::EventsOfUser => {
                let filter = EventFilter {
                    user_id: Some(person.id),
                    ..EventFilter::default()
                };
                drop(store.events(&filter, first).await.unwrap());
            }
        }
    }
}

/// The most of each.
const SAMPLES: usize = 20_000;

/// Each of them for people drawn at random, one after the other for at most `time`. A quarter of it warms the caches.
pub(super) async fn read_all(
    store: &dyn Store,
    storage: Storage,
    population: &Population,
    time: Duration,
    seed: u64,
) -> Vec<Read> {
    let mut reads = Vec::new();
    for what in What::ALL {
        let mut random = Random::seeded(seed);
        let mut took = Vec::new();
        let begun = Instant::now();
        let mut before = None;
        while took.len() < SAMPLES && begun.elapsed() < time {
            let at = Instant::now();
            what.ask(store, population.anybody(&mut random)).await;
            if begun.elapsed() < time / 4 {
                continue;
            }
            before = before.or_else(|| Process::own().reads());
            took.push(at.elapsed());
        }
        let read = Process::own().reads().zip(before);
        let file_reads = read.map(|(after, before)| (after - before) as f64 / took.len() as f64);
        reads.push(Read {
            what,
            file_reads: file_reads.filter(|_| storage == Storage::Sqlite),
            latencies: Latencies::of(took),
        });
    }
    reads
}
