//! The second factor of a sign-in: passing it, or setting it up where everybody needs one.

use axum::extract::Query;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use zalt_core::Error;
use zalt_core::attempt::{SecondFactorProof, SignInStatus};
use zalt_core::credential::{NewRecoveryCodes, TotpEnrollment};
use zalt_core::id::CredentialId;
use zalt_http::cookie::CookieKind;

use super::mailed::CODE_FIELDS;
use super::sign_in::{current, go_on, sign_in};
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{Page, RecoveryCodesView, Scan, SecondFactorView, SetUpView, TotpView};
use crate::pages::visit::{Visit, go};

/// Which of the two ways is wanted.
#[derive(Default, Deserialize)]
pub(super) struct UseQuery {
    #[serde(default, rename = "use")]
    strategy: String,
}

impl UseQuery {
    pub(super) fn by_recovery_code(&self) -> bool {
        self.strategy == "recovery_code"
    }
}

pub(super) async fn show(visit: Visit, Query(query): Query<UseQuery>) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    require(sign_in(&attempt)?.status, SignInStatus::NeedsSecondFactor)?;
    let view = form(&visit, visit.page(), query.by_recovery_code());
    visit.show(&view)
}

pub(super) async fn pass(mut posted: Posted) -> Outcome {
    let [strategy, code] = posted.fields(["strategy", "code"])?;
    let proof = proof(&strategy, &code)?;
    let visit = &posted.visit;
    let (token, _) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    match sign_ins
        .attempt_second_factor(visit.context(), &token, &proof)
        .await
    {
        Ok(progress) => go_on(visit, progress).await,
        Err(error) => {
            let mut page = visit.page();
            let status = refuse(&mut page, error)?;
            let by_recovery_code = matches!(proof, SecondFactorProof::RecoveryCode(_));
            visit.show_as(status, &form(visit, page, by_recovery_code))
        }
    }
}

pub(super) async fn show_set_up(visit: Visit) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    require(sign_in(&attempt)?.status, SignInStatus::NeedsMfaEnrollment)?;
    let page = visit.page();
    visit.show(&SetUpView { page })
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
            visit.show_as(status, &SetUpView { page })
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
        Ok((signed_in, codes)) => {
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
        Err(Error::NotFound) => {
            Ok(visit.go_with(&visit.path(paths::SIGN_IN_SET_UP), Flash::SecondFactorGone))
        }
        Err(error) => SET_UP.refuse(visit, visit.page(), id, error),
    }
}

/// What was typed, as a proof.
pub(super) fn proof(strategy: &str, code: &str) -> Result<SecondFactorProof, Fault> {
    match strategy {
        "totp" => Ok(SecondFactorProof::Totp(code.to_owned())),
        "recovery_code" => Ok(SecondFactorProof::RecoveryCode(code.to_owned())),
        _ => Err(Fault::BadRequest),
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

fn form(visit: &Visit, page: Page, by_recovery_code: bool) -> SecondFactorView {
    let path = visit.path(paths::SIGN_IN_SECOND_FACTOR);
    SecondFactorView {
        page,
        action: paths::SIGN_IN_SECOND_FACTOR,
        other: other(&path, by_recovery_code),
        by_recovery_code,
    }
}

/// The same page for the other kind of code.
pub(super) fn other(path: &str, by_recovery_code: bool) -> String {
    if by_recovery_code {
        return path.to_owned();
    }
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}use=recovery_code")
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
