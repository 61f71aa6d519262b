//! E-mail addresses and phone numbers: add, verify, make primary, remove. The same pages for both.

mod kind;

pub(super) use kind::{Addresses, Identifiers, Numbers};

use axum::Router;
use axum::extract::Query;
use axum::routing::{get, post};
use serde::Deserialize;
use url::form_urlencoded;
use zalt_core::Error;
use zalt_core::attempt::{Attempt, ChallengeStrategy, Proof};
use zalt_core::id::{AttemptId, IdentifierId};
use zalt_core::identifier::{Identifier, IdentifierKind};
use zalt_core::secret::LinkToken;

use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::handlers::RESEND_WAIT_SECONDS;
use crate::pages::handlers::mailed::{CODE_FIELDS, Linked};
use crate::pages::messages;
use crate::pages::posted::Posted;
use crate::pages::state::Pages;
use crate::pages::views::{CodeView, IdentifierItem, LinkState, Page, Purpose, SentBy};
use crate::pages::visit::{SignedInVisitor, Visit, go};

pub(super) fn router<F: Identifiers + 'static>() -> Router<Pages> {
    Router::new()
        .route(F::LIST, get(show::<F>).post(add::<F>))
        .route(F::SEND, post(send::<F>))
        .route(F::VERIFY, get(show_code::<F>).post(verify::<F>))
        .route(F::MAKE_PRIMARY, post(make_primary::<F>))
        .route(F::REMOVE, post(remove::<F>))
}

/// Which verification a code is typed for. Both ids are worth nothing without the session that asked.
#[derive(Deserialize)]
struct Verification {
    #[serde(default)]
    id: String,
    #[serde(default)]
    attempt: String,
}

async fn show<F: Identifiers>(visit: Visit) -> Outcome {
    let visitor = visit.visitor().await?;
    let view = list::<F>(&visitor, visitor.page(&visit), "");
    visit.show(&view)
}

async fn add<F: Identifiers>(mut posted: Posted) -> Outcome {
    let [typed] = posted.fields([F::FIELD])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    match begin::<F>(visit, &visitor, &typed).await {
        Ok((identifier, attempt)) => Ok(go(&verify_path::<F>(identifier, &attempt))),
        Err(error) => {
            // What was added before the message was refused stands in the list already.
            let visitor = visit.visitor().await?;
            refuse::<F>(visit, &visitor, error, &typed)
        }
    }
}

async fn send<F: Identifiers>(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let id: IdentifierId = id.parse().map_err(Error::from)?;
    match prepare::<F>(visit, &visitor, id).await {
        Ok(attempt) => Ok(visit.go_with(&verify_path::<F>(id, &attempt), Flash::MessageSent)),
        Err(error) => refuse::<F>(visit, &visitor, error, ""),
    }
}

async fn show_code<F: Identifiers>(visit: Visit, Query(query): Query<Verification>) -> Outcome {
    let visitor = visit.visitor().await?;
    match code::<F>(&visitor, visitor.page(&visit), &query) {
        Some(view) => visit.show(&view),
        None => Ok(visit.go_with(F::LIST, F::ON_GONE)),
    }
}

