//! Signing up: the form, then the code or link.

use http::StatusCode;
use zalt_core::Error;
use zalt_core::attempt::{
    Attempt, AttemptState, ChallengeStrategy, NewSignUp, PendingSignIn, Proof, SignInProgress,
    SignUp,
};
use zalt_core::identifier::EmailAddress;
use zalt_core::password::Password;
use zalt_core::secret::{AttemptToken, LinkToken};
use zalt_core::session::Transport;
use zalt_core::user::{Metadata, Name, Profile};
use zalt_http::cookie::CookieKind;

use super::connection;
use super::mailed::{Linked, Mailed, follow_here, open_here};
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::state::Pages;
use crate::pages::views::{LinkState, Page, Purpose, SignUpView};
use crate::pages::visit::{Visit, go};

const FIELDS: FieldNames = &[("email_address", "email"), ("password", "password")];

/// Verifying the address of a new account by a code or link.
pub(super) struct SignUpByMail;

pub(super) async fn show(visit: Visit) -> Outcome {
    if visit.is_signed_in().await {
        return Ok(go(&visit.destination()));
    }
    if !visit.zalt().config().sign_up.open {
        return Err(Error::SignUpClosed.into());
    }
    let view = form(&visit, visit.page(), ["", "", ""]).await;
    visit.show(&view)
}

pub(super) async fn begin(mut posted: Posted) -> Outcome {
    let [email, password, first_name, last_name, strategy] =
        posted.fields(["email", "password", "first_name", "last_name", "strategy"])?;
    let visit = &posted.visit;
    let mut page = visit.page();
    let mut refused = None;
    let mut note = |page: &mut Page, error: Error, fields| {
        messages::refuse(page, error, fields).map(|status| refused = Some(status))
    };
    let mut name = |page: &mut Page, text: &str, field: FieldNames| {
        if text.trim().is_empty() {
            return Ok(None);
        }
        match Name::parse(text) {
            Ok(name) => Ok(Some(name)),
            Err(error) => note(page, error.into(), field).map(|()| None),
        }
    };
    let first = name(&mut page, &first_name, &[("name", "first_name")])?;
    let last = name(&mut page, &last_name, &[("name", "last_name")])?;
    let address = match EmailAddress::parse(&email) {
        Ok(address) => Some(address),
        Err(error) => {
            note(&mut page, error.into(), FIELDS)?;
            None
        }
    };
    let chosen = match strategy.as_str() {
        "email_code" => Strategy::EmailCode,
        "email_link" => Strategy::EmailLink,
        _ => Strategy::Password,
    };
    let password = match chosen.password(&password) {
        Ok(password) => password,
        Err(error) => {
            note(&mut page, error, FIELDS)?;
            None
        }
    };
    let status = match (refused, address) {
        (None, Some(email_address)) => {
            let new = NewSignUp {
                email_address,
                password,
                username: None,
                profile: Profile {
                    first_name: first,
                    last_name: last,
                    image_url: None,
                },
                unsafe_metadata: Metadata::default(),
                strategy: chosen.challenge(),
                transport: Transport::Cookie,
            };
            match visit.zalt().sign_ups().create(visit.context(), new).await {
                Ok(started) => {
                    return visit.go_on_with(
                        &visit.path(chosen.next()),
                        CookieKind::SignUp,
                        &started.token,
                        &started.attempt,
                    );
                }
                Err(error) => messages::refuse(&mut page, error, FIELDS)?,
            }
        }
        (status, _) => status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY),
    };
    let view = form(visit, page, [&email, &first_name, &last_name]).await;
    visit.show_as(status, &view)
}

impl Linked for SignUpByMail {
    const PURPOSE: Purpose = Purpose::SignUp;

    async fn open(visit: &Visit, link: &LinkToken, text: String) -> Result<LinkState, Fault> {
        open_here::<Self>(visit, link, text).await
    }

