//! A notebook with accounts: its own table and Zalt's in one SQLite file, its own routes beside the mounted ones.
//!
//! `ENCRYPTION_KEY=$(openssl rand -base64 32) cargo run -p zalt-example-axum`, then sign up with `POST /v1/client/sign-ups`; the code is printed.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router, http::StatusCode};
use rusqlite::Connection;
use zalt_axum::{SignedIn, ZaltAxum};
use zalt_core::{Zalt, secret::EncryptionKeys};
use zalt_notify::{ConsoleMailer, templates::DefaultTemplates};
use zalt_store_sqlite::SqliteStore;
use zalt_webauthn::WebauthnVerifier;

type Notes = Arc<Mutex<Connection>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let keys = std::env::var("ENCRYPTION_KEY")
        .map_err(|_| "set ENCRYPTION_KEY: openssl rand -base64 32")?;
    let keys = EncryptionKeys::parse(&keys)?;
    let (zalt, worker) = Zalt::builder(SqliteStore::open("app.db")?, keys, "http://localhost:3000")
        .configure(|config| config.application_name = String::from("Notebook"))
        .mailer(ConsoleMailer::new(
            std::io::stderr(),
            Arc::new(DefaultTemplates::new()),
        ))
        .passkeys(WebauthnVerifier::new())
        .build()
        .await?;
    tokio::spawn(worker.run(tokio::time::sleep));

    let connection = Connection::open("app.db")?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS note (user TEXT NOT NULL, text TEXT NOT NULL)",
    )?;

    let zalt = ZaltAxum::new(zalt);
    let app = Router::new()
        .route("/notes", get(list).post(add))
        .with_state(Arc::new(Mutex::new(connection)))
        .layer(zalt.layer())
        .merge(zalt.routes());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, zalt_axum::with_peer(app)).await?)
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
