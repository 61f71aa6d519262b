use std::net::TcpListener;
use std::time::Duration;

use zalt_core::message::{Mailer, SmsSender};
use zalt_notify::hook::{HookSecret, HttpHook};
use zalt_notify::http::{HttpClient, HttpConfig, HttpSendError, ServiceUrl};
use zalt_notify::twilio::{TwilioConfig, TwilioSms};

use crate::http_server::HttpServer;
use crate::support::{CODE, NOW, clock, id, mail, permanent, sms, templates, temporary};

const ACCOUNT: &str = "AC00000000000000000000000000000000";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn client() -> HttpClient {
    HttpClient::new(&HttpConfig::default().with_timeout(Duration::from_secs(10))).unwrap()
}

fn url(port: u16, path: &str) -> ServiceUrl {
    ServiceUrl::parse(&format!("http://127.0.0.1:{port}{path}")).unwrap()
}

fn twilio(server: &HttpServer, sender: &str) -> TwilioSms {
    let config = TwilioConfig::new(ACCOUNT, "t0ken", sender)
        .unwrap()
        .with_base_url(&url(server.port, ""))
        .unwrap();
    TwilioSms::new(config, client(), templates())
}

fn hook(server: &HttpServer, client: HttpClient) -> HttpHook {
    HttpHook::new(
        url(server.port, "/zalt?k=T0KEN"),
        HookSecret::parse(SECRET).unwrap(),
        client,
        templates(),
        clock(),
    )
}

