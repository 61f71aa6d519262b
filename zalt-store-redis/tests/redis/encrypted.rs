//! Redis over TLS.

use std::net::TcpListener;

use rcgen::{CertificateParams, Issuer, KeyPair};
use tempfile::TempDir;
use zalt_core::store::StoreErrorKind;
use zalt_services::{Redis, RedisOptions as ServerOptions};
use zalt_store_redis::RedisConnection;

/// A server with a certificate of a private authority.
struct Encrypted {
    #[expect(dead_code, reason = "stopped when it is dropped")]
    server: Redis,
    #[expect(dead_code, reason = "removed when it is dropped")]
    folder: TempDir,
    authority: String,
    port: u16,
}

impl Encrypted {
    fn start() -> Self {
        let (authority, issuer) = authority();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        let folder = TempDir::new().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let port = free_port();
        let options = ServerOptions::default()
            .setting("tls-port", &port.to_string())
            .setting("tls-cert-file", &file("cert.pem", &certificate.pem()))
            .setting("tls-key-file", &file("key.pem", &key.serialize_pem()))
            .setting("tls-ca-cert-file", &file("ca.pem", &authority))
            .setting("tls-auth-clients", "no");
        Self {
            server: Redis::start(&options).unwrap(),
            folder,
            authority,
            port,
        }
    }

    fn url(&self) -> String {
        format!("rediss://localhost:{}", self.port)
    }
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_server_of_the_own_authority_is_trusted_and_no_other() {
    let server = Encrypted::start();
    let trusting = RedisConnection::builder().root_certificates(server.authority.as_str());
    trusting.open(&server.url()).unwrap().ready().await.unwrap();

    let (other, _) = authority();
    for options in [
        RedisConnection::builder(),
        RedisConnection::builder().root_certificates(other.as_str()),
    ] {
        let connection = options.open(&server.url()).unwrap();
        let error = connection.ready().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    }
}
