use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use zalt_benches::client::Target;

/// A product that is unlike ours in everything: forms, a redirect, a page with a hidden field, the session's name in the
/// path, tickets that are numbers, answers in pieces. It lives below `/app`.
pub(crate) struct Stub {
    pub(crate) state: Arc<Mutex<Stored>>,
    pub(crate) target: Target,
    serving: JoinHandle<()>,
}

#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) accounts: BTreeMap<String, String>,
    pub(crate) sessions: BTreeSet<String>,
    pub(crate) tickets: BTreeSet<u64>,
    pub(crate) count: u64,
    pub(crate) checks: u64,
    pub(crate) renewals: u64,
    pub(crate) logins: u64,
}

type Shared = State<Arc<Mutex<Stored>>>;

/// The words of the adapter for it.
pub(crate) const ADAPTER: &str = r#"
name = "Other"
headers = { x-client = "${api_key}" }
values = { api_key = "k-1" }

[[operations.nothing.steps]]
request = "GET /ping"

[[operations.sign_up.steps]]
request = "POST /register"
form = { user = "${email}", secret = "${password}", source = "a & b" }
expect = [303]
take = { welcome = { header = "location" } }

[[operations.sign_up.steps]]
request = "GET /welcome"
headers = { x-from = "${welcome}" }

[[operations.sign_in.steps]]
request = "POST /login"
form = { user = "${email}", secret = "${password}" }
take = { sid = { cookie = "sid" }, field = { after = "name=\"field\" value=\"" } }

[[operations.session_check.steps]]
request = "GET /whoami/${sid}"
headers = { x-field = "${field}" }

[[operations.refresh.prepare]]
request = "POST /login"
form = { user = "${email}", secret = "${password}" }
take = { sid = { cookie = "sid" } }

[[operations.refresh.prepare]]
request = "POST /tickets"
body = "sid=${sid}"
take = { ticket = { digits = 6 } }

[[operations.refresh.steps]]
request = "POST /renew"
json = { ticket = "${ticket}", nested = { list = ["${email}"] } }
take = { ticket = { json = "/data/next/0" } }

[[operations.revoke.steps]]
request = "DELETE /session/${sid}"
expect = [204]
"#;

impl Stub {
    pub(crate) async fn start() -> Self {
        let state = Arc::<Mutex<Stored>>::default();
        let routes = Router::new()
            .route("/ping", get(async || "pong"))
            .route("/register", post(register))
            .route("/welcome", get(welcome))
            .route("/login", post(login))
            .route("/whoami/{sid}", get(whoami))
            .route("/tickets", post(tickets))
            .route("/renew", post(renew))
            .route("/session/{sid}", delete(end))
            .with_state(state.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = Router::new().nest("/app", routes);
        Self {
            state,
            target: Target::parse(&format!("http://127.0.0.1:{port}/app")).unwrap(),
            serving: tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }),
        }
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(serde::Deserialize)]
struct Account {
    user: String,
    secret: String,
    source: Option<String>,
}

async fn register(
    State(state): Shared,
    headers: HeaderMap,
    Form(account): Form<Account>,
) -> Response {
    if headers.get("x-client").is_none_or(|key| key != "k-1") {
        return StatusCode::FORBIDDEN.into_response();
    }
    assert_eq!(account.source.as_deref(), Some("a & b"));
    let mut state = state.lock().unwrap();
    if state
        .accounts
        .insert(account.user, account.secret)
        .is_some()
    {
        return StatusCode::CONFLICT.into_response();
    }
    (StatusCode::SEE_OTHER, [("location", "/app/welcome")]).into_response()
}

async fn welcome(headers: HeaderMap) -> StatusCode {
    if headers
        .get("x-from")
        .is_some_and(|from| from == "/app/welcome")
    {
        StatusCode::OK
    } else {
        StatusCode::BAD_REQUEST
    }
}

async fn login(State(state): Shared, Form(account): Form<Account>) -> Response {
    let mut state = state.lock().unwrap();
    state.logins += 1;
    if state.accounts.get(&account.user) != Some(&account.secret) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    state.count += 1;
    let sid = format!("s {}/x", state.count);
    state.sessions.insert(sid.clone());
    let cookie = format!("sid={sid}; Path=/; HttpOnly");
    let page = format!(
        r#"<form><input name="field" value="f-{}"></form>"#,
        state.count
    );
    let headers = [
        (http::header::SET_COOKIE, "theme=dark".to_owned()),
        (http::header::CONTENT_TYPE, "text/html".to_owned()),
    ];
    let mut response = (headers, page).into_response();
    let cookie = http::HeaderValue::from_bytes(cookie.as_bytes()).unwrap();
    response
        .headers_mut()
        .append(http::header::SET_COOKIE, cookie);
    response
}

async fn whoami(State(state): Shared, Path(sid): Path<String>, headers: HeaderMap) -> Response {
    let mut state = state.lock().unwrap();
    state.checks += 1;
    if !state.sessions.contains(&sid) || !headers.contains_key("x-field") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let pieces = ["it is ", "you"].map(Ok::<_, std::convert::Infallible>);
    Body::from_stream(futures_util::stream::iter(pieces)).into_response()
}

async fn tickets(State(state): Shared, body: String) -> Response {
    let mut state = state.lock().unwrap();
    let known = body
        .strip_prefix("sid=")
        .is_some_and(|sid| state.sessions.contains(sid));
    if !known {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    state.count += 1;
    let ticket = 100_000 + state.count;
    state.tickets.insert(ticket);
    format!("your ticket:\n  {ticket}\nkeep it").into_response()
}

async fn renew(State(state): Shared, Json(body): Json<serde_json::Value>) -> Response {
    let ticket: u64 = body["ticket"].as_str().unwrap().parse().unwrap();
    assert!(body["nested"]["list"][0].as_str().unwrap().contains('@'));
    let mut state = state.lock().unwrap();
    if !state.tickets.remove(&ticket) {
        return StatusCode::CONFLICT.into_response();
    }
    state.renewals += 1;
    state.count += 1;
    let next = 100_000 + state.count;
    state.tickets.insert(next);
    Json(json!({ "data": { "next": [next] } })).into_response()
}

async fn end(State(state): Shared, Path(sid): Path<String>) -> StatusCode {
    if state.lock().unwrap().sessions.remove(&sid) {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::NOT_FOUND
    }
}
