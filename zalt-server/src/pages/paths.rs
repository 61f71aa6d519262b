//! The addresses of the hosted pages.
//!
//! Unless noted, GET shows the page and POST takes its form.

pub(crate) const HOME: &str = "/";

pub(crate) const SIGN_UP: &str = "/sign-up";
/// The code that proves the new address.
pub(crate) const SIGN_UP_VERIFY: &str = "/sign-up/verify";
/// GET only: the page that waits while the person opens the link in the message.
pub(crate) const SIGN_UP_LINK: &str = "/sign-up/link";
/// POST only.
pub(crate) const SIGN_UP_RESEND: &str = "/sign-up/resend";

pub(crate) const SIGN_IN: &str = "/sign-in";
pub(crate) const SIGN_IN_PASSWORD: &str = "/sign-in/password";
/// POST only: takes `strategy`, `email_code` or `email_link`, and sends the message.
pub(crate) const SIGN_IN_STRATEGY: &str = "/sign-in/strategy";
pub(crate) const SIGN_IN_CODE: &str = "/sign-in/code";
/// GET only.
pub(crate) const SIGN_IN_LINK: &str = "/sign-in/link";
/// POST only.
pub(crate) const SIGN_IN_RESEND: &str = "/sign-in/resend";
/// POST only.
pub(crate) const SIGN_OUT: &str = "/sign-out";

/// Where links in messages lead. GET never consumes: mail scanners open links too.
pub(crate) const LINK: &str = "/link";

pub(crate) const PASSWORD_FORGOTTEN: &str = "/password/forgotten";
pub(crate) const PASSWORD_CODE: &str = "/password/code";
/// POST only.
pub(crate) const PASSWORD_RESEND: &str = "/password/resend";
pub(crate) const PASSWORD_NEW: &str = "/password/new";
/// GET only.
pub(crate) const PASSWORD_DONE: &str = "/password/done";

pub(crate) const ACCOUNT: &str = "/account";
pub(crate) const ACCOUNT_EMAILS: &str = "/account/emails";
pub(crate) const ACCOUNT_EMAIL_VERIFY: &str = "/account/emails/verify";
/// POST only: sends a code to the address `id` and leads to [`ACCOUNT_EMAIL_VERIFY`].
pub(crate) const ACCOUNT_EMAIL_SEND: &str = "/account/emails/send";
/// POST only.
pub(crate) const ACCOUNT_EMAIL_PRIMARY: &str = "/account/emails/primary";
/// POST only.
pub(crate) const ACCOUNT_EMAIL_REMOVE: &str = "/account/emails/remove";
pub(crate) const ACCOUNT_PASSWORD: &str = "/account/password";
/// GET only.
pub(crate) const ACCOUNT_SESSIONS: &str = "/account/sessions";
/// POST only: ends the session `id`.
pub(crate) const ACCOUNT_SESSION_REVOKE: &str = "/account/sessions/revoke";
/// POST only.
pub(crate) const ACCOUNT_SESSIONS_REVOKE_OTHERS: &str = "/account/sessions/revoke-others";
/// POST only.
pub(crate) const ACCOUNT_SESSIONS_REVOKE_ALL: &str = "/account/sessions/revoke-all";
/// GET only.
pub(crate) const ACCOUNT_ACTIVITY: &str = "/account/activity";
pub(crate) const ACCOUNT_DELETE: &str = "/account/delete";
pub(crate) const ACCOUNT_REAUTHENTICATE: &str = "/account/reauthenticate";

/// GET only; a message is at `/dev/inbox/{id}`, its HTML alone at `/dev/inbox/{id}/html`.
pub(crate) const DEV_INBOX: &str = "/dev/inbox";
