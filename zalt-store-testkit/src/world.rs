//! A store with something of everything in it, one batch that touches all of it, and a picture to compare before and after.

use std::time::Duration;

use zalt_core::attempt::Attempt;
use zalt_core::budget::{Budget, BudgetKey, Decision};
use zalt_core::connection::Connection;
use zalt_core::credential::Credential;
use zalt_core::event::{Event, EventKind};
use zalt_core::id::{AttemptId, SessionId};
use zalt_core::identifier::Identifier;
use zalt_core::message::Message;
use zalt_core::session::{AuthenticationMethod, RevokeReason, Session};
use zalt_core::signing_key::SigningKeyRecord;
use zalt_core::store::{Batch, Change, EventFilter, Expired, GuardReason, UserFilter};
use zalt_core::user::{Account, User, UserStatus};
use zalt_core::{Timestamp, identifier::IdentifierKey};

use crate::SharedStore;
use crate::assertions::{all_events, all_users, commit};
use crate::fixtures::{DAY, EPOCH, Fixtures, proved};

const FAILURES: Budget = Budget::Failures {
    free: 0,
    wait: DAY,
    longest_wait: DAY,
    ceiling: 1,
};

/// What was put into a store.
pub(crate) struct World {
    f: Fixtures,
    ada: User,
    ben: User,
    cleo: User,
    dora: User,
    of_ada: [Identifier; 2],
    credentials: [Credential; 2],
    cookie: Session,
    bearer: Session,
    revoked: Session,
    over: Session,
    attempt: Attempt,
    messages: [Message; 2],
    key: SigningKeyRecord,
    connections: [Connection; 2],
    budget: BudgetKey,
    // What the batch adds, so that the picture shows it.
    new_session: Session,
    new_attempt: Attempt,
}

impl World {
    /// Fills an empty store.
    pub(crate) async fn populate(store: &SharedStore) -> Self {
        let f = Fixtures::new();
        let (ada, ben, cleo) = (f.user(), f.user(), f.user());
        let dora = User {
            status: UserStatus::Suspended { at: f.now() },
            ..f.user()
        };
        let over = Session {
            expires_at: EPOCH - DAY,
            ..f.session(&ben)
        };
        let expired_attempt = Attempt {
            expires_at: EPOCH - DAY,
            ..f.attempt()
        };
        let world = Self {
            of_ada: [
                f.identifier(&ada, "ada@example.com", true),
                f.identifier(&ada, "lovelace@example.com", false),
            ],
            credentials: [f.credential(&ada), f.credential(&ada)],
            cookie: f.session(&ada),
            bearer: f.bearer_session(&ada),
            revoked: f.bearer_session(&cleo),
            attempt: expired_attempt,
            messages: [f.message(), f.message()],
            key: f.signing_key("first"),
            connections: [f.connection("one"), f.connection("two")],
            budget: f.budget_key(),
            new_session: f.session(&ben),
            new_attempt: f.attempt(),
            ada,
            ben,
            cleo,
            dora,
            over,
            f,
        };
        let f = &world.f;
        let users = [&world.ada, &world.ben, &world.cleo, &world.dora];
        let batch = users
            .into_iter()
            .fold(Batch::new(), |batch, user| {
                batch
                    .change(Change::InsertUser(user.clone()))
                    .event(f.event(Some(user.id), EventKind::UserCreated))
            })
            .change(Change::InsertIdentifier(world.of_ada[0].clone()))
            .change(Change::InsertIdentifier(world.of_ada[1].clone()))
            .change(Change::InsertIdentifier(f.identifier(
                &world.cleo,
                "cleo@example.com",
                true,
            )))
            .change(Change::InsertPassword(f.password(&world.ada)))
            .change(Change::InsertCredential(world.credentials[0].clone()))
            .change(Change::InsertCredential(world.credentials[1].clone()))
            .change(Change::InsertSession(world.cookie.clone()))
            .change(Change::InsertSession(world.bearer.clone()))
            .change(Change::InsertSession(world.over.clone()))
            .change(Change::InsertSession(world.revoked.clone()))
            .change(Change::RevokeSession {
                id: world.revoked.id,
                at: f.now() + DAY * 9,
                reason: RevokeReason::SignedOut,
            })
            .change(Change::InsertAttempt(world.attempt.clone()))
            .change(Change::EnqueueMessage(world.messages[0].clone()))
            .change(Change::EnqueueMessage(world.messages[1].clone()))
            .change(Change::InsertSigningKey {
                key: world.key.clone(),
                newest: None,
            })
            .change(Change::InsertConnection(world.connections[0].clone()))
            .change(Change::InsertConnection(world.connections[1].clone()));
        commit(store, batch).await;
        let taken = store.take(world.budget, &FAILURES, EPOCH).await;
        assert_eq!(taken.expect("no error"), Decision::Granted);
        world
    }

