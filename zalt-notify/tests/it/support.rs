//! What the tests share.

use std::sync::Arc;

use zalt_core::id::MessageId;
use zalt_core::message::{Mail, Notice, SendError, Sms};
use zalt_core::{Clock, Timestamp};
use zalt_notify::templates::{DefaultTemplates, Templates};

/// 2021-02-25T15:18:50Z for ever.
#[derive(Debug)]
pub(crate) struct FixedClock;

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_614_265_330);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock)
}

pub(crate) fn templates() -> Arc<dyn Templates> {
    Arc::new(DefaultTemplates::new())
}

pub(crate) fn id(number: u8) -> MessageId {
    MessageId::from_bytes([number; 16])
}

pub(crate) const CODE: &str = "042137";

pub(crate) fn sign_in() -> Notice {
    Notice::SignIn {
        code: CODE.to_owned(),
        link: Some("https://acme.example/go?token=t0k3n-t0k3n-t0k3n-t0k3n".to_owned()),
        valid_minutes: 10,
    }
}

pub(crate) fn mail(to: &str) -> Mail {
    Mail {
        to: to.to_owned(),
        notice: sign_in(),
        application_name: "Grüße & Söhne".to_owned(),
        safety_link: None,
    }
}

pub(crate) fn sms(to: &str) -> Sms {
    Sms {
        to: to.to_owned(),
        notice: sign_in(),
        application_name: "Acme".to_owned(),
        host: None,
    }
}

/// The typed error that will be tried again.
pub(crate) fn temporary<E: std::error::Error + 'static>(result: Result<(), SendError>) -> E {
    match result {
        Err(SendError::Temporary(source)) => *source.downcast().expect("another type of error"),
        other => panic!("not a temporary error: {other:?}"),
    }
}

/// The typed error that gives the message up.
pub(crate) fn permanent<E: std::error::Error + 'static>(result: Result<(), SendError>) -> E {
    match result {
        Err(SendError::Permanent(source)) => *source.downcast().expect("another type of error"),
        other => panic!("not a permanent error: {other:?}"),
    }
}
