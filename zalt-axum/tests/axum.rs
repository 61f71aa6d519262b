//! The shared behaviours through a host's router, and the extractors.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures_executor::block_on;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;
use zalt_axum::{CurrentUser, Proved, Recent, SecondFactor, SignedIn, ZaltAxum};
use zalt_core::RequestContext;
use zalt_core::attempt::SignInProgress;
use zalt_core::password::Password;
use zalt_core::session::{SessionCredentials, Transport};
use zalt_core::user::{Metadata, NewUser, Profile};
use zalt_http::cookie::CookieKind;
use zalt_http::{HttpConfig, ZaltHttp};
use zalt_http_behaviours::{Adapter, Client};

zalt_http_behaviours::tests!(|behaviour: &zalt_http_behaviours::Behaviour| block_on(
    behaviour.run(&Merged)
));

/// The endpoints merged into a router that has routes, and a layer, of its own.
struct Merged;

type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

impl Adapter for Merged {
    fn serve(&self, http: ZaltHttp) -> Local<'_, Box<dyn Client>> {
        Box::pin(async move { Box::new(AxumClient(app(http))) as Box<dyn Client> })
    }
}

fn app(http: ZaltHttp) -> Router {
    let zalt = ZaltAxum::from_http(http);
    Router::new()
        .route(
            "/id",
            get(async |SignedIn(who): SignedIn| who.user().id.to_string()),
        )
        .route(
            "/user",
            get(async |CurrentUser(user): CurrentUser| user.id.to_string()),
        )
        .route("/recent", get(async |_: Proved<Recent>| "recent"))
        .route("/second", get(async |_: Proved<SecondFactor>| "second"))
        .route(
            "/maybe",
            get(async |who: Option<SignedIn>| who.map_or("nobody", |_| "somebody")),
        )
        .route(
            "/both",
            get(async |_: SignedIn, _: CurrentUser, _: Option<CurrentUser>| "both"),
        )
        .layer(zalt.layer())
        .route("/outside", get(async |_: SignedIn| "never"))
        .merge(zalt.routes())
}

struct AxumClient(Router);

impl Client for AxumClient {
    fn send(&self, request: Request<Bytes>) -> Local<'_, Response<Bytes>> {
        let app = self.0.clone();
        Box::pin(async move {
            let response = app.oneshot(request.map(Body::from)).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Response::from_parts(parts, body)
        })
    }
}

/// An application with one user, the router around it, and the user's `Cookie` header.
#[expect(
    clippy::future_not_send,
    reason = "a world is driven on the thread of its test"
)]
async fn signed_in() -> (zalt_http_behaviours::World, Router, String) {
    let world = zalt_http_behaviours::World::new(&Merged).await;
    let zalt = world.zalt().clone();
    let request = RequestContext::internal();
    let password = Password::parse("a walk in the rain").unwrap();
    let new = NewUser {
        email_address: "ada@example.com".parse().unwrap(),
        username: None,
        password: Some(
            zalt.users()
                .hash_new_password(password.clone(), &[])
                .await
                .unwrap(),
        ),
        profile: Profile::default(),
        unsafe_metadata: Metadata::default(),
    };
    zalt.users().create(&request, new).await.unwrap();
    let signed_in = zalt
        .sign_ins()
        .with_password(&request, "ada@example.com", password, Transport::Cookie)
        .await
        .and_then(SignInProgress::into_session)
        .unwrap();
    let SessionCredentials::Cookie(token) = signed_in.credentials else {
        unreachable!("a cookie was asked for")
    };
    let http = ZaltHttp::new(zalt, HttpConfig::default());
    let cookie = format!(
        "{}={}",
        http.cookies().name(CookieKind::Session),
        *token.expose()
    );
    (world, app(http), cookie)
}

async fn status(app: &Router, path: &str, cookie: Option<&str>) -> (StatusCode, String) {
    let mut request = Request::get(path);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    let response = app
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn extractors_tell_401_from_403_and_optional_from_needed() {
    block_on(async {
        let (world, app, cookie) = signed_in().await;
        for path in ["/id", "/user", "/recent", "/both"] {
            assert_eq!(status(&app, path, Some(&cookie)).await.0, 200, "{path}");
            assert_eq!(status(&app, path, None).await.0, 401, "{path}");
        }
        assert_eq!(status(&app, "/maybe", None).await.1, "nobody");
        assert_eq!(status(&app, "/maybe", Some(&cookie)).await.1, "somebody");
        let garbled = format!("{cookie}x");
        assert_eq!(status(&app, "/maybe", Some(&garbled)).await.0, 401);

        let (code, body) = status(&app, "/second", Some(&cookie)).await;
        assert_eq!(code, 403);
        assert!(body.contains("\"assurance\":\"two_factors\""), "{body}");
        assert_eq!(status(&app, "/second", None).await.0, 401);

        world.advance(Duration::from_mins(11));
        let (code, body) = status(&app, "/recent", Some(&cookie)).await;
        assert_eq!(code, 403);
        assert!(body.contains("reauthentication_required"), "{body}");
        assert_eq!(status(&app, "/id", Some(&cookie)).await.0, 200);
    });
}

#[test]
fn a_route_outside_the_layer_lets_nobody_in() {
    block_on(async {
        let (_world, app, cookie) = signed_in().await;
        assert_eq!(status(&app, "/outside", Some(&cookie)).await.0, 500);
    });
}
