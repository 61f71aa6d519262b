//! Setting up a second factor: on the way in where everybody needs one, and what the account page shares with that.

use axum::Json;
use axum::response::{IntoResponse, Response};
use zalt_core::Error;
use zalt_core::attempt::SignInStatus;
use zalt_core::credential::{NewRecoveryCodes, TotpEnrollment};
use zalt_core::id::CredentialId;
use zalt_core::session::SignedIn;
use zalt_http::cookie::CookieKind;

use super::passkey;
use super::second_factor::{refuse, require};
use super::sign_in::{current, sign_in};
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{Page, RecoveryCodesView, Scan, SecondStep, SetUpView, TotpView};
use crate::pages::visit::Visit;

pub(super) async fn show(visit: Visit) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    require(sign_in(&attempt)?.status, SignInStatus::NeedsMfaEnrollment)?;
    visit.show(&set_up_page(&visit, visit.page()))
}

pub(super) async fn begin_app(mut posted: Posted) -> Outcome {
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

pub(super) async fn confirm_passkey(mut posted: Posted) -> Outcome {
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

pub(super) async fn confirm_app(mut posted: Posted) -> Outcome {
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
        let status = refuse(&mut page, SecondStep::Totp, error)?;
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
