//! Random walks through everything that signs people in and changes how they do.
//!
//! A walk takes steps in any order, with right, wrong, used and foreign proofs, at several attempts and sessions of two people
//! at once. A model says of each step what has to come of it: whatever is granted without all that is due, or refused
//! although all is there, ends the walk. What holds throughout:
//!
//! - no session without every factor that is due, in their order, proved for one account that has not changed since;
//! - no change of a factor or password by a session that has not proved the strongest factor a short while ago;
//! - each code counts once, whichever attempt or session shows it;
//! - tries come from one budget for the first factors of an account and one for the second, however they are mixed;
//! - a session that was ended stays ended, and any other lives;
//! - a frozen account has no session and gets none until that is lifted, and a link freezes it once;
//! - no device stands in for a second factor past its time, a new password, another set of factors, a freeze or an end of all
//!   sessions.

mod account;
mod device;
mod model;
mod passkeys;
mod safety;
mod second_factor;
mod sign_in;
mod step;
mod walk;

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use zalt_core::config::SecondFactorPolicy;

use crate::places::{Place, Schema, in_a_file, in_memory, on_a_runtime};
use step::Step;
use walk::{Seen, Walk};

/// The longest walk. Most faults take a handful of steps, and those that need a budget spent some more.
const STEPS: usize = 120;

/// The walks are the same each time, unless `ZALT_WALKS_SEED` has others taken, and `ZALT_WALKS` more of them.
const SEED: u32 = 20_261_124;

fn from_environment(name: &str) -> Option<u32> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
    )
}

fn seed_bytes(seed: u32) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    bytes
}

fn policies() -> impl Strategy<Value = SecondFactorPolicy> {
    prop_oneof![
        3 => Just(SecondFactorPolicy::Optional),
        2 => Just(SecondFactorPolicy::Required),
        1 => Just(SecondFactorPolicy::Disabled),
    ]
}

/// What a few hundred walks have to come by, each more than a few times.
const TO_BE_SEEN: &[&str] = &[
    "a change without a strong proof",
    "a passkey removed",
    "a passkey set up",
    "a passkey set up on the way in",
    "a session by a passkey too",
    "a session by identifier and passkey",
    "a session by nothing but a passkey",
    "a step up by passkey",
    "a link for a new password in another browser",
    "a new password by mail",
    "a password changed",
    "a second factor after the account had changed",
    "a second factor that was not due",
    "a second factor without a try left",
    "a session by a recovery code too",
    "a session by an app too",
    "a session from a trusted device",
    "a device that was trusted before",
    "an account frozen",
    "a right password of a frozen account",
    "a session by mail",
    "a session by password",
    "a step up",
    "an app removed",
    "an app set up",
    "an app set up on the way in",
    "an attempt that was worn out",
];

fn walks(place: &dyn Place, count: u32) -> Seen {
    let seen = RefCell::new(Seen::new());
    let config = Config {
        cases: from_environment("ZALT_WALKS").unwrap_or(count),
        max_shrink_iters: 2000,
        failure_persistence: None,
        ..Config::default()
    };
    let seed = from_environment("ZALT_WALKS_SEED").unwrap_or(SEED);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed_bytes(seed));
    let mut runner = TestRunner::new_with_rng(config, rng);
    let steps = prop::collection::vec(Step::any(), 1..STEPS);
    let walked = runner.run(&(policies(), steps), |(policy, steps)| {
        on_a_runtime(async {
            let mut walk = Walk::begin(place.stores().await, policy).await;
            walk.one_sets_up_an_app().await;
            for step in steps {
                walk.take(step).await;
            }
            walk.still_leads_in().await;
            for (what, times) in walk.seen {
                *seen.borrow_mut().entry(what).or_default() += times;
            }
        });
        Ok(())
    });
    walked.unwrap();
    seen.into_inner()
}

#[test]
fn in_memory_no_walk_leads_around_a_factor() {
    let seen = walks(&in_memory(), 600);
    for what in TO_BE_SEEN {
        let times = seen.get(what).copied().unwrap_or(0);
        assert!(times >= 5, "{what}: {times} times; walks saw {seen:?}");
    }
}

#[test]
fn on_sqlite_no_walk_leads_around_a_factor() {
    walks(&in_a_file(), 40);
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn on_postgres_no_walk_leads_around_a_factor() {
    walks(&Schema::new(), 40);
}
