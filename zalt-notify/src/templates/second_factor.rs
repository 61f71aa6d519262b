//! The default words about second factors, each kind by its own name.

use zalt_core::config::SecondFactor;
use zalt_core::message::Notice;

use super::letter::Letter;
use super::wording::{codes_left, safety};

/// What happened to the second factors of an account.
pub(super) fn letter(app: String, notice: &Notice) -> Letter {
    let (what, follows) = match notice {
        Notice::SecondFactorAdded { factor } => (added(*factor), after_added(*factor).to_owned()),
        Notice::SecondFactorRemoved { factor } => {
            (removed(*factor), after_removed(*factor).to_owned())
        }
        Notice::SecondFactorsReset => (
            ("Your second factors were removed", "from"),
            format!("The people who run {app} did it. All sessions have ended."),
        ),
        Notice::RecoveryCodeUsed { left } => (
            ("A recovery code was used", "for"),
            format!("Somebody proved by it to be you. {}", codes_left(*left)),
        ),
        _ => (
            ("New recovery codes were made", "for"),
            "Those before no longer work.".to_owned(),
        ),
    };
    let (heading, preposition) = what;
    let subject = format!("{heading} {preposition} your account at {app}");
    let happened = format!("{subject}. {follows}");
    safety(subject, heading, happened, app)
}

/// The same in a text message, without what may be done about it.
pub(super) fn text(notice: &Notice) -> Option<String> {
    let (heading, preposition) = match notice {
        Notice::SecondFactorAdded { factor } => added(*factor),
        Notice::SecondFactorRemoved { factor } => removed(*factor),
        Notice::SecondFactorsReset => ("The second factors were removed", "from"),
        _ => return None,
    };
    let (first, rest) = heading.split_at_checked(1)?;
    let first = first.to_ascii_lowercase();
    Some(format!("{first}{rest} {preposition} your account."))
}

const fn added(factor: Option<SecondFactor>) -> (&'static str, &'static str) {
    match factor {
        Some(SecondFactor::Passkey) => ("A passkey was added", "to"),
        Some(SecondFactor::Totp) => ("An authenticator app was set up", "for"),
        Some(SecondFactor::SmsCode) => ("Codes by text message were turned on", "for"),
        Some(SecondFactor::EmailCode) => ("Codes by e-mail were turned on", "for"),
        _ => ("A second factor was set up", "for"),
    }
}

const fn after_added(factor: Option<SecondFactor>) -> &'static str {
    match factor {
        Some(SecondFactor::Passkey) => "It can be used to sign in from now on.",
        Some(SecondFactor::Totp) => "Its codes confirm from now on who signs in.",
        Some(SecondFactor::SmsCode | SecondFactor::EmailCode) => {
            "They confirm from now on who signs in."
        }
        _ => "Signing in asks for a second factor from now on.",
    }
}

const fn removed(factor: Option<SecondFactor>) -> (&'static str, &'static str) {
    match factor {
        Some(SecondFactor::Passkey) => ("A passkey was removed", "from"),
        Some(SecondFactor::Totp) => ("An authenticator app was removed", "from"),
        Some(SecondFactor::SmsCode) => ("Codes by text message were turned off", "for"),
        Some(SecondFactor::EmailCode) => ("Codes by e-mail were turned off", "for"),
        _ => ("A second factor was removed", "from"),
    }
}

const fn after_removed(factor: Option<SecondFactor>) -> &'static str {
    match factor {
        Some(SecondFactor::Passkey) => "It can no longer be used to sign in.",
        Some(SecondFactor::Totp) => "Its codes no longer confirm who signs in.",
        _ => "Signing in does not ask for it any more.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_called_by_its_name() {
        for (factor, was_added, was_removed) in [
            (
                SecondFactor::Passkey,
                "A passkey was added to your account at Acme",
                "A passkey was removed from your account at Acme",
            ),
            (
                SecondFactor::Totp,
                "An authenticator app was set up for your account at Acme",
                "An authenticator app was removed from your account at Acme",
            ),
            (
                SecondFactor::SmsCode,
                "Codes by text message were turned on for your account at Acme",
                "Codes by text message were turned off for your account at Acme",
            ),
            (
                SecondFactor::EmailCode,
                "Codes by e-mail were turned on for your account at Acme",
                "Codes by e-mail were turned off for your account at Acme",
            ),
        ] {
            let factor = Some(factor);
            let added = Notice::SecondFactorAdded { factor };
            assert_eq!(letter("Acme".to_owned(), &added).subject, was_added);
            let removed = Notice::SecondFactorRemoved { factor };
            assert_eq!(letter("Acme".to_owned(), &removed).subject, was_removed);
        }
        let added = Notice::SecondFactorAdded {
            factor: Some(SecondFactor::Totp),
        };
        assert_eq!(
            text(&added).unwrap(),
            "an authenticator app was set up for your account."
        );
    }

    #[test]
    fn a_message_that_was_queued_before_kinds_were_noted_is_still_sent() {
        for (queued, subject) in [
            (
                r#"{"kind":"second_factor_added"}"#,
                "A second factor was set up for your account at Acme",
            ),
            (
                r#"{"kind":"second_factor_removed"}"#,
                "A second factor was removed from your account at Acme",
            ),
        ] {
            let notice: Notice = serde_json::from_str(queued).unwrap();
            assert_eq!(letter("Acme".to_owned(), &notice).subject, subject);
        }
    }
}
