//! The second factor: passing it, and setting it up.

use askama::Template;
use zalt_core::config::SecondFactor;

use super::Page;
use crate::pages::paths;

/// A way to pass the second step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecondStep {
    Passkey,
    Totp,
    SmsCode,
    EmailCode,
    RecoveryCode,
}

impl SecondStep {
    const ALL: [Self; 5] = [
        Self::Passkey,
        Self::Totp,
        Self::SmsCode,
        Self::EmailCode,
        Self::RecoveryCode,
    ];

    /// The way to pass this kind of second factor, if pages know it.
    pub(crate) const fn of(factor: SecondFactor) -> Option<Self> {
        match factor {
            SecondFactor::Passkey => Some(Self::Passkey),
            SecondFactor::Totp => Some(Self::Totp),
            SecondFactor::SmsCode => Some(Self::SmsCode),
            SecondFactor::EmailCode => Some(Self::EmailCode),
            _ => None,
        }
    }

    /// The kind whose code has to be sent first, for ways whose code is sent.
    pub(crate) const fn sent(self) -> Option<SecondFactor> {
        match self {
            Self::SmsCode => Some(SecondFactor::SmsCode),
            Self::EmailCode => Some(SecondFactor::EmailCode),
            Self::Passkey | Self::Totp | Self::RecoveryCode => None,
        }
    }

    /// The name that the API has for it, which stands in forms and addresses.
    pub(crate) const fn strategy(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Totp => "totp",
            Self::SmsCode => "sms_code",
            Self::EmailCode => "email_code",
            Self::RecoveryCode => "recovery_code",
        }
    }

    /// The way with this name.
    pub(crate) fn parse(strategy: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|step| step.strategy() == strategy)
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Passkey => "Use your passkey",
            Self::Totp => "Enter the code from your app",
            Self::SmsCode => "Confirm by text message",
            Self::EmailCode => "Confirm by e‑mail",
            Self::RecoveryCode => "Enter a recovery code",
        }
    }

    const fn lead(self) -> &'static str {
        match self {
            Self::Passkey => "Confirm that it’s you with your device or security key.",
            Self::Totp => "Open your authenticator app and type the six digits that it shows.",
            Self::SmsCode | Self::EmailCode => "We send you a code of six digits.",
            Self::RecoveryCode => "Type one of the codes that you kept. Each works once.",
        }
    }

    /// The words of the link to it.
    const fn offer(self) -> &'static str {
        match self {
            Self::Passkey => "Use a passkey",
            Self::Totp => "Use the authenticator app",
            Self::SmsCode => "Get a code by text message",
            Self::EmailCode => "Get a code by e‑mail",
            Self::RecoveryCode => "Use a recovery code",
        }
    }
}

/// Where the second factor is shown. Fields: `strategy`, `code` or `response`, `challenge` where a session steps up by a sent
/// code, and `trust_device` (`true` when checked). The form that has a code sent has `strategy`.
#[derive(Debug, Template)]
#[template(path = "auth/second_factor.html")]
pub(crate) struct SecondFactorView {
    pub(crate) page: Page,
    /// The form's address.
    pub(crate) action: &'static str,
    /// Where the script asks for what a passkey is to sign.
    pub(crate) options: &'static str,
    /// What is asked for.
    pub(crate) step: SecondStep,
    /// What is to be sent, or was; `None` for ways without a message.
    pub(crate) message: Option<SecondFactorMessage>,
    /// For how many days this device may stand in for the second factor, if it may, and whether the person wants it.
    pub(crate) trust: Option<TrustDevice>,
    /// The other ways, each with where it is.
    pub(crate) others: Vec<(SecondStep, String)>,
}

/// A code that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecondFactorMessage {
    /// The address of the form that has it sent.
    pub(crate) send: &'static str,
    /// Whose it is, with most of it left out: whoever has only the password is not told the rest.
    pub(crate) to: Option<String>,
    /// Whether it is on its way.
    pub(crate) sent: bool,
    /// Names it where the session and not an attempt asked for it.
    pub(crate) challenge: Option<String>,
    /// Seconds until another may be asked for.
    pub(crate) resend_wait_seconds: u64,
}

/// The offer to ask for no second factor on this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrustDevice {
    pub(crate) seconds: u64,
    pub(crate) checked: bool,
}

impl SecondFactorView {
    /// Whether a session that began by one kind of code can't be raised by another of that kind.
    fn is_only_recovery_of_session(&self) -> bool {
        self.step == SecondStep::RecoveryCode
            && self.others.is_empty()
            && self.action == paths::ACCOUNT_REAUTHENTICATE_SECOND_FACTOR
    }

    /// Whether there is a code to type already.
    fn asks(&self) -> bool {
        self.message.as_ref().is_none_or(|message| message.sent)
    }
}

impl TrustDevice {
    fn label(self) -> String {
        const DAY: u64 = 24 * 60 * 60;
        let (count, unit) = match self.seconds {
            seconds if seconds >= DAY => (seconds / DAY, "day"),
            seconds if seconds >= 3600 => (seconds / 3600, "hour"),
            seconds => (seconds / 60, "minute"),
        };
        let s = if count == 1 { "" } else { "s" };
        format!("Don’t ask again on this device for {count} {unit}{s}")
    }
}

/// Begins to set up a second factor where everybody needs one. The form for an app has no field: the next page shows a secret,
/// so it takes a POST. That for a passkey has `response`, which the script fills in.
#[derive(Debug, Template)]
#[template(path = "auth/set_up.html")]
pub(crate) struct SetUpView {
    pub(crate) page: Page,
    /// Whether it may be a passkey.
    pub(crate) passkey: bool,
    /// Whether it may be an authenticator app.
    pub(crate) totp: bool,
}

/// What to scan, and the field for the app's first code. Fields: `id`, `code`.
#[derive(Template)]
#[template(path = "auth/totp.html")]
pub(crate) struct TotpView {
    pub(crate) page: Page,
    /// The form's address.
    pub(crate) action: &'static str,
    pub(crate) credential_id: String,
    /// `None` where the form comes back: the secret was shown once, and the app has it by now.
    pub(crate) scan: Option<Scan>,
    /// Where to go to leave it.
    pub(crate) back: &'static str,
}

/// The secret of an app that is being set up.
pub(crate) struct Scan {
    /// An SVG of ours.
    pub(crate) qr_code: String,
    /// For typing it in, in groups of four.
    pub(crate) secret: String,
}

/// Recovery codes, which are shown once.
#[derive(Template)]
#[template(path = "auth/recovery_codes.html")]
pub(crate) struct RecoveryCodesView {
    pub(crate) page: Page,
    pub(crate) codes: Vec<String>,
    /// Where to go on to.
    pub(crate) next: String,
}
