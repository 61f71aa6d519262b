use std::sync::Arc;
use std::time::Duration;

use zalt_core::message::{Mailer, SendError};
use zalt_notify::smtp::{Reply, SmtpConfig, SmtpError, SmtpMailer};
use zalt_notify::tls::RootCertificates;

use crate::smtp_server::{Behaviour, SmtpServer};
use crate::support::{CODE, clock, id, mail, permanent, templates, temporary};

const FROM: Option<&str> = Some("no-reply@acme.example");

fn config(server: &SmtpServer, scheme: &str, user: &str, query: &str) -> SmtpConfig {
    let url = format!("{scheme}://{user}localhost:{}{query}", server.port);
    SmtpConfig::parse(&url, FROM)
        .unwrap()
        .with_root_certificates(RootCertificates::from_pem(server.root_pem.as_bytes()).unwrap())
}

fn mailer(config: SmtpConfig) -> SmtpMailer {
    SmtpMailer::new(config, templates(), clock()).unwrap()
}

fn plain(server: &SmtpServer) -> SmtpMailer {
    mailer(config(server, "smtp", "", "?tls=none"))
}

async fn send(mailer: &SmtpMailer, to: &str) -> Result<(), SendError> {
    mailer.send(id(1), &mail(to)).await
}

#[tokio::test]
async fn start_tls_comes_before_anything_worth_hearing() {
    let server = SmtpServer::start(Behaviour {
        start_tls: true,
        auth: true,
        ..Behaviour::default()
    });
    let mailer = mailer(config(
        &server,
        "smtp",
        "acme:p%40ss@",
        "?hello=app.example",
    ));
    send(&mailer, "ada@example.com").await.unwrap();
    let seen = server.seen();
    assert_eq!(
        seen.commands,
        [
            "EHLO app.example",
            "STARTTLS",
            "tls EHLO app.example",
            // Base64 of NUL acme NUL p@ss.
            "tls AUTH PLAIN AGFjbWUAcEBzcw==",
            "tls MAIL FROM:<no-reply@acme.example>",
            "tls RCPT TO:<ada@example.com>",
            "tls DATA",
        ]
    );
    let mail = &seen.mails[0];
    assert!(mail.starts_with("Message-ID: <msg_"), "{mail}");
    assert!(
        mail.contains("\r\nDate: Thu, 25 Feb 2021 15:02:10 +0000\r\n"),
        "{mail}"
    );
    assert_eq!(mail.matches(CODE).count(), 2);
}

#[tokio::test]
async fn implicit_tls_encrypts_from_the_first_byte() {
    let server = SmtpServer::start(Behaviour {
        implicit_tls: true,
        auth: true,
        ..Behaviour::default()
    });
    let mailer = mailer(config(&server, "smtps", "acme:secret@", ""));
    send(&mailer, "ada@example.com").await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.mails.len(), 1);
    assert!(
        seen.commands
            .iter()
            .all(|command| command.starts_with("tls "))
    );
}

#[tokio::test]
async fn a_server_without_start_tls_gets_neither_credentials_nor_mail() {
    let server = SmtpServer::start(Behaviour {
        auth: true,
        ..Behaviour::default()
    });
    let mailer = mailer(config(
        &server,
        "smtp",
        "acme:secret@",
        "?hello=app.example",
    ));
    assert!(matches!(
        temporary(send(&mailer, "ada@example.com").await),
        SmtpError::StartTlsNotOffered
    ));
    assert_eq!(server.seen().commands, ["EHLO app.example"]);
}

