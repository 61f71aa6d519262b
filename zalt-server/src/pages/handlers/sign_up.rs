//! Signing up: the form, then the code or link.

use axum::extract::Query;
use http::StatusCode;
use serde::Deserialize;
use zalt_core::Error;
use zalt_core::attempt::{Attempt, AttemptState, ChallengeStrategy, NewSignUp, Proof, SignUp};
use zalt_core::identifier::EmailAddress;
use zalt_core::password::Password;
use zalt_core::secret::{AttemptToken, LinkToken};
use zalt_core::session::Transport;
use zalt_core::user::{Metadata, Name, Profile};
use zalt_http::cookie::CookieKind;

use super::RESEND_WAIT_SECONDS;
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::state::Pages;
use crate::pages::views::{
    CodeView, LinkConfirmView, LinkSentView, LinkState, Page, Purpose, SignUpView,
};
use crate::pages::visit::{Visit, go};

const FIELDS: FieldNames = &[("email_address", "email"), ("password", "password")];
const CODE_FIELDS: FieldNames = &[("code", "code")];

/// The secret in the address of a link.
#[derive(Deserialize)]
pub(super) struct LinkQuery {
    #[serde(default)]
    pub(super) token: String,
}

pub(super) async fn show(visit: Visit) -> Outcome {
    if visit.is_signed_in().await {
        return Ok(go(&visit.destination()));
    }
    if !visit.zalt().config().sign_up.open {
        return Err(Error::SignUpClosed.into());
    }
    let view = form(&visit, visit.page(), ["", "", ""]);
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
                    let mut response = go(&visit.path(chosen.next()));
                    visit.keep_attempt(
                        &mut response,
                        CookieKind::SignUp,
                        &started.token,
                        &started.attempt,
                    )?;
                    return Ok(response);
                }
                Err(error) => messages::refuse(&mut page, error, FIELDS)?,
            }
        }
        (status, _) => status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY),
    };
    let view = form(visit, page, [&email, &first_name, &last_name]);
    visit.show_as(status, &view)
}

pub(super) async fn show_code(visit: Visit) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    let view = code(visit.page(), sign_up(&attempt)?);
    visit.show(&view)
}

pub(super) async fn verify(mut posted: Posted) -> Outcome {
    let [typed] = posted.fields(["code"])?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    let proof = Proof::code(&typed);
    match visit
        .zalt()
        .sign_ups()
        .attempt_proof(visit.context(), &token, &proof)
        .await
    {
        Ok(signed_in) => {
            visit
                .sign_in(signed_in, CookieKind::SignUp, Some(Flash::Welcome))
                .await
        }
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, CODE_FIELDS)?;
            visit.show_as(status, &code(page, sign_up(&attempt)?))
        }
    }
}

pub(super) async fn show_link_sent(visit: Visit) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    let view = LinkSentView {
        page: visit.page(),
        purpose: Purpose::SignUp,
        email: sign_up(&attempt)?.email_address.to_string(),
        resend_wait_seconds: RESEND_WAIT_SECONDS,
    };
    visit.show(&view)
}

pub(super) async fn resend(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    let strategy = sign_up(&attempt)?
        .challenge
        .as_ref()
        .map(|challenge| challenge.strategy)
        .unwrap_or_default();
    // With a password the page shows the code's field, whatever else the message holds.
    let path = match strategy {
        ChallengeStrategy::EmailLink if sign_up(&attempt)?.password.is_none() => {
            paths::SIGN_UP_LINK_SENT
        }
        _ => paths::SIGN_UP_VERIFY,
    };
    match visit
        .zalt()
        .sign_ups()
        .prepare(visit.context(), &token, strategy)
        .await
    {
        Ok(_) => Ok(visit.go_with(&visit.path(path), Flash::MessageSent)),
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, &[])?;
            visit.show_as(status, &code(page, sign_up(&attempt)?))
        }
    }
}

pub(super) async fn show_link(visit: Visit, Query(query): Query<LinkQuery>) -> Outcome {
    let state = match LinkToken::parse(&query.token) {
        Ok(link) => match of_link(&visit, &link).await {
            Some(attempt) => LinkState::Confirm {
                token: query.token,
                email: Some(sign_up(&attempt)?.email_address.to_string()),
            },
            None => LinkState::OtherBrowser,
        },
        Err(_) => LinkState::Invalid,
    };
    link_page(&visit, visit.page(), StatusCode::OK, state)
}

pub(super) async fn follow_link(mut posted: Posted) -> Outcome {
    let [text] = posted.fields(["token"])?;
    let visit = &posted.visit;
    let invalid = |page| {
        link_page(
            visit,
            page,
            StatusCode::UNPROCESSABLE_ENTITY,
            LinkState::Invalid,
        )
    };
    let (Ok(link), Ok(proof)) = (LinkToken::parse(&text), Proof::link(&text)) else {
        return invalid(visit.page());
    };
    if of_link(visit, &link).await.is_none() {
        return link_page(
            visit,
            visit.page(),
            StatusCode::UNPROCESSABLE_ENTITY,
            LinkState::OtherBrowser,
        );
    }
    let token = visit.attempt_token(CookieKind::SignUp)?;
    match visit
        .zalt()
        .sign_ups()
        .attempt_proof(visit.context(), &token, &proof)
        .await
    {
        Ok(signed_in) => {
            visit
                .sign_in(signed_in, CookieKind::SignUp, Some(Flash::Welcome))
                .await
        }
        Err(Error::LinkIncorrect | Error::AttemptNotFound | Error::AttemptStep) => {
            invalid(visit.page())
        }
        Err(error) => {
            let mut page = visit.page();
            messages::refuse(&mut page, error, &[])?;
            invalid(page)
        }
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

fn form(visit: &Visit, page: Page, typed: [&str; 3]) -> SignUpView {
    let [email, first_name, last_name] = typed.map(str::to_owned);
    SignUpView {
        page,
        email,
        first_name,
        last_name,
        names: Pages::name_fields(),
        strategies: visit.pages.sign_up_strategies(),
        min_password_length: visit.pages.min_password_length(),
    }
}

fn code(page: Page, state: &SignUp) -> CodeView {
    CodeView {
        page,
        purpose: Purpose::SignUp,
        email: state.email_address.to_string(),
        attempt_id: None,
        email_id: None,
        resend_wait_seconds: RESEND_WAIT_SECONDS,
    }
}

fn link_page(visit: &Visit, page: Page, status: StatusCode, state: LinkState) -> Outcome {
    let view = LinkConfirmView {
        page,
        purpose: Purpose::SignUp,
        state,
    };
    Ok(super::without_referrer(visit.show_as(status, &view)?))
}

/// The sign-up under way in this browser.
async fn current(visit: &Visit) -> Result<(AttemptToken, Attempt), Fault> {
    let token = visit.attempt_token(CookieKind::SignUp)?;
    let attempt = visit.zalt().sign_ups().find(&token).await?;
    Ok((token, attempt))
}

/// The same, if the link is one of it.
async fn of_link(visit: &Visit, link: &LinkToken) -> Option<Attempt> {
    let (token, attempt) = current(visit).await.ok()?;
    (token.id() == link.id()).then_some(attempt)
}

fn sign_up(attempt: &Attempt) -> Result<&SignUp, Fault> {
    match &attempt.state {
        AttemptState::SignUp(state) => Ok(state),
        _ => Err(Error::AttemptNotFound.into()),
    }
}
