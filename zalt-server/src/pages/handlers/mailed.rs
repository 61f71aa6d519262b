//! A code or link that was sent: the same pages, whichever flow it belongs to.

use axum::extract::Query;
use http::StatusCode;
use serde::Deserialize;
use zalt_core::Error;
use zalt_core::attempt::{Attempt, Proof};
use zalt_core::secret::{AttemptToken, LinkToken};

use super::{RESEND_WAIT_SECONDS, without_referrer};
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages::{self, FieldNames};
use crate::pages::posted::Posted;
use crate::pages::views::{
    CodeView, LinkConfirmView, LinkSentView, LinkState, Page, Purpose, SentBy,
};
use crate::pages::visit::Visit;

pub(super) const CODE_FIELDS: FieldNames = &[("code", "code")];

/// A flow whose message holds a link.
pub(super) trait Linked {
    const PURPOSE: Purpose;

    /// What an opened link leads to; `text` is the link's secret, for the form.
    fn open(
        visit: &Visit,
        link: &LinkToken,
        text: String,
    ) -> impl Future<Output = Result<LinkState, Fault>> + Send;

    /// Redeems the link; `None` if another browser asked for it and has to finish.
    fn follow(
        visit: &Visit,
        link: LinkToken,
    ) -> impl Future<Output = Result<Option<Outcome>, Error>> + Send;
}

/// A flow of somebody who is not signed in, held by a cookie of this browser, whose message holds a code.
pub(super) trait Mailed: Linked {
    /// The attempt under way in this browser.
    fn current(
        visit: &Visit,
    ) -> impl Future<Output = Result<(AttemptToken, Attempt), Fault>> + Send;

    /// What was typed to name whom it goes to.
    fn to(attempt: &Attempt) -> Result<String, Fault>;

    /// How the code came.
    fn sent_by(_: &Attempt) -> Result<SentBy, Fault> {
        Ok(SentBy::Mail)
    }

    /// Shows the core what came with the mail and leads on from there.
    fn prove(
        visit: &Visit,
        token: &AttemptToken,
        proof: Proof,
    ) -> impl Future<Output = Result<Outcome, Error>> + Send;

    /// Sends what was sent before once more, and says on which page to wait for it.
    fn send_again(
        visit: &Visit,
        token: &AttemptToken,
        attempt: &Attempt,
    ) -> impl Future<Output = Result<&'static str, Error>> + Send;
}

/// The secret in the address of a link.
#[derive(Deserialize)]
pub(super) struct LinkQuery {
    #[serde(default)]
    token: String,
}

pub(super) async fn show_code<F: Mailed>(visit: Visit) -> Outcome {
    let (_, attempt) = F::current(&visit).await?;
    let view = code::<F>(visit.page(), &attempt)?;
    visit.show(&view)
}

pub(super) async fn by_code<F: Mailed>(mut posted: Posted) -> Outcome {
    let [typed] = posted.fields(["code"])?;
    let visit = &posted.visit;
    let (token, attempt) = F::current(visit).await?;
    match F::prove(visit, &token, Proof::code(&typed)).await {
        Ok(outcome) => outcome,
        Err(error) => refuse::<F>(visit, &attempt, error, CODE_FIELDS),
    }
}

pub(super) async fn show_link_sent<F: Mailed>(visit: Visit) -> Outcome {
    let (_, attempt) = F::current(&visit).await?;
    let view = LinkSentView {
        page: visit.page(),
        purpose: F::PURPOSE,
        email: F::to(&attempt)?,
        resend_wait_seconds: RESEND_WAIT_SECONDS,
    };
    visit.show(&view)
}

pub(super) async fn resend<F: Mailed>(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let (token, attempt) = F::current(visit).await?;
    match F::send_again(visit, &token, &attempt).await {
        Ok(path) => Ok(visit.go_with(&visit.path(path), Flash::MessageSent)),
        Err(error) => refuse::<F>(visit, &attempt, error, &[]),
    }
}

pub(super) async fn show_link<F: Linked>(visit: Visit, Query(query): Query<LinkQuery>) -> Outcome {
    let state = match LinkToken::parse(&query.token) {
        Ok(link) => F::open(&visit, &link, query.token).await?,
        Err(_) => LinkState::Invalid,
    };
    link_page::<F>(&visit, visit.page(), StatusCode::OK, state)
}

pub(super) async fn follow_link<F: Linked>(mut posted: Posted) -> Outcome {
    let [text] = posted.fields(["token"])?;
    let visit = &posted.visit;
    let mut page = visit.page();
    let state = match LinkToken::parse(&text) {
        Ok(link) => match F::follow(visit, link).await {
            Ok(Some(outcome)) => return outcome,
            Ok(None) => LinkState::OtherBrowser,
            Err(
                Error::LinkIncorrect
                | Error::AttemptNotFound
                | Error::AttemptStep
                | Error::NotFound,
            ) => LinkState::Invalid,
            Err(error) => {
                messages::refuse(&mut page, error, &[])?;
                LinkState::Invalid
            }
        },
        Err(_) => LinkState::Invalid,
    };
    link_page::<F>(visit, page, StatusCode::UNPROCESSABLE_ENTITY, state)
}

/// [`Linked::open`] of a flow that only the browser which began it can finish.
pub(super) async fn open_here<F: Mailed>(
    visit: &Visit,
    link: &LinkToken,
    text: String,
) -> Result<LinkState, Fault> {
    match of_link::<F>(visit, link).await {
        Some((_, attempt)) => Ok(LinkState::Confirm {
            token: text,
            email: Some(F::to(&attempt)?),
        }),
        None => Ok(LinkState::OtherBrowser),
    }
}

/// [`Linked::follow`] of such a flow.
pub(super) async fn follow_here<F: Mailed>(
    visit: &Visit,
    link: LinkToken,
) -> Result<Option<Outcome>, Error> {
    let Some((token, _)) = of_link::<F>(visit, &link).await else {
        return Ok(None);
    };
    F::prove(visit, &token, Proof::Link(link)).await.map(Some)
}

/// The attempt under way in this browser, if the link is one of it.
async fn of_link<F: Mailed>(visit: &Visit, link: &LinkToken) -> Option<(AttemptToken, Attempt)> {
    let (token, attempt) = F::current(visit).await.ok()?;
    (token.id() == link.id()).then_some((token, attempt))
}

fn refuse<F: Mailed>(
    visit: &Visit,
    attempt: &Attempt,
    error: Error,
    fields: FieldNames,
) -> Outcome {
    let mut page = visit.page();
    let status = messages::refuse(&mut page, error, fields)?;
    visit.show_as(status, &code::<F>(page, attempt)?)
}

fn code<F: Mailed>(page: Page, attempt: &Attempt) -> Result<CodeView, Fault> {
    Ok(CodeView {
        page,
        purpose: F::PURPOSE,
        sent_by: F::sent_by(attempt)?,
        to: F::to(attempt)?,
        attempt_id: None,
        identifier_id: None,
        resend_wait_seconds: RESEND_WAIT_SECONDS,
    })
}

fn link_page<F: Linked>(
    visit: &Visit,
    page: Page,
    status: StatusCode,
    state: LinkState,
) -> Outcome {
    let view = LinkConfirmView {
        page,
        purpose: F::PURPOSE,
        state,
    };
    Ok(without_referrer(visit.show_as(status, &view)?))
}
