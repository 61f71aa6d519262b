//! The second factors of whoever is signed in.

use zalt_core::Error;
use zalt_core::credential::Credential;
use zalt_core::user::Name;

use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::handlers::second_factor::{TotpPage, recovery_codes};
use crate::pages::messages::{self, FieldNames};
use crate::pages::moment;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{Page, SecondFactorItem, SecondFactorsView};
use crate::pages::visit::{SignedInVisitor, Visit};

const FIELDS: FieldNames = &[("name", "name")];
const NEW_APP: TotpPage = TotpPage {
    action: paths::ACCOUNT_SECOND_FACTOR_CONFIRM,
    back: paths::ACCOUNT_SECOND_FACTORS,
};

pub(super) async fn show(visit: Visit) -> Outcome {
    let visitor = visit.visitor().await?;
    let view = list(&visit, &visitor, visitor.page(&visit));
    visit.show(&view)
}

pub(super) async fn add(mut posted: Posted) -> Outcome {
    let [name] = posted.fields(["name"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
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
    let visitor = visit.visitor().await?;
    let credentials = visit.zalt().credentials();
    match credentials
        .confirm_totp(visit.context(), &visitor.authenticated, id, &code)
        .await
    {
        Ok(Some(codes)) => recovery_codes(visit, &codes, paths::ACCOUNT_SECOND_FACTORS.to_owned()),
        Ok(None) => Ok(visit.go_with(paths::ACCOUNT_SECOND_FACTORS, Flash::SecondFactorAdded)),
        Err(Error::NotFound) => {
            Ok(visit.go_with(paths::ACCOUNT_SECOND_FACTORS, Flash::SecondFactorGone))
        }
        Err(error) => NEW_APP.refuse(visit, visitor.page(visit), id, error),
    }
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
    SecondFactorsView {
        page,
        apps_allowed: visit.zalt().config().second_factors.methods.totp,
        apps: visitor.account.totp().map(|(row, _)| item(row)).collect(),
        recovery_codes_left: visitor
            .account
            .recovery_codes()
            .map(|(_, codes)| codes.left()),
    }
}
