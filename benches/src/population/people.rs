use std::sync::Mutex;
use std::time::Duration;

use zalt_core::event::{Actor, Event, EventKind};
use zalt_core::id::{EventId, IdentifierId, SessionId, UserId};
use zalt_core::identifier::{EmailAddress, Identifier, IdentifierValue};
use zalt_core::password::PasswordPhc;
use zalt_core::secret::SessionToken;
use zalt_core::session::{Authentication, AuthenticationMethod, Session, Transport};
use zalt_core::store::Change;
use zalt_core::user::{PasswordCredential, Profile, User, UserMetadata, UserStatus};
use zalt_core::{Rng, RngError, Timestamp};

use super::Plan;
use super::tokens::{Bearer, SESSIONS_SINCE};
use crate::load::Random;

/// From when on users signed up.
const USERS_SINCE: Duration = Duration::from_hours(24 * 365);
/// A session that is in use is written once in a while. These count as just written until so long after now, so that a
/// session check is measured and not that write.
const SEEN_UNTIL: Duration = Duration::from_hours(2);
const LIFETIME: Duration = Duration::from_hours(24 * 30);

/// Makes one user after the other.
pub(super) struct People {
    users: u32,
    now: Timestamp,
    phc: PasswordPhc,
    random: SeededRng,
}

/// A user as a store gets them, and what their cookie holds.
pub(super) struct Made {
    pub(super) id: UserId,
    pub(super) changes: Vec<Change>,
    pub(super) event: Event,
    pub(super) session_token: String,
}

impl People {
    pub(super) fn new(plan: Plan, now: Timestamp, phc: PasswordPhc) -> Self {
        Self {
            users: plan.users,
            now,
            phc,
            random: SeededRng(Mutex::new(Random::seeded(plan.seed))),
        }
    }

    /// The user of this number.
    pub(super) fn next(&mut self, n: u32, bearer: Option<&Bearer>) -> Made {
        let joined = self.instant(USERS_SINCE, n);
        let user_id = UserId::mint(joined, &self.random).unwrap();
        let user = User {
            id: user_id,
            status: UserStatus::Active,
            profile: Profile::default(),
            metadata: UserMetadata::default(),
            session_epoch: 0,
            frozen_at: None,
            recovered_at: None,
            last_sign_in_at: None,
            created_at: joined,
            updated_at: joined,
            version: 0,
        };
        let identifier = Identifier {
            id: IdentifierId::mint(joined, &self.random).unwrap(),
            user_id,
            value: IdentifierValue::EmailAddress(EmailAddress::parse(&address(n)).unwrap()),
            verified_at: Some(joined),
            primary: true,
            created_at: joined,
            version: 0,
        };
        let password = PasswordCredential {
            user_id,
            phc: self.phc.clone(),
            set_at: joined,
            version: 0,
        };
        let (session, token) = self.session(user_id, n);
        let mut changes = vec![
            Change::InsertUser(user),
            Change::InsertIdentifier(identifier),
            Change::InsertPassword(password),
            Change::InsertSession(session),
        ];
        changes.extend(bearer.map(|bearer| {
            Change::InsertSession(Session {
                user_id,
                last_seen_at: self.now + SEEN_UNTIL,
                expires_at: self.now + LIFETIME,
                idle_expires_at: self.now + LIFETIME / 2,
                ..bearer.session.clone()
            })
        }));
        let event = Event {
            id: EventId::mint(joined, &self.random).unwrap(),
            occurred_at: joined,
            user_id: Some(user_id),
            actor: Actor::Application,
            ip: None,
            user_agent: None,
            request_id: None,
            kind: EventKind::UserCreated,
        };
        Made {
            id: user_id,
            changes,
            event,
            session_token: token,
        }
    }

    /// Sessions are as old in comparison to each other as their users are: in life that is not so, but rows of a random
    /// session and its user lie apart either way, and a store is filled in a fraction of the time.
    fn session(&self, user_id: UserId, n: u32) -> (Session, String) {
        let begun = self.instant(SESSIONS_SINCE, n);
        let id = SessionId::mint(begun, &self.random).unwrap();
        let token = SessionToken::mint(id, &self.random).unwrap();
        let session = Session {
            id,
            user_id,
            epoch: 0,
            transport: Transport::Cookie,
            token: Some(token.digest()),
            refresh: None,
            amr: vec![Authentication {
                method: AuthenticationMethod::Password,
                at: begun,
            }],
            authenticated_at: begun,
            last_seen_at: self.now + SEEN_UNTIL,
            idle_expires_at: self.now + LIFETIME / 2,
            expires_at: self.now + LIFETIME,
            ip: Some([203, 0, 113, 7].into()),
            user_agent: Some(USER_AGENT.to_owned()),
            created_at: begun,
            revoked: None,
        };
        (session, token.expose().to_string())
    }

    fn instant(&self, since: Duration, n: u32) -> Timestamp {
        let before = since.mul_f64(f64::from(self.users - n) / f64::from(self.users));
        Timestamp::from_unix_millis(self.now.unix_millis() - before.as_millis() as i64)
    }
}

/// As long as that of a usual browser.
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// The address of the user of this number.
pub(super) fn address(n: u32) -> String {
    format!("user{n}@example.com")
}

/// Secrets that the seed decides, for a store that holds nobody's.
#[derive(Debug)]
struct SeededRng(Mutex<Random>);

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RngError> {
        let mut random = self.0.lock().unwrap();
        for chunk in bytes.chunks_mut(8) {
            let drawn = random.bits().to_le_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
        Ok(())
    }
}
