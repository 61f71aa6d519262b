//! The default words of text messages.

use zalt_core::message::{Notice, Sms};

use super::rendered::one_line;
use super::wording::{MAX_CODE, codes_left, duration};
use super::{RenderError, second_factor};

/// The words of a text message. It has no link: links in text messages are what phishing taught people not to touch,
/// and many carriers drop them.
pub(super) fn text(sms: &Sms, app: &str) -> Result<String, RenderError> {
    let (purpose, code, minutes) = match &sms.notice {
        Notice::VerifyPhoneNumber {
            code,
            valid_minutes,
        } => ("to confirm this number", code, valid_minutes),
        Notice::VerifyEmailAddress {
            code,
            valid_minutes,
            ..
        }
        | Notice::SecondFactor {
            code,
            valid_minutes,
        } => ("to confirm that it is you", code, valid_minutes),
        Notice::SignIn {
            code,
            valid_minutes,
            ..
        } => ("to sign in", code, valid_minutes),
        Notice::ResetPassword {
            code,
            valid_minutes,
            ..
        } => ("to set a new password", code, valid_minutes),
        notice => return safety(app, notice),
    };
    let host = sms.host.as_deref();
    Ok(with_code(app, code, purpose, *minutes, host))
}

/// What happened to the account.
fn safety(app: &str, notice: &Notice) -> Result<String, RenderError> {
    let happened = match notice {
        Notice::AccountExists { .. } => {
            return Ok(format!(
                "{app}: somebody tried to add this number to another account. It belongs to yours. Nothing was changed."
            ));
        }
        Notice::AccountFrozen { .. }
        | Notice::RecoveryHeld { .. }
        | Notice::RecoveryByAnother { .. } => {
            return Ok(format!(
                "{app}: your account is frozen. Recover it by the mail that was sent to you."
            ));
        }
        Notice::AccountRecovered => return Ok(format!("{app}: your account was recovered.")),
        Notice::NewDevice { .. } => "a new device signed in to your account.".to_owned(),
        Notice::UsernameChanged { .. } => "the username of your account was changed.".to_owned(),
        Notice::PrimaryEmailAddressChanged { .. } => {
            "the main address of your account was changed.".to_owned()
        }
        Notice::AccountDeleted => return Ok(format!("{app}: your account was deleted.")),
        Notice::PasswordChanged => {
            return Ok(format!(
                "{app}: your password was changed. If it was not you, reset it from the sign-in page now."
            ));
        }
        Notice::EmailAddressAdded { .. } => {
            "an e-mail address was added to your account.".to_owned()
        }
        Notice::EmailAddressRemoved { .. } => {
            "an e-mail address was removed from your account.".to_owned()
        }
        Notice::PhoneNumberAdded { .. } => "a phone number was added to your account.".to_owned(),
        Notice::PhoneNumberRemoved { .. } => {
            "a phone number was removed from your account.".to_owned()
        }
        Notice::ExternalAccountLinked { .. } => {
            "an account at another service was linked to your account.".to_owned()
        }
        Notice::ExternalAccountUnlinked { .. } => {
            "an account at another service was unlinked from your account.".to_owned()
        }
        Notice::RecoveryCodesCreated => "new recovery codes were made for your account.".to_owned(),
        Notice::RecoveryCodeUsed { left } => format!(
            "a recovery code of your account was used. {}",
            codes_left(*left)
        ),
        notice => second_factor::text(notice).ok_or(RenderError::UnknownNotice)?,
    };
    Ok(format!(
        "{app}: {happened} If it was not you, reset your password now."
    ))
}

/// As much around the code as one segment takes, since each further one is paid for. What goes first is what the person can
/// do without; the last line is for their browser, which fills in the code on no page but that host's.
fn with_code(app: &str, code: &str, purpose: &str, minutes: u32, host: Option<&str>) -> String {
    let code = one_line(code, MAX_CODE);
    let lead = format!("{code} is your {app} code {purpose}.");
    let validity = format!(" It works for {}.", duration(minutes));
    let warning = " Do not share it.";
    let browser = match host {
        Some(host) if host.contains(|c: char| c.is_ascii_alphabetic()) && !host.contains(':') => {
            format!("\n\n@{host} #{code}")
        }
        _ => String::new(),
    };
    let short = |most| format!("{code} is your {} code.", one_line(app, most));
    [
        format!("{lead}{validity}{warning}{browser}"),
        format!("{lead}{warning}{browser}"),
        format!("{lead}{browser}"),
        format!("{}{browser}", short(20)),
        format!("{lead}{warning}"),
    ]
    .into_iter()
    .find(|text| is_one_segment(text))
    .unwrap_or_else(|| short(20))
}

/// Whether a text goes out as one segment (3GPP TS 23.038): 160 characters of the alphabet that phones began with, some of
/// which count twice, or else 70 units of UTF-16.
fn is_one_segment(text: &str) -> bool {
    let septets: Option<usize> = text.chars().map(septets).sum();
    match septets {
        Some(septets) => septets <= 160,
        None => text.encode_utf16().count() <= 70,
    }
}

/// How much of a segment a character takes; `None` if it is none of the basic alphabet.
fn septets(c: char) -> Option<usize> {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
    const EXTENDED: &str = "^{}\\[~]|€";
    if c.is_ascii_alphanumeric() || BASIC.contains(c) {
        Some(1)
    } else {
        EXTENDED.contains(c).then_some(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sms(app: &str, host: Option<&str>) -> String {
        let sms = Sms {
            to: "+15005550006".to_owned(),
            notice: Notice::VerifyPhoneNumber {
                code: "042137".to_owned(),
                valid_minutes: 10,
            },
            application_name: app.to_owned(),
            host: host.map(str::to_owned),
        };
        text(&sms, app).unwrap()
    }

    #[test]
    fn the_last_line_names_the_host_whose_pages_may_fill_in_the_code() {
        assert_eq!(
            sms("Acme", Some("auth.example.com")),
            "042137 is your Acme code to confirm this number. It works for 10 minutes. Do not share it.\n\n\
             @auth.example.com #042137"
        );
        for host in [None, Some("127.0.0.1"), Some("[::1]")] {
            let text = sms("Acme", host);
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    }

    #[test]
    fn whatever_the_names_a_code_is_one_segment() {
        let long = "a".repeat(100);
        for (app, host, kept) in [
            (
                "Grüße & Söhne",
                "auth.example.com",
                "@auth.example.com #042137",
            ),
            ("Магазин", "a.example", "@a.example #042137"),
            (&*long, "auth.example.com", "@auth.example.com #042137"),
            ("Acme", &format!("{}.example.com", "h".repeat(63)), "Acme"),
            (&"€".repeat(100), "auth.example.com", "042137"),
            (&"店".repeat(100), "auth.example.com", "042137"),
        ] {
            let text = sms(app, Some(host));
            assert!(is_one_segment(&text), "{text}");
            assert!(text.starts_with("042137 is your "), "{text}");
            assert!(text.contains(kept), "{text}");
        }
    }

    #[test]
    fn a_segment_is_counted_as_networks_do() {
        assert!(is_one_segment(&"ä".repeat(160)));
        assert!(!is_one_segment(&"a".repeat(161)));
        assert!(is_one_segment(&"€".repeat(80)));
        assert!(!is_one_segment(&"€".repeat(81)));
        assert!(is_one_segment(&"ш".repeat(70)));
        assert!(!is_one_segment(&"ш".repeat(71)));
        assert!(!is_one_segment(&"😀".repeat(36)));
    }
}
