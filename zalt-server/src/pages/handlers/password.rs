//! A forgotten password: a code or link, then a new one.

use zalt_core::Error;
use zalt_core::attempt::{
    Attempt, ChallengePurpose, ChallengeStrategy, Proof, SignInStatus, StartedSignIn,
};
use zalt_core::password::Password;
use zalt_core::secret::{AttemptToken, LinkToken};
use zalt_core::session::Transport;
use zalt_http::cookie::CookieKind;

use super::mailed::{Linked, Mailed};
use super::sign_in::{current, prove, sign_in};
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{
    ForgottenPasswordView, LinkState, NewPasswordView, Page, PasswordDoneView, Purpose,
};
use crate::pages::visit::{Visit, go};

const FIELDS: FieldNames = &[("identifier", "identifier")];
const NEW_FIELDS: FieldNames = &[("password", "new_password")];

/// A reset of the password by a code or link.
pub(super) struct ResetByMail;

pub(super) async fn show(visit: Visit) -> Outcome {
    // Whoever comes from a sign-in has typed it already.
    let identifier = match current(&visit).await {
        Ok((_, attempt)) => sign_in(&attempt)?.identifier_text().to_owned(),
        Err(_) => String::new(),
    };
    let view = ForgottenPasswordView {
        page: visit.page(),
        identifier,
    };
    visit.show(&view)
}

pub(super) async fn begin(mut posted: Posted) -> Outcome {
    let [identifier] = posted.fields(["identifier"])?;
    let visit = &posted.visit;
    match start(visit, &identifier).await {
        Ok(started) => visit.go_on_with(
            &visit.path(paths::PASSWORD_CODE),
            CookieKind::SignIn,
            &started.token,
            &started.attempt,
        ),
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, FIELDS)?;
            let view = ForgottenPasswordView {
                page,
                identifier: identifier.to_string(),
            };
            visit.show_as(status, &view)
        }
    }
}

impl Linked for ResetByMail {
    const PURPOSE: Purpose = Purpose::PasswordReset;

    async fn open(_: &Visit, _: &LinkToken, text: String) -> Result<LinkState, Fault> {
        Ok(LinkState::Confirm {
            token: text,
            email: None,
        })
    }

    /// Takes up the reset in this browser, wherever it was asked for.
    async fn follow(visit: &Visit, link: LinkToken) -> Result<Option<Outcome>, Error> {
        let sign_ins = visit.zalt().sign_ins();
        let started = sign_ins
            .claim_reset_link(visit.context(), link, Transport::Cookie)
            .await?;
        Ok(Some(visit.go_on_with(
            paths::PASSWORD_NEW,
            CookieKind::SignIn,
            &started.token,
            &started.attempt,
        )))
    }
}

impl Mailed for ResetByMail {
    async fn current(visit: &Visit) -> Result<(AttemptToken, Attempt), Fault> {
        current(visit).await
    }

    fn to(attempt: &Attempt) -> Result<String, Fault> {
        Ok(sign_in(attempt)?.identifier_text().to_owned())
    }

    async fn prove(visit: &Visit, token: &AttemptToken, proof: Proof) -> Result<Outcome, Error> {
        prove(visit, token, &proof).await
    }

    async fn send_again(
        visit: &Visit,
        token: &AttemptToken,
        _: &Attempt,
    ) -> Result<&'static str, Error> {
        send(visit, token).await?;
        Ok(paths::PASSWORD_CODE)
    }
}

pub(super) async fn show_new(visit: Visit) -> Outcome {
    let (_, attempt) = proved(&visit).await?;
    let view = new_password(&visit, visit.page(), &attempt, true)?;
    visit.show(&view)
}

pub(super) async fn set(mut posted: Posted) -> Outcome {
    let [password, sign_out_others, _] =
        posted.fields(["new_password", "sign_out_others", "identifier"])?;
    let visit = &posted.visit;
    let everywhere = *sign_out_others == "true";
    let (token, attempt) = proved(visit).await?;
    let result = match Password::parse(&password) {
        Ok(password) => {
            let sign_ins = visit.zalt().sign_ins();
            sign_ins
                .reset_password(visit.context(), &token, password, everywhere)
                .await
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(attempt) if sign_in(&attempt)?.status == SignInStatus::NeedsReview => {
            Ok(go(paths::RECOVERY_REVIEW))
        }
        Ok(_) => {
            let flash = if everywhere {
                Flash::PasswordResetEverywhere
            } else {
                Flash::PasswordReset
            };
            // The attempt stays: on it the owner has tries of the new password that strangers can't use up.
            Ok(visit.go_with(paths::PASSWORD_DONE, flash))
        }
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, NEW_FIELDS)?;
            visit.show_as(status, &new_password(visit, page, &attempt, everywhere)?)
        }
    }
}

pub(super) async fn show_done(visit: Visit) -> Outcome {
    let mut page = visit.page();
    // The page says it in its own words.
    page.alert = None;
    let sign_in = match current(&visit).await {
        Ok(_) => paths::SIGN_IN_PASSWORD,
        Err(_) => paths::SIGN_IN,
    };
    let view = PasswordDoneView {
        page,
        sign_in,
        signed_out_others: visit.flash() == Some(Flash::PasswordResetEverywhere),
    };
    visit.show(&view)
}

async fn start(visit: &Visit, identifier: &str) -> Result<StartedSignIn, Error> {
    let sign_ins = visit.zalt().sign_ins();
    let started = sign_ins
        .create(visit.context(), identifier, Transport::Cookie)
        .await?;
    send(visit, &started.token).await?;
    Ok(started)
}

/// Sends a message that holds both: the code for this browser, and the link for any.
async fn send(visit: &Visit, token: &AttemptToken) -> Result<Attempt, Error> {
    let (purpose, strategy) = (
        ChallengePurpose::ResetPassword,
        ChallengeStrategy::EmailLink,
    );
    let sign_ins = visit.zalt().sign_ins();
    sign_ins
        .prepare(visit.context(), token, purpose, strategy)
        .await
}

/// The reset of this browser, once the code or link was right.
async fn proved(visit: &Visit) -> Result<(AttemptToken, Attempt), Fault> {
    let (token, attempt) = current(visit).await?;
    if sign_in(&attempt)?.status == SignInStatus::NeedsNewPassword {
        Ok((token, attempt))
    } else {
        Err(Error::AttemptStep.into())
    }
}

fn new_password(
    visit: &Visit,
    page: Page,
    attempt: &Attempt,
    sign_out_others: bool,
) -> Result<NewPasswordView, Fault> {
    Ok(NewPasswordView {
        page,
        identifier: sign_in(attempt)?.identifier_text().to_owned(),
        min_password_length: visit.pages.min_password_length(),
        sign_out_others,
    })
}
