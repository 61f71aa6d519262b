//! The second factor of a sign-in: passing it, or setting it up where everybody needs one.

use axum::Json;
use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use zalt_core::Error;
use zalt_core::attempt::{Attempt, SecondFactorProof, SignInStatus};
use zalt_core::config::SecondFactor;
use zalt_core::credential::{NewRecoveryCodes, TotpEnrollment};
use zalt_core::id::CredentialId;
use zalt_core::session::SignedIn;
use zalt_core::user::Account;
use zalt_http::cookie::CookieKind;

use super::mailed::CODE_FIELDS;
use super::passkey;
use super::sign_in::{current, go_on, sign_in};
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{
    Page, RecoveryCodesView, Scan, SecondFactorView, SecondStep, SetUpView, TotpView,
};
use crate::pages::visit::{Visit, go};

/// Which way is wanted.
#[derive(Default, Deserialize)]
pub(super) struct UseQuery {
    #[serde(default, rename = "use")]
    strategy: String,
}

impl UseQuery {
    pub(super) fn step(&self) -> Option<SecondStep> {
        SecondStep::parse(&self.strategy)
    }
}

pub(super) async fn show(visit: Visit, Query(query): Query<UseQuery>) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    require(sign_in(&attempt)?.status, SignInStatus::NeedsSecondFactor)?;
    let steps = steps_of(&visit, &attempt).await?;
    let view = ON_THE_WAY_IN.view(&visit, visit.page(), &steps, query.step());
    visit.show(&view)
}

pub(super) async fn pass(mut posted: Posted) -> Outcome {
    let [strategy, code, response] = posted.fields(["strategy", "code", "response"])?;
    let step = SecondStep::parse(&strategy).ok_or(Fault::BadRequest)?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    let result = match proof(step, &code, &response) {
        Ok(proof) => {
            sign_ins
                .attempt_second_factor(visit.context(), &token, &proof)
                .await
        }
        Err(error) => {
            let ask = sign_ins.prepare_passkey(visit.context(), &token);
            Err(passkey::why(error, ask).await)
        }
    };
    match result {
        Ok(progress) => go_on(visit, progress).await,
        Err(error) => {
            let mut page = visit.page();
            let status = refuse(&mut page, error)?;
            let steps = steps_of(visit, &attempt).await?;
            let view = ON_THE_WAY_IN.view(visit, page, &steps, Some(step));
            visit.show_as(status, &view)
        }
    }
}

pub(super) async fn show_set_up(visit: Visit) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    require(sign_in(&attempt)?.status, SignInStatus::NeedsMfaEnrollment)?;
    visit.show(&set_up_page(&visit, visit.page()))
}

pub(super) async fn set_up(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let (token, _) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    match sign_ins.begin_totp(visit.context(), &token).await {
        Ok(enrollment) => visit.show(&SET_UP.scan(visit.page(), &enrollment)?),
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, &[])?;
            visit.show_as(status, &set_up_page(visit, page))
        }
    }
}

/// What a passkey is asked for with.
pub(super) async fn passkey_options(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let (token, _) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    let options = sign_ins.begin_passkey(visit.context(), &token).await?;
    Ok(Json(options).into_response())
}

pub(super) async fn set_up_passkey(mut posted: Posted) -> Outcome {
    let [response] = posted.fields(["response"])?;
    let visit = &posted.visit;
    let (token, _) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    let result = match passkey::answer(&response) {
        Ok(answer) => {
            sign_ins
                .confirm_passkey(visit.context(), &token, &answer, None)
                .await
        }
        Err(error) => {
            let ask = sign_ins.begin_passkey(visit.context(), &token);
            Err(passkey::why(error, ask).await)
        }
    };
    match result {
        Ok((signed_in, codes)) => enrolled(visit, signed_in, codes).await,
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, &[])?;
            visit.show_as(status, &set_up_page(visit, page))
        }
    }
}