#[tokio::test]
async fn replies_injected_before_tls_are_not_taken_for_replies_inside_it() {
    let server = SmtpServer::start(Behaviour {
        start_tls: true,
        injected: Some("250-localhost\r\n250 AUTH PLAIN\r\n"),
        ..Behaviour::default()
    });
    let mailer = mailer(config(&server, "smtp", "acme:secret@", ""));
    assert!(matches!(
        temporary(send(&mailer, "ada@example.com").await),
        SmtpError::Tls(_)
    ));
    assert!(server.seen().mails.is_empty());
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_or_another_host_is_refused() {
    let server = SmtpServer::start(Behaviour {
        implicit_tls: true,
        ..Behaviour::default()
    });
    let unknown = SmtpConfig::parse(&format!("smtps://localhost:{}", server.port), FROM).unwrap();
    let other_host = SmtpConfig::parse(&format!("smtps://127.0.0.1:{}", server.port), FROM)
        .unwrap()
        .with_root_certificates(RootCertificates::from_pem(server.root_pem.as_bytes()).unwrap());
    for config in [unknown, other_host] {
        assert!(matches!(
            temporary(send(&mailer(config), "ada@example.com").await),
            SmtpError::Tls(_)
        ));
    }
    assert!(server.seen().commands.is_empty());
}

#[tokio::test]
async fn what_the_server_says_of_the_mail_decides_whether_to_try_again() {
    for (command, answer) in [
        ("MAIL", "451 4.7.1 later"),
        ("RCPT", "450 4.2.0 later"),
        ("CONTENT", "452 4.3.1 later"),
    ] {
        let server = SmtpServer::start(Behaviour {
            answers: vec![(command, answer)],
            ..Behaviour::default()
        });
        let error = temporary(send(&plain(&server), "ada@example.com").await);
        assert!(matches!(error, SmtpError::Deferred(_)), "{error:?}");
    }
    for (command, answer) in [
        ("MAIL", "550 5.7.1 never"),
        ("RCPT", "550 5.1.1 no such user"),
        ("CONTENT", "554 5.7.1 spam"),
    ] {
        let server = SmtpServer::start(Behaviour {
            answers: vec![(command, answer)],
            ..Behaviour::default()
        });
        let error = permanent(send(&plain(&server), "ada@example.com").await);
        assert!(matches!(error, SmtpError::Refused(_)), "{error:?}");
    }
}

#[tokio::test]
async fn what_goes_wrong_before_the_mail_loses_no_mail() {
    let server = SmtpServer::start(Behaviour {
        answers: vec![("GREETING", "554 5.7.1 you are on a list\u{1b}[2J")],
        ..Behaviour::default()
    });
    match temporary(send(&plain(&server), "ada@example.com").await) {
        SmtpError::Session(Reply { code, text }) => {
            assert_eq!((code, text.as_str()), (554, "5.7.1 you are on a list [2J"));
        }
        other => panic!("{other:?}"),
    }

    let server = SmtpServer::start(Behaviour {
        auth: true,
        answers: vec![("AUTH", "535 5.7.8 secret is wrong")],
        ..Behaviour::default()
    });
    let mailer = mailer(config(&server, "smtp", "acme:secret@", "?tls=none"));
    let error = temporary(send(&mailer, "ada@example.com").await);
    assert!(matches!(error, SmtpError::Authentication(Some(535))));
    assert!(!format!("{error:?} {error} {mailer:?}").contains("secret"));

    let server = SmtpServer::start(Behaviour {
        answers: vec![("MAIL", "530 5.7.0 authentication required")],
        ..Behaviour::default()
    });
    assert!(matches!(
        temporary(send(&plain(&server), "ada@example.com").await),
        SmtpError::Authentication(Some(530))
    ));
}

#[tokio::test]
async fn credentials_for_a_server_that_wants_none_are_a_typed_error() {
    let server = SmtpServer::start(Behaviour::default());
    let mailer = mailer(config(&server, "smtp", "acme:secret@", "?tls=none"));
    assert!(matches!(
        temporary(send(&mailer, "ada@example.com").await),
        SmtpError::AuthenticationNotOffered
    ));
}

#[tokio::test]
async fn a_server_that_repeats_the_code_or_link_is_not_quoted() {
    for answer in [
        "554 5.7.1 bad words: 042137",
        "554 5.7.1 bad link acme.example/go?token=t0k3n-t0k3n-t0k3n-t0k3n",
    ] {
        let server = SmtpServer::start(Behaviour {
            answers: vec![("CONTENT", answer)],
            ..Behaviour::default()
        });
        let error = permanent(send(&plain(&server), "ada@example.com").await);
        match &error {
            SmtpError::Refused(reply) => assert_eq!((reply.code, reply.text.as_str()), (554, "")),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_smtputf8() {
    let server = SmtpServer::start(Behaviour::default());
    assert!(matches!(
        permanent(send(&plain(&server), "josé@example.com").await),
        SmtpError::SmtpUtf8NotOffered
    ));
    let server = SmtpServer::start(Behaviour {
        utf8: true,
        ..Behaviour::default()
    });
    send(&plain(&server), "josé@example.com").await.unwrap();
    let seen = server.seen();
    assert!(
        seen.commands
            .iter()
            .any(|command| command.starts_with("MAIL") && command.contains("SMTPUTF8"))
    );
    assert!(
        seen.commands
            .contains(&"RCPT TO:<josé@example.com>".to_owned())
    );
}

#[tokio::test]
async fn a_recipient_that_is_no_address_is_given_up_without_connecting() {
    let server = SmtpServer::start(Behaviour::default());
    assert!(matches!(
        permanent(
            send(
                &plain(&server),
                "ada@example.com\r\nRCPT TO:<eve@example.com>"
            )
            .await
        ),
        SmtpError::Recipient
    ));
    assert_eq!(server.seen().connections, 0);
}

#[tokio::test]
async fn one_connection_carries_many_mails_and_a_dead_one_is_replaced() {
    let server = SmtpServer::start(Behaviour::default());
    let mailer = plain(&server);
    for _ in 0..3 {
        send(&mailer, "ada@example.com").await.unwrap();
    }
    assert_eq!(server.counts(), (3, 1));

    let server = SmtpServer::start(Behaviour {
        hang_up_after: Some(1),
        ..Behaviour::default()
    });
    let mailer = plain(&server);
    for _ in 0..3 {
        send(&mailer, "ada@example.com").await.unwrap();
    }
    assert_eq!(server.counts(), (3, 3));
}

#[tokio::test]
async fn connections_stay_within_their_bound() {
    let server = SmtpServer::start(Behaviour::default());
    let config = config(&server, "smtp", "", "?tls=none").with_max_connections(2);
    let mailer = Arc::new(mailer(config));
    let sends: Vec<_> = (0..20)
        .map(|number| {
            let mailer = Arc::clone(&mailer);
            tokio::spawn(async move { mailer.send(id(number), &mail("ada@example.com")).await })
        })
        .collect();
    for send in sends {
        send.await.unwrap().unwrap();
    }
    let seen = server.seen();
    assert_eq!(seen.mails.len(), 20);
    assert!(seen.connections <= 2, "{}", seen.connections);
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for() {
    let server = SmtpServer::start(Behaviour {
        silent: true,
        ..Behaviour::default()
    });
    let config = config(&server, "smtp", "", "?tls=none").with_timeout(Duration::from_millis(50));
    assert!(matches!(
        temporary(send(&mailer(config), "ada@example.com").await),
        SmtpError::Timeout
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_breaks_off_leaves_no_connection_behind_for_the_next() {
    for stalls_at in ["MAIL", "RCPT", "DATA"] {
        let server = SmtpServer::start(Behaviour {
            stalls_at: Some(stalls_at),
            ..Behaviour::default()
        });
        let mailer = Arc::new(plain(&server));
        let broken_off = tokio::spawn({
            let mailer = Arc::clone(&mailer);
            async move { send(&mailer, "ada@example.com").await }
        });
        server.wait_for_stall();
        broken_off.abort();
        assert!(broken_off.await.unwrap_err().is_cancelled());
        mailer.send(id(2), &mail("eve@example.com")).await.unwrap();
        assert_eq!(server.counts(), (1, 2));
        assert!(server.seen().mails[0].contains("To: eve@example.com"));
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    for url in [
        format!("smtp://127.0.0.1:{port}?tls=none"),
        format!("smtp://127.0.0.1:{port}"),
        format!("smtps://127.0.0.1:{port}"),
    ] {
        let mailer = mailer(SmtpConfig::parse(&url, FROM).unwrap());
        assert!(matches!(
            temporary(send(&mailer, "ada@example.com").await),
            SmtpError::Connection(_)
        ));
    }
}

#[tokio::test]
async fn a_configuration_can_be_checked_before_the_first_mail() {
    let server = SmtpServer::start(Behaviour::default());
    plain(&server).check().await.unwrap();
    assert!(server.seen().mails.is_empty());

    let server = SmtpServer::start(Behaviour {
        auth: true,
        answers: vec![("AUTH", "535 no")],
        ..Behaviour::default()
    });
    let mailer = mailer(config(&server, "smtp", "acme:secret@", "?tls=none"));
    assert!(matches!(
        mailer.check().await,
        Err(SmtpError::Authentication(Some(535)))
    ));
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let server = SmtpServer::start(Behaviour::default());
    let mailer = plain(&server);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mail = mail("ada@example.com");
    let mut sending = mailer.send(id(1), &mail);
    match sending.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => {
            assert!(matches!(temporary(result), SmtpError::NoRuntime));
        }
        std::task::Poll::Pending => panic!("still waiting"),
    }
}
