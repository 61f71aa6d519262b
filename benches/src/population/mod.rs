//! A store full of people, written straight into it: a million sign-ups by hand would take hours.
//!
//! Every user has a verified address, a password of the real parameters (one hash for all, which no check can tell from a
//! million), a session that a cookie holds, and an event. Some have a second session that refresh tokens hold. Of a sample,
//! drawn evenly from all, the secrets are kept, so that a driver can act for them.

mod copy;
mod people;
mod tokens;

use zalt_core::id::{SessionId, UserId};
use zalt_core::password::PasswordPhc;
use zalt_core::secret::{EncryptionKeys, SessionToken};
use zalt_core::store::{Batch, Store};
use zalt_core::{Clock, SystemClock};

use crate::adapter::{Names, Subject};
use crate::drive::Crowd;
use crate::load::Random;
use copy::Copies;
use people::{People, address};

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// Of how many people the secrets are kept at the most: enough that hardly any two of a load meet in one page of a store.
const SAMPLE: u32 = 50_000;
/// How many have a session that refresh tokens hold, at the most.
const BEARERS: u32 = 10_000;
/// People to a batch.
const CHUNK: usize = 500;

/// How many people there are, and what they are drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many.
    pub users: u32,
    /// What the random parts of ids and secrets are drawn from.
    pub seed: u64,
}

/// Somebody of the sample, with what their devices hold.
pub struct Person {
    /// Who they are.
    pub id: UserId,
    /// Their address.
    pub email: String,
    session_token: String,
    refresh_token: Option<String>,
}

/// The people whose secrets are kept.
pub struct Population {
    people: Vec<Person>,
}

/// Where the rows of people go, some hundred at a time.
trait Rows {
    async fn write(&mut self, batch: Batch);
}

impl Plan {
    /// Fills an empty store by its own commits. The tokens are good under these keys.
    pub async fn fill(
        self,
        store: &dyn Store,
        keys: &EncryptionKeys,
        phc: &PasswordPhc,
    ) -> Population {
        self.write(&mut Commits { store }, keys, phc).await
    }

    /// Fills an empty schema of PostgreSQL by `COPY`, for commits would take the better part of an hour.
    pub async fn copy(
        self,
        url: &str,
        schema: &str,
        keys: &EncryptionKeys,
        phc: &PasswordPhc,
    ) -> Population {
        let mut copies = Copies::begin(url, schema).await;
        let population = self.write(&mut copies, keys, phc).await;
        copies.end(self.users).await;
        population
    }

    async fn write(
        self,
        rows: &mut impl Rows,
        keys: &EncryptionKeys,
        phc: &PasswordPhc,
    ) -> Population {
        let now = SystemClock.now();
        let bearers = tokens::mint(keys, self.users.min(BEARERS), now).await;
        let mut bearers = bearers.into_iter().peekable();
        let mut makers = People::new(self, now, phc.clone());
        let mut people = Vec::new();
        let (bearer_every, sample_every) = (every(self.users, BEARERS), every(self.users, SAMPLE));
        let mut random = Random::seeded(self.seed);
        let mut sampled = 0;
        let mut batch = Batch::new();
        for n in 0..self.users {
            let bearer = bearers.next_if(|_| n % bearer_every == 0);
            let made = makers.next(n, bearer.as_ref());
            batch.changes.extend(made.changes);
            batch.events.push(made.event);
            if n % sample_every == 0 {
                sampled = n + random.below(sample_every as usize) as u32;
            }
            // Those with refresh tokens, and of the others one in each stretch.
            if bearer.is_some() || n == sampled {
                people.push(Person {
                    id: made.id,
                    email: address(n),
                    session_token: made.session_token,
                    refresh_token: bearer.map(|bearer| bearer.token),
                });
            }
            if batch.events.len() == CHUNK || n + 1 == self.users {
                rows.write(std::mem::take(&mut batch)).await;
            }
        }
        Population { people }
    }
}

/// One in so many.
fn every(users: u32, most: u32) -> u32 {
    users.div_ceil(most).max(1)
}

struct Commits<'s> {
    store: &'s dyn Store,
}

impl Rows for Commits<'_> {
    async fn write(&mut self, batch: Batch) {
        self.store.commit(batch).await.unwrap();
    }
}

impl Population {
    /// Anybody of them, all alike probable.
    pub fn anybody(&self, random: &mut Random) -> &Person {
        &self.people[random.below(self.people.len())]
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
    /// The session that their cookie holds.
    pub fn session(&self) -> SessionId {
        SessionToken::parse(&self.session_token).unwrap().id()
    }

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
