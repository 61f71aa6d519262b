use std::ops::Bound;

use super::table::Table;
use crate::attempt::Attempt;
use crate::budget::{BudgetKey, BudgetState};
use crate::connection::Connection;
use crate::credential::{Credential, CredentialHandle};
use crate::environment::Timestamp;
use crate::event::Event;
use crate::id::{
    AttemptId, ConnectionId, CredentialId, EventId, IdentifierId, MessageId, SessionId, UserId,
};
use crate::identifier::{Identifier, IdentifierKey};
use crate::message::Message;
use crate::session::Session;
use crate::signing_key::SigningKeyRecord;
use crate::user::{PasswordCredential, User};

/// Every row, and the indexes by which they are found. Rows that have an index are written by the methods below only.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) users: Table<UserId, User>,
    pub(super) passwords: Table<UserId, PasswordCredential>,
    credentials: Table<CredentialId, Credential>,
    credentials_of: Table<(UserId, CredentialId), ()>,
    pub(super) handles: Table<CredentialHandle, CredentialId>,
    identifiers: Table<IdentifierId, Identifier>,
    identifiers_of: Table<(UserId, IdentifierId), ()>,
    /// Every key with every identifier that has it, verified or not.
    pub(super) keys: Table<(IdentifierKey, IdentifierId), UserId>,
    /// The one verified identifier of a key.
    pub(super) owners: Table<IdentifierKey, IdentifierId>,
    sessions: Table<SessionId, Session>,
    sessions_of: Table<(UserId, SessionId), ()>,
    pub(super) attempts: Table<AttemptId, Attempt>,
    pub(super) events: Table<EventId, Event>,
    messages: Table<MessageId, Message>,
    pub(super) due: Table<(Timestamp, MessageId), ()>,
    /// By the order in which they are listed.
    pub(super) signing_keys: Table<(Timestamp, String), SigningKeyRecord>,
    pub(super) connections: Table<ConnectionId, Connection>,
    pub(super) budgets: Table<BudgetKey, BudgetState>,
}

/// Calls a method of every table, so that none can be left out of one of the two.
macro_rules! each_table {
    ($state:ident, $method:ident) => {{
        let State {
            users,
            passwords,
            credentials,
            credentials_of,
            handles,
            identifiers,
            identifiers_of,
            keys,
            owners,
            sessions,
            sessions_of,
            attempts,
            events,
            messages,
            due,
            signing_keys,
            connections,
            budgets,
        } = $state;
        users.$method();
        passwords.$method();
        credentials.$method();
        credentials_of.$method();
        handles.$method();
        identifiers.$method();
        identifiers_of.$method();
        keys.$method();
        owners.$method();
        sessions.$method();
        sessions_of.$method();
        attempts.$method();
        events.$method();
        messages.$method();
        due.$method();
        signing_keys.$method();
        connections.$method();
        budgets.$method();
    }};
}

impl State {
    /// Makes the batch final.
    pub(super) fn keep(&mut self) {
        each_table!(self, keep);
    }

    /// Undoes the batch.
    pub(super) fn roll_back(&mut self) {
        each_table!(self, roll_back);
    }

    pub(super) fn credential(&self, id: CredentialId) -> Option<&Credential> {
        self.credentials.get(&id)
    }

    /// The credentials of a user, oldest first.
    pub(super) fn credentials_of(&self, user_id: UserId) -> impl Iterator<Item = &Credential> {
        let first = (user_id, CredentialId::from_bytes([0; 16]));
        let last = (user_id, CredentialId::from_bytes([0xff; 16]));
        self.credentials_of
            .range(first..=last)
            .filter_map(|((_, id), ())| self.credentials.get(id))
    }

    /// Writes a credential whose guards hold.
    pub(super) fn put_credential(&mut self, credential: Credential) {
        if let Some(handle) = credential.handle {
            self.handles.put(handle, credential.id);
        }
        self.credentials_of
            .put((credential.user_id, credential.id), ());
        self.credentials.put(credential.id, credential);
    }

    pub(super) fn remove_credential(&mut self, id: CredentialId) {
        let Some(credential) = self.credentials.get(&id) else {
            return;
        };
        let (user_id, handle) = (credential.user_id, credential.handle);
        if let Some(handle) = handle {
            self.handles.remove(&handle);
        }
        self.credentials_of.remove(&(user_id, id));
        self.credentials.remove(&id);
    }

    pub(super) fn identifier(&self, id: IdentifierId) -> Option<&Identifier> {
        self.identifiers.get(&id)
    }

    /// The identifiers of a user, oldest first.
    pub(super) fn identifiers_of(&self, user_id: UserId) -> impl Iterator<Item = &Identifier> {
        let first = (user_id, IdentifierId::from_bytes([0; 16]));
        let last = (user_id, IdentifierId::from_bytes([0xff; 16]));
        self.identifiers_of
            .range(first..=last)
            .filter_map(|((_, id), ())| self.identifiers.get(id))
    }

    /// Writes an identifier whose guards hold.
    pub(super) fn put_identifier(&mut self, identifier: Identifier) {
        self.remove_identifier(identifier.id);
        let key = identifier.value.key();
        if identifier.verified_at.is_some() {
            self.owners.put(key.clone(), identifier.id);
        }
        self.keys.put((key, identifier.id), identifier.user_id);
        self.identifiers_of
            .put((identifier.user_id, identifier.id), ());
        self.identifiers.put(identifier.id, identifier);
    }

    pub(super) fn remove_identifier(&mut self, id: IdentifierId) {
        let Some(identifier) = self.identifiers.get(&id) else {
            return;
        };
        let key = identifier.value.key();
        let user_id = identifier.user_id;
        if self.owners.get(&key) == Some(&id) {
            self.owners.remove(&key);
        }
        self.keys.remove(&(key, id));
        self.identifiers_of.remove(&(user_id, id));
        self.identifiers.remove(&id);
    }

    pub(super) fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(&id)
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.iter().map(|(_, session)| session)
    }

    /// The sessions of a user whose ids lie before `before`, newest first.
    pub(super) fn sessions_of(
        &self,
        user_id: UserId,
        before: Option<SessionId>,
    ) -> impl Iterator<Item = &Session> {
        let first = (user_id, SessionId::from_bytes([0; 16]));
        let end = match before {
            Some(before) => Bound::Excluded((user_id, before)),
            None => Bound::Included((user_id, SessionId::from_bytes([0xff; 16]))),
        };
        self.sessions_of
            .range((Bound::Included(first), end))
            .rev()
            .filter_map(|((_, id), ())| self.sessions.get(id))
    }

    pub(super) fn put_session(&mut self, session: Session) {
        self.sessions_of.put((session.user_id, session.id), ());
        self.sessions.put(session.id, session);
    }

    pub(super) fn remove_session(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get(&id) {
            self.sessions_of.remove(&(session.user_id, id));
            self.sessions.remove(&id);
        }
    }

    pub(super) fn message(&self, id: MessageId) -> Option<&Message> {
        self.messages.get(&id)
    }

    pub(super) fn put_message(&mut self, message: Message) {
        self.remove_message(message.id);
        self.due.put((message.due_at, message.id), ());
        self.messages.put(message.id, message);
    }

    pub(super) fn remove_message(&mut self, id: MessageId) {
        if let Some(message) = self.messages.get(&id) {
            self.due.remove(&(message.due_at, id));
            self.messages.remove(&id);
        }
    }
}