async fn verify<F: Identifiers>(mut posted: Posted) -> Outcome {
    let [typed, id, attempt] = posted.fields(["code", "id", "attempt"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let attempt_id: AttemptId = attempt.parse().map_err(Error::from)?;
    let proof = Proof::code(&typed);
    let verifications = visit.zalt().address_verifications();
    let verified = verifications
        .attempt_proof(visit.context(), &visitor.authenticated, attempt_id, &proof)
        .await;
    match verified {
        Ok(_) => Ok(visit.go_with(F::LIST, F::ON_VERIFIED)),
        Err(error) => {
            let mut page = visitor.page(visit);
            let status = messages::refuse(&mut page, error, CODE_FIELDS)?;
            let query = Verification {
                id: id.to_string(),
                attempt: attempt.to_string(),
            };
            match code::<F>(&visitor, page, &query) {
                Some(view) => visit.show_as(status, &view),
                None => Ok(visit.go_with(F::LIST, F::ON_GONE)),
            }
        }
    }
}

impl Linked for Addresses {
    const PURPOSE: Purpose = <Self as Identifiers>::PURPOSE;

    async fn open(visit: &Visit, _: &LinkToken, text: String) -> Result<LinkState, Fault> {
        if visit.is_signed_in().await {
            Ok(LinkState::Confirm {
                token: text,
                email: None,
            })
        } else {
            Ok(LinkState::OtherBrowser)
        }
    }

    async fn follow(visit: &Visit, link: LinkToken) -> Result<Option<Outcome>, Error> {
        let authenticated = match visit.authenticated().await {
            Ok(authenticated) => authenticated,
            Err(fault) => return Ok(Some(Err(fault))),
        };
        let (id, proof) = (link.id(), Proof::Link(link));
        let verifications = visit.zalt().address_verifications();
        let verified = verifications
            .attempt_proof(visit.context(), &authenticated, id, &proof)
            .await;
        match verified {
            Ok(_) => {
                let response = visit.go_with(Self::LIST, Self::ON_VERIFIED);
                Ok(Some(Ok(response)))
            }
            // Another session asked for it.
            Err(Error::AttemptNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

async fn make_primary<F: Identifiers>(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let id: IdentifierId = id.parse().map_err(Error::from)?;
    let users = visit.zalt().users();
    match users
        .make_primary(visit.context(), &visitor.authenticated, id)
        .await
    {
        Ok(_) => Ok(visit.go_with(F::LIST, F::ON_PRIMARY)),
        Err(error) => refuse::<F>(visit, &visitor, error, ""),
    }
}

async fn remove<F: Identifiers>(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let id: IdentifierId = id.parse().map_err(Error::from)?;
    match F::remove(visit, &visitor, id).await {
        Ok(()) => Ok(visit.go_with(F::LIST, F::ON_REMOVED)),
        Err(error) => refuse::<F>(visit, &visitor, error, ""),
    }
}

async fn begin<F: Identifiers>(
    visit: &Visit,
    visitor: &SignedInVisitor,
    typed: &str,
) -> Result<(IdentifierId, Attempt), Error> {
    let identifier = F::add(visit, visitor, typed).await?;
    let attempt = prepare::<F>(visit, visitor, identifier.id).await?;
    Ok((identifier.id, attempt))
}

async fn prepare<F: Identifiers>(
    visit: &Visit,
    visitor: &SignedInVisitor,
    id: IdentifierId,
) -> Result<Attempt, Error> {
    let verifications = visit.zalt().address_verifications();
    verifications
        .prepare(visit.context(), &visitor.authenticated, id, F::STRATEGY)
        .await
}

fn verify_path<F: Identifiers>(id: IdentifierId, attempt: &Attempt) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("id", &id.to_string())
        .append_pair("attempt", &attempt.id.to_string())
        .finish();
    format!("{}?{query}", F::VERIFY)
}

fn refuse<F: Identifiers>(
    visit: &Visit,
    visitor: &SignedInVisitor,
    error: Error,
    typed: &str,
) -> Outcome {
    let mut page = visitor.page(visit);
    let status = messages::refuse(&mut page, error, F::FIELDS)?;
    visit.show_as(status, &list::<F>(visitor, page, typed))
}

fn list<F: Identifiers>(visitor: &SignedInVisitor, page: Page, typed: &str) -> F::View {
    let of_kind = || {
        let identifiers = visitor.account.identifiers.iter();
        identifiers.filter(|identifier| identifier.value.kind() == F::KIND)
    };
    let verified = of_kind()
        .filter(|identifier| identifier.verified_at.is_some())
        .count();
    let items = of_kind().map(|identifier| item(identifier, verified));
    F::view(page, items.collect(), typed)
}

fn item(identifier: &Identifier, verified_in_all: usize) -> IdentifierItem {
    let verified = identifier.verified_at.is_some();
    // Mail is how an account is recovered; a number may go.
    let may_go = identifier.value.kind() != IdentifierKind::EmailAddress;
    IdentifierItem {
        id: identifier.id.to_string(),
        value: identifier.value.to_string(),
        verified,
        primary: identifier.primary,
        removable: may_go || !verified || verified_in_all > 1,
    }
}

/// The page for the code, as long as the address or number waits for it.
fn code<F: Identifiers>(
    visitor: &SignedInVisitor,
    page: Page,
    query: &Verification,
) -> Option<CodeView> {
    let attempt: AttemptId = query.attempt.parse().ok()?;
    let id: IdentifierId = query.id.parse().ok()?;
    let identifier = visitor
        .account
        .identifiers
        .iter()
        .find(|identifier| identifier.id == id && identifier.verified_at.is_none())
        .filter(|identifier| identifier.value.kind() == F::KIND)?;
    Some(CodeView {
        page,
        purpose: F::PURPOSE,
        sent_by: match F::STRATEGY {
            ChallengeStrategy::SmsCode => SentBy::Text,
            _ => SentBy::Mail,
        },
        to: identifier.value.to_string(),
        attempt_id: Some(attempt.to_string()),
        identifier_id: Some(id.to_string()),
        resend_wait_seconds: RESEND_WAIT_SECONDS,
    })
}
