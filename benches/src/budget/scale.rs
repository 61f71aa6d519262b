//! The sign-in look-up and the user list with a thousand users and with a million.

use std::time::Instant;

use zalt_core::identifier::{EmailAddress, Identifier, IdentifierValue};
use zalt_core::password::PasswordPhc;
use zalt_core::store::{
    Batch, Change, Cursor, PageLimit, PageRequest, Store, UserFilter, UserQueries,
};
use zalt_core::user::{PasswordCredential, Profile, User, UserMetadata, UserStatus};
use zalt_core::{Timestamp, id};
use zalt_store_sqlite::SqliteStore;

use super::app::address;
use super::report::Report;
use crate::load::Latencies;

const SMALL: u32 = 1_000;
const SAMPLES: u32 = 20_000;

pub(crate) async fn measure(report: &mut Report, users: u32) {
    let small = sample(SMALL).await;
    let large = sample(users).await;
    for (what, small, large) in [
        ("sign-in look-up", &small.look_up, &large.look_up),
        ("user list, a page of 20", &small.list, &large.list),
    ] {
        let (before, after) = (small.quantile(0.95), large.quantile(0.95));
        let ratio = after.as_secs_f64() / before.as_secs_f64();
        report.add(
            &format!("{what} with {users} users, p95"),
            format!("{:.1} µs, {ratio:.2} ×", after.as_secs_f64() * 1e6),
            format!("{:.1} µs with {SMALL} users", before.as_secs_f64() * 1e6),
            "≤ 1.5 ×",
            ratio <= 1.5,
        );
    }
}

struct Sample {
    look_up: Latencies,
    list: Latencies,
}

async fn sample(users: u32) -> Sample {
    let folder = tempfile::TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("zalt.db")).unwrap();
    fill(&store, users).await;
    let mut next = pseudo_random();
    let mut look_up = Vec::new();
    for round in 0..SAMPLES * 2 {
        let n = next() % users;
        let key =
            IdentifierValue::EmailAddress(EmailAddress::parse(&address(n as usize)).unwrap()).key();
        let at = Instant::now();
        assert!(store.account_by_identifier(&key).await.unwrap().is_some());
        // The first half warms the caches.
        if round >= SAMPLES {
            look_up.push(at.elapsed());
        }
    }
    let look_up = Latencies::of(look_up);
    let mut list = Vec::new();
    for round in 0..SAMPLES / 5 {
        let after = Some(Cursor::after(*user_id(next() % users).as_bytes()));
        let page = PageRequest {
            after,
            limit: PageLimit::default(),
        };
        let at = Instant::now();
        store.users(&UserFilter::default(), page).await.unwrap();
        if round >= SAMPLES / 10 {
            list.push(at.elapsed());
        }
    }
    Sample {
        look_up,
        list: Latencies::of(list),
    }
}

async fn fill(store: &SqliteStore, users: u32) {
    let phc = PasswordPhc::parse(
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
    )
    .unwrap();
    let at = Timestamp::from_unix_seconds(1_700_000_000);
    let numbers: Vec<u32> = (0..users).collect();
    for chunk in numbers.chunks(500) {
        let mut batch = Batch::new();
        for &n in chunk {
            let user_id = user_id(n);
            let mut identifier_id = *user_id.as_bytes();
            identifier_id[15] ^= 0xff;
            batch = batch
                .change(Change::InsertUser(User {
                    id: user_id,
                    status: UserStatus::Active,
                    profile: Profile::default(),
                    metadata: UserMetadata::default(),
                    session_epoch: 0,
                    last_sign_in_at: None,
                    created_at: at,
                    updated_at: at,
                    version: 0,
                }))
                .change(Change::InsertIdentifier(Identifier {
                    id: id::IdentifierId::from_bytes(identifier_id),
                    user_id,
                    value: IdentifierValue::EmailAddress(
                        EmailAddress::parse(&address(n as usize)).unwrap(),
                    ),
                    verified_at: Some(at),
                    primary: true,
                    created_at: at,
                    version: 0,
                }))
                .change(Change::InsertPassword(PasswordCredential {
                    user_id,
                    phc: phc.clone(),
                    set_at: at,
                    version: 0,
                }));
        }
        store.commit(batch).await.unwrap();
    }
}

/// Ids as they come in life: in the order of time, with a random tail.
fn user_id(n: u32) -> id::UserId {
    let mut bytes = [0; 16];
    bytes[2..6].copy_from_slice(&n.to_be_bytes());
    bytes[6] = 0x70;
    bytes[8] = 0x80;
    bytes[9..13].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
    id::UserId::from_bytes(bytes)
}

/// The same numbers in every run.
fn pseudo_random() -> impl FnMut() -> u32 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32
    }
}
