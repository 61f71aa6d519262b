//! Who sent a request, for routes of a host.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_executor::block_on;
use http::Request;
use tower::ServiceExt;
use zalt_core::RequestContext;
use zalt_core::session::{Assurance, Requirement};
use zalt_http::{AuthRejectionReason, HttpConfig, RequestAuth, ZaltHttp};

use crate::support::{Application, json_of, whole};

const BASE: &str = "https://auth.example.com";

fn auth(application: &Application, request: http::request::Builder) -> RequestAuth {
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    application.http.prepare(&mut parts)
}

fn reason(result: Result<impl Sized, zalt_http::AuthRejection>) -> AuthRejectionReason {
    result.err().expect("it is refused").reason()
}

fn end_all_sessions(application: &Application) {
    let zalt = application.http.zalt();
    let cookieless = RequestContext::internal();
    let users = block_on(zalt.users().list(
        &zalt_core::store::UserFilter::default(),
        zalt_core::store::PageRequest::default(),
    ));
    let user = users.unwrap().data.remove(0).id;
    block_on(zalt.users().end_sessions(&cookieless, user)).unwrap();
}

#[test]
fn one_request_has_one_identity_however_often_it_asks() {
    let application = Application::at(BASE);
    let cookie = application.cookie();
    let request = || Request::get("/").header("cookie", &cookie);
    let first = auth(&application, request());
    let clone = first.clone();
    let id = block_on(first.authenticated()).unwrap().session().id;
    end_all_sessions(&application);
    assert_eq!(block_on(clone.authenticated()).unwrap().session().id, id);
    let next = auth(&application, request());
    assert_eq!(
        reason(block_on(next.authenticated())),
        AuthRejectionReason::SessionOver
    );
}

#[test]
fn nobody_is_looked_up_until_somebody_asks() {
    let application = Application::at(BASE);
    let cookie = application.cookie();
    let asked = auth(&application, Request::get("/").header("cookie", &cookie));
    let session = block_on(asked.authenticated()).unwrap().session().clone();
    application.advance(Duration::from_mins(5));
    let last_seen = || {
        let zalt = application.http.zalt();
        let session = block_on(zalt.store().session(session.id)).unwrap();
        session.unwrap().last_seen_at
    };
    let silent = auth(&application, Request::get("/").header("cookie", &cookie));
    assert!(silent.has_cookie());
    assert_eq!(last_seen(), session.last_seen_at);
    block_on(silent.authenticated()).unwrap();
    assert!(last_seen() > session.last_seen_at);
}

#[test]
fn a_stranger_is_told_from_somebody_whose_credential_is_bad() {
    let application = Application::at(BASE);
    let stranger = auth(&application, Request::get("/"));
    assert!(block_on(stranger.maybe_authenticated()).unwrap().is_none());
    let rejection = block_on(stranger.authenticated()).unwrap_err();
    assert_eq!(rejection.reason(), AuthRejectionReason::Missing);
    let response = rejection.to_response();
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
    let id = stranger.request_id().unwrap();
    assert_eq!(json_of(&response)["request_id"], **id);

    let garbled = auth(
        &application,
        Request::get("/").header("authorization", "Bearer x"),
    );
    assert_eq!(
        reason(block_on(garbled.maybe_authenticated())),
        AuthRejectionReason::Invalid
    );
}

#[test]
fn an_access_token_is_read_without_the_store_and_a_cookie_is_not() {
    let application = Application::at(BASE);
    let bearer = application.bearer();
    let request = || Request::get("/").header("authorization", &bearer);
    let before = block_on(auth(&application, request()).access_subject()).unwrap();
    end_all_sessions(&application);
    let after = auth(&application, request());
    assert_eq!(block_on(after.access_subject()).unwrap(), before);
    assert_eq!(
        reason(block_on(after.authenticated())),
        AuthRejectionReason::SessionOver
    );

    let application = Application::at(BASE);
    let cookie = application.cookie();
    let request = || Request::get("/").header("cookie", &cookie);
    block_on(auth(&application, request()).access_subject()).unwrap();
    end_all_sessions(&application);
    let over = block_on(auth(&application, request()).access_subject());
    assert_eq!(reason(over), AuthRejectionReason::SessionOver);
}

#[test]
fn a_cookie_from_another_site_is_403_on_any_route() {
    let application = Application::at(BASE);
    let cookie = application.cookie();
    let post = || Request::post("/orders").header("cookie", &cookie);
    let crossed = auth(&application, post().header("origin", "https://evil.test"));
    let rejection = block_on(crossed.authenticated()).unwrap_err();
    assert_eq!(rejection.reason(), AuthRejectionReason::CrossOrigin);
    assert_eq!(rejection.to_response().status(), 403);
    assert!(block_on(crossed.access_subject()).is_err());
    assert!(block_on(crossed.require(Assurance::OneFactor)).is_err());
    let own = auth(&application, post().header("origin", BASE));
    block_on(own.authenticated()).unwrap();
}

