//! Somebody signs up with a provider in the shape of GitHub, and writes a note.

use axum::body::Body;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use rusqlite::Connection;
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;
use zalt_core::SystemRng;
use zalt_core::connection::OAuthEndpoints;

use super::*;

/// What the provider answers at its endpoints, whoever asks.
async fn code_host() -> String {
    let app = Router::new()
        .route(
            "/token",
            post(|| async { Json(json!({ "access_token": "a", "token_type": "bearer" })) }),
        )
        .route(
            "/user",
            get(|| async { Json(json!({ "id": 7, "login": "ada", "name": "Ada Lovelace" })) }),
        )
        .route(
            "/user/emails",
            get(|| async {
                Json(json!([{ "email": "ada@example.com", "primary": true, "verified": true }]))
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// Sends what a browser sends, with its cookies.
async fn send(
    app: &Router,
    method: Method,
    path: &str,
    cookies: &str,
    body: &Value,
) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(CONTENT_TYPE, "application/json")
        .header(ORIGIN, "http://localhost:3000")
        .header(COOKIE, cookies)
        .body(Body::from(body.to_string()))
        .unwrap();
    app.clone().oneshot(request).await.unwrap()
}

fn cookies(response: &Response<Body>) -> String {
    let lines = response.headers().get_all(SET_COOKIE).iter();
    let pairs: Vec<_> = lines
        .map(|line| line.to_str().unwrap().split(';').next().unwrap())
        .collect();
    pairs.join("; ")
}

#[tokio::test]
async fn somebody_signs_up_with_a_provider_and_writes_a_note() {
    let origin = code_host().await;
    let endpoint = |path: &str| format!("{origin}{path}").parse().unwrap();
    let key = ConnectionKey::parse("github").unwrap();
    let mut settings = ConnectionSettings::new(key, "github", "notebook");
    settings.client_secret = Some("a secret of the test".into());
    settings.endpoints = Some(OAuthEndpoints {
        authorization: endpoint("/authorize"),
        token: endpoint("/token"),
        userinfo: endpoint("/user"),
        revocation: None,
    });
    let vouches = ("vouches_for_email".to_owned(), "true".to_owned());
    settings.options.extend([vouches]);
    let providers = OAuthProviders::new(Arc::new(SystemClock), &OutboundConfig::default());
    let providers = providers.unwrap().allowing_this_machine();
    let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("app.db")).unwrap();
    let (zalt, _) = accounts(store, keys, providers, vec![settings])
        .await
        .unwrap();
    let notes = Connection::open_in_memory().unwrap();
    notes
        .execute_batch("CREATE TABLE note (user TEXT NOT NULL, text TEXT NOT NULL)")
        .unwrap();
    let app = notebook(zalt, notes);

    let body = json!({ "connection": "github", "return_to": "/notes" });
    let begun = send(
        &app,
        Method::POST,
        "/v1/client/sign-ins/connection",
        "",
        &body,
    )
    .await;
    assert_eq!(begun.status(), StatusCode::CREATED);
    let kept = cookies(&begun);
    let bytes = begun.into_body().collect().await.unwrap().to_bytes();
    let begun: Value = serde_json::from_slice(&bytes).unwrap();
    let url = Url::parse(begun["authorization_url"].as_str().unwrap()).unwrap();
    assert_eq!(url.path(), "/authorize");
    let mut query = url.query_pairs();
    let (_, state) = query.find(|(name, _)| name == "state").unwrap();

    let path = format!("/v1/client/connections/github/callback?code=c&state={state}");
    let back = send(&app, Method::GET, &path, &kept, &Value::Null).await;
    assert_eq!(back.status(), StatusCode::SEE_OTHER);
    assert_eq!(back.headers().get(LOCATION).unwrap(), "/notes");
    let session = cookies(&back);
    let added = send(&app, Method::POST, "/notes", &session, &json!("Hello")).await;
    assert_eq!(added.status(), StatusCode::CREATED);
}