#[tokio::test]
async fn twilio_gets_a_form_with_the_account_s_credentials() {
    let server = HttpServer::start("201 Created", "", "{}");
    twilio(&server, "+15005550006")
        .send(id(1), &sms("+15005550001"))
        .await
        .unwrap();
    let request = &server.requests()[0];
    assert_eq!(
        request.line,
        format!("POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1")
    );
    // Base64 of the SID, a colon and the token.
    assert_eq!(
        request.header("authorization"),
        "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDp0MGtlbg=="
    );
    assert_eq!(
        request.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(
        request.body,
        "To=%2B15005550001&From=%2B15005550006&Body=042137+is+your+Acme+code+to+sign+in.+It+works+for+10+minutes.\
         +Do+not+share+it."
    );
}

#[tokio::test]
async fn twilio_may_send_by_a_messaging_service_and_an_api_key() {
    let server = HttpServer::start("201 Created", "", "{}");
    let config = TwilioConfig::new(ACCOUNT, "t0ken", "MG11111111111111111111111111111111")
        .unwrap()
        .with_api_key("SK22222222222222222222222222222222", "s3cret")
        .unwrap()
        .with_base_url(&url(server.port, "/proxy/"))
        .unwrap();
    TwilioSms::new(config, client(), templates())
        .send(id(1), &sms("+15005550001"))
        .await
        .unwrap();
    let request = &server.requests()[0];
    assert!(request.line.starts_with("POST /proxy/2010-04-01/Accounts/"));
    assert!(request.body.contains("&MessagingServiceSid=MG1111"));
    assert!(
        request
            .header("authorization")
            .starts_with("Basic U0syMjIy")
    );
}

#[tokio::test]
async fn only_a_number_in_e164_reaches_twilio() {
    let server = HttpServer::start("201 Created", "", "{}");
    for to in ["whatsapp:+15005550001", "15005550001", "+1500555000x", ""] {
        let result = twilio(&server, "Acme").send(id(1), &sms(to)).await;
        assert!(
            matches!(permanent(result), HttpSendError::Recipient),
            "{to}"
        );
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_status_decides_whether_to_try_again() {
    for status in [408, 425, 429, 500, 502, 503] {
        let server = HttpServer::start(&format!("{status} X"), "", "");
        let error = temporary(hook(&server, client()).post_mail().await);
        assert!(
            matches!(error, HttpSendError::Deferred { status: seen, .. } if seen == status),
            "{error:?}"
        );
    }
    for status in [401, 403, 404, 405] {
        let server = HttpServer::start(&format!("{status} X"), "", "");
        let error = temporary(hook(&server, client()).post_mail().await);
        assert!(
            matches!(error, HttpSendError::Configuration { status: seen, .. } if seen == status),
            "{error:?}"
        );
    }
    for status in [400, 410, 422] {
        let server = HttpServer::start(&format!("{status} X"), "", "");
        let error = permanent(hook(&server, client()).post_mail().await);
        assert!(
            matches!(error, HttpSendError::Refused { status: seen, .. } if seen == status),
            "{error:?}"
        );
    }
}

/// Both traits have a `send`; the tests of the hook name the mail's.
trait PostMail {
    async fn post_mail(&self) -> Result<(), zalt_core::message::SendError>;
}

impl PostMail for HttpHook {
    async fn post_mail(&self) -> Result<(), zalt_core::message::SendError> {
        Mailer::send(self, id(1), &mail("ada@example.com")).await
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = HttpServer::start("200 OK", "", "");
    let location = format!("location: http://127.0.0.1:{}/\r\n", elsewhere.port);
    let server = HttpServer::start("307 Temporary Redirect", &location, "");
    assert!(matches!(
        temporary(hook(&server, client()).post_mail().await),
        HttpSendError::Configuration { status: 307, .. }
    ));
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn an_endless_reply_is_cut_and_its_words_are_told() {
    let body = format!(
        "{{\"code\":21211,\"message\":\"No such number\"}}{}",
        " ".repeat(200)
    );
    let server = HttpServer::start("400 Bad Request", "", &body);
    match permanent(
        twilio(&server, "Acme")
            .send(id(1), &sms("+15005550001"))
            .await,
    ) {
        HttpSendError::Refused { status, detail } => {
            assert_eq!(
                (status, detail.as_deref()),
                (400, Some("21211 No such number"))
            );
        }
        other => panic!("{other:?}"),
    }
    let server = HttpServer::start("400 Bad Request", "", &"x".repeat(8 * 1024 * 1024));
    match permanent(
        twilio(&server, "Acme")
            .send(id(1), &sms("+15005550001"))
            .await,
    ) {
        HttpSendError::Refused { status, detail } => assert_eq!((status, detail), (400, None)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_hook_gets_signed_json_for_both_channels() {
    let server = HttpServer::start("204 No Content", "", "");
    let hook = hook(&server, client())
        .with_second_secret(HookSecret::parse("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap());
    hook.post_mail().await.unwrap();
    SmsSender::send(&hook, id(2), &sms("+15005550001"))
        .await
        .unwrap();
    let requests = server.requests();

    let request = &requests[0];
    assert_eq!(request.line, "POST /zalt?k=T0KEN HTTP/1.1");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("webhook-id"), id(1).to_string());
    assert_eq!(
        request.header("webhook-timestamp"),
        NOW.unix_seconds().to_string()
    );
    let expected = [
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ]
    .map(|secret| signature(secret, request))
    .join(" ");
    assert_eq!(request.header("webhook-signature"), expected);
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["id"], id(1).to_string());
    assert_eq!(body["channel"], "mail");
    assert_eq!(body["to"], "ada@example.com");
    assert_eq!(body["application_name"], "Grüße & Söhne");
    assert_eq!(body["notice"]["kind"], "sign_in");
    assert_eq!(body["notice"]["code"], CODE);
    assert_eq!(body["subject"], "Sign in to Grüße & Söhne");
    assert!(body["text"].as_str().unwrap().contains(CODE));
    assert!(
        body["html"]
            .as_str()
            .unwrap()
            .contains("Gr\u{fc}\u{df}e &#38; S\u{f6}hne")
    );

    let body: serde_json::Value = serde_json::from_str(&requests[1].body).unwrap();
    assert_eq!(body["channel"], "sms");
    assert_eq!(body["subject"], serde_json::Value::Null);
    assert_eq!(body["html"], serde_json::Value::Null);
}

/// Computed from what was received, by the words of the specification.
fn signature(secret: &str, request: &crate::http_server::Request) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let key = aws_lc_rs::hmac::Key::new(
        aws_lc_rs::hmac::HMAC_SHA256,
        &STANDARD.decode(secret).unwrap(),
    );
    let signed = format!(
        "{}.{}.{}",
        request.header("webhook-id"),
        request.header("webhook-timestamp"),
        request.body
    );
    let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

#[tokio::test]
async fn a_service_that_is_away_or_silent_is_tried_again_and_its_url_not_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = hook_at(
        listener.local_addr().unwrap().port(),
        HttpClient::new(&HttpConfig::default().with_timeout(Duration::from_millis(50))).unwrap(),
    );
    let error: HttpSendError = temporary(silent.post_mail().await);
    assert!(matches!(error, HttpSendError::Timeout));

    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let away = hook_at(port, client());
    let error: HttpSendError = temporary(away.post_mail().await);
    assert!(matches!(error, HttpSendError::Connection(_)));
    assert!(!format!("{error:?} {away:?}").contains("T0KEN"));
}

fn hook_at(port: u16, client: HttpClient) -> HttpHook {
    HttpHook::new(
        url(port, "/zalt?k=T0KEN"),
        HookSecret::parse(SECRET).unwrap(),
        client,
        templates(),
        clock(),
    )
}
