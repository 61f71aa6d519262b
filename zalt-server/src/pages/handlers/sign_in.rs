//! Signing in: the identifier, then a password, a code or a link; and signing out.

use zalt_core::Error;
use zalt_core::attempt::{
    Attempt, AttemptState, ChallengePurpose, ChallengeStrategy, Proof, SignIn, SignInProgress,
    SignInStatus,
};
use zalt_core::password::Password;
use zalt_core::secret::{AttemptToken, LinkToken};
use zalt_core::session::Transport;
use zalt_http::AuthRejectionReason;
use zalt_http::cookie::CookieKind;

use super::connection;
use super::mailed::{Linked, Mailed, follow_here, open_here};
use super::second_factor;
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{LinkState, Page, Purpose, SentBy, SignInPasswordView, SignInView};
use crate::pages::visit::{Visit, go};

const FIELDS: FieldNames = &[("identifier", "identifier")];
const PASSWORD_FIELDS: FieldNames = &[("password", "password")];

/// Signing in by a code or link.
pub(super) struct SignInByMail;

pub(super) async fn show(visit: Visit) -> Outcome {
    if visit.is_signed_in().await {
        return Ok(go(&visit.destination()));
    }
    visit.show(&form(&visit, visit.page(), "").await)
}

pub(super) async fn begin(mut posted: Posted) -> Outcome {
    let [identifier] = posted.fields(["identifier"])?;
    let visit = &posted.visit;
    let sign_ins = visit.zalt().sign_ins();
    match sign_ins
        .create(visit.context(), &identifier, Transport::Cookie)
        .await
    {
        Ok(started) => visit.go_on_with(
            &visit.path(paths::SIGN_IN_PASSWORD),
            CookieKind::SignIn,
            &started.token,
            &started.attempt,
        ),
        Err(error) => refuse(visit, error, &identifier).await,
    }
}

pub(super) async fn show_password(visit: Visit) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    let view = choices(&visit, visit.page(), sign_in(&attempt)?);
    visit.show(&view)
}

pub(super) async fn by_password(mut posted: Posted) -> Outcome {
    // The identifier is there for password managers; the attempt decides.
    let [password, _] = posted.fields(["password", "identifier"])?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    let result = match Password::parse(&password) {
        Ok(password) => {
            let sign_ins = visit.zalt().sign_ins();
            sign_ins
                .attempt_password(visit.context(), &token, password)
                .await
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(progress) => go_on(visit, progress).await,
        Err(error) => refuse_choice(visit, &attempt, error),
    }
}

pub(super) async fn choose(mut posted: Posted) -> Outcome {
    let [strategy] = posted.fields(["strategy"])?;
    let visit = &posted.visit;
    let (strategy, path) = match strategy.as_str() {
        "email_code" => (ChallengeStrategy::EmailCode, paths::SIGN_IN_CODE),
        "sms_code" => (ChallengeStrategy::SmsCode, paths::SIGN_IN_CODE),
        "email_link" => (ChallengeStrategy::EmailLink, paths::SIGN_IN_LINK_SENT),
        _ => return Err(Fault::BadRequest),
    };
    let (token, attempt) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    let purpose = ChallengePurpose::SignIn;
    match sign_ins
        .prepare(visit.context(), &token, purpose, strategy)
        .await
    {
        Ok(_) => Ok(go(&visit.path(path))),
        Err(error) => refuse_choice(visit, &attempt, error),
    }
}

impl Linked for SignInByMail {
    const PURPOSE: Purpose = Purpose::SignIn;

    async fn open(visit: &Visit, link: &LinkToken, text: String) -> Result<LinkState, Fault> {
        open_here::<Self>(visit, link, text).await
    }

    async fn follow(visit: &Visit, link: LinkToken) -> Result<Option<Outcome>, Error> {
        follow_here::<Self>(visit, link).await
    }
}

impl Mailed for SignInByMail {
    async fn current(visit: &Visit) -> Result<(AttemptToken, Attempt), Fault> {
        current(visit).await
    }

    fn to(attempt: &Attempt) -> Result<String, Fault> {
        Ok(sign_in(attempt)?.identifier_text().to_owned())
    }

    fn sent_by(attempt: &Attempt) -> Result<SentBy, Fault> {
        let challenge = sign_in(attempt)?.challenge.as_ref();
        Ok(match challenge.map(|challenge| challenge.strategy) {
            Some(ChallengeStrategy::SmsCode) => SentBy::Text,
            _ => SentBy::Mail,
        })
    }

    async fn prove(visit: &Visit, token: &AttemptToken, proof: Proof) -> Result<Outcome, Error> {
        prove(visit, token, &proof).await
    }

    async fn send_again(
        visit: &Visit,
        token: &AttemptToken,
        attempt: &Attempt,
    ) -> Result<&'static str, Error> {
        let challenge = sign_in(attempt)?.challenge.as_ref();
        let strategy = challenge.map_or_else(Default::default, |challenge| challenge.strategy);
        let sign_ins = visit.zalt().sign_ins();
        let purpose = ChallengePurpose::SignIn;
        sign_ins
            .prepare(visit.context(), token, purpose, strategy)
            .await?;
        Ok(match strategy {
            ChallengeStrategy::EmailLink => paths::SIGN_IN_LINK_SENT,
            _ => paths::SIGN_IN_CODE,
        })
    }
}

