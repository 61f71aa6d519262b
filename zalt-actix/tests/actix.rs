//! The shared behaviours through actix-web, and the extractor.
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use bytes::Bytes;
use http::{Request, Response};
use zalt_actix::{SignedIn, ZaltActix};
use zalt_http::{PeerAddr, ZaltHttp};
use zalt_http_behaviours::{Adapter, Client};

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
            let app = App::new().configure(|config| zalt.mount(config)).route(
                "/id",
                web::get().to(async |who: SignedIn| who.user().id.to_string()),
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
