//! Rows to write, the same in every run.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use zalt_core::attempt::{
    Attempt, AttemptState, Challenge, ChallengePurpose, ChallengeStrategy, SignIn, SignInStatus,
};
use zalt_core::budget::BudgetKey;
use zalt_core::connection::{
    Connection, ConnectionKey, ConnectionState, ExternalAccount, ProviderEmail, ProviderMark,
};
use zalt_core::credential::{Credential, CredentialState, Totp};
use zalt_core::event::{Actor, Event, EventKind};
use zalt_core::id::{
    AttemptId, ConnectionId, CredentialId, EventId, IdentifierId, MessageId, SessionId, UserId,
};
use zalt_core::identifier::{EmailAddress, Identifier, IdentifierValue};
use zalt_core::message::Message;
use zalt_core::password::PasswordPhc;
use zalt_core::secret::{CodeDigest, Sealed, TokenDigest};
use zalt_core::session::{Authentication, AuthenticationMethod, RefreshState, Session, Transport};
use zalt_core::signing_key::SigningKeyRecord;
use zalt_core::user::{PasswordCredential, Profile, User, UserMetadata, UserStatus};
use zalt_core::{Clock, Rng, RngError, Timestamp};

/// When the first row of a behaviour is made: 2025-06-15T12:00:00Z.
pub const EPOCH: Timestamp = Timestamp::from_unix_seconds(1_749_988_800);

/// A day.
pub const DAY: Duration = Duration::from_hours(24);

/// A clock that moves on by a millisecond whenever it is read, so that ids of rows that are made one after the other
/// are in that order.
#[derive(Debug)]
pub struct StepClock(AtomicI64);

impl Clock for StepClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// The same bytes in every run. For tests only: nothing about it is secret.
#[derive(Debug)]
pub struct SeededRng(AtomicU64);

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RngError> {
        // SplitMix64: every step of the counter gives eight bytes.
        for chunk in bytes.chunks_mut(8) {
            let step = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mut word = step;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^= word >> 31;
            for (byte, value) in chunk.iter_mut().zip(word.to_le_bytes()) {
                *byte = value;
            }
        }
        Ok(())
    }
}

/// Makes rows that are valid and different from each other.
#[derive(Debug)]
pub struct Fixtures {
    clock: StepClock,
    rng: SeededRng,
}

impl Default for Fixtures {
    fn default() -> Self {
        Self::new()
    }
}

impl Fixtures {
    /// Rows from [`EPOCH`] on.
    pub const fn new() -> Self {
        Self {
            clock: StepClock(AtomicI64::new(EPOCH.unix_millis())),
            rng: SeededRng(AtomicU64::new(1)),
        }
    }

