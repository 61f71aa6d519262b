//! The addresses of the hosted pages.
//!
//! Unless noted, GET shows the page and POST takes its form.

pub(crate) const HOME: &str = "/";

pub(crate) const SIGN_UP: &str = "/sign-up";
/// The code that proves the new address.
pub(crate) const SIGN_UP_VERIFY: &str = "/sign-up/verify";
/// GET only: the page that waits while the person opens the link in the message.
pub(crate) const SIGN_UP_LINK_SENT: &str = "/sign-up/link-sent";
/// Where the link in the message leads, with `token` in the query. GET never consumes: mail scanners open links too.
pub(crate) const SIGN_UP_LINK: &str = "/sign-up/link";
/// POST only.
pub(crate) const SIGN_UP_RESEND: &str = "/sign-up/resend";

/// The address of somebody whose provider told none.
pub(crate) const SIGN_UP_ADDRESS: &str = "/sign-up/address";

pub(crate) const SIGN_IN: &str = "/sign-in";
pub(crate) const SIGN_IN_PASSWORD: &str = "/sign-in/password";
/// POST only: takes `strategy`, `email_code`, `email_link` or `sms_code`, and sends the message.
pub(crate) const SIGN_IN_STRATEGY: &str = "/sign-in/strategy";
pub(crate) const SIGN_IN_CODE: &str = "/sign-in/code";
/// GET only.
pub(crate) const SIGN_IN_LINK_SENT: &str = "/sign-in/link-sent";
/// As [`SIGN_UP_LINK`].
pub(crate) const SIGN_IN_LINK: &str = "/sign-in/link";
/// POST only.
pub(crate) const SIGN_IN_RESEND: &str = "/sign-in/resend";
/// The second factor; `use` in the query names another than the strongest.
pub(crate) const SIGN_IN_SECOND_FACTOR: &str = "/sign-in/second-factor";
/// POST only: sends the code of `strategy`.
pub(crate) const SIGN_IN_SECOND_FACTOR_SEND: &str = "/sign-in/second-factor/send";
/// Setting up an authenticator app where everybody needs one. POST shows what to scan.
pub(crate) const SIGN_IN_SET_UP: &str = "/sign-in/set-up";
/// POST only: the app's first code.
pub(crate) const SIGN_IN_SET_UP_CONFIRM: &str = "/sign-in/set-up/confirm";
/// POST only: the same with a passkey.
pub(crate) const SIGN_IN_SET_UP_PASSKEY: &str = "/sign-in/set-up/passkey";
/// POST only, for the script.
pub(crate) const SIGN_IN_SET_UP_PASSKEY_OPTIONS: &str = "/sign-in/set-up/passkey/options";
/// POST only: signs in with nothing but a passkey.
pub(crate) const SIGN_IN_PASSKEY: &str = "/sign-in/passkey";
/// POST only, for the script: begins that.
pub(crate) const SIGN_IN_PASSKEY_BEGIN: &str = "/sign-in/passkey/begin";
/// POST only: a passkey as the first factor, once an identifier was given.
pub(crate) const SIGN_IN_PASSKEY_FIRST: &str = "/sign-in/passkey/first-factor";
/// POST only, for the script: a passkey in the sign-in under way, for the factor that is due.
pub(crate) const SIGN_IN_PASSKEY_OPTIONS: &str = "/sign-in/passkey/options";
/// What came of going to a provider, as its callback says in the query; POST takes `connection` and leads there.
pub(crate) const SIGN_IN_CONNECTION: &str = "/sign-in/connection";
/// POST only.
pub(crate) const SIGN_OUT: &str = "/sign-out";

pub(crate) const PASSWORD_FORGOTTEN: &str = "/password/forgotten";
pub(crate) const PASSWORD_CODE: &str = "/password/code";
/// POST only.
pub(crate) const PASSWORD_RESEND: &str = "/password/resend";
/// As [`SIGN_UP_LINK`].
pub(crate) const PASSWORD_LINK: &str = "/password/link";
pub(crate) const PASSWORD_NEW: &str = "/password/new";
/// GET only.
pub(crate) const PASSWORD_DONE: &str = "/password/done";

/// Where "this wasn't me" in a mail leads. GET never freezes anything: mail scanners open links too.
pub(crate) const SAFETY_LINK: &str = "/safety/link";
/// Where the mail that recovers a frozen account leads. GET consumes nothing.
pub(crate) const RECOVERY_LINK: &str = "/recovery/link";
/// What was added before an account was frozen.
pub(crate) const RECOVERY_REVIEW: &str = "/recovery/review";