/// Shows the core what came with a mail and leads on.
pub(super) async fn prove(
    visit: &Visit,
    token: &AttemptToken,
    proof: &Proof,
) -> Result<Outcome, Error> {
    let sign_ins = visit.zalt().sign_ins();
    let progress = sign_ins
        .attempt_proof(visit.context(), token, proof)
        .await?;
    Ok(go_on(visit, progress).await)
}

pub(super) async fn sign_out(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    match visit.auth().authenticated_even_limited().await {
        Ok(authenticated) => {
            let sessions = visit.zalt().sessions();
            sessions
                .sign_out(visit.context(), authenticated.session())
                .await?;
        }
        // Whoever holds a cookie that leads nowhere wants to be rid of it.
        Err(rejection)
            if matches!(
                rejection.reason(),
                AuthRejectionReason::Missing
                    | AuthRejectionReason::Invalid
                    | AuthRejectionReason::SessionOver
            ) => {}
        Err(rejection) => return Err(rejection.into()),
    }
    let mut response = visit.go_with(paths::SIGN_IN, Flash::SignedOut);
    visit.forget_session(&mut response);
    Ok(response)
}

/// Leads on from a proof that was right.
pub(super) async fn go_on(visit: &Visit, progress: SignInProgress) -> Outcome {
    match progress {
        SignInProgress::Complete(signed_in) => {
            visit.sign_in(signed_in, CookieKind::SignIn, None).await
        }
        SignInProgress::NeedsSecondFactor(_) => {
            Ok(second_factor::lead_on(visit, paths::SIGN_IN_SECOND_FACTOR))
        }
        SignInProgress::NeedsMfaEnrollment(_) => {
            Ok(second_factor::lead_on(visit, paths::SIGN_IN_SET_UP))
        }
        SignInProgress::NeedsNewPassword(_) => Ok(go(paths::PASSWORD_NEW)),
    }
}

/// The sign-in under way in this browser.
pub(super) async fn current(visit: &Visit) -> Result<(AttemptToken, Attempt), Fault> {
    let token = visit.attempt_token(CookieKind::SignIn)?;
    let attempt = visit.zalt().sign_ins().find(&token).await?;
    if sign_in(&attempt)?.status == SignInStatus::Complete {
        return Err(Error::AttemptStep.into());
    }
    Ok((token, attempt))
}

pub(super) fn sign_in(attempt: &Attempt) -> Result<&SignIn, Error> {
    match &attempt.state {
        AttemptState::SignIn(state) => Ok(state),
        _ => Err(Error::AttemptNotFound),
    }
}

async fn form(visit: &Visit, page: Page, identifier: &str) -> SignInView {
    SignInView {
        page,
        identifier: identifier.to_owned(),
        passkey: visit.zalt().config().first_factors.passkey,
        connections: connection::offered(visit).await,
    }
}

/// Shows the first page again and says why.
pub(super) async fn refuse(visit: &Visit, error: Error, identifier: &str) -> Outcome {
    let mut page = visit.page();
    let status = messages::refuse(&mut page, error, FIELDS)?;
    visit.show_as(status, &form(visit, page, identifier).await)
}

fn choices(visit: &Visit, page: Page, state: &SignIn) -> SignInPasswordView {
    SignInPasswordView {
        page,
        identifier: state.identifier_text().to_owned(),
        strategies: visit.pages.sign_in_strategies(),
    }
}

pub(super) fn refuse_choice(visit: &Visit, attempt: &Attempt, error: Error) -> Outcome {
    let mut page = visit.page();
    let status = messages::refuse(&mut page, error, PASSWORD_FIELDS)?;
    visit.show_as(status, &choices(visit, page, sign_in(attempt)?))
}
