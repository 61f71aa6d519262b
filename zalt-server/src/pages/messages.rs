//! What people read when the core refuses something: the one table.

use std::time::Duration;

use http::StatusCode;
use zalt_core::Error;
use zalt_core::passkey::PasskeyRefusal;
use zalt_core::password::PasswordRefusal;
use zalt_core::user::ProfileError;

use super::fault::Fault;
use super::views::{Alert, AlertKind, Page};

/// The names that a form has for the fields of the core.
pub(crate) type FieldNames = &'static [(&'static str, &'static str)];

/// Says on the page with the form why it was not taken, beside the field that is meant if the form has it. Returns the
/// status for the reply.
///
/// # Errors
/// The error again, if it is none that the person can put right in this form.
pub(crate) fn refuse(
    page: &mut Page,
    error: Error,
    fields: FieldNames,
) -> Result<StatusCode, Fault> {
    let Some(text) = text(&error) else {
        return Err(error.into());
    };
    let field = error.field().and_then(|meant| {
        let (_, name) = fields.iter().find(|(core, _)| *core == meant)?;
        Some(*name)
    });
    match field {
        Some(field) => page.errors.add(field, text),
        None => {
            page.alert = Some(Alert {
                kind: AlertKind::Error,
                text,
            });
        }
    }
    Ok(match error {
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    })
}

/// What is said, if the person can put it right where they are.
fn text(error: &Error) -> Option<String> {
    let text = match error {
        Error::EmailAddress(_) => "Enter an e-mail address such as name@example.com.",
        Error::PhoneNumber(_) => {
            "Enter a phone number with its country code, such as +44 20 7946 0000."
        }
        Error::Username(_) => {
            "A username has 3 to 64 letters, digits, dots, hyphens or underscores, and begins and ends with a letter or \
             digit."
        }
        Error::Identifier(_) => "Enter your e-mail address or username.",
        Error::Profile(ProfileError::ImageUrl) => "Enter the https address of a picture.",
        Error::Profile(_) => "A name has up to 100 characters, and only ones that can be seen.",
        Error::PasswordFormat(_) => "That password is too long.",
        Error::PasswordRequired => "Enter a password.",
        Error::PasswordRefused(refusal) => return Some(refused_password(refusal)),
        Error::CredentialsIncorrect => "That is not right. Check what you entered and try again.",
        Error::CodeIncorrect => {
            "That code is not right, or no longer valid. Only the newest one works."
        }
        Error::RateLimited { retry_after } => return Some(too_many(*retry_after)),
        Error::AccountSuspended => {
            "This account is suspended. Ask the people who run this service."
        }
        Error::AccountFrozen => {
            "This account is frozen. Recover it by the mail that was sent. To get another, press the button in the mail about the \
             change again, or ask for a mail to sign in or for a new password."
        }
        Error::UsernameTaken => "Somebody else has this username.",
        Error::PhoneNumberNotAllowed => {
            "No text message can be sent to this number. Use a mobile number of a country that is served here."
        }
        Error::PhoneNumberTaken => "This number can’t be added: it is in use already.",
        Error::EmailAddressTaken => "This address can’t be added: it is in use already.",
        Error::TooManyIdentifiers => {
            "You have as many addresses and numbers as an account may have. Remove one first."
        }
        Error::LastIdentifier => {
            "The last verified address stays, or you could not sign in any more."
        }
        Error::IdentifierNotVerified => "Verify it first.",
        Error::TooManyCredentials => {
            "You have as many of these as an account may have. Remove one first."
        }
        Error::PasskeyRefused(PasskeyRefusal::NoRequest) => {
            "That took too long, or this browser can’t use passkeys. Try again, or take another way."
        }
        Error::PasskeyRefused(PasskeyRefusal::AlreadyRegistered) => {
            "This passkey is registered already."
        }
        Error::PasskeyRefused(_) => {
            "That passkey was not accepted. Try again, or take another way."
        }
        Error::LastWayIn => {
            "Without it you could not sign in any more. Add another passkey or a password first."
        }
        Error::LastSecondFactor => {
            "Everybody here needs a second factor. Set up another one before you remove this one."
        }
        Error::SecondFactorRequired => {
            "Recovery codes stand in for a second factor. Set one up first."
        }
        Error::FactorNotAllowed => "This way is not open here. Take another one.",
        Error::Conflict => {
            "This was changed somewhere else at the same time. Check it and try again."
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn refused_password(refusal: &PasswordRefusal) -> String {
    match refusal {
        PasswordRefusal::TooShort { min } => format!("Use at least {min} characters."),
        PasswordRefusal::TooLong { max } => format!("Use at most {max} characters."),
        PasswordRefusal::Common => {
            "Many people use this password, so it is tried first. Choose another one.".to_owned()
        }
        PasswordRefusal::ContainsContext { .. } => {
            "This is little more than your name or ours. Choose one that says nothing about you."
                .to_owned()
        }
        _ => "Choose another password.".to_owned(),
    }
}

fn too_many(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(wait) => format!(
            "Too many tries. Try again in {}.",
            super::views::wait(wait.as_secs().saturating_add(1))
        ),
        None => "Too many tries. Take another way to sign in, or set a new password.".to_owned(),
    }
}
