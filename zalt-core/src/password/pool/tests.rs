use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_executor::block_on;
use futures_util::FutureExt as _;

use super::*;
use crate::environment::SystemRng;
use crate::password::danger::insecure_params_for_tests;

fn config(threads: usize, queue: usize) -> HashingConfig {
    HashingConfig {
        params: insecure_params_for_tests(),
        threads: NonZeroUsize::new(threads).unwrap(),
        queue: NonZeroUsize::new(queue).unwrap(),
        ..HashingConfig::default()
    }
}

fn pool() -> HashingPool {
    HashingPool::new(
        config(2, 16),
        ForeignHashKeys::default(),
        Arc::new(SystemRng),
    )
    .unwrap()
}

fn password(text: &str) -> Password {
    Password::parse(text).unwrap()
}

/// Lets a thread go on only when the test says so: each salt waits for its turn.
#[derive(Debug)]
struct Gate {
    entered: Mutex<Sender<()>>,
    open: Mutex<Receiver<Result<(), RngError>>>,
    ended: Mutex<Sender<()>>,
}

struct Gatekeeper {
    entered: Receiver<()>,
    open: Sender<Result<(), RngError>>,
    ended: Receiver<()>,
}

impl Gate {
    fn new() -> (Arc<Self>, Gatekeeper) {
        let (entered, has_entered) = mpsc::channel();
        let (opens, open) = mpsc::channel();
        let (ended, has_ended) = mpsc::channel();
        let gate = Self {
            entered: entered.into(),
            open: open.into(),
            ended: ended.into(),
        };
        (
            Arc::new(gate),
            Gatekeeper {
                entered: has_entered,
                open: opens,
                ended: has_ended,
            },
        )
    }
}

impl Rng for Gate {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RngError> {
        self.entered.lock().unwrap().send(()).unwrap();
        bytes.fill(7);
        self.open.lock().unwrap().recv().unwrap()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.ended.lock().unwrap().send(()).unwrap();
    }
}

type Hashing<'a> = Pin<Box<dyn Future<Output = Result<PasswordPhc, HashError>> + Send + 'a>>;

/// Puts a password into the queue.
fn begin(pool: &HashingPool) -> Hashing<'_> {
    let mut hashing = pool.hash(password("a walk in the rain")).boxed();
    assert!((&mut hashing).now_or_never().is_none());
    hashing
}