    async fn follow(visit: &Visit, link: LinkToken) -> Result<Option<Outcome>, Error> {
        follow_here::<Self>(visit, link).await
    }
}

impl Mailed for SignUpByMail {
    async fn current(visit: &Visit) -> Result<(AttemptToken, Attempt), Fault> {
        let token = visit.attempt_token(CookieKind::SignUp)?;
        let attempt = visit.zalt().sign_ups().find(&token).await?;
        Ok((token, attempt))
    }

    fn to(attempt: &Attempt) -> Result<String, Fault> {
        Ok(sign_up(attempt)?.email_address.to_string())
    }

    async fn prove(visit: &Visit, token: &AttemptToken, proof: Proof) -> Result<Outcome, Error> {
        let sign_ups = visit.zalt().sign_ups();
        let progress = sign_ups
            .attempt_proof(visit.context(), token, &proof)
            .await?;
        Ok(arrive(visit, progress).await)
    }

    async fn send_again(
        visit: &Visit,
        token: &AttemptToken,
        attempt: &Attempt,
    ) -> Result<&'static str, Error> {
        let state = sign_up(attempt)?;
        let challenge = state.challenge.as_ref();
        let strategy = challenge.map_or_else(Default::default, |challenge| challenge.strategy);
        let sign_ups = visit.zalt().sign_ups();
        sign_ups.prepare(visit.context(), token, strategy).await?;
        // With a password the page shows the code's field, whatever else the message holds.
        Ok(match strategy {
            ChallengeStrategy::EmailLink if state.password.is_none() => paths::SIGN_UP_LINK_SENT,
            _ => paths::SIGN_UP_VERIFY,
        })
    }
}

/// How somebody signs up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Password,
    EmailCode,
    EmailLink,
}

impl Strategy {
    /// How the address is verified. With a password the message holds both, the code and the link.
    const fn challenge(self) -> ChallengeStrategy {
        match self {
            Self::EmailCode => ChallengeStrategy::EmailCode,
            Self::Password | Self::EmailLink => ChallengeStrategy::EmailLink,
        }
    }

    const fn next(self) -> &'static str {
        match self {
            Self::Password | Self::EmailCode => paths::SIGN_UP_VERIFY,
            Self::EmailLink => paths::SIGN_UP_LINK_SENT,
        }
    }

    fn password(self, typed: &str) -> Result<Option<Password>, Error> {
        match self {
            Self::Password if typed.is_empty() => Err(Error::PasswordRequired),
            Self::Password => Ok(Some(Password::parse(typed)?)),
            Self::EmailCode | Self::EmailLink => Ok(None),
        }
    }
}

/// Leads on from a sign-up that has made its user: into the account, or to the second factor that everybody needs.
async fn arrive(visit: &Visit, progress: SignInProgress) -> Outcome {
    let kind = CookieKind::SignUp;
    match progress {
        SignInProgress::NeedsMfaEnrollment(PendingSignIn {
            attempt,
            token: Some(token),
        }) => {
            let path = visit.path(paths::SIGN_IN_SET_UP);
            let mut response = visit.go_on_with(&path, CookieKind::SignIn, &token, &attempt)?;
            visit.clear(&mut response, kind);
            Ok(response)
        }
        progress => {
            let flash = Some(Flash::Welcome);
            visit.sign_in(progress.into_session()?, kind, flash).await
        }
    }
}

async fn form(visit: &Visit, page: Page, typed: [&str; 3]) -> SignUpView {
    let [email, first_name, last_name] = typed.map(str::to_owned);
    SignUpView {
        page,
        email,
        first_name,
        last_name,
        names: Pages::name_fields(),
        strategies: visit.pages.sign_up_strategies(),
        min_password_length: visit.pages.min_password_length(),
        connections: connection::offered(visit).await,
    }
}

fn sign_up(attempt: &Attempt) -> Result<&SignUp, Error> {
    match &attempt.state {
        AttemptState::SignUp(state) => Ok(state),
        _ => Err(Error::AttemptNotFound),
    }
}
