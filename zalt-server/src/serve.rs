//! Serving: from taking the data folder to the last request.

mod connections;
mod health;
mod request_log;
mod router;
mod shutdown;
mod unread;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use zalt_http::{HttpConfig, ZaltHttp};

use crate::application::{Application, ApplicationError, local_base_url};
use crate::config::{Config, Mode};
use crate::data_dir::DataDir;
use crate::pages::Pages;

/// How long requests that are under way may take to finish once the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Why the server does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Application(#[from] ApplicationError),
    #[error("{address} can't be listened on: {source}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("the signals of the system can't be listened to: {0}")]
    Signals(#[source] io::Error),
}

/// Serves until the process is told to stop.
pub(crate) async fn serve(config: Config) -> Result<(), ServeError> {
    let stop = shutdown::signal().map_err(ServeError::Signals)?;
    let data = DataDir::open(&config.data_dir).map_err(ApplicationError::from)?;
    // Held until the end: the store is closed before another process may open it.
    let _lock = data.lock().map_err(ApplicationError::from)?;
    warn_of(&config, &data);
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|source| ServeError::Listen {
            address: config.listen,
            source,
        })?;
    let address = listener.local_addr().unwrap_or(config.listen);
    let Application {
        zalt,
        worker,
        store,
        inbox,
    } = Application::open(&config, &data, &local_base_url(address.port())).await?;
    let worker = tokio::spawn(worker.run(tokio::time::sleep));

    let http = ZaltHttp::new(zalt.clone(), http_config(&config));
    let pages = Pages::new(http.clone(), &config.theme, inbox);
    announce(&config, zalt.base_url().as_str(), address);
    let router = router::router(&http, &pages);
    connections::accept(listener, router, config.http.max_connections, stop, GRACE).await;

    // What is under way is taken up again at the next start: a message is only gone once it was sent.
    worker.abort();
    let _ = worker.await;
    store.shutdown().await;
    tracing::info!("stopped");
    Ok(())
}

fn http_config(config: &Config) -> HttpConfig {
    let mut http = HttpConfig::default().trusted_proxies(config.http.trusted_proxies.clone());
    http.allowed_origins
        .clone_from(&config.http.allowed_origins);
    http.hsts_include_subdomains = config.http.hsts_include_subdomains;
    http
}

fn warn_of(config: &Config, data: &DataDir) {
    if data.is_open_to_others().unwrap_or(false) {
        tracing::warn!(
            folder = %data.path().display(),
            "others on this machine may look into the data folder: chmod 700"
        );
    }
    if config.mode == Mode::Development && !config.listen.ip().is_loopback() {
        tracing::warn!(
            listen = %config.listen,
            "in development mode others may reach this server: set ZALT_BASE_URL to the https address that they open"
        );
    }
}

/// Says where the server is, for people and for whatever started it.
fn announce(config: &Config, base_url: &str, address: SocketAddr) {
    let base_url = base_url.trim_end_matches('/');
    tracing::info!(%address, base_url, mode = ?config.mode, "listening on {base_url}");
    let mut out = io::stdout();
    // Nobody may be reading.
    let _ = writeln!(out, "listening on {base_url}").and_then(|()| out.flush());
}
