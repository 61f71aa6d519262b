//! A notebook with accounts: its own table and Zalt's in one SQLite file, its own routes beside the mounted ones.
//!
//! `ENCRYPTION_KEY=$(openssl rand -base64 32) cargo run -p zalt-example-axum`, then sign up with `POST /v1/client/sign-ups`; the code is printed.
//! With `GITHUB_CLIENT_ID` and `GITHUB_CLIENT_SECRET` people sign in with GitHub too: `POST /v1/client/sign-ins/connection`.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router, http::StatusCode};
use rusqlite::Connection;
use zalt_axum::{SignedIn, ZaltAxum};
use zalt_core::budget::BudgetStore;
use zalt_core::connection::{ConnectionKey, ConnectionSettings};
use zalt_core::store::Store;
use zalt_core::{SystemClock, Worker, Zalt, secret::EncryptionKeys};
use zalt_notify::{ConsoleMailer, templates::DefaultTemplates};
use zalt_oauth::{OAuthProviders, OutboundConfig};
use zalt_store_sqlite::SqliteStore;
use zalt_webauthn::WebauthnVerifier;

type Notes = Arc<Mutex<Connection>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let keys = std::env::var("ENCRYPTION_KEY")
        .map_err(|_| "set ENCRYPTION_KEY: openssl rand -base64 32")?;
    let keys = EncryptionKeys::parse(&keys)?;
    let providers = OAuthProviders::new(Arc::new(SystemClock), &OutboundConfig::default())?;
    let connections = github().into_iter().collect();
    let (zalt, worker) =
        accounts(SqliteStore::open("app.db")?, keys, providers, connections).await?;
    tokio::spawn(worker.run(tokio::time::sleep));

    let connection = Connection::open("app.db")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS note (user TEXT NOT NULL, text TEXT NOT NULL)",
    )?;

    let app = notebook(zalt, connection);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, zalt_axum::with_peer(app)).await?)
}

/// GitHub, for whoever registered an application there whose callback is
/// `http://localhost:3000/v1/client/connections/github/callback`.
fn github() -> Option<ConnectionSettings> {
    let client_id = std::env::var("GITHUB_CLIENT_ID").ok()?;
    let key = ConnectionKey::parse("github").ok()?;
    let mut github = ConnectionSettings::new(key, "github", &client_id);
    github.client_secret = Some(std::env::var("GITHUB_CLIENT_SECRET").ok()?.into());
    Some(github)
}

async fn accounts<S: Store + BudgetStore + 'static>(
    store: S,
    keys: EncryptionKeys,
    providers: OAuthProviders,
    connections: Vec<ConnectionSettings>,
) -> Result<(Zalt, Worker), Failure> {
    let mailer = ConsoleMailer::new(std::io::stderr(), Arc::new(DefaultTemplates::new()));
    Ok(Zalt::builder(store, keys, "http://localhost:3000")
        .configure(|config| {
            config.application_name = String::from("Notebook");
            config.connections = connections;
        })
        .mailer(mailer)
        .passkeys(WebauthnVerifier::new())
        .connections(Arc::new(providers))
        .build()
        .await?)
}

fn notebook(zalt: Zalt, connection: Connection) -> Router {
    let zalt = ZaltAxum::new(zalt);
    Router::new()
        .route("/notes", get(list).post(add))
        .with_state(Arc::new(Mutex::new(connection)))
        .layer(zalt.layer())
        .merge(zalt.routes())
}

async fn list(
    SignedIn(who): SignedIn,
    State(notes): State<Notes>,
) -> Result<Json<Vec<String>>, StatusCode> {
    let notes = notes.lock().map_err(failed)?;
    let mut query = notes
        .prepare("SELECT text FROM note WHERE user = ?1")
        .map_err(failed)?;
    let rows = query
        .query_map([who.user().id.to_string()], |row| row.get(0))
        .map_err(failed)?;
    rows.collect::<Result<_, _>>().map(Json).map_err(failed)
}

async fn add(
    SignedIn(who): SignedIn,
    State(notes): State<Notes>,
    Json(text): Json<String>,
) -> Result<StatusCode, StatusCode> {
    let notes = notes.lock().map_err(failed)?;
    let row = (who.user().id.to_string(), text);
    notes
        .execute("INSERT INTO note (user, text) VALUES (?1, ?2)", row)
        .map_err(failed)?;
    Ok(StatusCode::CREATED)
}

fn failed<E>(_: E) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

#[cfg(test)]
mod tests;
