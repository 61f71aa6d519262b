//! The page of a window that was opened for a provider: it tells the page that opened it, and closes.

use std::sync::LazyLock;

use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::CONTENT_SECURITY_POLICY;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::came::Came;
use crate::api::call::Call;

/// Tells the opener, if it is a page of an origin that may know, and whoever of this origin listens on the channel: a provider's
/// page may have cut the window off from its opener.
const SCRIPT: &str = "const {message,origins,next}=JSON.parse(document.getElementById('outcome').textContent);\
if(window.opener)for(const origin of origins)window.opener.postMessage(message,origin);\
new BroadcastChannel('zalt_connection').postMessage(message);\
window.close();\
setTimeout(()=>location.replace(next),500);";

static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(SCRIPT.as_bytes()));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    HeaderValue::try_from(policy).ok()
});

/// The page. Without its script a link leads to where the person wanted to be.
pub(super) fn page(call: &Call, came: &Came, return_to: Option<&str>) -> Response {
    let mut message = Map::new();
    message.insert("type".to_owned(), json!("zalt_connection"));
    if matches!(came, Came::Complete) {
        message.insert("status".to_owned(), json!("complete"));
    }
    for (name, value) in came.parameters() {
        message.insert(name.to_owned(), json!(value));
    }
    let config = call.http.config();
    let own = call.zalt().base_url().origin().ascii_serialization();
    let allowed = config.allowed_origins.iter();
    let origins: Vec<Value> = std::iter::once(json!(own))
        .chain(allowed.map(|origin| json!(origin.as_str())))
        .collect();
    let next = match (came, config.connection_page.as_deref()) {
        (Came::Complete, _) => return_to.unwrap_or("/").to_owned(),
        (_, Some(page)) => came.at(page, return_to),
        (_, None) => came.at(return_to.unwrap_or("/"), None),
    };
    let outcome = json!({ "message": message, "origins": origins, "next": next });
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Signing in</title>\
         <script id=\"outcome\" type=\"application/json\">{}</script>\
         <main><p>You can close this window.</p><p><a href=\"{}\">Go on here</a></p></main><script>{SCRIPT}</script></html>",
        in_script(&outcome.to_string()),
        in_attribute(&next),
    );
    let mut response = Html(html).into_response();
    if let Some(policy) = &*POLICY {
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy.clone());
    }
    response
}

/// JSON in which nothing ends the element that it stands in.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

fn in_attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_what_it_stands_in() {
        assert_eq!(
            in_script("{\"a\":\"</script>\"}"),
            "{\"a\":\"\\u003c/script>\"}"
        );
        assert_eq!(
            in_attribute("/a?b=\"c\"&d=<"),
            "/a?b=&quot;c&quot;&amp;d=&lt;"
        );
    }

    #[test]
    fn the_policy_lets_one_script_run() {
        let policy = POLICY.as_ref().unwrap().to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"));
    }
}
