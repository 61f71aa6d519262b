//! Over real sockets: what a provider may do to whoever connects to it, and what addresses are never connected to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use zalt_core::connection::{ConnectionSettings, OAuthEndpoints, ProviderError, ProviderProtocol};
use zalt_oauth::{OAuthProviders, OutboundConfig};

use crate::support::{StillClock, address, callback, redeem, settings};
use zalt_core::Clock;

/// A server that answers every request by what `answer` makes of its first line and body, and counts them.
struct Server {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Server {
    fn start(answer: impl Fn(&str, &str) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counter.fetch_add(1, Ordering::SeqCst);
                if let Some((line, body)) = hear(&stream) {
                    // The client may have hung up; that is its right.
                    let _ = (&stream).write_all(answer(&line, &body).as_bytes());
                }
            }
        });
        Self { port, asked }
    }

    fn times_asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn endpoints(&self) -> ConnectionSettings {
        let mut settings = settings("oauth2");
        settings.endpoints = Some(OAuthEndpoints {
            authorization: self.url("/authorize").parse().unwrap(),
            token: self.url("/token").parse().unwrap(),
            userinfo: self.url("/user").parse().unwrap(),
            revocation: None,
        });
        settings
            .options
            .insert("subject_field".into(), "/id".into());
        settings
    }
}

fn hear(stream: &TcpStream) -> Option<(String, String)> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((line.trim_end().to_owned(), String::from_utf8(body).ok()?))
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn providers(timeout: Duration) -> OAuthProviders {
    let config = OutboundConfig::default().with_timeout(timeout);
    OAuthProviders::new(Arc::new(StillClock::new()), &config)
        .unwrap()
        .allowing_this_machine()
}

async fn came(server: &Server, timeout: Duration) -> Result<String, ProviderError> {
    let now = StillClock::new().now();
    let redeemed = redeem(&providers(timeout), &server.endpoints(), None, now).await;
    redeemed.map(|redeemed| redeemed.identity.subject)
}

const PATIENT: Duration = Duration::from_secs(20);
const TOKEN: &str = r#"{"access_token":"access-1","token_type":"bearer"}"#;

