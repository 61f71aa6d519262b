//! Names, username and picture.

use http::StatusCode;
use zalt_core::Error;
use zalt_core::identifier::{IdentifierKind, Username};
use zalt_core::user::{ImageUrl, Name, ProfileUpdate};

use crate::pages::fault::Outcome;
use crate::pages::flash::Flash;
use crate::pages::messages::{self, FieldNames};
use crate::pages::moment;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{Page, ProfileView};
use crate::pages::visit::{SignedInVisitor, Visit};

const FIRST_NAME: FieldNames = &[("name", "first_name")];
const LAST_NAME: FieldNames = &[("name", "last_name")];
const FIELDS: FieldNames = &[("username", "username"), ("image_url", "image_url")];

pub(super) async fn show(visit: Visit) -> Outcome {
    let visitor = visit.visitor().await?;
    let profile = &visitor.account.user.profile;
    let typed = [
        profile.first_name.as_ref().map_or("", Name::as_str),
        profile.last_name.as_ref().map_or("", Name::as_str),
        username(&visitor).unwrap_or_default(),
        profile.image_url.as_ref().map_or("", ImageUrl::as_str),
    ];
    let view = form(&visitor, visitor.page(&visit), typed);
    visit.show(&view)
}

pub(super) async fn save(mut posted: Posted) -> Outcome {
    let [first_name, last_name, new_username, image_url] =
        posted.fields(["first_name", "last_name", "username", "image_url"])?;
    let visit = &posted.visit;
    let visitor = visit.visitor().await?;
    let mut page = visitor.page(visit);
    let mut refuse = |error: Error, fields| messages::refuse(&mut page, error, fields);
    let mut refused = None;
    let mut update = ProfileUpdate::default();
    match optional(&first_name, Name::parse) {
        Ok(name) => update.first_name = Some(name),
        Err(error) => refused = Some(refuse(error.into(), FIRST_NAME)?),
    }
    match optional(&last_name, Name::parse) {
        Ok(name) => update.last_name = Some(name),
        Err(error) => refused = Some(refuse(error.into(), LAST_NAME)?),
    }
    let mut parsed_username = None;
    match optional(&new_username, Username::parse) {
        Ok(name) => parsed_username = name,
        Err(error) => refused = Some(refuse(error.into(), FIELDS)?),
    }
    match optional(&image_url, ImageUrl::parse) {
        Ok(url) => update.image_url = Some(url),
        Err(error) => refused = Some(refuse(error.into(), FIELDS)?),
    }
    if refused.is_none() {
        match write(visit, &visitor, update, parsed_username).await {
            Ok(()) => return Ok(visit.go_with(paths::ACCOUNT, Flash::ProfileSaved)),
            Err(error) => refused = Some(refuse(error, FIELDS)?),
        }
    }
    let typed = [
        first_name.as_str(),
        last_name.as_str(),
        new_username.as_str(),
        image_url.as_str(),
    ];
    let view = form(&visitor, page, typed);
    visit.show_as(refused.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY), &view)
}

/// The username first: it is what can be refused, and then nothing of the form is taken.
async fn write(
    visit: &Visit,
    visitor: &SignedInVisitor,
    update: ProfileUpdate,
    new_username: Option<Username>,
) -> Result<(), Error> {
    let users = visit.zalt().users();
    let (context, authenticated) = (visit.context(), &visitor.authenticated);
    if new_username.as_ref().map(Username::as_str) != username(visitor) {
        users
            .set_username(context, authenticated, new_username)
            .await?;
    }
    users
        .update_profile(context, authenticated.user().id, update)
        .await?;
    Ok(())
}

fn optional<T, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, E> {
    if text.trim().is_empty() {
        Ok(None)
    } else {
        parse(text).map(Some)
    }
}

fn username(visitor: &SignedInVisitor) -> Option<&str> {
    visitor
        .account
        .identifiers
        .iter()
        .find(|identifier| identifier.value.kind() == IdentifierKind::Username)
        .map(|identifier| identifier.value.as_str())
}

fn form(visitor: &SignedInVisitor, page: Page, typed: [&str; 4]) -> ProfileView {
    let [first_name, last_name, username, image_url] = typed.map(str::to_owned);
    ProfileView {
        page,
        first_name,
        last_name,
        username,
        image_url,
        member_since: Some(moment::day(visitor.account.user.created_at)),
    }
}
