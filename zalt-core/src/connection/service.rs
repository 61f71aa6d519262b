use std::sync::Arc;

use url::Url;

use super::external_account::ExternalAccount;
use super::model::Connection;
use super::provider::{ProviderProtocol, ProviderTraits, SettingsProblem};
use super::settings::{ConnectionKey, ConnectionSettings, ProviderMark};
use crate::Zalt;
use crate::error::Error;
use crate::id::ConnectionId;
use crate::secret::SecretText;

/// Connections to providers: which there are, and what people do with them.
#[derive(Debug, Clone, Copy)]
pub struct Connections<'z> {
    pub(crate) zalt: &'z Zalt,
}

/// A connection, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// How the provider is spoken to, without the client secret.
    pub settings: ConnectionSettings,
    /// Where it was set up.
    pub source: ConnectionSource,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Where the provider sends browsers back to: the address to register with it.
    pub redirect_uri: Url,
    /// What the provider is like, or what has to change before it can be used.
    pub provider: Result<ProviderTraits, SettingsProblem>,
}

impl ConnectionInfo {
    /// Whether people can use it.
    pub const fn is_usable(&self) -> bool {
        self.enabled && self.provider.is_ok()
    }
}

/// Where a connection was set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionSource {
    /// In code or settings. It can't be changed at run time.
    Code,
    /// At run time.
    Store(Box<Connection>),
}

/// A connection that can be used, with all that is needed for it.
pub(crate) struct Usable {
    pub(crate) settings: ConnectionSettings,
    pub(crate) traits: ProviderTraits,
    /// Which row it is, if it was set up at run time.
    pub(crate) id: Option<ConnectionId>,
    pub(crate) protocol: Arc<dyn ProviderProtocol>,
}

impl Usable {
    /// Whom it speaks to.
    pub(crate) fn mark(&self) -> ProviderMark {
        ProviderMark::of(&self.settings, self.id)
    }
}

impl<'z> Connections<'z> {
    pub(crate) const fn new(zalt: &'z Zalt) -> Self {
        Self { zalt }
    }

    /// Every connection, those of code first. One of the store whose key one of code has counts for nothing and is not listed.
    pub async fn list(&self) -> Result<Vec<ConnectionInfo>, Error> {
        let config = &self.zalt.config().connections;
        let Some(protocol) = &self.zalt.inner.connections else {
            return Ok(Vec::new());
        };
        let stored = self.zalt.store().connections().await?;
        let mut all = Vec::with_capacity(config.len() + stored.len());
        for settings in config {
            let source = ConnectionSource::Code;
            all.push(self.info(&**protocol, settings.clone(), source, true)?);
        }
        for connection in stored {
            if config.iter().all(|settings| settings.key != connection.key) {
                let (settings, problem) = self.settings_of(&connection);
                let enabled = connection.state.enabled;
                let source = ConnectionSource::Store(Box::new(connection));
                let info = self.info(&**protocol, settings, source, enabled)?;
                all.push(ConnectionInfo {
                    provider: problem.and(info.provider),
                    ..info
                });
            }
        }
        Ok(all)
    }

    /// Those that people can use now, in the order in which pages offer them.
    pub async fn usable(&self) -> Result<Vec<ConnectionInfo>, Error> {
        let mut all = self.list().await?;
        all.retain(ConnectionInfo::is_usable);
        Ok(all)
    }

    /// Where the provider of a connection sends browsers back to.
    ///
    /// # Errors
    /// [`Error::Internal`] if the base URL is none, which it can't be.
    pub fn redirect_uri(&self, key: &ConnectionKey) -> Result<Url, Error> {
        let path = format!("/v1/client/connections/{key}/callback");
        let url = self.zalt.base_url().join(&path);
        url.map_err(|_| Error::Internal("the base URL takes no path"))
    }

    /// The connection of this key, if people can use it now.
    pub(crate) async fn find_usable(&self, key: &ConnectionKey) -> Result<Usable, Error> {
        let usable = self.find_known(key).await?;
        let (settings, id, _) = usable
            .filter(|(.., enabled)| *enabled)
            .ok_or(Error::ConnectionNotFound)?;
        let protocol = self.protocol()?;
        match protocol.check(&settings) {
            Ok(traits) => Ok(Usable {
                settings,
                traits,
                id,
                protocol,
            }),
            Err(problem) => {
                tracing::error!(connection = %key, %problem, "a connection is not set up right");
                Err(Error::ConnectionNotFound)
            }
        }
    }

