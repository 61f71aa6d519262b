use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use zalt_core::message::{Mail, Mailer, Notice, SmsSender};
use zalt_notify::{Channel, ConsoleMailer, MemoryMailer};

use crate::support::{CODE, NOW, clock, id, mail, sms, templates};

fn inbox(capacity: usize) -> MemoryMailer {
    MemoryMailer::with_capacity(NonZeroUsize::new(capacity).unwrap(), templates(), clock())
}

#[tokio::test]
async fn the_newest_come_first_and_the_oldest_go() {
    let inbox = inbox(2);
    for (number, to) in [
        (1, "a@example.com"),
        (2, "b@example.com"),
        (3, "c@example.com"),
    ] {
        Mailer::send(&inbox, id(number), &mail(to)).await.unwrap();
    }
    let to: Vec<_> = inbox
        .messages()
        .iter()
        .map(|sent| sent.to.clone())
        .collect();
    assert_eq!(to, ["c@example.com", "b@example.com"]);
    assert_eq!(inbox.latest_to("a@example.com"), None);
    let sent = inbox.message(id(3)).unwrap();
    assert_eq!((sent.channel, sent.sent_at), (Channel::Mail, NOW));
    assert_eq!(sent.code(), Some(CODE));
    assert!(sent.link().is_some());
    assert!(sent.text.contains(CODE) && sent.html.as_ref().unwrap().contains(CODE));
    assert!(!format!("{sent:?} {inbox:?}").contains(CODE));
    inbox.clear();
    assert!(inbox.messages().is_empty());
    assert_eq!(inbox.generation(), 3);
}

#[tokio::test]
async fn a_message_that_is_sent_again_counts_once() {
    let inbox = inbox(5);
    for _ in 0..2 {
        Mailer::send(&inbox, id(1), &mail("a@example.com"))
            .await
            .unwrap();
    }
    assert_eq!((inbox.messages().len(), inbox.generation()), (1, 1));
}

#[tokio::test]
async fn text_messages_arrive_beside_mail() {
    let inbox = inbox(5);
    SmsSender::send(&inbox, id(1), &sms("+15005550001"))
        .await
        .unwrap();
    let sent = inbox.latest_to("+15005550001").unwrap();
    assert_eq!((sent.channel, sent.html.as_deref()), (Channel::Sms, None));
}

#[tokio::test]
async fn a_task_can_wait_for_the_next_mail() {
    let inbox = inbox(5);
    Mailer::send(&inbox, id(1), &mail("old@example.com"))
        .await
        .unwrap();
    let before = inbox.generation();
    let waiting = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.next_after(before).await }
    });
    tokio::task::yield_now().await;
    Mailer::send(&inbox, id(2), &mail("new@example.com"))
        .await
        .unwrap();
    assert_eq!(waiting.await.unwrap().to, "new@example.com");
    // What has arrived already is handed over at once.
    assert_eq!(inbox.next_after(0).await.to, "old@example.com");
}

#[test]
fn a_thread_can_wait_for_the_next_mail() {
    let inbox = inbox(5);
    assert_eq!(inbox.wait_after(0, Duration::ZERO), None);
    let waiting = std::thread::spawn({
        let inbox = inbox.clone();
        move || inbox.wait_after(0, Duration::from_secs(30))
    });
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(Mailer::send(&inbox, id(1), &mail("new@example.com")))
        .unwrap();
    assert_eq!(waiting.join().unwrap().unwrap().to, "new@example.com");
}

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_console_shows_the_text_and_obeys_nobody() {
    let page = Page::default();
    let console = ConsoleMailer::new(page.clone(), templates());
    Mailer::send(&console, id(1), &mail("ada@example.com"))
        .await
        .unwrap();
    let hostile = Mail {
        to: "eve@example.com".to_owned(),
        notice: Notice::EmailAddressAdded {
            address: "\u{1b}[2Jx\r@example.com".to_owned(),
        },
        application_name: "Acme".to_owned(),
        safety_link: None,
    };
    Mailer::send(&console, id(2), &hostile).await.unwrap();
    SmsSender::send(&console, id(3), &sms("+15005550001"))
        .await
        .unwrap();
    let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("Subject: Sign in to Grüße & Söhne\n"));
    assert!(text.contains(&format!("\n    {CODE}\n")));
    assert!(text.contains("to +15005550001 ----\n042137 is your Acme code"));
    assert!(!text.contains(['\u{1b}', '\r']));
    assert!(!text.contains("<table"));
}
