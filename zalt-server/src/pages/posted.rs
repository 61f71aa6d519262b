//! A form that was sent.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::str::FromStr;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ORIGIN};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::fault::Fault;
use super::return_to::ReturnTo;
use super::state::Pages;
use super::visit::Visit;

/// A form of ours, sent from a page of ours in this browser. Two checks stand against other sites: what the browser says of
/// the origin, and a token that only our page in this browser has.
pub(crate) struct Posted {
    pub(crate) visit: Visit,
    fields: HashMap<String, Zeroizing<String>>,
}

/// The longest form; the longest of ours has a password and a few names.
const MAX_BYTES: usize = 32 * 1024;
/// What every form of ours carries.
const CSRF_TOKEN: &str = "csrf_token";
const RETURN_TO: &str = "return_to";

impl FromRequest<Pages> for Posted {
    type Rejection = Fault;

    async fn from_request(request: Request, pages: &Pages) -> Result<Self, Fault> {
        let (mut parts, body) = request.into_parts();
        let mut visit = Visit::from_request_parts(&mut parts, pages).await?;
        if visit.auth().is_cross_origin() && !is_silent_on_origin(&parts.headers) {
            tracing::info!(
                origin = ?parts.headers.get(ORIGIN),
                base_url = %pages.zalt().base_url(),
                "a form was refused: it did not come from a page at the base URL"
            );
            return Err(Fault::CrossOrigin);
        }
        if !is_form(&parts.headers) {
            return Err(Fault::BadRequest);
        }
        let mut fields = read(&parts.headers, body).await?;
        let token = fields.remove(CSRF_TOKEN).ok_or(Fault::FormExpired)?;
        if !visit.is_form_token(&token) {
            return Err(Fault::FormExpired);
        }
        let return_to = fields.remove(RETURN_TO);
        visit.set_return_to(return_to.and_then(|text| ReturnTo::parse(&text)));
        Ok(Self { visit, fields })
    }
}

impl Posted {
    /// The values of the fields that the form has; one that was left out is empty.
    ///
    /// # Errors
    /// [`Fault::BadRequest`] if there is a field that the form does not have.
    pub(crate) fn fields<const N: usize>(
        &mut self,
        names: [&str; N],
    ) -> Result<[Zeroizing<String>; N], Fault> {
        let values = names.map(|name| self.fields.remove(name).unwrap_or_default());
        if self.fields.is_empty() {
            Ok(values)
        } else {
            Err(Fault::BadRequest)
        }
    }

    /// What was ticked of a list whose boxes are called `{prefix}{id}`.
    ///
    /// # Errors
    /// [`Fault::BadRequest`] if one of them names no id.
    pub(crate) fn ticked<T: FromStr + Eq + Hash>(
        &mut self,
        prefix: &str,
    ) -> Result<HashSet<T>, Fault> {
        let names = self.fields.extract_if(|name, _| name.starts_with(prefix));
        let ids = names.map(|(name, _)| name.strip_prefix(prefix).unwrap_or_default().parse());
        ids.collect::<Result<_, _>>().map_err(|_| Fault::BadRequest)
    }
}

/// An older browser that says `Origin: null` for a page without referrer, and nothing else of where a form comes from. For
/// it the form's token alone has to do.
fn is_silent_on_origin(headers: &HeaderMap) -> bool {
    headers.get(ORIGIN).is_some_and(|origin| origin == "null")
        && !headers.contains_key("sec-fetch-site")
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    content_type
        .and_then(|text| text.split(';').next())
        .is_some_and(|essence| {
            essence
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

async fn read(
    headers: &HeaderMap,
    body: Body,
) -> Result<HashMap<String, Zeroizing<String>>, Fault> {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > MAX_BYTES) {
        return Err(Fault::TooLarge);
    }
    let body = Limited::new(body, MAX_BYTES).collect().await;
    let bytes = body
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                Fault::TooLarge
            } else {
                Fault::BadRequest
            }
        })?
        .to_bytes();
    let mut fields = HashMap::new();
    for (name, value) in form_urlencoded::parse(&bytes) {
        // Stands for bytes that are not UTF-8, which no page of ours sends.
        let garbled = name.contains(char::REPLACEMENT_CHARACTER)
            || value.contains(char::REPLACEMENT_CHARACTER);
        let value = Zeroizing::new(value.into_owned());
        if garbled || fields.insert(name.into_owned(), value).is_some() {
            return Err(Fault::BadRequest);
        }
    }
    Ok(fields)
}
