//! Codes and links that are sent: the same pages for every flow that uses them.

use askama::Template;

use super::Page;
use crate::pages::paths;

/// Which flow a code or link belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    SignUp,
    SignIn,
    PasswordReset,
    /// Verifying a further address of a signed-in user.
    EmailAddress,
    /// Verifying a phone number of a signed-in user.
    PhoneNumber,
}

/// How a message reaches the person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SentBy {
    #[default]
    Mail,
    Text,
}

impl Purpose {
    fn code_title(self) -> &'static str {
        match self {
            Self::SignUp | Self::EmailAddress => "Verify your e-mail address",
            Self::PhoneNumber => "Verify your phone number",
            Self::SignIn => "Enter your sign-in code",
            Self::PasswordReset => "Enter your reset code",
        }
    }

    fn code_action(self) -> &'static str {
        match self {
            Self::SignUp => paths::SIGN_UP_VERIFY,
            Self::SignIn => paths::SIGN_IN_CODE,
            Self::PasswordReset => paths::PASSWORD_CODE,
            Self::EmailAddress => paths::ACCOUNT_EMAIL_VERIFY,
            Self::PhoneNumber => paths::ACCOUNT_PHONE_VERIFY,
        }
    }

    fn resend_action(self) -> &'static str {
        match self {
            Self::SignUp => paths::SIGN_UP_RESEND,
            Self::SignIn => paths::SIGN_IN_RESEND,
            Self::PasswordReset => paths::PASSWORD_RESEND,
            Self::EmailAddress => paths::ACCOUNT_EMAIL_SEND,
            Self::PhoneNumber => paths::ACCOUNT_PHONE_SEND,
        }
    }

    /// Where to go to use another address or number.
    fn back(self) -> &'static str {
        match self {
            Self::SignUp => paths::SIGN_UP,
            Self::SignIn => paths::SIGN_IN,
            Self::PasswordReset => paths::PASSWORD_FORGOTTEN,
            Self::EmailAddress => paths::ACCOUNT_EMAILS,
            Self::PhoneNumber => paths::ACCOUNT_PHONES,
        }
    }

    fn back_label(self) -> &'static str {
        match self {
            Self::SignUp | Self::EmailAddress => "Use another e-mail address",
            Self::PhoneNumber => "Use another phone number",
            Self::SignIn | Self::PasswordReset => "Use another account",
        }
    }

    /// Whether the message certainly goes to what is shown.
    fn is_sent(self) -> bool {
        matches!(self, Self::SignUp | Self::EmailAddress | Self::PhoneNumber)
    }

    /// Where the link leads, and its form. Text messages have none.
    fn link_action(self) -> &'static str {
        match self {
            Self::SignUp => paths::SIGN_UP_LINK,
            Self::SignIn => paths::SIGN_IN_LINK,
            Self::PasswordReset => paths::PASSWORD_LINK,
            Self::EmailAddress | Self::PhoneNumber => paths::ACCOUNT_EMAIL_LINK,
        }
    }

    fn link_title(self) -> &'static str {
        match self {
            Self::SignUp => "Finish signing up",
            Self::SignIn => "Finish signing in",
            Self::PasswordReset => "Reset your password",
            Self::EmailAddress | Self::PhoneNumber => "Verify your e-mail address",
        }
    }

    fn link_button(self) -> &'static str {
        match self {
            Self::SignUp => "Verify and continue",
            Self::SignIn => "Sign in",
            Self::PasswordReset => "Choose a new password",
            Self::EmailAddress | Self::PhoneNumber => "Verify this address",
        }
    }
}

/// Where a code is typed. Field: `code`, and `attempt` and `id` where an address or number is verified; the resend form has no
/// fields of its own except that `id`.
#[derive(Debug, Template)]
#[template(path = "auth/code.html")]
pub(crate) struct CodeView {
    pub(crate) page: Page,
    pub(crate) purpose: Purpose,
    pub(crate) sent_by: SentBy,
    /// What was typed; shown for unknown ones too.
    pub(crate) to: String,
    /// Id of the verification under way, where an address or number is verified.
    pub(crate) attempt_id: Option<String>,
    /// Id of that address or number.
    pub(crate) identifier_id: Option<String>,
    /// Seconds until another message may be asked for; 0 when at once.
    pub(crate) resend_wait_seconds: u64,
}

impl CodeView {
    /// What stands above what was typed. It tells nobody whether there is an account.
    fn lead(&self) -> &'static str {
        if self.purpose.is_sent() {
            return "We sent a 6‑digit code to";
        }
        let goes_there = match self.sent_by {
            SentBy::Mail => self.to.contains('@'),
            SentBy::Text => self.to.starts_with('+'),
        };
        match self.sent_by {
            _ if goes_there => "If there is an account, a 6‑digit code is on its way to",
            SentBy::Mail => {
                "If there is such an account, a 6‑digit code is on its way to its e‑mail address"
            }
            SentBy::Text => {
                "If this account has a phone number, a 6‑digit code is on its way to it"
            }
        }
    }
}

/// The page that waits while the person opens the link in the message.
#[derive(Debug, Template)]
#[template(path = "auth/link_sent.html")]
pub(crate) struct LinkSentView {
    pub(crate) page: Page,
    pub(crate) purpose: Purpose,
    pub(crate) email: String,
    pub(crate) resend_wait_seconds: u64,
}

/// Where the link in a message leads. Field of the form: `token`. Its address holds a secret, so no referrer is sent.
#[derive(Debug, Template)]
#[template(path = "auth/link.html")]
pub(crate) struct LinkConfirmView {
    pub(crate) page: Page,
    pub(crate) purpose: Purpose,
    pub(crate) state: LinkState,
}

/// What an opened link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// Pressing the button consumes the link.
    Confirm {
        token: String,
        email: Option<String>,
    },
    /// The link was opened in a browser that did not ask for it: the one that did has to finish, with the code from
    /// the same message.
    OtherBrowser,
    /// Used, replaced by a newer one, too old or garbled: one answer for all of them.
    Invalid,
}