    /// The next instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Fresh bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng
            .fill(&mut bytes)
            .expect("the generator never fails");
        bytes
    }

    /// An active user without a name.
    pub fn user(&self) -> User {
        self.user_at(self.now())
    }

    /// An active user that was made at this instant.
    pub fn user_at(&self, now: Timestamp) -> User {
        User {
            id: UserId::mint(now, &self.rng).expect("the generator never fails"),
            status: UserStatus::Active,
            profile: Profile::default(),
            metadata: UserMetadata::default(),
            session_epoch: 0,
            last_sign_in_at: None,
            created_at: now,
            updated_at: now,
            frozen_at: None,
            recovered_at: None,
            version: 1,
        }
    }

    /// An identifier of the user, of the kind that its text has.
    pub fn identifier(&self, user: &User, text: &str, verified: bool) -> Identifier {
        let now = self.now();
        Identifier {
            id: IdentifierId::mint(now, &self.rng).expect("the generator never fails"),
            user_id: user.id,
            value: IdentifierValue::parse(text).expect("fixtures use valid identifiers"),
            verified_at: verified.then_some(now),
            primary: false,
            created_at: now,
            version: 1,
        }
    }

    /// A password of the user. The hash has the form of one but belongs to no password.
    pub fn password(&self, user: &User) -> PasswordCredential {
        PasswordCredential {
            user_id: user.id,
            phc: phc('A'),
            set_at: self.now(),
            version: 1,
        }
    }

    /// An authenticator app of the user that was confirmed and not used yet.
    pub fn credential(&self, user: &User) -> Credential {
        let now = self.now();
        Credential {
            id: CredentialId::mint(now, &self.rng).expect("the generator never fails"),
            user_id: user.id,
            handle: None,
            name: None,
            state: CredentialState::Totp(Totp {
                secret: Sealed::from_bytes(self.bytes::<65>().to_vec()),
                confirmed_at: Some(now),
                last_step: None,
            }),
            created_at: now,
            last_used_at: None,
            version: 1,
        }
    }

    /// A session that is held by a cookie and lives for 30 days, 7 of them idle.
    pub fn session(&self, user: &User) -> Session {
        self.session_at(self.now(), user)
    }

    /// A session that is held by a cookie and began at this instant.
    pub fn session_at(&self, now: Timestamp, user: &User) -> Session {
        Session {
            id: SessionId::mint(now, &self.rng).expect("the generator never fails"),
            user_id: user.id,
            epoch: user.session_epoch,
            transport: Transport::Cookie,
            token: Some(self.token()),
            refresh: None,
            amr: proved(AuthenticationMethod::Password, now),
            authenticated_at: now,
            last_seen_at: now,
            idle_expires_at: now + DAY * 7,
            expires_at: now + DAY * 30,
            ip: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)".to_owned()),
            created_at: now,
            revoked: None,
        }
    }

    /// A session that is held by refresh tokens.
    pub fn bearer_session(&self, user: &User) -> Session {
        let session = self.session(user);
        Session {
            transport: Transport::Bearer,
            token: None,
            refresh: Some(RefreshState {
                seed: self.bytes(),
                generation: 0,
                rotated_at: session.created_at,
            }),
            ..session
        }
    }

    /// The digest of some token.
    pub fn token(&self) -> TokenDigest {
        TokenDigest::from_bytes(self.bytes())
    }

    /// A sign-in that waits for a code.
    pub fn attempt(&self) -> Attempt {
        let now = self.now();
        Attempt {
            id: AttemptId::mint(now, &self.rng).expect("the generator never fails"),
            token: self.token(),
            state: AttemptState::SignIn(SignIn {
                recovery: None,
                identifier: Some(
                    IdentifierValue::parse("ada@example.com")
                        .expect("fixtures use valid identifiers"),
                ),
                user_id: None,
                status: SignInStatus::NeedsFirstFactor,
                challenge: Some(self.challenge()),
                passkey: None,
                sent_to: None,
                reset: None,
                first_factor: None,
                connection: None,
                transport: Transport::Cookie,
            }),
            failed_codes: 0,
            sent_messages: 1,
            created_at: now,
            expires_at: now + Duration::from_hours(1),
            version: 1,
        }
    }

    /// A challenge by code and link.
    pub fn challenge(&self) -> Challenge {
        let now = self.now();
        Challenge {
            purpose: ChallengePurpose::SignIn,
            strategy: ChallengeStrategy::EmailLink,
            code: CodeDigest::from_bytes(self.bytes()),
            link: Some(self.token()),
            sent_at: now,
            expires_at: now + Duration::from_mins(10),
        }
    }

    /// A message that is due at once.
    pub fn message(&self) -> Message {
        let now = self.now();
        Message {
            id: MessageId::mint(now, &self.rng).expect("the generator never fails"),
            content: Sealed::from_bytes(self.bytes::<80>().to_vec()),
            created_at: now,
            due_at: now,
            expires_at: now + Duration::from_hours(1),
            tries: 0,
            version: 1,
        }
    }

    /// A signing key that signs from now on for 30 days.
    pub fn signing_key(&self, kid: &str) -> SigningKeyRecord {
        let now = self.now();
        SigningKeyRecord {
            kid: kid.to_owned(),
            alg: "EdDSA".to_owned(),
            private_key: Sealed::from_bytes(self.bytes::<120>().to_vec()),
            created_at: now,
            signs_from: now,
            expires_at: now + DAY * 30,
        }
    }

    /// A connection of this key.
    pub fn connection(&self, key: &str) -> Connection {
        let now = self.now();
        Connection {
            id: ConnectionId::mint(now, &self.rng).expect("the generator never fails"),
            key: ConnectionKey::parse(key).expect("fixtures use valid keys"),
            state: ConnectionState {
                enabled: true,
                provider: "google".to_owned(),
                client_id: "client".to_owned(),
                client_secret: Some(Sealed::from_bytes(self.bytes::<80>().to_vec())),
                issuer: None,
                endpoints: None,
                extra_scopes: Vec::new(),
                options: BTreeMap::new(),
            },
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// An account at a provider.
    pub fn external_account(&self) -> ExternalAccount {
        ExternalAccount {
            connection: ConnectionKey::parse("google").expect("fixtures use valid keys"),
            provider: ProviderMark::from_text("né 'mark'"),
            issuer: "https://accounts.example.com".to_owned(),
            subject: "né 'sub'\u{0}".to_owned(),
            email: Some(ProviderEmail {
                address: EmailAddress::parse("Ada@BÜCHER.example")
                    .expect("fixtures use valid ones"),
                verified: true,
                authoritative: true,
            }),
            username: Some("ada".to_owned()),
            name: Some("\u{1f469}\u{200d}\u{1f680} O'Brien".to_owned()),
            picture: "https://pictures.example.com/ada?size=96".parse().ok(),
            tokens: Some(Sealed::from_bytes(self.bytes::<200>().to_vec())),
            tokens_expire_at: Some(self.now()),
            refreshing_until: Some(self.now()),
        }
    }

    /// An event about this user, or about nobody.
    pub fn event(&self, user_id: Option<UserId>, kind: EventKind) -> Event {
        self.event_at(self.now(), user_id, kind)
    }

    /// An event of this instant.
    pub fn event_at(&self, now: Timestamp, user_id: Option<UserId>, kind: EventKind) -> Event {
        Event {
            id: EventId::mint(now, &self.rng).expect("the generator never fails"),
            occurred_at: now,
            user_id,
            actor: user_id.map_or(Actor::Anonymous, Actor::User),
            ip: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
            user_agent: Some("curl/8".to_owned()),
            request_id: Some("req-1".to_owned()),
            kind,
        }
    }

    /// A key of a budget.
    pub fn budget_key(&self) -> BudgetKey {
        BudgetKey::from_bytes(self.bytes())
    }
}

/// The methods of a session that was proved in one way.
pub fn proved(method: AuthenticationMethod, at: Timestamp) -> Vec<Authentication> {
    vec![Authentication { method, at }]
}

/// A hash of cheap parameters whose digits are all `digit`, to tell one from another.
pub fn phc(digit: char) -> PasswordPhc {
    // The last of 43 digits holds only four bits that count, so it stays `A`.
    let hash: String = std::iter::repeat_n(digit, 42).chain(['A']).collect();
    PasswordPhc::parse(&format!(
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA${hash}"
    ))
    .expect("fixtures use valid hashes")
}
