//! Connections that are kept in the store. A server that runs on it offers them, or not, from the next page on.

use std::io::{self, BufRead};

use zalt_core::connection::{
    ConnectionInfo, ConnectionSettings, ConnectionSource, ConnectionUpdate,
};
use zalt_core::id::ConnectionId;
use zalt_core::secret::SecretText;
use zalt_core::{Error, RequestContext};
use zeroize::Zeroizing;

use super::say;
use crate::application::{Application, ApplicationError, local_base_url};
use crate::cli::{AddConnection, ConnectionAction};
use crate::config::{Config, ConfigError, ConnectionGiven};
use crate::storage::Schema;

/// Why nothing was done to a connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionCommandError {
    #[error(transparent)]
    Application(#[from] ApplicationError),
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error("--client-secret-stdin: there is no secret on standard input")]
    NoSecret,
    #[error("there is no connection {0} in the store")]
    Unknown(String),
    #[error("the connection {0} is one of the configuration: change it there")]
    OfConfiguration(String),
    #[error(transparent)]
    Core(#[from] Error),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// The longest line that is read as a secret: a private key on one line fits.
const MAX_LINE: u64 = 16 * 1024;

pub(crate) async fn connection(
    config: &Config,
    action: ConnectionAction,
) -> Result<(), ConnectionCommandError> {
    let settings = match &action {
        ConnectionAction::Add(wanted) => Some(settings(wanted)?),
        _ => None,
    };
    let base_url = local_base_url(config.listen.port());
    let application = Application::open(config, Schema::AsItIs, &base_url).await?;
    let done = act(&application, &action, settings).await;
    application.storage.close().await;
    done
}

async fn act(
    application: &Application,
    action: &ConnectionAction,
    settings: Option<ConnectionSettings>,
) -> Result<(), ConnectionCommandError> {
    let connections = application.zalt.connections();
    let context = RequestContext::internal();
    match (action, settings) {
        (ConnectionAction::Add(wanted), Some(settings)) => {
            let made = connections
                .create(&context, settings, !wanted.disabled)
                .await?;
            say(format_args!("{} is {}", made.key, made.id))?;
            let redirect_uri = connections.redirect_uri(&made.key)?;
            say(format_args!(
                "register this redirect URI with the provider: {redirect_uri}"
            ))?;
        }
        (ConnectionAction::Enable(key) | ConnectionAction::Disable(key), _) => {
            let enabled = matches!(action, ConnectionAction::Enable(_));
            let update = ConnectionUpdate {
                enabled: Some(enabled),
                ..ConnectionUpdate::default()
            };
            let id = find(application, key).await?;
            connections.update(&context, id, update).await?;
            let state = if enabled { "enabled" } else { "disabled" };
            say(format_args!("{key} is {state}"))?;
        }
        (ConnectionAction::Remove(key), _) => {
            let id = find(application, key).await?;
            connections.delete(&context, id).await?;
            say(format_args!("{key} is removed"))?;
        }
        _ => {
            for info in connections.list().await? {
                say(line(&info))?;
            }
        }
    }
    Ok(())
}

/// The connection of the store that has this key.
async fn find(
    application: &Application,
    key: &str,
) -> Result<ConnectionId, ConnectionCommandError> {
    let all = application.zalt.connections().list().await?;
    let found = all
        .into_iter()
        .find(|info| info.settings.key.as_str() == key)
        .ok_or_else(|| ConnectionCommandError::Unknown(key.to_owned()))?;
    match found.source {
        ConnectionSource::Store(stored) => Ok(stored.id),
        ConnectionSource::Code => Err(ConnectionCommandError::OfConfiguration(key.to_owned())),
    }
}

/// One connection, its parts separated by tabs.
fn line(info: &ConnectionInfo) -> String {
    let source = match info.source {
        ConnectionSource::Store(_) => "store",
        ConnectionSource::Code => "configuration",
    };
    let state = match (&info.provider, info.enabled) {
        (Err(problem), _) => format!("unusable ({problem})"),
        (Ok(_), true) => "enabled".to_owned(),
        (Ok(_), false) => "disabled".to_owned(),
    };
    let settings = &info.settings;
    format!(
        "{}\t{}\t{source}\t{state}\t{}",
        settings.key, settings.provider, info.redirect_uri
    )
}

fn settings(wanted: &AddConnection) -> Result<ConnectionSettings, ConnectionCommandError> {
    let mut settings = ConnectionGiven::of_flags(&wanted.key, &wanted.fields, &wanted.options)?;
    if wanted.secret_from_stdin {
        settings.client_secret = Some(read_secret(io::stdin().lock())?);
    }
    Ok(settings)
}

fn read_secret(input: impl BufRead) -> Result<SecretText, ConnectionCommandError> {
    let mut text = Zeroizing::new(String::new());
    // More than a line: Apple's is a private key in PEM.
    io::Read::read_to_string(&mut input.take(MAX_LINE), &mut text)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(ConnectionCommandError::NoSecret);
    }
    Ok(SecretText::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_may_be_a_key_of_several_lines() {
        let read = |text: &str| read_secret(text.as_bytes()).map(|it| it.expose().to_owned());
        assert_eq!(read("one\n").unwrap(), "one");
        assert_eq!(read("-----A\nb\n-----\r\n").unwrap(), "-----A\nb\n-----");
        assert!(matches!(read("\n"), Err(ConnectionCommandError::NoSecret)));
    }
}