    /// The settings of a connection, switched on or not. One of code costs no query.
    pub(crate) async fn find_known(
        &self,
        key: &ConnectionKey,
    ) -> Result<Option<(ConnectionSettings, Option<ConnectionId>, bool)>, Error> {
        let mut configured = self.zalt.config().connections.iter();
        if let Some(settings) = configured.find(|settings| settings.key == *key) {
            return Ok(Some((settings.clone(), None, true)));
        }
        let stored = self.zalt.store().connections().await?;
        let Some(found) = stored.iter().find(|stored| stored.key == *key) else {
            return Ok(None);
        };
        let (settings, problem) = self.settings_of(found);
        if let Err(problem) = &problem {
            tracing::error!(connection = %key, %problem, "a connection is not set up right");
        }
        let enabled = found.state.enabled && problem.is_ok();
        Ok(Some((settings, Some(found.id), enabled)))
    }

    pub(crate) fn protocol(&self) -> Result<Arc<dyn ProviderProtocol>, Error> {
        let protocol = self.zalt.inner.connections.as_ref();
        protocol.cloned().ok_or(Error::ConnectionNotFound)
    }

    /// The providers through which people can come now.
    pub(crate) async fn usable_providers(&self) -> Result<Vec<ProviderMark>, Error> {
        let usable = self.usable().await?.into_iter();
        let marks = usable.map(|info| match &info.source {
            ConnectionSource::Code => ProviderMark::of(&info.settings, None),
            ConnectionSource::Store(stored) => ProviderMark::of(&info.settings, Some(stored.id)),
        });
        Ok(marks.collect())
    }

    /// The connection that an account came through, if it speaks to the same provider still.
    pub(super) async fn still_of(
        &self,
        external: &ExternalAccount,
    ) -> Result<Option<Usable>, Error> {
        let usable = self.find_usable(&external.connection).await?;
        Ok(Some(usable).filter(|usable| usable.mark() == external.provider))
    }

    pub(super) fn info(
        &self,
        protocol: &dyn ProviderProtocol,
        settings: ConnectionSettings,
        source: ConnectionSource,
        enabled: bool,
    ) -> Result<ConnectionInfo, Error> {
        let redirect_uri = self.redirect_uri(&settings.key)?;
        let provider = protocol.check(&settings);
        let settings = ConnectionSettings {
            client_secret: None,
            ..settings
        };
        Ok(ConnectionInfo {
            settings,
            source,
            enabled,
            redirect_uri,
            provider,
        })
    }

    /// The settings that a row keeps, with the client secret opened. A secret that no key opens any more is a problem of this
    /// connection and of no other.
    pub(super) fn settings_of(
        &self,
        connection: &Connection,
    ) -> (ConnectionSettings, Result<(), SettingsProblem>) {
        let state = &connection.state;
        let opened = state.client_secret.as_ref().map(|sealed| {
            let keys = self.zalt.encryption_keys();
            let bytes = keys.open(&secret_row(connection.id), sealed).ok()?;
            std::str::from_utf8(&bytes).map(SecretText::from).ok()
        });
        let problem = match &opened {
            Some(None) => Err(SettingsProblem::new(
                "client_secret",
                "it was sealed under a key that is no longer configured: set it anew",
            )),
            _ => Ok(()),
        };
        let settings = ConnectionSettings {
            key: connection.key.clone(),
            provider: state.provider.clone(),
            client_id: state.client_id.clone(),
            client_secret: opened.flatten(),
            issuer: state.issuer.clone(),
            endpoints: state.endpoints.clone(),
            extra_scopes: state.extra_scopes.clone(),
            options: state.options.clone(),
        };
        (settings, problem)
    }
}

/// The name that the client secret of a row is sealed for.
pub(super) fn secret_row(id: ConnectionId) -> Vec<u8> {
    format!("{id} client secret").into_bytes()
}
