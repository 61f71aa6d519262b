//! A store full of people, written straight into it: a million sign-ups by hand would take hours.
//!
//! Every user has a verified address, a password of the real parameters (one hash for all, which no check can tell from a
//! million), a session that a cookie holds, and an event. Some have a second session that refresh tokens hold. Of a sample,
//! drawn evenly from all, the secrets are kept, so that a driver can act for them.

mod rows;
mod tokens;

use futures_util::stream::{self, StreamExt};
use zalt_core::id::UserId;
use zalt_core::password::PasswordPhc;
use zalt_core::secret::EncryptionKeys;
use zalt_core::store::{Batch, Store};
use zalt_core::{Clock, SystemClock};

use crate::adapter::{Names, Subject};
use crate::drive::Crowd;
use crate::load::Random;
use rows::Rows;

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// Of how many people the secrets are kept at the most: enough that hardly any two of a load meet in one page of a store.
const SAMPLE: u32 = 50_000;
/// How many have a session that refresh tokens hold, at the most.
const BEARERS: u32 = 10_000;
/// Users to a commit.
const CHUNK: usize = 500;
/// Commits under way at once.
const COMMITS: usize = 4;

/// How many people there are, and what they are drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many.
    pub users: u32,
    /// What the random parts of ids and secrets are drawn from.
    pub seed: u64,
}

/// Somebody of the sample, with what their devices hold.
struct Person {
    id: UserId,
    email: String,
    session_token: String,
    refresh_token: Option<String>,
}

/// The people whose secrets are kept.
pub struct Population {
    people: Vec<Person>,
}

impl Plan {
    /// Fills an empty store. The tokens are good under these keys.
    pub async fn fill(
        self,
        store: &dyn Store,
        keys: &EncryptionKeys,
        phc: &PasswordPhc,
    ) -> Population {
        let now = SystemClock.now();
        let bearers = self.users.min(BEARERS);
        let mut bearers = tokens::mint(keys, bearers, now)
            .await
            .into_iter()
            .peekable();
        let mut rows = Rows::new(self, now, phc.clone());
        let mut people = Vec::new();
        let (bearer_every, sample_every) = (
            self.users.div_ceil(BEARERS).max(1),
            self.users.div_ceil(SAMPLE).max(1),
        );
        let mut random = Random::seeded(self.seed);
        let mut sampled = 0;
        let mut batch = Batch::new();
        let mut batches = Vec::new();
        for n in 0..self.users {
            let bearer = bearers.next_if(|_| n % bearer_every == 0);
            let (changes, event, token) = rows.next(n, bearer.as_ref());
            let id = event.user_id.unwrap();
            batch.changes.extend(changes);
            batch.events.push(event);
            if n % sample_every == 0 {
                sampled = n + random.below(sample_every as usize) as u32;
            }
            // Those with refresh tokens, and of the others one in each stretch.
            if bearer.is_some() || n == sampled {
                people.push(Person {
                    id,
                    email: rows::address(n),
                    session_token: token,
                    refresh_token: bearer.map(|bearer| bearer.token),
                });
            }
            if batch.events.len() == CHUNK || n + 1 == self.users {
                batches.push(std::mem::take(&mut batch));
            }
            if batches.len() == COMMITS || n + 1 == self.users {
                commit(store, std::mem::take(&mut batches)).await;
            }
        }
        Population { people }
    }
}

async fn commit(store: &dyn Store, batches: Vec<Batch>) {
    let committed: Vec<_> = stream::iter(batches)
        .map(|batch| store.commit(batch))
        .buffer_unordered(COMMITS)
        .collect()
        .await;
    for result in committed {
        result.unwrap();
    }
}

impl Population {
    /// Who they are.
    pub fn users(&self) -> Vec<UserId> {
        self.people.iter().map(|person| person.id).collect()
    }

    /// The people as an adapter knows them, in a random order that the seed decides.
    pub fn crowd(&self, names: &Names, seed: u64) -> Crowd {
        let mut subjects: Vec<_> = self
            .people
            .iter()
            .map(|person| person.subject(names))
            .collect();
        let mut random = Random::seeded(seed);
        for last in (1..subjects.len()).rev() {
            subjects.swap(last, random.below(last + 1));
        }
        Crowd::of(subjects)
    }
}

impl Person {
    fn subject(&self, names: &Names) -> Subject {
        let mut subject = Subject::new(&self.email, PASSWORD);
        let mut set = |name, value: Option<&String>| {
            if let (Some(slot), Some(value)) = (names.find(name), value) {
                subject.set(slot, value);
            }
        };
        set("session_token", Some(&self.session_token));
        set("refresh_token", self.refresh_token.as_ref());
        subject
    }
}

impl std::fmt::Debug for Population {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Population")
            .field("people", &self.people.len())
            .finish_non_exhaustive()
    }
}
