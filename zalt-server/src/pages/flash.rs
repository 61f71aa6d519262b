//! What the next page says about what was just done.

use std::fmt::Write as _;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::views::{Alert, AlertKind};

/// Makes [`Flash`]. A cookie holds only the name, so nobody can put words of theirs on a page.
macro_rules! flashes {
    ($($(#[$doc:meta])* $name:ident $text:literal $kind:ident $words:literal)+) => {
        /// A message for the next page.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Flash {
            $($(#[$doc])* $name,)+
        }

        impl Flash {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$name,)+];

            const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            fn parse(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)+ _ => None }
            }

            pub(crate) fn alert(self) -> Alert {
                let (kind, text) = match self { $(Self::$name => (AlertKind::$kind, $words),)+ };
                Alert { kind, text: text.to_owned() }
            }
        }
    };
}

flashes! {
    Welcome "welcome" Success "Welcome! Your account is ready."
    SignedOut "signed_out" Success "You are signed out."
    SignedOutEverywhere "signed_out_everywhere" Success "You are signed out everywhere."
    SessionOver "session_over" Info "Your session is over. Sign in again to go on."
    SignInFirst "sign_in_first" Info "Sign in to go on."
    AttemptOver "attempt_over" Info "That took too long, or was finished already. Start again."
    AttemptExhausted "attempt_exhausted" Error "That was tried too often. Start again."
    SignUpClosed "sign_up_closed" Info "New accounts are not accepted here."
    MessageSent "message_sent" Success "Another message is on its way. Only the newest code and link work."
    /// After a reset that left the other sessions alone.
    PasswordReset "password_reset" Success "Your password is changed."
    /// After a reset that ended them.
    PasswordResetEverywhere "password_reset_everywhere" Success "Your password is changed, and every session was ended."
    Recovered "recovered" Success "Your account is yours again. Sign in to go on."
    PasswordChanged "password_changed" Success "Your password is changed."
    PasswordSet "password_set" Success "Your password is set."
    SecondFactorAdded "second_factor_added" Success "Your authenticator app is set up. Signing in asks for it from now on."
    MessagesAdded "messages_added" Success "Codes are turned on. Signing in asks for one from now on."
    SecondFactorRemoved "second_factor_removed" Success "It is removed. Signing in doesn’t ask for it any more."
    SecondFactorGone "second_factor_gone" Info "That app is not waiting to be set up any more. Start again."
    PasskeyAdded "passkey_added" Success "Your passkey is added. You can sign in with it from now on."
    PasskeyRenamed "passkey_renamed" Success "The passkey has its new name."
    PasskeyRemoved "passkey_removed" Success "The passkey is removed. Delete it on your device or in your password manager too."
    AccountLinked "account_linked" Success "The account is connected. You can sign in with it from now on."
    AccountUnlinked "account_unlinked" Success "The account is disconnected. It lets nobody in any more."
    ProveAccount "prove_account" Info "There is an account with your address. Sign in to it once, the way that you always do, and the two are connected."
    ProfileSaved "profile_saved" Success "Your changes are saved."
    EmailVerified "email_verified" Success "The address is verified."
    EmailMadePrimary "email_made_primary" Success "Messages go to that address from now on."
    EmailRemoved "email_removed" Success "The address is removed."
    EmailGone "email_gone" Info "That address is not waiting to be verified any more."
    PhoneVerified "phone_verified" Success "The number is verified."
    PhoneMadePrimary "phone_made_primary" Success "Text messages go to that number from now on."
    PhoneRemoved "phone_removed" Success "The number is removed."
    PhoneGone "phone_gone" Info "That number is not waiting to be verified any more."
    DeviceForgotten "device_forgotten" Success "That device is forgotten. Signing in there asks for the second step again."
    SessionEnded "session_ended" Success "That session is ended."
    OthersEnded "others_ended" Success "All your other sessions are ended."
    Reauthenticate "reauthenticate" Info "This change needs a fresh proof that it is you. Nothing was changed yet: repeat it afterwards."
    /// Where everybody needs a second factor and this session has shown none.
    SecondFactorDue "second_factor_due" Info "Signing in asks for a second step now. Show yours to go on."
    SetUpDue "set_up_due" Info "Everybody needs a second step to sign in now. Set one up to go on."
    Reauthenticated "reauthenticated" Success "Thank you. Now repeat your change."
    AccountDeleted "account_deleted" Success "Your account is deleted."
}

/// Long enough for a redirect over a slow line.
const SECONDS: u32 = 60;

const fn cookie_name(secure: bool) -> &'static str {
    if secure {
        "__Host-zalt_flash"
    } else {
        "zalt_flash"
    }
}

impl Flash {
    /// The message that the request brings along.
    pub(crate) fn of(headers: &HeaderMap, secure: bool) -> Option<Self> {
        let lines = headers
            .get_all(COOKIE)
            .into_iter()
            .map(HeaderValue::as_bytes);
        let value = zalt_http::cookie::find(lines, cookie_name(secure)).ok()??;
        Self::parse(value)
    }

    /// The `Set-Cookie` that carries it to the next page.
    pub(crate) fn set(self, secure: bool) -> HeaderValue {
        line(self.name(), SECONDS, secure)
    }

    /// The `Set-Cookie` that forgets it once it was shown.
    pub(crate) fn clear(secure: bool) -> HeaderValue {
        line("", 0, secure)
    }
}

fn line(value: &str, seconds: u32, secure: bool) -> HeaderValue {
    let mut line = format!(
        "{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax",
        cookie_name(secure)
    );
    if secure {
        let _ = write!(line, "; Secure");
    }
    // Names and values are ours and plain.
    HeaderValue::try_from(line).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_its_cookie_and_no_other_text_does() {
        for flash in Flash::ALL {
            let set = flash.set(true);
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::try_from(pair).unwrap());
            assert_eq!(Flash::of(&headers, true), Some(*flash));
            assert_eq!(Flash::of(&headers, false), None);
        }
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("zalt_flash=you_won"));
        assert_eq!(Flash::of(&headers, false), None);
    }
}
