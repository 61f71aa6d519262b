//! A rendered mail as a message of RFC 5322.

use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use zalt_core::Timestamp;
use zalt_core::id::MessageId;
use zalt_core::message::Mail;

use super::error::SmtpError;
use crate::templates::RenderedMail;

/// Puts the message together. `Message-ID` follows from `id` and the sender's domain, so a mail that is sent again
/// after a lost reply carries the same one and mail programs show it once.
pub(super) fn compose(
    id: MessageId,
    mail: &Mail,
    rendered: &RenderedMail,
    from: &Mailbox,
    now: Timestamp,
) -> Result<Message, SmtpError> {
    let to: Address = mail.to.parse().map_err(|_| SmtpError::Recipient)?;
    let from = Mailbox::new(
        from.name.clone().or_else(|| sender_name(mail)),
        from.email.clone(),
    );
    let bodies = MultiPart::alternative()
        // Fixed by the id and not drawn from a generator; nobody who writes into the bodies knows the id.
        .boundary(format!("=_{id}"))
        .singlepart(SinglePart::plain(rendered.text().to_owned()))
        .singlepart(SinglePart::html(rendered.html().to_owned()));
    Message::builder()
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .date(system_time(now))
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(rendered.subject())
        // RFC 3834: no out-of-office replies to this.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .multipart(bodies)
        .map_err(|error| SmtpError::Message(Box::new(error)))
}

/// The application's name, for a sender that is configured without one.
fn sender_name(mail: &Mail) -> Option<String> {
    let name = crate::templates::one_line(&mail.application_name, 80);
    (!name.is_empty()).then_some(name)
}

fn system_time(now: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH
        + Duration::from_secs(u64::try_from(now.unix_seconds()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use zalt_core::message::Notice;

    use super::*;

    fn formatted(application_name: &str, to: &str, from: &str) -> Result<String, SmtpError> {
        let mail = Mail {
            to: to.to_owned(),
            notice: Notice::PasswordChanged,
            application_name: application_name.to_owned(),
            safety_link: None,
        };
        let rendered =
            RenderedMail::new(&format!("Grüße von {application_name}"), "Text", "<p>Html");
        let message = compose(
            MessageId::from_bytes([7; 16]),
            &mail,
            &rendered,
            &from.parse().unwrap(),
            Timestamp::from_unix_seconds(1_700_000_000),
        )?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn the_headers_follow_from_the_message() {
        let text = formatted("Acme", "ada@example.com", "no-reply@acme.example").unwrap();
        for line in [
            "Message-ID: <msg_070w3ge1r70w3ge1r70w3ge1r7@acme.example>\r\n",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n",
            "From: Acme <no-reply@acme.example>\r\n",
            "To: ada@example.com\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "MIME-Version: 1.0\r\n",
            "Subject: =?utf-8?b?R3LDvMOfZQ==?= von Acme\r\n",
            "multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        assert!(text.is_ascii());
        assert_eq!(
            text,
            formatted("Acme", "ada@example.com", "no-reply@acme.example").unwrap()
        );
    }

    #[test]
    fn a_name_cannot_write_headers_and_may_be_of_any_script() {
        let text = formatted(
            "Ünïcode\r\nBcc: x@example.com",
            "ada@example.com",
            "no-reply@acme.example",
        )
        .unwrap();
        assert!(!text.contains("\nBcc:"), "{text}");
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(head.is_ascii(), "{head}");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for to in [
            "",
            "ada",
            "ada@example.com\r\nBcc: x@example.com",
            "a b@example.com",
        ] {
            assert!(
                matches!(
                    formatted("Acme", to, "no-reply@acme.example"),
                    Err(SmtpError::Recipient)
                ),
                "{to}"
            );
        }
    }
}