#[test]
fn an_old_authentication_is_403_where_a_recent_one_is_asked_for() {
    let application = Application::at(BASE);
    let cookie = application.cookie();
    let request = || Request::get("/").header("cookie", &cookie);
    block_on(auth(&application, request()).require(Assurance::OneFactor)).unwrap();
    application.advance(Duration::from_mins(11));
    let rejection =
        block_on(auth(&application, request()).require(Assurance::OneFactor)).unwrap_err();
    assert_eq!(
        rejection.reason(),
        AuthRejectionReason::ReauthenticationRequired
    );
    let response = rejection.to_response();
    assert_eq!(response.status(), 403);
    assert_eq!(json_of(&response)["max_age"], 600);
    assert_eq!(json_of(&response)["assurance"], "one_factor");
    assert!(!response.headers().contains_key("www-authenticate"));
}

#[test]
fn a_requirement_sets_its_own_age() {
    let application = Application::at(BASE);
    let cookie = application.cookie();
    let request = || auth(&application, Request::get("/").header("cookie", &cookie));
    let strict = Requirement::of(Assurance::OneFactor).within(Duration::from_mins(2));
    block_on(request().require(strict)).unwrap();
    application.advance(Duration::from_mins(3));
    let rejection = block_on(request().require(strict)).unwrap_err();
    assert_eq!(json_of(&rejection.to_response())["max_age"], 120);
    block_on(request().require(Assurance::OneFactor)).unwrap();
    application.advance(Duration::from_mins(30));
    let at_any_time = Requirement::of(Assurance::OneFactor).in_this_session();
    block_on(request().require(at_any_time)).unwrap();
    let second = Requirement::of(Assurance::TwoFactors).in_this_session();
    let rejection = block_on(request().require(second)).unwrap_err();
    assert_eq!(
        json_of(&rejection.to_response())["assurance"],
        "two_factors"
    );
}

#[test]
fn an_inner_layer_keeps_the_identity_of_its_own_application_only() {
    let application = Application::at(BASE);
    let (mut parts, ()) = Request::get("/").body(()).unwrap().into_parts();
    let outer = application.http.prepare(&mut parts);
    let inner = application.http.prepare(&mut parts);
    assert_eq!(outer.request_id(), inner.request_id());
    let other = ZaltHttp::new(application.http.zalt().clone(), HttpConfig::default());
    assert_ne!(other.prepare(&mut parts).request_id(), outer.request_id());
}

#[test]
fn the_router_lives_beside_the_routes_of_a_host() {
    let application = Application::at(BASE);
    let hello = get(|auth: axum::Extension<RequestAuth>| async move {
        match auth.maybe_authenticated().await {
            Ok(Some(authenticated)) => authenticated.user().id.to_string(),
            Ok(None) => "stranger".to_owned(),
            Err(rejection) => rejection.to_string(),
        }
    });
    let app = Router::new()
        .route("/hello", hello)
        .fallback(|| async { "the host's own" })
        .layer(application.http.layer())
        .merge(application.http.router())
        .nest("/auth", application.http.router())
        .nest("/of/{tenant}", application.http.router());
    let cookie = application.cookie();
    let send = |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("cookie", &cookie).header("origin", BASE);
        let request = request.body(Body::empty()).unwrap();
        let response = whole(block_on(app.clone().oneshot(request)).unwrap());
        (
            response.status().as_u16(),
            String::from_utf8(response.body().to_vec()).unwrap(),
        )
    };
    let fetch = |path: &str| send("GET", path);
    let (_, hello) = fetch("/hello");
    assert!(hello.starts_with("user_"), "{hello}");
    for path in ["/v1/client/me", "/auth/v1/client/me"] {
        let (status, me) = fetch(path);
        assert_eq!(status, 200, "{me}");
        assert!(me.contains(&hello), "{me}");
    }
    // The parameters of a host's route are none of an endpoint's.
    let nobodys = "sess_01h455vb4pex5vsknk084sn02q";
    let own =
        block_on(auth(&application, Request::get("/").header("cookie", &cookie)).authenticated());
    let own = own.unwrap().session().id;
    for (id, status) in [(nobodys.to_owned(), 404), (own.to_string(), 204)] {
        let path = format!("/of/somebody/v1/client/sessions/{id}");
        assert_eq!(send("DELETE", &path).0, status, "{id}");
    }
    assert_eq!(fetch("/other"), (200, "the host's own".to_owned()));
    let (status, problem) = fetch("/v1/client/other");
    assert_eq!(status, 404);
    assert!(problem.contains("urn:zalt:problem:not_found"), "{problem}");
}

#[test]
fn cookies_go_without_their_prefix_on_this_very_machine_only() {
    let application = Application::at("http://localhost:3000");
    let done = application.sign_up("cookie");
    let line = done.headers()["set-cookie"].to_str().unwrap();
    assert!(line.starts_with("zalt_session=zst_"), "{line}");
    assert!(line.ends_with("; HttpOnly; SameSite=Lax"), "{line}");
    assert!(!done.headers().contains_key("strict-transport-security"));
    let cookie = line.split_once(';').unwrap().0;
    let request = Request::get("/").header("cookie", cookie);
    block_on(auth(&application, request).authenticated()).unwrap();
}
