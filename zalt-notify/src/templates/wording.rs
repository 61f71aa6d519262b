//! The default words, in one place for whoever edits or translates them.

use zalt_core::message::Notice;

use super::letter::{Action, Letter};
use super::rendered::one_line;
use super::{RenderError, second_factor};

/// The words of a mail.
pub(super) fn letter(app: String, notice: &Notice) -> Result<Letter, RenderError> {
    match notice {
        Notice::VerifyEmailAddress {
            code,
            link,
            valid_minutes,
        } => proof(
            Proof {
                subject: format!("Confirm your e-mail address for {app}"),
                heading: "Confirm your e-mail address",
                lead: format!("Enter this code in {app} to confirm that this address is yours."),
                label: "Confirm the address",
                closing: "If you did not ask for this, you can ignore this mail. Without the code nobody can use \
                          your address.",
            },
            (app, code, link.as_deref(), *valid_minutes),
        ),
        Notice::SignIn {
            code,
            link,
            valid_minutes,
        } => proof(
            Proof {
                subject: format!("Sign in to {app}"),
                heading: "Sign in",
                lead: format!("Enter this code to sign in to {app}."),
                label: "Sign in",
                closing: "If you did not ask for this, you can ignore this mail. Without the code nobody can sign in \
                          with it.",
            },
            (app, code, link.as_deref(), *valid_minutes),
        ),
        Notice::SecondFactor {
            code,
            valid_minutes,
        } => proof(
            Proof {
                subject: format!("Your code for {app}"),
                heading: "Confirm that it is you",
                lead: format!("Enter this code in {app} to confirm that it is you."),
                label: "Confirm",
                closing: "If you did not ask for this, somebody knows your password. Set a new one from the sign-in page. You \
                          can ignore this mail otherwise.",
            },
            (app, code, None, *valid_minutes),
        ),
        Notice::ResetPassword {
            code,
            link,
            valid_minutes,
        } => proof(
            Proof {
                subject: format!("Set a new password for {app}"),
                heading: "Set a new password",
                lead: format!("Enter this code to set a new password for your account at {app}."),
                label: "Set a new password",
                closing: "If you did not ask for this, you can ignore this mail. Your password stays as it is.",
            },
            (app, code, link.as_deref(), *valid_minutes),
        ),
        Notice::AccountExists { sign_in_url } => account_exists(app, sign_in_url.as_deref()),
        Notice::PasswordChanged => Ok(safety(
            format!("Your password for {app} was changed"),
            "Your password was changed",
            format!("The password of your account at {app} was changed."),
            app,
        )),
        Notice::EmailAddressAdded { address } => Ok(changed(
            app,
            ("An e-mail address", "address", address),
            "added",
        )),
        Notice::EmailAddressRemoved { address } => Ok(changed(
            app,
            ("An e-mail address", "address", address),
            "removed",
        )),
        Notice::PhoneNumberAdded { number } => {
            Ok(changed(app, ("A phone number", "number", number), "added"))
        }
        Notice::PhoneNumberRemoved { number } => Ok(changed(
            app,
            ("A phone number", "number", number),
            "removed",
        )),
        Notice::SecondFactorAdded { .. }
        | Notice::SecondFactorRemoved { .. }
        | Notice::SecondFactorsReset
        | Notice::RecoveryCodesCreated
        | Notice::RecoveryCodeUsed { .. } => Ok(second_factor::letter(app, notice)),
        Notice::AccountDeleted => Ok(account_deleted(app)),
        other => account_safety(app, other),
    }
}

/// Sign-ins, names, and an account that was frozen.
fn account_safety(app: String, notice: &Notice) -> Result<Letter, RenderError> {
    match notice {
        Notice::NewDevice { user_agent, ip } => {
            Ok(new_device(app, user_agent.as_deref(), ip.as_deref()))
        }
        Notice::UsernameChanged { .. } | Notice::PrimaryEmailAddressChanged { .. } => {
            Ok(identifier_changed(app, notice))
        }
        Notice::AccountFrozen {
            link,
            valid_minutes,
        } => account_frozen(app, link, *valid_minutes),
        Notice::RecoveryHeld {
            link,
            opens_in_minutes,
            valid_minutes,
        } => recovery_held(app, link, (*opens_in_minutes, *valid_minutes)),
        Notice::RecoveryByAnother { held_minutes } => Ok(recovery_by_another(app, *held_minutes)),
        Notice::AccountRecovered => Ok(safety(
            format!("Your account at {app} is yours again"),
            "Your account is recovered",
            format!(
                "Your account at {app} was frozen and has been recovered through an address of yours."
            ),
            app,
        )),
        Notice::ExternalAccountLinked { provider } => Ok(external_account(app, provider, true)),
        Notice::ExternalAccountUnlinked { provider } => Ok(external_account(app, provider, false)),
        _ => Err(RenderError::UnknownNotice),
    }
}