pub(super) async fn confirm(mut posted: Posted) -> Outcome {
    let [id, code] = posted.fields(["id", "code"])?;
    let id = id.parse().map_err(|_| Fault::BadRequest)?;
    let visit = &posted.visit;
    let (token, _) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    match sign_ins
        .confirm_totp(visit.context(), &token, id, &code)
        .await
    {
        Ok((signed_in, codes)) => enrolled(visit, signed_in, codes).await,
        Err(Error::NotFound) => {
            Ok(visit.go_with(&visit.path(paths::SIGN_IN_SET_UP), Flash::SecondFactorGone))
        }
        Err(error) => SET_UP.refuse(visit, visit.page(), id, error),
    }
}

/// Signs in whoever has set up a second factor on the way in.
async fn enrolled(visit: &Visit, signed_in: SignedIn, codes: Option<NewRecoveryCodes>) -> Outcome {
    let destination = visit.destination();
    let response = visit.sign_in(signed_in, CookieKind::SignIn, None).await?;
    match codes {
        Some(codes) => {
            let page = recovery_codes(visit, &codes, destination)?;
            // The session's cookie has to come with the page.
            Ok(with_cookies_of(&response, page))
        }
        None => Ok(response),
    }
}

fn set_up_page(visit: &Visit, page: Page) -> SetUpView {
    let methods = visit.zalt().config().second_factors.methods;
    SetUpView {
        page,
        passkey: methods.passkey,
        totp: methods.totp,
    }
}

/// What was shown, as a proof.
///
/// # Errors
/// [`Error::PasskeyRefused`] for an answer that is none.
pub(super) fn proof(
    step: SecondStep,
    code: &str,
    response: &str,
) -> Result<SecondFactorProof, Error> {
    Ok(match step {
        SecondStep::Passkey => SecondFactorProof::Passkey(Box::new(passkey::answer(response)?)),
        SecondStep::Totp => SecondFactorProof::Totp(code.to_owned()),
        SecondStep::RecoveryCode => SecondFactorProof::RecoveryCode(code.to_owned()),
    })
}

/// The ways that an account has, the strongest first. The passkey that was the first factor can't be the second too.
pub(super) fn steps(
    visit: &Visit,
    account: &Account,
    first: Option<CredentialId>,
) -> Vec<SecondStep> {
    let mut steps: Vec<_> = [
        (SecondFactor::Passkey, SecondStep::Passkey),
        (SecondFactor::Totp, SecondStep::Totp),
    ]
    .into_iter()
    .filter(|(wanted, _)| {
        let mut factors = visit.zalt().second_factors(account);
        factors.any(|(kind, credential)| kind == *wanted && Some(credential.id) != first)
    })
    .map(|(_, step)| step)
    .collect();
    if account
        .recovery_codes()
        .is_some_and(|(_, codes)| codes.left() > 0)
    {
        steps.push(SecondStep::RecoveryCode);
    }
    steps
}

/// The same for a sign-in whose first factor was passed.
async fn steps_of(visit: &Visit, attempt: &Attempt) -> Result<Vec<SecondStep>, Fault> {
    let state = sign_in(attempt)?;
    let user_id = state.user_id.ok_or(Error::AttemptStep)?;
    let account = visit.zalt().users().find_account(user_id).await?;
    let first = state.first_factor.as_ref().and_then(|first| first.passkey);
    Ok(steps(visit, &account, first))
}

/// A page that asks for a second factor.
pub(super) struct SecondFactorPage {
    /// Its own address.
    pub(super) path: &'static str,
    /// The form's address.
    pub(super) action: &'static str,
    /// Where the script asks for what a passkey is to sign.
    pub(super) options: &'static str,
}

const ON_THE_WAY_IN: SecondFactorPage = SecondFactorPage {
    path: paths::SIGN_IN_SECOND_FACTOR,
    action: paths::SIGN_IN_SECOND_FACTOR,
    options: paths::SIGN_IN_PASSKEY_OPTIONS,
};