#[test]
fn a_hash_matches_its_password_and_no_other() {
    let pool = pool();
    block_on(async {
        let stored = pool.hash(password("a walk in the rain")).await.unwrap();
        assert!(stored.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert_eq!(PasswordPhc::parse(stored.as_str()).unwrap(), stored);
        let matched = pool
            .verify(password("a walk in the rain"), Some(stored.clone()))
            .await;
        assert_eq!(
            matched,
            Ok(Verified::Match {
                needs_rehash: false
            })
        );
        for wrong in [
            "a walk in the rain ",
            "A walk in the rain",
            "",
            "a walk in the rain\0",
        ] {
            assert_eq!(
                pool.verify(password(wrong), Some(stored.clone())).await,
                Ok(Verified::Mismatch)
            );
        }
        assert_eq!(
            pool.verify(password("a walk in the rain"), None).await,
            Ok(Verified::Mismatch)
        );
    });
}

#[test]
fn any_unicode_matches_in_either_form_and_a_nul_counts() {
    let pool = pool();
    block_on(async {
        let stored = pool
            .hash(password("cafe\u{301}\0 au lait 🦀"))
            .await
            .unwrap();
        let composed = pool
            .verify(password("caf\u{e9}\0 au lait 🦀"), Some(stored.clone()))
            .await
            .unwrap();
        assert!(composed.is_match());
        assert!(
            !pool
                .verify(password("café"), Some(stored))
                .await
                .unwrap()
                .is_match()
        );
        let longest = "x".repeat(Password::MAX_BYTES);
        let stored = pool.hash(password(&longest)).await.unwrap();
        assert!(
            pool.verify(password(&longest), Some(stored.clone()))
                .await
                .unwrap()
                .is_match()
        );
        assert!(
            !pool
                .verify(password(&longest[1..]), Some(stored))
                .await
                .unwrap()
                .is_match()
        );
    });
}

#[test]
fn two_hashes_of_one_password_differ_by_their_salt() {
    let pool = pool();
    let first = block_on(pool.hash(password("a walk in the rain"))).unwrap();
    let second = block_on(pool.hash(password("a walk in the rain"))).unwrap();
    assert_ne!(first, second);
    let salt = first.as_str().split('$').nth(4).unwrap();
    assert_eq!(salt.len(), 22, "16 bytes in base64");
}

#[test]
fn parameters_that_moved_ask_for_a_rehash() {
    let old = block_on(pool().hash(password("a walk in the rain"))).unwrap();
    let moved = HashingConfig {
        params: Argon2Params::new_unchecked(32, 1, 1),
        ..config(1, 1)
    };
    let pool = HashingPool::new(moved, ForeignHashKeys::default(), Arc::new(SystemRng)).unwrap();
    let verified = block_on(pool.verify(password("a walk in the rain"), Some(old)));
    assert_eq!(verified, Ok(Verified::Match { needs_rehash: true }));
}

#[test]
fn the_default_parameters_work() {
    let config = HashingConfig {
        threads: NonZeroUsize::MIN,
        ..HashingConfig::default()
    };
    let pool = HashingPool::new(config, ForeignHashKeys::default(), Arc::new(SystemRng)).unwrap();
    let stored = block_on(pool.hash(password("a walk in the rain"))).unwrap();
    assert!(
        stored
            .as_str()
            .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
    );
    let verified = block_on(pool.verify(password("a walk in the rain"), Some(stored)));
    assert_eq!(
        verified,
        Ok(Verified::Match {
            needs_rehash: false
        })
    );
}

#[test]
fn past_the_queue_callers_are_refused_at_once_and_those_who_left_make_room() {
    let (gate, keeper) = Gate::new();
    let pool = HashingPool::new(config(1, 2), ForeignHashKeys::default(), gate).unwrap();
    let served = begin(&pool);
    keeper.entered.recv().unwrap();
    assert_eq!(pool.waiting(), 0);

    let (second, third) = (begin(&pool), begin(&pool));
    assert_eq!((pool.waiting(), pool.capacity()), (2, 2));
    let refused = pool.hash(password("one too many")).now_or_never().unwrap();
    assert_eq!(
        refused,
        Err(HashError::Overloaded {
            retry_after: Duration::from_secs(1)
        })
    );
    let refused = pool
        .verify(password("one too many"), None)
        .now_or_never()
        .unwrap();
    assert_eq!(
        refused,
        Err(HashError::Overloaded {
            retry_after: Duration::from_secs(1)
        })
    );

    drop(second);
    let fourth = begin(&pool);
    assert_eq!(pool.waiting(), 2);
    for _ in 0..3 {
        keeper.open.send(Ok(())).unwrap();
    }
    for hashing in [served, third, fourth] {
        assert!(block_on(hashing).is_ok());
    }
    assert_eq!(pool.waiting(), 0);
}

#[test]
fn work_that_nobody_waits_for_is_not_begun() {
    let (gate, keeper) = Gate::new();
    let pool = HashingPool::new(config(1, 2), ForeignHashKeys::default(), gate).unwrap();
    let served = begin(&pool);
    keeper.entered.recv().unwrap();
    drop(begin(&pool));
    let last = begin(&pool);
    // Two turns for three passwords: a third would wait for ever.
    keeper.open.send(Ok(())).unwrap();
    keeper.open.send(Ok(())).unwrap();
    assert!(block_on(served).is_ok());
    assert!(block_on(last).is_ok());
    assert_eq!(keeper.entered.try_iter().count(), 1);
}

#[test]
fn a_failing_random_source_makes_no_hash() {
    let (gate, keeper) = Gate::new();
    let pool = HashingPool::new(config(1, 2), ForeignHashKeys::default(), gate).unwrap();
    let hashing = begin(&pool);
    keeper.open.send(Err(RngError)).unwrap();
    assert_eq!(block_on(hashing), Err(HashError::Rng(RngError)));
}

#[test]
fn the_threads_end_with_the_last_handle() {
    let (gate, keeper) = Gate::new();
    let pool = HashingPool::new(config(3, 2), ForeignHashKeys::default(), gate).unwrap();
    let clone = pool.clone();
    drop(pool);
    assert_eq!(
        block_on(clone.verify(password("still there"), None)),
        Ok(Verified::Mismatch)
    );
    assert!(keeper.ended.try_recv().is_err());
    drop(clone);
    // The random source is dropped by the last thread that ends.
    keeper.ended.recv().unwrap();
}

#[test]
fn a_panic_costs_an_answer_but_no_thread() {
    #[derive(Debug)]
    struct Panics;
    impl Rng for Panics {
        fn fill(&self, _: &mut [u8]) -> Result<(), RngError> {
            panic!("on purpose");
        }
    }
    let pool =
        HashingPool::new(config(1, 2), ForeignHashKeys::default(), Arc::new(Panics)).unwrap();
    assert_eq!(
        block_on(pool.hash(password("a walk in the rain"))),
        Err(HashError::Interrupted)
    );
    assert_eq!(
        block_on(pool.verify(password("a walk in the rain"), None)),
        Ok(Verified::Mismatch)
    );
}

#[test]
fn what_the_pool_cannot_verify_is_said_beforehand() {
    let pool = HashingPool::new(
        HashingConfig {
            memory_limit_kib: 1024,
            ..config(1, 1)
        },
        ForeignHashKeys::default(),
        Arc::new(SystemRng),
    )
    .unwrap();
    let (salt, hash) = ("c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
    let check = |params: &str| {
        let stored = PasswordPhc::parse(&format!("{params}${salt}${hash}")).unwrap();
        assert_eq!(
            pool.check(&stored).err(),
            block_on(pool.verify(password("x"), Some(stored.clone()))).err()
        );
        pool.check(&stored)
    };
    assert_eq!(check("$argon2id$v=19$m=1024,t=1,p=1"), Ok(()));
    assert_eq!(
        check("$argon2id$v=19$m=1025,t=1,p=1"),
        Err(HashError::TooExpensive)
    );
    assert_eq!(check("$scrypt$ln=10,r=7,p=1"), Ok(()));
    assert_eq!(check("$scrypt$ln=10,r=8,p=1"), Err(HashError::TooExpensive));
    assert_eq!(
        check("$firebase-scrypt$ln=5,r=8,ss=,k=main"),
        Err(HashError::UnknownKey)
    );
}

#[test]
fn debug_output_shows_no_secret() {
    let pool = pool();
    let stored = block_on(pool.hash(password("a walk in the rain"))).unwrap();
    assert_eq!(format!("{stored:?}"), "PasswordPhc(Argon2id, redacted)");
    assert!(format!("{pool:?}").contains("waiting: 0"));
}