/// That an account at a provider leads into the account, or does not any more.
fn external_account(app: String, provider: &str, linked: bool) -> Letter {
    let provider = one_line(provider, MAX_ADDRESS);
    let (how, since) = if linked {
        ("linked to", "It can be used to sign in from now on.")
    } else {
        ("unlinked from", "It can no longer be used to sign in.")
    };
    safety(
        format!("An account at {provider} was {how} your account at {app}"),
        &format!("An account at {provider} was {how} yours"),
        format!("An account at {provider} was {how} your account at {app}. {since}"),
        app,
    )
}

/// That an address or number was added or removed.
fn changed(app: String, (one, kind, which): (&str, &str, &str), how: &str) -> Letter {
    let which = one_line(which, MAX_ADDRESS);
    let (subject, happened) = match how {
        "added" => (
            format!("{one} was added to your account at {app}"),
            format!("The {kind} {which} was added to your account at {app}."),
        ),
        _ => (
            format!("{one} was removed from your account at {app}"),
            format!(
                "The {kind} {which} was removed from your account at {app}. It can no longer be used to sign in."
            ),
        ),
    };
    safety(subject, &format!("{one} was {how}"), happened, app)
}

/// What happened to the name or the main address of an account.
fn identifier_changed(app: String, notice: &Notice) -> Letter {
    let subject = format!("Your username for {app} was changed");
    let heading = "Your username was changed";
    match notice {
        Notice::PrimaryEmailAddressChanged { address } => safety(
            format!("Another e-mail address is the main one of your account at {app}"),
            "Your main e-mail address was changed",
            format!(
                "Messages of {app} go to {} from now on.",
                one_line(address, MAX_ADDRESS)
            ),
            app,
        ),
        Notice::UsernameChanged {
            username: Some(name),
        } => {
            let name = one_line(name, MAX_ADDRESS);
            let happened = format!("The username of your account at {app} is now {name}.");
            safety(subject, heading, happened, app)
        }
        _ => {
            let happened = format!("The username of your account at {app} was removed.");
            safety(subject, heading, happened, app)
        }
    }
}

fn new_device(app: String, user_agent: Option<&str>, ip: Option<&str>) -> Letter {
    let agent = user_agent
        .map(|agent| format!(" It calls itself “{}”.", one_line(agent, MAX_AGENT)))
        .unwrap_or_default();
    let address = ip
        .map(|ip| format!(" Its network address is {}.", one_line(ip, MAX_AGENT)))
        .unwrap_or_default();
    let happened = format!(
        "Somebody signed in to your account at {app} from a device that is new to us.{agent}{address}"
    );
    let subject = format!("New sign-in to your account at {app}");
    safety(subject, "A new device signed in", happened, app)
}

/// The same mail with the button that freezes the account.
pub(super) fn with_safety_link(letter: Letter, url: &str) -> Result<Letter, RenderError> {
    let mut letter = letter;
    letter.action = Some(Action::new("This wasn’t me", url)?);
    if let Some(advice) = letter.paragraphs.last_mut() {
        *advice = format!(
            "If this was not you, press the button. It leads to a page of {} where you can freeze the account: every \
             session ends and nobody gets in, until you have recovered it by a mail to the addresses that were yours before. \
             The button works once and for 7 days.",
            letter.application_name
        );
    }
    Ok(letter)
}

/// The same mail with the button that objects to a recovery.
pub(super) fn with_objection(letter: Letter, url: &str) -> Result<Letter, RenderError> {
    let mut letter = letter;
    letter.action = Some(Action::new("This wasn’t me", url)?);
    Ok(letter)
}

fn recovery_by_another(app: String, held_minutes: Option<u32>) -> Letter {
    let mut paragraphs = vec![format!(
        "Somebody who reads another address that was yours said that a change to your account at {app} was not theirs. All \
         sessions have ended, and nobody can sign in."
    )];
    paragraphs.push(match held_minutes {
        Some(minutes) => format!(
            "One of those addresses is not on the account any more. In {} it can recover the account, set a new password and \
             take away what was added lately. If you had given that address up, or it is not you who asks, press the button: \
             the account then stays frozen until the people who run {app} have heard from you.",
            duration(minutes)
        ),
        None => {
            "A mail that recovers it went to the addresses that were yours before the change.".to_owned()
        }
    });
    Letter {
        subject: format!("Your account at {app} is frozen"),
        preheader: "Nobody can sign in. See whether it was you who asked.".to_owned(),
        heading: "Your account is frozen".to_owned(),
        paragraphs,
        code: None,
        action: None,
        closing: vec!["If it was you who asked for this, there is nothing to do.".to_owned()],
        application_name: app,
    }
}

fn recovery_held(
    app: String,
    link: &str,
    (opens, valid): (u32, u32),
) -> Result<Letter, RenderError> {
    let letter = account_frozen(app, link, valid)?;
    let advice = format!(
        "This address is not on the account any more. So the page below recovers it only after {}, if nobody with an address \
         on it objects until then. Then you set a new password and look through what was added lately. The link works once and \
         for {} from then on.",
        duration(opens),
        duration(valid)
    );
    let mut letter = letter;
    if let Some(last) = letter.paragraphs.last_mut() {
        *last = advice;
    }
    Ok(letter)
}

