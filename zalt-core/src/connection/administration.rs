//! What an administrator does with connections at run time.

use std::collections::BTreeMap;

use super::model::{Connection, ConnectionState};
use super::service::{Connections, secret_row};
use super::settings::ConnectionSettings;
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::ConnectionId;
use crate::request::RequestContext;
use crate::secret::{Sealed, SecretText};
use crate::store::{Batch, Change, CommitError, GuardReason};

/// What is changed of a connection. `None` leaves a part alone.
///
/// Key, provider, issuer and endpoints stay: with another provider behind it, people would come in as whoever had their number
/// at the one before. Another provider is another connection.
#[derive(Debug, Clone, Default)]
pub struct ConnectionUpdate {
    /// Whether it can be used.
    pub enabled: Option<bool>,
    /// What the provider calls the application.
    pub client_id: Option<String>,
    /// The client secret; `Some(None)` removes it.
    pub client_secret: Option<Option<SecretText>>,
    /// What is asked for beyond what signing in needs.
    pub extra_scopes: Option<Vec<String>>,
    /// What some providers need beyond that. They stay too where there is no preset, since they say who somebody is.
    pub options: Option<BTreeMap<String, String>>,
}

/// The most connections of the store.
const MAX_CONNECTIONS: usize = 100;

impl Connections<'_> {
    /// Sets up a connection, which can be used at once if it is switched on.
    ///
    /// # Errors
    /// [`Error::ConnectionSettings`] names what has to change, [`Error::ConnectionKeyTaken`] also by one of code,
    /// [`Error::TooManyConnections`], [`Error::ConnectionNotFound`] if there is nothing to speak to providers with.
    pub async fn create(
        &self,
        request: &RequestContext,
        settings: ConnectionSettings,
        enabled: bool,
    ) -> Result<Connection, Error> {
        let zalt = self.zalt;
        self.protocol()?.check(&settings)?;
        let mut configured = zalt.config().connections.iter();
        if configured.any(|of_code| of_code.key == settings.key) {
            return Err(Error::ConnectionKeyTaken);
        }
        if zalt.store().connections().await?.len() >= MAX_CONNECTIONS {
            return Err(Error::TooManyConnections);
        }
        let now = zalt.now();
        let id = ConnectionId::mint(now, zalt.rng())?;
        let connection = Connection {
            id,
            key: settings.key,
            state: ConnectionState {
                enabled,
                provider: settings.provider,
                client_id: settings.client_id,
                client_secret: self.sealed(id, settings.client_secret.as_ref())?,
                issuer: settings.issuer,
                endpoints: settings.endpoints,
                extra_scopes: settings.extra_scopes,
                options: settings.options,
            },
            created_at: now,
            updated_at: now,
            version: 0,
        };
        let kind = EventKind::ConnectionCreated {
            connection: connection.key.clone(),
        };
        let batch = Batch::new()
            .change(Change::InsertConnection(connection.clone()))
            .event(zalt.event(request, Actor::Application, None, kind)?);
        match zalt.commit(batch).await {
            Err(CommitError::Guard(failure)) if failure.reason == GuardReason::AlreadyExists => {
                Err(Error::ConnectionKeyTaken)
            }
            result => Ok(result.map(|()| connection)?),
        }
    }

    /// Changes a connection of the store. It counts for whoever is on their way to the provider already.
    ///
    /// # Errors
    /// [`Error::ConnectionNotFound`], [`Error::ConnectionSettings`], [`Error::Conflict`].
    pub async fn update(
        &self,
        request: &RequestContext,
        id: ConnectionId,
        update: ConnectionUpdate,
    ) -> Result<Connection, Error> {
        let zalt = self.zalt;
        let mut connection = self.find_stored(id).await?;
        let state = &mut connection.state;
        if state.provider == "oauth2"
            && update
                .options
                .as_ref()
                .is_some_and(|new| *new != state.options)
        {
            let problem = "make another connection: options of a provider without a preset say who somebody is";
            return Err(super::SettingsProblem::new("options", problem).into());
        }
        if let Some(secret) = &update.client_secret {
            state.client_secret = self.sealed(id, secret.as_ref())?;
        }
        state.enabled = update.enabled.unwrap_or(state.enabled);
        put(&mut state.client_id, update.client_id);
        put(&mut state.extra_scopes, update.extra_scopes);
        put(&mut state.options, update.options);
        // One that an update of this library made useless can still be switched off.
        if state.enabled {
            let (settings, problem) = self.settings_of(&connection);
            problem?;
            self.protocol()?.check(&settings)?;
        }
        connection.updated_at = zalt.now();
        let kind = EventKind::ConnectionUpdated {
            connection: connection.key.clone(),
            enabled: connection.state.enabled,
        };
        let batch = Batch::new()
            .change(Change::UpdateConnection(connection.clone()))
            .event(zalt.event(request, Actor::Application, None, kind)?);
        zalt.commit(batch).await?;
        Ok(Connection {
            version: connection.version + 1,
            ..connection
        })
    }

    /// Removes a connection of the store. What people have linked stays theirs, and counts again if a connection to the same
    /// provider is set up.
    ///
    /// # Errors
    /// [`Error::ConnectionNotFound`], [`Error::Conflict`].
    pub async fn delete(&self, request: &RequestContext, id: ConnectionId) -> Result<(), Error> {
        let connection = self.find_stored(id).await?;
        let version = connection.version;
        let kind = EventKind::ConnectionDeleted {
            connection: connection.key,
        };
        let event = self.zalt.event(request, Actor::Application, None, kind)?;
        let batch = Batch::new()
            .change(Change::DeleteConnection { id, version })
            .event(event);
        Ok(self.zalt.commit(batch).await?)
    }

    async fn find_stored(&self, id: ConnectionId) -> Result<Connection, Error> {
        let mut stored = self.zalt.store().connections().await?.into_iter();
        stored
            .find(|connection| connection.id == id)
            .ok_or(Error::ConnectionNotFound)
    }

    fn sealed(
        &self,
        id: ConnectionId,
        secret: Option<&SecretText>,
    ) -> Result<Option<Sealed>, Error> {
        let (keys, rng) = (self.zalt.encryption_keys(), self.zalt.rng());
        let sealed =
            secret.map(|secret| keys.seal(&secret_row(id), secret.expose().as_bytes(), rng));
        Ok(sealed.transpose()?)
    }
}

fn put<T>(slot: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *slot = new;
    }
}
