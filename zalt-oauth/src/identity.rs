//! Who came: what the ID token says, completed by what the provider says when asked.

use serde_json::Value;
use zalt_core::connection::{IdTokenProblem, ProviderError, ProviderIdentity};

use crate::call::Caller;
use crate::id_token::IdToken;
use crate::metadata::Metadata;
use crate::preset::{Userinfo, complete};
use crate::provider::Provider;
use crate::token_answer::TokenAnswer;

/// What an ID token says of whom it is about.
pub(crate) fn of_id_token(
    provider: &Provider<'_>,
    token: &IdToken,
) -> Result<ProviderIdentity, ProviderError> {
    let identity = provider.shape().read(&token.issuer, &token.claims)?;
    Ok(judged(provider, identity))
}

/// Who came with these tokens.
pub(crate) async fn of_answer(
    provider: &Provider<'_>,
    metadata: &Metadata,
    caller: Caller<'_>,
    answer: &TokenAnswer,
    id_token: Option<&IdToken>,
) -> Result<ProviderIdentity, ProviderError> {
    let shape = provider.shape();
    let named = match id_token {
        Some(token) => Some(shape.read(&token.issuer, &token.claims)?),
        None => None,
    };
    let asked = match ask(provider, metadata, caller, answer).await? {
        Some(document) => Some(shape.read(&metadata.issuer, &document)?),
        None => None,
    };
    let identity = match (named, asked) {
        // OpenID Connect Core 1.0, section 5.3.2: an answer about somebody else is somebody else's.
        (Some(named), Some(asked)) if named.subject != asked.subject => {
            return Err(ProviderError::IdTokenInvalid(IdTokenProblem::Subject));
        }
        (Some(mut named), Some(asked)) => {
            complete(&mut named, asked);
            named
        }
        (Some(identity), None) | (None, Some(identity)) => identity,
        (None, None) => {
            return Err(ProviderError::BadAnswer {
                what: "who it is about",
            });
        }
    };
    Ok(judged(provider, identity))
}

/// A flag beside an address counts only where the provider may vouch for addresses.
fn judged(provider: &Provider<'_>, mut identity: ProviderIdentity) -> ProviderIdentity {
    if let Some(email) = &mut identity.email {
        email.verified &= provider.may_vouch();
    }
    identity
}

async fn ask(
    provider: &Provider<'_>,
    metadata: &Metadata,
    caller: Caller<'_>,
    answer: &TokenAnswer,
) -> Result<Option<Value>, ProviderError> {
    let (headers, body) = match provider.preset.userinfo {
        Userinfo::No => return Ok(None),
        Userinfo::InTokenAnswer => return Ok(Some(answer.document())),
        Userinfo::Get { headers } => (headers, None),
        Userinfo::Post { body } => (&[] as &[_], Some(body)),
    };
    let Some(url) = &metadata.userinfo else {
        return Ok(None);
    };
    let document = caller.ask(url, answer.bearer(), headers, body).await?;
    Ok(Some(document))
}