fn account_frozen(app: String, link: &str, minutes: u32) -> Result<Letter, RenderError> {
    Ok(Letter {
        subject: format!("Recover your account at {app}"),
        preheader: "Your account is frozen. Nobody can sign in.".to_owned(),
        heading: "Your account is frozen".to_owned(),
        paragraphs: vec![
            format!(
                "Somebody who reads your mail said that a change to your account at {app} was not yours. All sessions have \
                 ended, and nobody can sign in."
            ),
            format!(
                "To recover it, open the page below. You set a new password and look through what was added lately. The \
                 link works once and for {}.",
                duration(minutes)
            ),
        ],
        code: None,
        action: Some(Action::new("Recover the account", link)?),
        closing: vec![
            "If you did not ask for this, somebody else may be reading your mail: change the password of your mailbox first."
                .to_owned(),
        ],
        application_name: app,
    })
}

/// What differs between the mails that carry a code.
struct Proof {
    subject: String,
    heading: &'static str,
    lead: String,
    label: &'static str,
    closing: &'static str,
}

fn proof(
    words: Proof,
    (app, code, link, minutes): (String, &str, Option<&str>, u32),
) -> Result<Letter, RenderError> {
    let action = link.map(|url| Action::new(words.label, url)).transpose()?;
    let mut validity = format!("The code works once and for {}.", duration(minutes));
    if action.is_some() {
        validity.push_str(" The link below does the same.");
    }
    Ok(Letter {
        subject: words.subject,
        preheader: validity.clone(),
        heading: words.heading.to_owned(),
        paragraphs: vec![words.lead, validity],
        code: Some(one_line(code, MAX_CODE)),
        action,
        closing: vec![
            words.closing.to_owned(),
            format!("Do not give the code to anybody. Nobody at {app} will ask you for it."),
        ],
        application_name: app,
    })
}

fn account_exists(app: String, sign_in_url: Option<&str>) -> Result<Letter, RenderError> {
    Ok(Letter {
        subject: format!("You already have an account at {app}"),
        preheader: "Somebody, perhaps you, tried to sign up with this address.".to_owned(),
        heading: "You already have an account".to_owned(),
        paragraphs: vec![
            format!(
                "Somebody, perhaps you, tried to sign up at {app} with this address. It already has an account, so \
                 nothing was changed."
            ),
            "Sign in with it instead. If you no longer know the password, you can set a new one from the sign-in page."
                .to_owned(),
        ],
        code: None,
        action: sign_in_url
            .map(|url| Action::new("Sign in", url))
            .transpose()?,
        closing: vec!["If you did not ask for this, you can ignore this mail.".to_owned()],
        application_name: app,
    })
}

/// A mail that something about the account changed, which tells the owner what to do if a stranger did it.
pub(super) fn safety(subject: String, heading: &str, happened: String, app: String) -> Letter {
    Letter {
        subject,
        preheader: "If this was not you, act now.".to_owned(),
        heading: heading.to_owned(),
        paragraphs: vec![
            happened,
            "If this was you, there is nothing to do.".to_owned(),
            format!(
                "If this was not you: set a new password from the sign-in page of {app} at once. Then, on your account \
                 page, end all sessions that you don't know and check your e-mail addresses."
            ),
        ],
        code: None,
        action: None,
        closing: vec![
            "This mail went out because such a change should never happen without your knowledge."
                .to_owned(),
        ],
        application_name: app,
    }
}

fn account_deleted(app: String) -> Letter {
    Letter {
        subject: format!("Your account at {app} was deleted"),
        preheader: "If this was not you, act now.".to_owned(),
        heading: "Your account was deleted".to_owned(),
        paragraphs: vec![
            format!("Your account at {app} was deleted, and all its sessions have ended."),
            format!(
                "If this was not you, tell the people who run {app} at once, and change the password of your mailbox."
            ),
        ],
        code: None,
        action: None,
        closing: vec![
            "This mail went out because such a change should never happen without your knowledge."
                .to_owned(),
        ],
        application_name: app,
    }
}

pub(super) fn codes_left(left: u32) -> String {
    match left {
        0 => "No code is left: make new ones on your account page.".to_owned(),
        1 => "One code is left: make new ones on your account page.".to_owned(),
        left => format!("{left} codes are left."),
    }
}

pub(super) fn duration(minutes: u32) -> String {
    match minutes {
        1 => "1 minute".to_owned(),
        minutes if minutes >= 120 && minutes.is_multiple_of(60) => {
            format!("{} hours", minutes / 60)
        }
        minutes => format!("{minutes} minutes"),
    }
}

pub(super) const MAX_CODE: usize = 32;
const MAX_AGENT: usize = 120;
const MAX_ADDRESS: usize = 254;