impl SecondFactorPage {
    /// The page for the wanted way, or else for the strongest.
    pub(super) fn view(
        &self,
        visit: &Visit,
        page: Page,
        steps: &[SecondStep],
        wanted: Option<SecondStep>,
    ) -> SecondFactorView {
        let step = wanted
            .filter(|wanted| steps.contains(wanted))
            .or_else(|| steps.first().copied())
            .unwrap_or(SecondStep::Totp);
        let path = visit.path(self.path);
        let separator = if path.contains('?') { '&' } else { '?' };
        let others = steps.iter().filter(|other| **other != step);
        SecondFactorView {
            page,
            action: self.action,
            options: self.options,
            step,
            others: others
                .map(|other| (*other, format!("{path}{separator}use={}", other.strategy())))
                .collect(),
        }
    }
}

/// Says beside the field why a code was not taken.
pub(super) fn refuse(page: &mut Page, error: Error) -> Result<StatusCode, Fault> {
    if matches!(error, Error::CodeIncorrect) {
        let text = "That code is not right, or was used already.";
        page.errors.add("code", text);
        return Ok(StatusCode::UNPROCESSABLE_ENTITY);
    }
    messages::refuse(page, error, CODE_FIELDS)
}

/// The page on which an app is set up.
pub(super) struct TotpPage {
    /// The form's address.
    pub(super) action: &'static str,
    /// Where to go to leave it.
    pub(super) back: &'static str,
}

const SET_UP: TotpPage = TotpPage {
    action: paths::SIGN_IN_SET_UP_CONFIRM,
    back: paths::SIGN_IN_SET_UP,
};

impl TotpPage {
    /// With what to scan.
    pub(super) fn scan(&self, page: Page, enrollment: &TotpEnrollment) -> Result<TotpView, Fault> {
        let secret = enrollment.secret.base32();
        let groups: Vec<&str> = (0..secret.len())
            .step_by(4)
            .filter_map(|start| secret.get(start..(start + 4).min(secret.len())))
            .collect();
        let scan = Scan {
            qr_code: enrollment.qr_code_svg()?,
            secret: groups.join(" "),
        };
        Ok(self.view(page, enrollment.credential.id, Some(scan)))
    }

    /// Asks for the app's code again.
    pub(super) fn refuse(
        &self,
        visit: &Visit,
        mut page: Page,
        id: CredentialId,
        error: Error,
    ) -> Outcome {
        let status = refuse(&mut page, error)?;
        visit.show_as(status, &self.view(page, id, None))
    }

    fn view(&self, page: Page, id: CredentialId, scan: Option<Scan>) -> TotpView {
        TotpView {
            page,
            action: self.action,
            credential_id: id.to_string(),
            scan,
            back: self.back,
        }
    }
}

/// The page with recovery codes, which nobody sees again.
pub(super) fn recovery_codes(visit: &Visit, codes: &NewRecoveryCodes, next: String) -> Outcome {
    let view = RecoveryCodesView {
        page: visit.page(),
        codes: codes.codes.iter().map(|code| (**code).clone()).collect(),
        next,
    };
    visit.show(&view)
}

/// The page with the cookies of another reply.
fn with_cookies_of(from: &Response, mut page: Response) -> Response {
    for cookie in from.headers().get_all(http::header::SET_COOKIE) {
        page.headers_mut()
            .append(http::header::SET_COOKIE, cookie.clone());
    }
    page
}

fn require(status: SignInStatus, wanted: SignInStatus) -> Result<(), Fault> {
    if status == wanted {
        Ok(())
    } else {
        Err(Error::AttemptStep.into())
    }
}

/// Leads to where the second step is taken.
pub(super) fn lead_on(visit: &Visit, path: &'static str) -> Response {
    go(&visit.path(path))
}
