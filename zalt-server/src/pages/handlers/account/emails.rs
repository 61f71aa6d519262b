//! E-mail addresses: add, verify, make primary, remove.

use axum::extract::Query;
use serde::Deserialize;
use url::form_urlencoded;
use zalt_core::Error;
use zalt_core::attempt::{Attempt, ChallengeStrategy, Proof};
use zalt_core::id::{AttemptId, IdentifierId};
use zalt_core::identifier::{EmailAddress, Identifier, IdentifierKind};
use zalt_core::secret::LinkToken;

use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::handlers::RESEND_WAIT_SECONDS;
use crate::pages::handlers::mailed::{CODE_FIELDS, Linked};
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{
    CodeView, EmailAddressItem, EmailAddressesView, LinkState, Page, Purpose,
};
use crate::pages::visit::{SignedInVisitor, Visit, go};

const FIELDS: FieldNames = &[("email_address", "email")];

/// Verifying a further address, by the session that asked for it.
pub(super) struct AddressByMail;

/// Which verification a code is typed for. Both ids are worth nothing without the session that asked.
#[derive(Deserialize)]
pub(super) struct Verification {
    #[serde(default)]
    id: String,
    #[serde(default)]
    attempt: String,
}

pub(super) async fn show(visit: Visit) -> Outcome {
    let visitor = visit.visitor().await?;
    let view = list(&visitor, visitor.page(&visit), "");
    visit.show(&view)
}

pub(super) async fn add(mut posted: Posted) -> Outcome {
    let [email] = posted.fields(["email"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    match begin(visit, &visitor, &email).await {
        Ok((identifier, attempt)) => Ok(go(&verify_path(identifier, &attempt))),
        Err(error) => {
            // What was added before the message was refused stands in the list already.
            let visitor = visit.visitor().await?;
            refuse(visit, &visitor, error, &email)
        }
    }
}

pub(super) async fn send(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let id: IdentifierId = id.parse().map_err(Error::from)?;
    match prepare(visit, &visitor, id).await {
        Ok(attempt) => Ok(visit.go_with(&verify_path(id, &attempt), Flash::MessageSent)),
        Err(error) => refuse(visit, &visitor, error, ""),
    }
}

pub(super) async fn show_code(visit: Visit, Query(query): Query<Verification>) -> Outcome {
    let visitor = visit.visitor().await?;
    match code(&visitor, visitor.page(&visit), &query) {
        Some(view) => visit.show(&view),
        None => Ok(visit.go_with(paths::ACCOUNT_EMAILS, Flash::EmailGone)),
    }
}

pub(super) async fn verify(mut posted: Posted) -> Outcome {
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
        Ok(_) => Ok(visit.go_with(paths::ACCOUNT_EMAILS, Flash::EmailVerified)),
        Err(error) => {
            let mut page = visitor.page(visit);
            let status = messages::refuse(&mut page, error, CODE_FIELDS)?;
            let query = Verification {
                id: id.to_string(),
                attempt: attempt.to_string(),
            };
            match code(&visitor, page, &query) {
                Some(view) => visit.show_as(status, &view),
                None => Ok(visit.go_with(paths::ACCOUNT_EMAILS, Flash::EmailGone)),
            }
        }
    }
}

impl Linked for AddressByMail {
    const PURPOSE: Purpose = Purpose::EmailAddress;

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
                let response = visit.go_with(paths::ACCOUNT_EMAILS, Flash::EmailVerified);
                Ok(Some(Ok(response)))
            }
            // Another session asked for it.
            Err(Error::AttemptNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

pub(super) async fn make_primary(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let id: IdentifierId = id.parse().map_err(Error::from)?;
    let users = visit.zalt().users();
    match users
        .make_primary(visit.context(), &visitor.authenticated, id)
        .await
    {
        Ok(_) => Ok(visit.go_with(paths::ACCOUNT_EMAILS, Flash::EmailMadePrimary)),
        Err(error) => refuse(visit, &visitor, error, ""),
    }
}

pub(super) async fn remove(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let id: IdentifierId = id.parse().map_err(Error::from)?;
    let users = visit.zalt().users();
    match users
        .remove_email_address(visit.context(), &visitor.authenticated, id)
        .await
    {
        Ok(()) => Ok(visit.go_with(paths::ACCOUNT_EMAILS, Flash::EmailRemoved)),
        Err(error) => refuse(visit, &visitor, error, ""),
    }
}

async fn begin(
    visit: &Visit,
    visitor: &SignedInVisitor,
    email: &str,
) -> Result<(IdentifierId, Attempt), Error> {
    let address = EmailAddress::parse(email)?;
    let users = visit.zalt().users();
    let identifier = users
        .add_email_address(visit.context(), &visitor.authenticated, address)
        .await?;
    let attempt = prepare(visit, visitor, identifier.id).await?;
    Ok((identifier.id, attempt))
}

/// Sends a message that holds both, the code and the link.
async fn prepare(
    visit: &Visit,
    visitor: &SignedInVisitor,
    id: IdentifierId,
) -> Result<Attempt, Error> {
    let verifications = visit.zalt().address_verifications();
    let strategy = ChallengeStrategy::EmailLink;
    verifications
        .prepare(visit.context(), &visitor.authenticated, id, strategy)
        .await
}

fn verify_path(id: IdentifierId, attempt: &Attempt) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("id", &id.to_string())
        .append_pair("attempt", &attempt.id.to_string())
        .finish();
    format!("{}?{query}", paths::ACCOUNT_EMAIL_VERIFY)
}

fn refuse(visit: &Visit, visitor: &SignedInVisitor, error: Error, new_email: &str) -> Outcome {
    let mut page = visitor.page(visit);
    let status = messages::refuse(&mut page, error, FIELDS)?;
    visit.show_as(status, &list(visitor, page, new_email))
}

fn list(visitor: &SignedInVisitor, page: Page, new_email: &str) -> EmailAddressesView {
    let addresses = || {
        let identifiers = visitor.account.identifiers.iter();
        identifiers.filter(|identifier| identifier.value.kind() == IdentifierKind::EmailAddress)
    };
    let verified = addresses()
        .filter(|identifier| identifier.verified_at.is_some())
        .count();
    EmailAddressesView {
        page,
        addresses: addresses()
            .map(|identifier| item(identifier, verified))
            .collect(),
        new_email: new_email.to_owned(),
    }
}

fn item(identifier: &Identifier, verified_in_all: usize) -> EmailAddressItem {
    let verified = identifier.verified_at.is_some();
    EmailAddressItem {
        id: identifier.id.to_string(),
        email: identifier.value.to_string(),
        verified,
        primary: identifier.primary,
        removable: !verified || verified_in_all > 1,
    }
}

/// The page for the code, as long as the address waits for it.
fn code(visitor: &SignedInVisitor, page: Page, query: &Verification) -> Option<CodeView> {
    let attempt: AttemptId = query.attempt.parse().ok()?;
    let id: IdentifierId = query.id.parse().ok()?;
    let identifier = visitor
        .account
        .identifiers
        .iter()
        .find(|identifier| identifier.id == id && identifier.verified_at.is_none())?;
    Some(CodeView {
        page,
        purpose: Purpose::EmailAddress,
        email: identifier.value.to_string(),
        attempt_id: Some(attempt.to_string()),
        email_id: Some(id.to_string()),
        resend_wait_seconds: RESEND_WAIT_SECONDS,
    })
}
