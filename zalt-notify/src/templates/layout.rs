use askama::Template;
use zalt_core::message::{Mail, Sms};

use super::letter::{Action, Letter, MAX_NAME};
use super::rendered::one_line;
use super::{RenderError, RenderedMail, Templates, text_message};

/// Plain English in a restrained layout: tables and inline styles for old mail programs, dark mode for new ones, no
/// images, nothing loaded from anywhere.
#[derive(Debug, Clone, Default)]
pub struct DefaultTemplates {
    button: Color,
}

impl DefaultTemplates {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives buttons this colour.
    #[must_use]
    pub const fn with_button_color(mut self, color: Color) -> Self {
        self.button = color;
        self
    }

    /// Lays out words of your own.
    ///
    /// # Errors
    /// [`RenderError::Layout`].
    pub fn lay_out(&self, letter: &Letter) -> Result<RenderedMail, RenderError> {
        let html = Html {
            subject: &letter.subject,
            preheader: &letter.preheader,
            application_name: &letter.application_name,
            heading: &letter.heading,
            paragraphs: &letter.paragraphs,
            code: letter.code.as_deref(),
            action: letter.action.as_ref(),
            closing: &letter.closing,
            button: &self.button.to_css(),
            button_text: self.button.readable_on_top(),
        };
        let text = Text {
            application_name: &letter.application_name,
            heading: &letter.heading,
            paragraphs: &letter.paragraphs,
            code: letter.code.as_deref(),
            action: letter.action.as_ref(),
            closing: &letter.closing,
        };
        Ok(RenderedMail::new(
            &letter.subject,
            text.render().map_err(layout)?,
            html.render().map_err(layout)?,
        ))
    }
}

fn layout(error: askama::Error) -> RenderError {
    RenderError::Layout(Box::new(error))
}

impl Templates for DefaultTemplates {
    fn mail(&self, mail: &Mail) -> Result<RenderedMail, RenderError> {
        self.lay_out(&Letter::compose(mail)?)
    }

    fn sms(&self, sms: &Sms) -> Result<String, RenderError> {
        text_message::text(sms, &one_line(&sms.application_name, MAX_NAME))
    }
}

#[derive(Template)]
#[template(path = "letter.html")]
struct Html<'a> {
    subject: &'a str,
    preheader: &'a str,
    application_name: &'a str,
    heading: &'a str,
    paragraphs: &'a [String],
    code: Option<&'a str>,
    action: Option<&'a Action>,
    closing: &'a [String],
    button: &'a str,
    button_text: &'a str,
}

#[derive(Template)]
#[template(path = "letter.txt", escape = "none")]
struct Text<'a> {
    application_name: &'a str,
    heading: &'a str,
    paragraphs: &'a [String],
    code: Option<&'a str>,
    action: Option<&'a Action>,
    closing: &'a [String],
}

/// An RGB colour. Exists only when valid, so that it may stand in a style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

/// A text that is not a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a colour has the form #rrggbb, such as #4f46e5")]
pub struct ColorError;

impl Color {
    /// Reads `#rrggbb`.
    ///
    /// # Errors
    /// [`ColorError`].
    pub fn parse(text: &str) -> Result<Self, ColorError> {
        let digits = text.strip_prefix('#').ok_or(ColorError)?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ColorError);
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16)
            .map_err(|_| ColorError)?
            .to_be_bytes();
        Ok(Self { red, green, blue })
    }

    fn to_css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }

    /// White on dark colours, near-black on light ones.
    fn readable_on_top(self) -> &'static str {
        let brightness =
            u32::from(self.red) * 299 + u32::from(self.green) * 587 + u32::from(self.blue) * 114;
        if brightness < 150_000 {
            "#ffffff"
        } else {
            "#111827"
        }
    }
}

impl Default for Color {
    /// The theme's `colorPrimaryHover`: unlike `colorPrimary`, white text on it has the contrast that WCAG AA wants.
    fn default() -> Self {
        Self {
            red: 0x4f,
            green: 0x46,
            blue: 0xe5,
        }
    }
}

#[cfg(test)]
mod tests {
    use zalt_core::config::SecondFactor;
    use zalt_core::message::Notice;

    use super::*;

    fn mail(application_name: &str, notice: Notice) -> Mail {
        Mail {
            to: "ada@example.com".to_owned(),
            notice,
            application_name: application_name.to_owned(),
            safety_link: Some("https://acme.example/no?c=3&d=4".to_owned()),
        }
    }

