//! The cache in front of a store: it keeps the contract, and what one replica writes reaches the caches of the others.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use zalt_core::config::SessionCacheConfig;
use zalt_core::id::SessionId;
use zalt_core::session::{RevokeReason, Session};
use zalt_core::store::memory::MemoryStore;
use zalt_core::store::{
    Announced, Batch, Change, Invalidations, SessionCache, SessionCached, SessionQueries, Stale,
    Store,
};
use zalt_core::user::User;
use zalt_core::{Clock, SystemClock, Timestamp};
use zalt_store_testkit::fixtures::Fixtures;
use zalt_store_testkit::{Backend, Fresh};

fn cache() -> Arc<SessionCache> {
    Arc::new(SessionCache::new(SessionCacheConfig {
        capacity: 1000,
        max_age: Duration::from_mins(1),
    }))
}

struct Cached;

#[async_trait]
impl Backend for Cached {
    async fn fresh(&self) -> Fresh {
        let store = Arc::new(MemoryStore::new());
        Fresh::new(SessionCached::new(store, cache(), Arc::new(SystemClock)))
    }
}

zalt_store_testkit::tests!(Cached);

/// Carries words between caches of one process, and can be cut.
#[derive(Debug, Default)]
struct Bus {
    caches: Mutex<Vec<Weak<SessionCache>>>,
    cut: AtomicBool,
    announced: AtomicUsize,
}

impl Invalidations for Bus {
    fn announce(&self, stale: Vec<Stale>) -> Announced {
        self.announced.fetch_add(1, Ordering::SeqCst);
        if !self.cut.load(Ordering::SeqCst) {
            for cache in self.caches.lock().unwrap().iter().filter_map(Weak::upgrade) {
                cache.forget(&stale);
            }
        }
        Box::pin(async {})
    }

    fn is_current(&self) -> bool {
        !self.cut.load(Ordering::SeqCst)
    }
}

/// A clock that stands still.
#[derive(Debug)]
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Two replicas over one store, with a signed-in user.
struct Replicas {
    f: Fixtures,
    bus: Arc<Bus>,
    here: SessionCached<MemoryStore>,
    there: SessionCached<MemoryStore>,
    user: User,
    session: Session,
}

impl Replicas {
    async fn new() -> Self {
        let f = Fixtures::default();
        let bus = Arc::new(Bus::default());
        let store = Arc::new(MemoryStore::new());
        let replica = || {
            let cache = cache();
            bus.caches.lock().unwrap().push(Arc::downgrade(&cache));
            SessionCached::new(Arc::clone(&store), cache, Arc::new(Still(f.now())))
                .told_by(Arc::clone(&bus) as Arc<dyn Invalidations>)
        };
        let (here, there) = (replica(), replica());
        let user = f.user();
        let session = f.session(&user);
        let batch = Batch::new()
            .change(Change::InsertUser(user.clone()))
            .change(Change::InsertSession(session.clone()));
        here.commit(batch).await.unwrap();
        Self {
            f,
            bus,
            here,
            there,
            user,
            session,
        }
    }

    fn revocation(&self) -> Batch {
        Batch::new().change(Change::RevokeSession {
            id: self.session.id,
            at: self.f.now(),
            reason: RevokeReason::SignedOut,
        })
    }
}

async fn is_revoked(store: &SessionCached<MemoryStore>, id: SessionId) -> bool {
    let (session, _) = store.session_with_user(id).await.unwrap().unwrap();
    session.revoked.is_some()
}

#[tokio::test]
async fn what_one_replica_writes_the_others_forget() {
    let r = Replicas::new().await;
    assert!(!is_revoked(&r.there, r.session.id).await);
    r.here.commit(r.revocation()).await.unwrap();
    assert!(is_revoked(&r.there, r.session.id).await);
}