    /// A batch with every kind of change, each of which can be applied and seen in the picture.
    pub(crate) fn everything(&self) -> Batch {
        let f = &self.f;
        let at = f.now();
        let eve = f.user();
        let mut changes = vec![
            Change::UpdateUser(User {
                updated_at: at,
                ..self.ada.clone()
            }),
            Change::InsertUser(eve.clone()),
            Change::InsertIdentifier(f.identifier(&eve, "eve@example.com", true)),
            Change::InsertPassword(f.password(&eve)),
            Change::UpdateIdentifier(Identifier {
                verified_at: Some(at),
                ..self.of_ada[1].clone()
            }),
            Change::DeleteIdentifier {
                id: self.of_ada[0].id,
                version: 1,
            },
            Change::UpdatePassword(f.password(&self.ada)),
            Change::InsertCredential(f.credential(&eve)),
            Change::UpdateCredential(Credential {
                last_used_at: Some(at),
                ..self.credentials[0].clone()
            }),
            Change::DeleteCredential {
                id: self.credentials[1].id,
                version: 1,
            },
            Change::InsertSession(self.new_session.clone()),
            Change::TouchSession {
                id: self.cookie.id,
                last_seen_at: at,
                idle_expires_at: at + DAY,
                ip: None,
            },
            Change::RotateRefresh {
                id: self.bearer.id,
                presented: 0,
                at,
                idle_expires_at: at + DAY,
                ip: None,
            },
            Change::ReauthenticateSession {
                id: self.cookie.id,
                expected: self.cookie.token,
                token: Some(f.token()),
                amr: proved(AuthenticationMethod::Email, f.now()),
                at,
            },
            Change::RevokeSession {
                id: self.bearer.id,
                at,
                reason: RevokeReason::SignedOut,
            },
            Change::RevokeUserSessions {
                user_id: self.ada.id,
                except: None,
                at,
                reason: RevokeReason::PasswordChanged,
            },
            Change::UpdateAttempt(Attempt {
                failed_codes: 1,
                ..self.attempt.clone()
            }),
            Change::InsertAttempt(self.new_attempt.clone()),
            Change::EnqueueMessage(f.message()),
            Change::UpdateMessage(Message {
                due_at: at + DAY,
                tries: 1,
                ..self.messages[0].clone()
            }),
            Change::DeleteMessage {
                id: self.messages[1].id,
                version: 1,
            },
            Change::InsertSigningKey {
                key: f.signing_key("second"),
                newest: Some(self.key.kid.clone()),
            },
            Change::GiveBackBudget(self.budget),
            Change::RemoveExpired(Expired {
                sessions_before: EPOCH,
                attempts_before: EPOCH,
                budgets_before: EPOCH,
                signing_keys_before: EPOCH,
                events_before: Some(EPOCH + Duration::from_secs(1)),
                limit: 1,
            }),
            Change::PurgeUser {
                id: self.ben.id,
                version: 1,
            },
        ];
        changes.extend(self.of_connections_and_tries());
        let events = vec![
            f.event(Some(eve.id), EventKind::UserCreated),
            f.event(Some(self.ben.id), EventKind::UserPurged),
        ];
        Batch { changes, events }
    }

    fn of_connections_and_tries(&self) -> [Change; 4] {
        [
            Change::GiveBackTry {
                key: self.budget,
                each: Duration::from_secs(1),
            },
            Change::InsertConnection(self.f.connection("three")),
            Change::UpdateConnection(Connection {
                updated_at: self.f.now(),
                ..self.connections[0].clone()
            }),
            Change::DeleteConnection {
                id: self.connections[1].id,
                version: 1,
            },
        ]
    }