    fn every_notice() -> Vec<Notice> {
        let (code, link, valid_minutes) = (
            "042137".to_owned(),
            Some("https://acme.example/go?a=1&b=2".to_owned()),
            10,
        );
        vec![
            Notice::VerifyEmailAddress {
                code: code.clone(),
                link: link.clone(),
                valid_minutes,
            },
            Notice::SignIn {
                code: code.clone(),
                link: link.clone(),
                valid_minutes,
            },
            Notice::ResetPassword {
                code,
                link: link.clone(),
                valid_minutes,
            },
            Notice::AccountExists { sign_in_url: link },
            Notice::SecondFactor {
                code: "042137".to_owned(),
                valid_minutes,
            },
            Notice::PasswordChanged,
            Notice::EmailAddressAdded {
                address: "new@example.com".to_owned(),
            },
            Notice::EmailAddressRemoved {
                address: "old@example.com".to_owned(),
            },
            Notice::PhoneNumberAdded {
                number: "+436601234567".to_owned(),
            },
            Notice::PhoneNumberRemoved {
                number: "+436601234567".to_owned(),
            },
            Notice::SecondFactorAdded { factor: None },
            Notice::SecondFactorAdded {
                factor: Some(SecondFactor::SmsCode),
            },
            Notice::SecondFactorRemoved {
                factor: Some(SecondFactor::Passkey),
            },
            Notice::SecondFactorsReset,
            Notice::RecoveryCodesCreated,
            Notice::RecoveryCodeUsed { left: 0 },
            Notice::RecoveryCodeUsed { left: 7 },
            Notice::AccountDeleted,
            Notice::NewDevice {
                user_agent: Some("Mozilla/5.0".to_owned()),
                ip: Some("203.0.113.7".to_owned()),
            },
            Notice::UsernameChanged {
                username: Some("ada".to_owned()),
            },
            Notice::UsernameChanged { username: None },
            Notice::PrimaryEmailAddressChanged {
                address: "new@example.com".to_owned(),
            },
            Notice::AccountFrozen {
                link: "https://acme.example/back?e=5".to_owned(),
                valid_minutes: 60,
            },
            Notice::RecoveryHeld {
                link: "https://acme.example/back?e=6".to_owned(),
                opens_in_minutes: 1440,
                valid_minutes: 1440,
            },
            Notice::RecoveryByAnother {
                held_minutes: Some(1440),
            },
            Notice::RecoveryByAnother { held_minutes: None },
            Notice::AccountRecovered,
            Notice::ExternalAccountLinked {
                provider: "Google".to_owned(),
            },
            Notice::ExternalAccountUnlinked {
                provider: "Google".to_owned(),
            },
        ]
    }

    /// What a reader sees of the HTML, without the list preview.
    fn visible(html: &str) -> String {
        let body = html.split_once("</div>").unwrap().1;
        let mut text = String::new();
        for piece in body.split('<') {
            text.push_str(piece.split_once('>').map_or(piece, |(_, after)| after));
            text.push(' ');
        }
        text.replace("&#38;", "&")
            .replace("&#39;", "'")
            .replace("&#34;", "\"")
    }

    #[test]
    fn text_and_html_say_the_same() {
        for notice in every_notice() {
            let mail = mail("Acme", notice);
            let rendered = DefaultTemplates::new().mail(&mail).unwrap();
            let seen = visible(rendered.html());
            let mut lines = 0;
            for line in rendered.text().lines().map(str::trim) {
                let line = line.trim_end_matches(':');
                if !line.is_empty() && line != "--" {
                    assert!(seen.contains(line), "{line:?} is not in the HTML: {seen}");
                    lines += 1;
                }
            }
            assert!(lines > 3);
        }
    }

    #[test]
    fn a_code_stands_in_the_bodies_and_nowhere_that_a_locked_screen_shows() {
        for notice in every_notice().into_iter().take(3) {
            let mail = mail("Acme", notice);
            let rendered = DefaultTemplates::new().mail(&mail).unwrap();
            assert!(rendered.text().contains("\n    042137\n"));
            assert!(rendered.html().contains(">042137</p>"));
            assert!(
                rendered
                    .html()
                    .contains("href=\"https://acme.example/go?a=1&#38;b=2\"")
            );
            assert!(!rendered.subject().contains("042137"));
            assert!(!Letter::compose(&mail).unwrap().preheader.contains("042137"));
            assert!(rendered.text().contains("you can ignore this mail"));
        }
    }

    #[test]
    fn names_and_addresses_cannot_write_markup_or_headers() {
        for notice in every_notice() {
            let mail = mail("<b>A&B</b>\r\nBcc: x@example.com", notice);
            let rendered = DefaultTemplates::new().mail(&mail).unwrap();
            assert!(!rendered.html().contains("<b>"));
            assert!(!rendered.subject().contains(['\r', '\n']));
        }
        let notice = Notice::EmailAddressAdded {
            address: "\"><script>@example.com".to_owned(),
        };
        let rendered = DefaultTemplates::new().mail(&mail("Acme", notice)).unwrap();
        assert!(!rendered.html().contains("<script>"));
    }

    #[test]
    fn a_link_of_another_scheme_is_refused() {
        let notice = Notice::AccountExists {
            sign_in_url: Some("javascript:alert(1)".to_owned()),
        };
        assert!(matches!(
            DefaultTemplates::new().mail(&mail("Acme", notice)),
            Err(RenderError::Link)
        ));
    }

    #[test]
    fn a_text_message_fits_one_segment_and_has_no_link() {
        for notice in every_notice() {
            let sms = Sms {
                to: "+15005550006".to_owned(),
                notice,
                application_name: "Acme".to_owned(),
                host: Some("auth.example.com".to_owned()),
            };
            let text = DefaultTemplates::new().sms(&sms).unwrap();
            assert!(text.is_ascii() && text.len() <= 160, "{text}");
            assert!(!text.contains("://"));
        }
    }

    #[test]
    fn a_colour_is_six_hexadecimal_digits() {
        assert_eq!(Color::parse("#4F46E5"), Ok(Color::default()));
        for text in [
            "4f46e5", "#4f46e", "#4f46e5;", "#4f46eg", "#+f46e5", "red", "",
        ] {
            assert_eq!(Color::parse(text), Err(ColorError), "{text}");
        }
        assert_eq!(Color::default().readable_on_top(), "#ffffff");
        assert_eq!(
            Color::parse("#ffee00").unwrap().readable_on_top(),
            "#111827"
        );
    }
}