#[tokio::test]
async fn a_replica_that_does_not_hear_the_others_asks_the_store() {
    let r = Replicas::new().await;
    assert!(!is_revoked(&r.there, r.session.id).await);
    r.bus.cut.store(true, Ordering::SeqCst);
    r.here.commit(r.revocation()).await.unwrap();
    assert!(is_revoked(&r.there, r.session.id).await);
}

#[tokio::test]
async fn forgetting_everything_reaches_entries_of_any_row() {
    let r = Replicas::new().await;
    assert!(!is_revoked(&r.there, r.session.id).await);
    // Behind the back of both.
    r.here.store().commit(r.revocation()).await.unwrap();
    assert!(!is_revoked(&r.there, r.session.id).await, "a cached answer");
    drop(r.bus.announce(vec![Stale::Everything]));
    assert!(is_revoked(&r.there, r.session.id).await);
}

#[tokio::test]
async fn a_commit_whose_caller_went_away_is_announced_all_the_same() {
    let r = Replicas::new().await;
    let announced = r.bus.announced.load(Ordering::SeqCst);
    let mut commit = r.here.commit(r.revocation());
    // The memory store is done at the first poll; whoever asked goes away whatever came out.
    let mut context = Context::from_waker(Waker::noop());
    let _: Poll<_> = commit.as_mut().poll(&mut context);
    drop(commit);
    assert_eq!(r.bus.announced.load(Ordering::SeqCst), announced + 1);
}

#[tokio::test]
async fn a_refused_guard_is_news_to_this_cache_and_to_no_other() {
    let r = Replicas::new().await;
    assert!(!is_revoked(&r.here, r.session.id).await);
    r.here.store().commit(r.revocation()).await.unwrap();
    let announced = r.bus.announced.load(Ordering::SeqCst);
    r.here.commit(r.revocation()).await.unwrap_err();
    assert_eq!(r.bus.announced.load(Ordering::SeqCst), announced);
    assert!(is_revoked(&r.here, r.session.id).await);
}

#[tokio::test]
async fn what_no_session_check_reads_is_not_announced() {
    let r = Replicas::new().await;
    let announced = r.bus.announced.load(Ordering::SeqCst);
    let identifier = r.f.identifier(&r.user, "ada@example.com", true);
    let batch = Batch::new().change(Change::InsertIdentifier(identifier));
    r.here.commit(batch).await.unwrap();
    assert_eq!(r.bus.announced.load(Ordering::SeqCst), announced);
}

#[tokio::test]
async fn an_entry_is_used_up_to_its_age_and_not_with_a_clock_that_went_back() {
    let f = Fixtures::default();
    let store = Arc::new(MemoryStore::new());
    let cache = cache();
    let at = |now| SessionCached::new(Arc::clone(&store), Arc::clone(&cache), Arc::new(Still(now)));
    let read_at = f.now();
    let first = at(read_at);
    let user = f.user();
    let session = f.session(&user);
    let batch = Batch::new()
        .change(Change::InsertUser(user))
        .change(Change::InsertSession(session.clone()));
    first.commit(batch).await.unwrap();
    assert!(!is_revoked(&first, session.id).await);
    let revocation = Change::RevokeSession {
        id: session.id,
        at: read_at,
        reason: RevokeReason::SignedOut,
    };
    store.commit(Batch::new().change(revocation)).await.unwrap();
    let age = Duration::from_mins(1);
    assert!(!is_revoked(&at(read_at + age), session.id).await);
    assert!(is_revoked(&at(read_at - Duration::from_millis(1)), session.id).await);
}

#[tokio::test]
async fn it_counts_of_what_use_it_was() {
    let r = Replicas::new().await;
    let ask = async || is_revoked(&r.there, r.session.id).await;
    for _ in 0..3 {
        assert!(!ask().await);
    }
    r.bus.cut.store(true, Ordering::SeqCst);
    assert!(!ask().await);
    let counted = r.there.cache().statistics();
    assert_eq!((counted.hits, counted.misses), (2, 1));
    assert_eq!((counted.bypasses, counted.entries), (1, 1));
}
