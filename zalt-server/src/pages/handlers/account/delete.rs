//! Deleting the account.

use http::StatusCode;
use zalt_core::identifier::{EmailAddress, IdentifierKind, IdentifierValue};

use crate::pages::fault::Outcome;
use crate::pages::flash::Flash;
use crate::pages::messages;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{DeleteAccountView, Page};
use crate::pages::visit::{SignedInVisitor, Visit};

pub(super) async fn show(visit: Visit) -> Outcome {
    let visitor = visit.visitor().await?;
    // Before anything is typed, so that nothing has to be typed twice.
    visit
        .zalt()
        .sessions()
        .require_recent(&visitor.authenticated)?;
    let view = form(&visit, &visitor, visitor.page(&visit));
    visit.show(&view)
}

pub(super) async fn delete(mut posted: Posted) -> Outcome {
    let [confirmation] = posted.fields(["confirmation"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let mut page = visitor.page(visit);
    if !is_confirmed(&visitor, &confirmation) {
        page.errors
            .add("confirmation", "Type your e-mail address exactly as shown.");
        return visit.show_as(
            StatusCode::UNPROCESSABLE_ENTITY,
            &form(visit, &visitor, page),
        );
    }
    let users = visit.zalt().users();
    match users
        .delete_own(visit.context(), &visitor.authenticated)
        .await
    {
        Ok(()) => {
            let mut response = visit.go_with(paths::HOME, Flash::AccountDeleted);
            visit.forget_session(&mut response);
            Ok(response)
        }
        Err(error) => {
            let status = messages::refuse(&mut page, error, &[])?;
            visit.show_as(status, &form(visit, &visitor, page))
        }
    }
}

fn is_confirmed(visitor: &SignedInVisitor, typed: &str) -> bool {
    match visitor.account.primary(IdentifierKind::EmailAddress) {
        Some(primary) => EmailAddress::parse(typed)
            .is_ok_and(|typed| IdentifierValue::EmailAddress(typed).key() == primary.value.key()),
        None => typed.trim().is_empty(),
    }
}

fn form(visit: &Visit, visitor: &SignedInVisitor, page: Page) -> DeleteAccountView {
    let kept = visit.zalt().config().deleted_users_kept;
    DeleteAccountView {
        kept_days: kept.as_secs().div_ceil(24 * 60 * 60),
        page,
        confirmation: visitor.email().to_owned(),
    }
}
