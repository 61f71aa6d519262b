//! The second factors of whoever is signed in.

use zalt_core::Error;
use zalt_core::config::SecondFactor;
use zalt_core::credential::{Credential, Enrolled};
use zalt_core::identifier::Identifier;
use zalt_core::user::Name;

use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::handlers::set_up::{TotpPage, recovery_codes};
use crate::pages::messages::{self, FieldNames};
use crate::pages::moment;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{MessagesItem, Page, SecondFactorItem, SecondFactorsView};
use crate::pages::visit::{SignedInVisitor, Visit};

const FIELDS: FieldNames = &[("name", "name")];
const NEW_APP: TotpPage = TotpPage {
    action: paths::ACCOUNT_SECOND_FACTOR_CONFIRM,
    back: paths::ACCOUNT_SECOND_FACTORS,
};

pub(super) async fn show(visit: Visit) -> Outcome {
    let visitor = visit.visitor_even_limited().await?;
    let view = list(&visit, &visitor, visitor.page(&visit));
    visit.show(&view)
}

pub(super) async fn add(mut posted: Posted) -> Outcome {
    let [name] = posted.fields(["name"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor_even_limited().await?;
    let begun = match (!name.is_empty()).then(|| Name::parse(&name)).transpose() {
        Ok(name) => {
            let credentials = visit.zalt().credentials();
            credentials
                .begin_totp(visit.context(), &visitor.authenticated, name)
                .await
        }
        Err(error) => Err(Error::from(error)),
    };
    match begun {
        Ok(enrollment) => visit.show(&NEW_APP.scan(visitor.page(visit), &enrollment)?),
        Err(error) => refused(visit, &visitor, error),
    }
}

pub(super) async fn confirm(mut posted: Posted) -> Outcome {
    let [id, code] = posted.fields(["id", "code"])?;
    let id = id.parse().map_err(|_| Fault::BadRequest)?;
    let visit = &posted.visit;
    let visitor = visit.visitor_even_limited().await?;
    let credentials = visit.zalt().credentials();
    match credentials
        .confirm_totp(visit.context(), &visitor.authenticated, id, &code)
        .await
    {
        Ok(enrolled) => {
            let list = paths::ACCOUNT_SECOND_FACTORS;
            added(visit, &visitor, &enrolled, (list, Flash::SecondFactorAdded))
        }
        Err(Error::NotFound) => {
            Ok(visit.go_with(paths::ACCOUNT_SECOND_FACTORS, Flash::SecondFactorGone))
        }
        Err(error) => NEW_APP.refuse(visit, visitor.page(visit), id, error),
    }
}

/// Has codes sent to an address or number.
pub(super) async fn add_messages(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let id = id.parse().map_err(|_| Fault::BadRequest)?;
    let visit = &posted.visit;
    let visitor = visit.visitor_even_limited().await?;
    let credentials = visit.zalt().credentials();
    match credentials
        .add_messages(visit.context(), &visitor.authenticated, id)
        .await
    {
        Ok((_, Some(codes))) => {
            recovery_codes(visit, &codes, paths::ACCOUNT_SECOND_FACTORS.to_owned())
        }
        Ok((_, None)) => Ok(visit.go_with(paths::ACCOUNT_SECOND_FACTORS, Flash::MessagesAdded)),
        Err(error) => refused(visit, &visitor, error),
    }
}

/// Shows the recovery codes that came with a second factor, or leads back to the list.
pub(super) fn added(
    visit: &Visit,
    visitor: &SignedInVisitor,
    enrolled: &Enrolled,
    (list, flash): (&'static str, Flash),
) -> Outcome {
    let mut response = match &enrolled.recovery_codes {
        Some(codes) => recovery_codes(visit, codes, list.to_owned())?,
        None => visit.go_with(list, flash),
    };
    visit.keep_session(
        &mut response,
        &visitor.authenticated,
        enrolled.token.as_ref(),
    )?;
    Ok(response)
}

pub(super) async fn remove(mut posted: Posted) -> Outcome {
    let [id] = posted.fields(["id"])?;
    let id = id.parse().map_err(|_| Fault::BadRequest)?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let credentials = visit.zalt().credentials();
    match credentials
        .remove(visit.context(), &visitor.authenticated, id)
        .await
    {
        Ok(()) => Ok(visit.go_with(paths::ACCOUNT_SECOND_FACTORS, Flash::SecondFactorRemoved)),
        Err(error) => refused(visit, &visitor, error),
    }
}

pub(super) async fn new_codes(mut posted: Posted) -> Outcome {
    let [] = posted.fields([])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let credentials = visit.zalt().credentials();
    match credentials
        .new_recovery_codes(visit.context(), &visitor.authenticated)
        .await
    {
        Ok(codes) => recovery_codes(visit, &codes, paths::ACCOUNT_SECOND_FACTORS.to_owned()),
        Err(error) => refused(visit, &visitor, error),
    }
}

fn refused(visit: &Visit, visitor: &SignedInVisitor, error: Error) -> Outcome {
    let mut page = visitor.page(visit);
    let status = messages::refuse(&mut page, error, FIELDS)?;
    visit.show_as(status, &list(visit, visitor, page))
}

fn list(visit: &Visit, visitor: &SignedInVisitor, page: Page) -> SecondFactorsView {
    let now = visit.zalt().now();
    let item = |credential: &Credential| SecondFactorItem {
        id: credential.id.to_string(),
        name: credential
            .name
            .as_ref()
            .map_or_else(|| "Authenticator app".to_owned(), ToString::to_string),
        added: moment::moment(credential.created_at, now),
        last_used: credential.last_used_at.map(|at| moment::moment(at, now)),
    };
    let methods = visit.zalt().config().second_factors.methods;
    // Those that serve are shown also where their kind is not allowed any more, so that they can be removed.
    let messages = |identifier: &Identifier| {
        let factor = SecondFactor::to(identifier.value.kind())?;
        let serves = visitor.account.messages_to(identifier.id);
        let can_serve = identifier.verified_at.is_some() && methods.allows(factor);
        (can_serve || serves.is_some()).then(|| MessagesItem {
            identifier_id: identifier.id.to_string(),
            to: identifier.value.to_string(),
            by_text: factor == SecondFactor::SmsCode,
            allowed: methods.allows(factor),
            credential: serves.map(item),
        })
    };
    SecondFactorsView {
        page,
        apps_allowed: methods.totp,
        texts_allowed: methods.sms_code,
        messages_allowed: methods.sms_code || methods.email_code,
        messages: visitor
            .account
            .identifiers
            .iter()
            .filter_map(messages)
            .collect(),
        apps: visitor.account.totp().map(|(row, _)| item(row)).collect(),
        recovery_codes_left: visitor
            .account
            .recovery_codes()
            .map(|(_, codes)| codes.left()),
    }
}