    /// Changes whose guards fail before, between and after those of [`World::everything`], with the reason.
    pub(crate) fn refused(&self) -> Vec<(Change, GuardReason)> {
        let f = &self.f;
        let unknown = f.user();
        vec![
            (
                Change::InsertUser(self.cleo.clone()),
                GuardReason::AlreadyExists,
            ),
            (
                Change::UpdateUser(User {
                    version: 9,
                    ..self.cleo.clone()
                }),
                GuardReason::VersionMismatch,
            ),
            (
                Change::PurgeUser {
                    id: unknown.id,
                    version: 1,
                },
                GuardReason::NotFound,
            ),
            (
                Change::InsertIdentifier(f.identifier(&self.dora, "CLEO@example.com", true)),
                GuardReason::IdentifierTaken,
            ),
            (
                Change::InsertSession(f.session(&self.dora)),
                GuardReason::UserNotActive,
            ),
            (
                Change::InsertSession(Session {
                    epoch: 7,
                    ..f.session(&self.cleo)
                }),
                GuardReason::StaleEpoch,
            ),
            (
                Change::RotateRefresh {
                    id: self.revoked.id,
                    presented: 0,
                    at: f.now(),
                    idle_expires_at: f.now(),
                    ip: None,
                },
                GuardReason::SessionRevoked,
            ),
            (
                Change::InsertSigningKey {
                    key: f.signing_key("other"),
                    newest: Some("none".to_owned()),
                },
                GuardReason::NotNewestKey,
            ),
            (
                Change::InsertCredential(f.credential(&unknown)),
                GuardReason::NotFound,
            ),
            (
                Change::InsertPassword(f.password(&unknown)),
                GuardReason::NotFound,
            ),
        ]
    }

    /// Everything that the store says of what was put into it.
    pub(crate) async fn picture(&self, store: &SharedStore) -> Picture {
        let mut accounts = Vec::new();
        for id in all_users(store, &UserFilter::default()).await {
            accounts.push(store.account(id).await.expect("no error"));
        }
        let owners = [
            "ada@example.com",
            "lovelace@example.com",
            "cleo@example.com",
            "eve@example.com",
        ];
        let mut owned = Vec::new();
        for text in owners {
            let key: IdentifierKey = self.f.identifier(&self.ada, text, true).value.key();
            owned.push(store.account_by_identifier(&key).await.expect("no error"));
        }
        let mut sessions = Vec::new();
        for id in self.session_ids() {
            sessions.push(store.session_with_user(id).await.expect("no error"));
        }
        let mut attempts = Vec::new();
        for id in self.attempt_ids() {
            attempts.push(store.attempt(id).await.expect("no error"));
        }
        let end = Timestamp::from_unix_millis(i64::MAX);
        Picture {
            accounts,
            owned,
            sessions,
            attempts,
            messages: store.due_messages(end, 100).await.expect("no error"),
            next_message_due: store.next_message_due().await.expect("no error"),
            signing_keys: store.signing_keys().await.expect("no error"),
            connections: store.connections().await.expect("no error"),
            events: all_events(store, &EventFilter::default()).await,
            // Asking changes nothing as long as the answer is no.
            budget: store
                .take(self.budget, &FAILURES, EPOCH)
                .await
                .expect("no error"),
        }
    }

    fn session_ids(&self) -> [SessionId; 5] {
        [
            self.cookie.id,
            self.bearer.id,
            self.revoked.id,
            self.over.id,
            self.new_session.id,
        ]
    }

    fn attempt_ids(&self) -> [AttemptId; 2] {
        [self.attempt.id, self.new_attempt.id]
    }
}

/// What a store says of a [`World`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) accounts: Vec<Option<Account>>,
    pub(crate) owned: Vec<Option<Account>>,
    pub(crate) sessions: Vec<Option<(Session, User)>>,
    pub(crate) attempts: Vec<Option<Attempt>>,
    pub(crate) messages: Vec<Message>,
    pub(crate) next_message_due: Option<Timestamp>,
    pub(crate) signing_keys: Vec<SigningKeyRecord>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) events: Vec<Event>,
    pub(crate) budget: Decision,
}