#[tokio::test]
async fn whoever_takes_the_place_of_a_provider_does_not_speak_for_its_accounts() {
    let server = Server::start(|line, _| {
        if line.starts_with("POST ") {
            answer("200 OK", TOKEN)
        } else {
            answer("200 OK", r#"{"id":7,"number":7}"#)
        }
    });
    let providers = providers(PATIENT);
    let issuer = async |change: fn(&mut ConnectionSettings)| {
        let mut settings = server.endpoints();
        change(&mut settings);
        let now = StillClock::new().now();
        let redeemed = redeem(&providers, &settings, None, now).await.unwrap();
        assert_eq!(redeemed.identity.subject, "7");
        redeemed.identity.issuer
    };
    let before = issuer(|_| {}).await;
    assert_eq!(before, issuer(|_| {}).await);
    // What is no matter of who says so changes nobody's account.
    let same = issuer(|s| s.endpoints.as_mut().unwrap().authorization.set_path("/new")).await;
    assert_eq!(before, same);
    for change in [
        |s: &mut ConnectionSettings| s.endpoints.as_mut().unwrap().token.set_path("/new"),
        |s: &mut ConnectionSettings| s.endpoints.as_mut().unwrap().userinfo.set_path("/new"),
        |s: &mut ConnectionSettings| {
            s.options.insert("subject_field".into(), "/number".into());
        },
    ] {
        assert_ne!(before, issuer(change).await);
    }
}

#[tokio::test]
async fn a_provider_by_endpoints_is_spoken_to() {
    let server = Server::start(|line, body| {
        if line.starts_with("POST /token ") {
            assert!(body.contains("code=code-1") && body.contains("code_verifier="));
            answer("200 OK", TOKEN)
        } else {
            assert!(line.starts_with("GET /user "));
            answer(
                "200 OK",
                r#"{"id":7,"email":"a@example.com","email_verified":true}"#,
            )
        }
    });
    let providers = providers(PATIENT);
    let settings = server.endpoints();
    let url = address(&providers, &settings).await.unwrap();
    assert!(url.as_str().starts_with(&server.url("/authorize?")));
    assert!(url.as_str().contains("code_challenge_method=S256"));
    let now = StillClock::new().now();
    let identity = redeem(&providers, &settings, None, now)
        .await
        .unwrap()
        .identity;
    // It speaks for nobody's accounts but its own.
    assert!(identity.issuer.starts_with("connection:test:"));
    assert_eq!(identity.subject, "7");
    assert!(!identity.email.unwrap().verified);
    assert!(!providers.check(&settings).unwrap().nonce);
    assert!(callback().as_str().contains("/connections/test/"));
}

#[tokio::test]
async fn a_provider_that_is_slow_or_silent_is_not_waited_for() {
    let (hold, held) = mpsc::channel::<()>();
    let server = Server::start(move |_, _| {
        // Until the test is over.
        let _ = held.recv();
        String::new()
    });
    let refused = came(&server, Duration::from_millis(200)).await;
    assert_eq!(refused, Err(ProviderError::TimedOut));
    drop(hold);
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_from_one_that_talks_nonsense() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server {
        port: listener.local_addr().unwrap().port(),
        asked: Arc::default(),
    };
    drop(listener);
    assert_eq!(
        came(&server, PATIENT).await,
        Err(ProviderError::Unreachable)
    );
    for nonsense in [
        String::new(),
        "hello\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{".to_owned(),
    ] {
        let server = Server::start(move |_, _| nonsense.clone());
        assert_eq!(
            came(&server, PATIENT).await,
            Err(ProviderError::Unreachable)
        );
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let server = Server::start(|_, _| answer("200 OK", &" ".repeat(300 * 1024)));
    let refused = came(&server, PATIENT).await;
    assert!(
        matches!(refused, Err(ProviderError::BadAnswer { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_code() {
    let trap = Server::start(|_, _| answer("200 OK", TOKEN));
    for status in [
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = trap.url("/token");
        let server = Server::start(move |_, _| {
            format!(
                "HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
        });
        let refused = came(&server, PATIENT).await;
        assert!(
            matches!(refused, Err(ProviderError::BadAnswer { .. })),
            "{refused:?}"
        );
        assert_eq!(server.times_asked(), 1);
    }
    assert_eq!(trap.times_asked(), 0);
}

/// A provider on this machine is discovered; one elsewhere never brings a request here.
#[tokio::test]
async fn metadata_does_not_lead_into_the_hosts_network() {
    let trap = Server::start(|_, _| answer("200 OK", TOKEN));
    let document = |issuer: &str, token: &str| {
        json!({"issuer": issuer, "authorization_endpoint": "https://idp.example.com/authorize",
            "token_endpoint": token, "jwks_uri": "https://idp.example.com/keys"})
    };
    let discover = |token: String| {
        let (port, ports) = mpsc::channel();
        let server = Server::start(move |_, _| {
            let port: u16 = ports.recv().unwrap();
            let issuer = format!("http://127.0.0.1:{port}");
            answer("200 OK", &Value::to_string(&document(&issuer, &token)))
        });
        port.send(server.port).unwrap();
        let mut settings = settings("oidc");
        settings.issuer = Some(server.url("").parse().unwrap());
        (server, settings)
    };
    let now = StillClock::new().now();
    // Itself on this machine, it may name this machine, but no other network.
    let (_server, settings) = discover(trap.url("/token"));
    let refused = redeem(&providers(PATIENT), &settings, None, now).await;
    assert!(matches!(refused, Err(ProviderError::BadAnswer { .. })));
    assert_eq!(trap.times_asked(), 1);
    for token in [
        "https://10.0.0.1/token",
        "https://169.254.169.254/latest/meta-data",
    ] {
        let (_server, settings) = discover(token.to_owned());
        let refused = redeem(&providers(PATIENT), &settings, None, now).await;
        assert!(
            matches!(refused, Err(ProviderError::Misconfigured(_))),
            "{refused:?}"
        );
    }
    let (_server, settings) = discover("http://10.0.0.1/token".to_owned());
    let refused = redeem(&providers(PATIENT), &settings, None, now).await;
    assert!(matches!(refused, Err(ProviderError::BadAnswer { .. })));
    // Without the host's leave it is not asked at all.
    let strict =
        OAuthProviders::new(Arc::new(StillClock::new()), &OutboundConfig::default()).unwrap();
    let (server, settings) = discover(trap.url("/token"));
    let refused = redeem(&strict, &settings, None, now).await;
    assert!(matches!(refused, Err(ProviderError::Misconfigured(_))));
    assert_eq!(server.times_asked(), 0);
}

#[tokio::test]
async fn addresses_of_networks_are_refused_wherever_they_stand() {
    let providers = providers(PATIENT);
    let now = StillClock::new().now();
    for host in [
        "10.0.0.1",
        "169.254.169.254",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "100.64.0.1",
    ] {
        let mut settings = settings("oidc");
        settings.issuer = Some(format!("https://{host}/").parse().unwrap());
        let refused = redeem(&providers, &settings, None, now).await;
        assert!(
            matches!(refused, Err(ProviderError::Misconfigured(_))),
            "{host}"
        );
    }
}
