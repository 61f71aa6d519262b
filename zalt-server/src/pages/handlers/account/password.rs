//! Changing the password, or setting the first one.

use zalt_core::Error;
use zalt_core::password::Password;

use crate::pages::fault::Outcome;
use crate::pages::flash::Flash;
use crate::pages::messages::{self, FieldNames};
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{Page, PasswordView};
use crate::pages::visit::{SignedInVisitor, Visit};

const NEW: FieldNames = &[("password", "new_password")];

pub(super) async fn show(visit: Visit) -> Outcome {
    let visitor = visit.visitor().await?;
    let view = form(&visit, &visitor, visitor.page(&visit), true);
    visit.show(&view)
}

pub(super) async fn change(mut posted: Posted) -> Outcome {
    let [current, new, sign_out_others, _] = posted.fields([
        "current_password",
        "new_password",
        "sign_out_others",
        "identifier",
    ])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let others = *sign_out_others == "true";
    let had_password = visitor.account.password.is_some();
    match write(visit, &visitor, &current, &new, others).await {
        Ok(()) => {
            let flash = if had_password {
                Flash::PasswordChanged
            } else {
                Flash::PasswordSet
            };
            Ok(visit.go_with(paths::ACCOUNT_PASSWORD, flash))
        }
        Err(error) => {
            let mut page = visitor.page(visit);
            let status = if matches!(error, Error::CredentialsIncorrect) {
                let status = messages::refuse(&mut page, error, &[])?;
                // The core does not call it by a name: at sign-in it is not said which of two things is wrong.
                if let Some(alert) = page.alert.take() {
                    page.errors.add("current_password", alert.text);
                }
                status
            } else {
                messages::refuse(&mut page, error, NEW)?
            };
            visit.show_as(status, &form(visit, &visitor, page, others))
        }
    }
}

async fn write(
    visit: &Visit,
    visitor: &SignedInVisitor,
    current: &str,
    new: &str,
    sign_out_others: bool,
) -> Result<(), Error> {
    let current = match current {
        "" => None,
        text => Some(Password::parse(text)?),
    };
    let new = Password::parse(new)?;
    visit
        .zalt()
        .users()
        .change_password(
            visit.context(),
            &visitor.authenticated,
            current,
            new,
            sign_out_others,
        )
        .await
}

fn form(
    visit: &Visit,
    visitor: &SignedInVisitor,
    page: Page,
    sign_out_others: bool,
) -> PasswordView {
    PasswordView {
        page,
        identifier: visitor.email().to_owned(),
        has_password: visitor.account.password.is_some(),
        min_password_length: visit.pages.min_password_length(),
        sign_out_others,
    }
}