pub(crate) const ACCOUNT: &str = "/account";
pub(crate) const ACCOUNT_EMAILS: &str = "/account/emails";
pub(crate) const ACCOUNT_EMAIL_VERIFY: &str = "/account/emails/verify";
/// As [`SIGN_UP_LINK`].
pub(crate) const ACCOUNT_EMAIL_LINK: &str = "/account/emails/link";
/// POST only: sends a code to the address `id` and leads to [`ACCOUNT_EMAIL_VERIFY`].
pub(crate) const ACCOUNT_EMAIL_SEND: &str = "/account/emails/send";
/// POST only.
pub(crate) const ACCOUNT_EMAIL_PRIMARY: &str = "/account/emails/primary";
/// POST only.
pub(crate) const ACCOUNT_EMAIL_REMOVE: &str = "/account/emails/remove";
/// The phone numbers, in the manner of [`ACCOUNT_EMAILS`].
pub(crate) const ACCOUNT_PHONES: &str = "/account/phone-numbers";
pub(crate) const ACCOUNT_PHONE_VERIFY: &str = "/account/phone-numbers/verify";
/// POST only: texts a code to the number `id` and leads to [`ACCOUNT_PHONE_VERIFY`].
pub(crate) const ACCOUNT_PHONE_SEND: &str = "/account/phone-numbers/send";
/// POST only.
pub(crate) const ACCOUNT_PHONE_PRIMARY: &str = "/account/phone-numbers/primary";
/// POST only.
pub(crate) const ACCOUNT_PHONE_REMOVE: &str = "/account/phone-numbers/remove";
pub(crate) const ACCOUNT_PASSWORD: &str = "/account/password";
/// The passkeys; POST adds one.
pub(crate) const ACCOUNT_PASSKEYS: &str = "/account/passkeys";
/// POST only, for the script.
pub(crate) const ACCOUNT_PASSKEY_OPTIONS: &str = "/account/passkeys/options";
/// The name of the passkey `id`.
pub(crate) const ACCOUNT_PASSKEY_RENAME: &str = "/account/passkeys/rename";
/// POST only: removes the passkey `id`.
pub(crate) const ACCOUNT_PASSKEY_REMOVE: &str = "/account/passkeys/remove";
/// GET only: the authenticator apps, the sent codes and what is left of the recovery codes.
pub(crate) const ACCOUNT_SECOND_FACTORS: &str = "/account/second-factors";
/// POST only: shows what to scan.
pub(crate) const ACCOUNT_SECOND_FACTOR_ADD: &str = "/account/second-factors/add";
/// POST only: the app's first code.
pub(crate) const ACCOUNT_SECOND_FACTOR_CONFIRM: &str = "/account/second-factors/confirm";
/// POST only: has codes sent to the address or number `id`.
pub(crate) const ACCOUNT_SECOND_FACTOR_MESSAGES: &str = "/account/second-factors/messages";
/// POST only: removes the app or the sent codes `id`.
pub(crate) const ACCOUNT_SECOND_FACTOR_REMOVE: &str = "/account/second-factors/remove";
/// POST only: makes new recovery codes and shows them.
pub(crate) const ACCOUNT_RECOVERY_CODES: &str = "/account/second-factors/recovery-codes";
/// The accounts at providers; POST takes `connection` and leads there to link one.
pub(crate) const ACCOUNT_CONNECTIONS: &str = "/account/connections";
/// POST only: unlinks the account `id`.
pub(crate) const ACCOUNT_CONNECTION_REMOVE: &str = "/account/connections/remove";
/// GET only.
pub(crate) const ACCOUNT_SESSIONS: &str = "/account/sessions";
/// POST only: ends the session `id`.
pub(crate) const ACCOUNT_SESSION_REVOKE: &str = "/account/sessions/revoke";
/// POST only.
pub(crate) const ACCOUNT_SESSIONS_REVOKE_OTHERS: &str = "/account/sessions/revoke-others";
/// POST only.
pub(crate) const ACCOUNT_SESSIONS_REVOKE_ALL: &str = "/account/sessions/revoke-all";
/// POST only: forgets the device `id`.
pub(crate) const ACCOUNT_DEVICE_FORGET: &str = "/account/sessions/forget-device";
/// GET only.
pub(crate) const ACCOUNT_ACTIVITY: &str = "/account/activity";
pub(crate) const ACCOUNT_DELETE: &str = "/account/delete";
pub(crate) const ACCOUNT_REAUTHENTICATE: &str = "/account/reauthenticate";
/// POST only, for the script.
pub(crate) const ACCOUNT_REAUTHENTICATE_PASSKEY_OPTIONS: &str =
    "/account/reauthenticate/passkey/options";
/// POST only: proves a second factor, `code` or `response` of `strategy`.
pub(crate) const ACCOUNT_REAUTHENTICATE_SECOND_FACTOR: &str =
    "/account/reauthenticate/second-factor";
/// POST only: sends the code of `strategy`.
pub(crate) const ACCOUNT_REAUTHENTICATE_SECOND_FACTOR_SEND: &str =
    "/account/reauthenticate/second-factor/send";
/// POST only: sends a code with which somebody without a password proves again who they are.
pub(crate) const ACCOUNT_REAUTHENTICATE_CODE: &str = "/account/reauthenticate/code";

/// GET only; a message is at `/dev/inbox/{id}`, its HTML alone at `/dev/inbox/{id}/html`.
pub(crate) const DEV_INBOX: &str = "/dev/inbox";
/// GET only: the same for programs, of one recipient with `to` in the query.
pub(crate) const DEV_INBOX_JSON: &str = "/dev/inbox.json";

/// Where the flow of a page begins.
pub(crate) fn start_of(path: &str) -> &'static str {
    if path.starts_with(SIGN_UP) {
        SIGN_UP
    } else if path.starts_with("/password/") {
        PASSWORD_FORGOTTEN
    } else if path.starts_with(ACCOUNT_EMAILS) {
        ACCOUNT_EMAILS
    } else if path.starts_with(ACCOUNT_PHONES) {
        ACCOUNT_PHONES
    } else if path.starts_with(ACCOUNT_REAUTHENTICATE) {
        ACCOUNT_REAUTHENTICATE
    } else {
        SIGN_IN
    }
}

/// The page of the account whose form was sent to `path`.
pub(crate) fn section_of(path: &str) -> &'static str {
    [
        ACCOUNT_EMAILS,
        ACCOUNT_PHONES,
        ACCOUNT_PASSWORD,
        ACCOUNT_PASSKEYS,
        ACCOUNT_SECOND_FACTORS,
        ACCOUNT_CONNECTIONS,
        ACCOUNT_SESSIONS,
        ACCOUNT_ACTIVITY,
        ACCOUNT_DELETE,
    ]
    .into_iter()
    .find(|section| path.starts_with(section))
    .unwrap_or(ACCOUNT)
}
