//! Bodies as they come over a wire: in pieces, without a length, broken off.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_executor::block_on;
use futures_util::stream;
use http::{Request, Response};
use tower::ServiceExt;

use crate::support::{Application, json_of, whole};

/// Posts `pieces` without announcing a length.
fn post(
    pieces: impl Iterator<Item = io::Result<&'static [u8]>> + Send + 'static,
) -> Response<Bytes> {
    let application = Application::at("https://auth.example.com");
    let body = axum::body::Body::from_stream(stream::iter(pieces));
    let request = Request::post("/v1/client/sign-ins")
        .header("content-type", "application/json")
        .body(body)
        .unwrap();
    whole(block_on(application.http.service().oneshot(request)).unwrap())
}

static READ: AtomicUsize = AtomicUsize::new(0);

#[test]
fn a_body_in_pieces_is_read_and_one_without_end_is_cut_off() {
    let whole: [io::Result<&[u8]>; 3] = [
        Ok(b"{\"identi"),
        Ok(b"fier\":\"ada"),
        Ok(b"@example.com\"}"),
    ];
    assert_eq!(post(whole.into_iter()).status(), 201);

    let endless = std::iter::repeat_with(|| {
        READ.fetch_add(1, Ordering::Relaxed);
        Ok(&[b' '; 1024][..])
    });
    let refused = post(endless);
    assert_eq!(refused.status(), 413);
    assert_eq!(json_of(&refused)["code"], "body_too_large");
    assert!(READ.load(Ordering::Relaxed) <= 66, "{READ:?} KiB were read");
}

#[test]
fn a_body_that_breaks_off_is_malformed() {
    let broken = [
        Ok(&b"{\"identifier\":"[..]),
        Err(io::Error::other("reset by peer")),
    ];
    let refused = post(broken.into_iter());
    assert_eq!(refused.status(), 400);
    assert_eq!(json_of(&refused)["code"], "malformed_body");
}
