//! Serving: from taking the data folder to the last request.

mod connections;
mod health;
mod metrics_page;
mod request_log;
mod request_metrics;
mod router;
mod shutdown;
mod unread;

use std::future::pending;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zalt_http::{HttpConfig, ZaltHttp};

use crate::application::{Application, ApplicationError, local_base_url};
use crate::config::{Config, DatabaseConfig, Mode};
use crate::data_dir::{DataDir, take_folder};
use crate::metrics;
use crate::pages::{self, Pages};
use crate::storage::Schema;
use metrics_page::Observed;

/// How long requests that are under way may take to finish once the server was told to stop, and after them messages.
const GRACE: Duration = Duration::from_secs(10);
/// Connections to the metrics at once.
const METRICS_CONNECTIONS: usize = 16;

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
    #[error("metrics can't be counted: another part of this process counts already")]
    Metrics,
}

/// Serves until the process is told to stop.
pub(crate) async fn serve(config: Config) -> Result<(), ServeError> {
    let mut stop = pin!(shutdown::signal().map_err(ServeError::Signals)?);
    // Held until the end: the store is closed before another process may open it.
    let _lock = take_folder(&config).map_err(ApplicationError::from)?;
    warn_of(&config);
    let listener = listen(config.listen).await?;
    let address = listener.local_addr().unwrap_or(config.listen);
    let metrics = match config.metrics {
        Some(address) => {
            // Before anything is there that counts.
            let registry = metrics::install().map_err(|_| ServeError::Metrics)?;
            Some((registry, listen(address).await?))
        }
        None => None,
    };
    let base_url = local_base_url(address.port());
    let opened = tokio::select! {
        opened = Application::open(&config, Schema::Migrated, &base_url) => opened,
        () = &mut stop => return Ok(()),
    };
    let Application {
        zalt,
        worker,
        storage,
        inbox,
    } = opened?;
    let (end_worker, ended) = oneshot::channel::<()>();
    let ended = async {
        let _ = ended.await;
    };
    let worker = tokio::spawn(worker.run_until(tokio::time::sleep, ended));
    let availability = Arc::new(storage.availability(&zalt));

    let http = ZaltHttp::new(zalt.clone(), http_config(&config));
    let pages = Pages::new(http.clone(), &config.theme, inbox);
    let router = router::router(&http, &pages, &availability, metrics.is_some());
    announce(&config, zalt.base_url().as_str(), address);
    let observer = metrics.map(|(registry, listener)| {
        let observed = Observed {
            registry,
            zalt: zalt.clone(),
            gauges: storage.gauges(),
            availability: availability.clone(),
        };
        let page = metrics_page::router(observed);
        tokio::spawn(connections::accept(
            listener,
            page,
            METRICS_CONNECTIONS,
            pending(),
            GRACE,
        ))
    });
    let most = config.http.max_connections;
    connections::accept(listener, router, most, stop, GRACE).await;

    // A message that is being sent now would be sent once more by another worker if this one went without removing it.
    drop(end_worker);
    finish(worker).await;
    if let Some(observer) = observer {
        observer.abort();
        let _ = observer.await;
    }
    storage.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Waits for a worker that was told to end. What it does not finish another one takes up.
async fn finish(mut worker: JoinHandle<()>) {
    if timeout(GRACE, &mut worker).await.is_err() {
        tracing::warn!("a message that was being sent may be sent once more");
        worker.abort();
        let _ = worker.await;
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Listen { address, source })
}

fn http_config(config: &Config) -> HttpConfig {
    let mut http = HttpConfig::default().trusted_proxies(config.http.trusted_proxies.clone());
    http.allowed_origins
        .clone_from(&config.http.allowed_origins);
    http.hsts_include_subdomains = config.http.hsts_include_subdomains;
    http.connection_page = Some(pages::SIGN_IN_CONNECTION.to_owned());
    http.hand_out_provider_tokens = config.http.provider_tokens;
    http
}

fn warn_of(config: &Config) {
    if config.has_data_dir()
        && DataDir::open(&config.data_dir)
            .is_ok_and(|data| data.is_open_to_others().unwrap_or(false))
    {
        tracing::warn!(
            folder = %config.data_dir.display(),
            "others on this machine may look into the data folder: chmod 700"
        );
    }
    if let DatabaseConfig::Postgres(postgres) = &config.storage.database
        && config.mode == Mode::Production
    {
        for service in postgres.exposed() {
            tracing::warn!(
                %service,
                "others on the network may read or change what goes there: set sslmode=verify-full, or rediss://"
            );
        }
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
