//! The shared behaviours through actix-web, and the extractor.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use bytes::Bytes;
use http::{Request, Response};
use zalt_actix::{Proved, Recent, SecondFactor, SignedIn, ZaltActix};
use zalt_core::RequestContext;
use zalt_core::attempt::SignInProgress;
use zalt_core::password::Password;
use zalt_core::session::{SessionCredentials, Transport};
use zalt_core::user::{Metadata, NewUser, Profile};
use zalt_http::cookie::CookieKind;
use zalt_http::{HttpConfig, PeerAddr, ZaltHttp};
use zalt_http_behaviours::{Adapter, Client, World};

zalt_http_behaviours::tests!(|behaviour: &zalt_http_behaviours::Behaviour| {
    actix_web::rt::System::new().block_on(behaviour.run(&Mounted));
});

/// The endpoints mounted in an application that has a route of its own.
struct Mounted;

type Local<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
type Send = dyn Fn(TestRequest) -> Local<'static, Response<Bytes>>;

impl Adapter for Mounted {
    fn serve(&self, http: ZaltHttp) -> Local<'_, Box<dyn Client>> {
        Box::pin(async move {
            let zalt = ZaltActix::from_http(http);
            let app = App::new()
                .configure(|config| zalt.mount(config))
                .route(
                    "/id",
                    web::get().to(async |who: SignedIn| who.user().id.to_string()),
                )
                .route(
                    "/recent",
                    web::get().to(async |who: Proved<Recent>| who.user().id.to_string()),
                )
                .route(
                    "/second",
                    web::get().to(async |who: Proved<SecondFactor>| who.user().id.to_string()),
                );
            let service = Rc::new(init_service(app).await);
            let send: Box<Send> = Box::new(move |request| {
                let service = Rc::clone(&service);
                Box::pin(async move {
                    let response =
                        actix_web::test::call_service(&*service, request.to_request()).await;
                    let mut built = Response::builder().status(response.status().as_u16());
                    for (name, value) in response.headers() {
                        built = built.header(name.as_str(), value.as_bytes());
                    }
                    let body = response.into_body().try_into_bytes().ok().unwrap();
                    built.body(body).unwrap()
                })
            });
            Box::new(ActixClient(send)) as Box<dyn Client>
        })
    }
}

struct ActixClient(Box<Send>);

impl Client for ActixClient {
    fn send(&self, request: Request<Bytes>) -> Local<'_, Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let mut converted = TestRequest::default()
            .method(Method::from_bytes(parts.method.as_str().as_bytes()).unwrap())
            .uri(&parts.uri.to_string());
        for (name, value) in &parts.headers {
            converted = converted.append_header((name.as_str(), value.as_bytes()));
        }
        if let Some(peer) = parts.extensions.get::<PeerAddr>() {
            converted = converted.peer_addr(peer.0);
        }
        (self.0)(converted.set_payload(body))
    }
}

#[test]
fn extractors_tell_401_from_403() {
    actix_web::rt::System::new().block_on(async {
        let world = World::new(&Mounted).await;
        let zalt = world.zalt();
        let request = RequestContext::internal();
        let password = Password::parse("a walk in the rain").unwrap();
        let hash = zalt.users().hash_new_password(password.clone(), &[]).await;
        let new = NewUser {
            email_address: "ada@example.com".parse().unwrap(),
            username: None,
            password: Some(hash.unwrap()),
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
        let http = ZaltHttp::new(zalt.clone(), HttpConfig::default());
        let name = http.cookies().name(CookieKind::Session);
        let cookie = format!("{name}={}", *token.expose());
        let app = Mounted.serve(http).await;
        let get = async |path: &str, cookie: Option<&str>| {
            let mut request = Request::get(path);
            if let Some(cookie) = cookie {
                request = request.header("cookie", cookie);
            }
            let response = app.send(request.body(Bytes::new()).unwrap()).await;
            let body = String::from_utf8(response.body().to_vec()).unwrap();
            (response.status().as_u16(), body)
        };

        let id = signed_in.user.id.to_string();
        for path in ["/id", "/recent"] {
            assert_eq!(get(path, Some(&cookie)).await, (200, id.clone()), "{path}");
            assert_eq!(get(path, None).await.0, 401, "{path}");
        }
        let (status, body) = get("/second", Some(&cookie)).await;
        assert_eq!(status, 403);
        assert!(body.contains("\"assurance\":\"two_factors\""), "{body}");

        world.advance(Duration::from_mins(11));
        assert_eq!(get("/recent", Some(&cookie)).await.0, 403);
        assert_eq!(get("/id", Some(&cookie)).await.0, 200);
    });
}
