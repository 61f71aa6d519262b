//! Who came: what the ID token says, completed by what the provider says when asked.

use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;
use subtle::ConstantTimeEq;
use url::{Url, form_urlencoded};
use zalt_core::connection::{IdTokenProblem, ProviderEmail, ProviderError, ProviderIdentity};
use zalt_core::identifier::EmailAddress;

use crate::call::{Caller, whole};
use crate::id_token::IdToken;
use crate::metadata::Metadata;
use crate::preset::{EmailList, Quirk, Userinfo, complete, is_true};
use crate::provider::Provider;
use crate::token_answer::TokenAnswer;

/// What an ID token says of whom it is about.
pub(crate) fn of_id_token(
    provider: &Provider<'_>,
    token: &IdToken,
) -> Result<ProviderIdentity, ProviderError> {
    read(provider, &token.issuer, &token.claims)
}

/// Reads one document, by the rules of the provider that it is from.
fn read(
    provider: &Provider<'_>,
    issuer: &str,
    document: &Value,
) -> Result<ProviderIdentity, ProviderError> {
    let mut identity = provider.shape().read(issuer, document)?;
    for quirk in provider.preset.quirks {
        match quirk {
            Quirk::SubjectWithin(pointer) => {
                let whole = document.pointer(pointer).and_then(Value::as_str);
                let whole = whole.filter(|whole| !whole.is_empty() && whole.len() <= 100);
                let whole = whole.ok_or(NOBODY)?;
                identity.subject = format!("{whole}/{}", identity.subject);
                if identity.subject.len() > 255 {
                    return Err(NOBODY);
                }
            }
            Quirk::VerifiedOnlyIf(pointer) => {
                let so = document.pointer(pointer).is_some_and(is_true);
                unverify_unless(&mut identity, |_| so);
            }
            Quirk::VouchesForOwnDomains => {
                let hosted = document.pointer("/hd").and_then(Value::as_str);
                let own = ["gmail.com", "googlemail.com"];
                if let Some(email) = &mut identity.email {
                    let domain = email.address.domain();
                    let is_own = own.contains(&domain);
                    email.verified &= hosted.is_some() || is_own;
                    email.authoritative =
                        is_own || hosted.is_some_and(|hosted| hosted.eq_ignore_ascii_case(domain));
                }
            }
            Quirk::HostsMailboxes(domains) => {
                if let Some(email) = &mut identity.email {
                    email.authoritative = domains.contains(&email.address.domain());
                }
            }
            _ => {}
        }
    }
    // A flag beside an address counts only where the provider may vouch for addresses.
    unverify_unless(&mut identity, |_| provider.may_vouch());
    if let Some(email) = &mut identity.email {
        email.authoritative |= provider.is_trusted_with_addresses();
        email.authoritative &= email.verified;
    }
    Ok(identity)
}

fn unverify_unless(identity: &mut ProviderIdentity, so: impl Fn(&EmailAddress) -> bool) {
    if let Some(email) = &mut identity.email {
        email.verified &= so(&email.address);
    }
}

const NOBODY: ProviderError = ProviderError::BadAnswer {
    what: "who it is about",
};

/// A provider that is asked who came with these tokens.
pub(crate) struct Asked<'a> {
    pub(crate) provider: &'a Provider<'a>,
    pub(crate) metadata: &'a Metadata,
    pub(crate) caller: Caller<'a>,
    pub(crate) answer: &'a TokenAnswer,
    pub(crate) nonce: &'a str,
}

impl Asked<'_> {
    pub(crate) async fn identity(
        &self,
        id_token: Option<&IdToken>,
    ) -> Result<ProviderIdentity, ProviderError> {
        let named = match id_token {
            Some(token) => Some(of_id_token(self.provider, token)?),
            None => None,
        };
        let asked = match self.userinfo().await? {
            Some(document) => Some(read(self.provider, &self.metadata.issuer, &document)?),
            None => None,
        };
        let mut identity = match (named, asked) {
            // OpenID Connect Core 1.0, section 5.3.2: an answer about somebody else is somebody else's.
            (Some(named), Some(asked)) if named.subject != asked.subject => {
                return Err(ProviderError::IdTokenInvalid(IdTokenProblem::Subject));
            }
            (Some(mut named), Some(asked)) => {
                complete(&mut named, asked);
                named
            }
            (Some(identity), None) | (None, Some(identity)) => identity,
            (None, None) => return Err(NOBODY),
        };
        if let Some(emails) = self.provider.preset.emails {
            identity.email = self.listed_email(emails).await?;
        }
        Ok(identity)
    }

    async fn userinfo(&self) -> Result<Option<Value>, ProviderError> {
        let (headers, body) = match self.provider.preset.userinfo {
            Userinfo::No => return Ok(None),
            Userinfo::InTokenAnswer => return Ok(Some(self.answer.document())),
            Userinfo::VerifiedByProvider => return self.verified_id_token().await.map(Some),
            Userinfo::Get { headers } => (headers, None),
            Userinfo::Post { body } => (&[] as &[_], Some(body)),
        };
        let Some(mut url) = self.metadata.userinfo.clone() else {
            return Ok(None);
        };
        self.prove_client(&mut url);
        let token = self.answer.bearer();
        let document = self.caller.ask(&url, token, headers, body).await?;
        Ok(Some(document))
    }

    /// HMAC of the access token under the client's secret, in hexadecimal: a stolen token alone opens nothing.
    fn prove_client(&self, url: &mut Url) {
        let secret = self.provider.settings.client_secret.as_ref();
        let (true, Some(secret)) = (self.provider.preset.has(Quirk::AppSecretProof), secret) else {
            return;
        };
        let key =
            aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.expose().as_bytes());
        let proof = aws_lc_rs::hmac::sign(&key, self.answer.bearer().as_bytes());
        let proof = proof
            .as_ref()
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        url.query_pairs_mut().append_pair("appsecret_proof", &proof);
    }

    /// Asks the provider what its ID token says, and holds that against the request as if we had read it.
    async fn verified_id_token(&self) -> Result<Value, ProviderError> {
        let client_id = self.provider.settings.client_id.as_str();
        let token = self.answer.id_token().ok_or(ProviderError::BadAnswer {
            what: "no ID token beside the access token",
        })?;
        let url = self.metadata.userinfo.as_ref().ok_or(NOBODY)?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("id_token", token)
            .append_pair("client_id", client_id)
            .append_pair("nonce", self.nonce)
            .finish();
        let request = Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json");
        let claims = self.caller.account(whole(request, &form)?).await?;
        let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let problem = if claim("iss") != self.metadata.issuer {
            IdTokenProblem::Issuer
        } else if claim("aud") != client_id {
            IdTokenProblem::Audience
        } else if !bool::from(claim("nonce").as_bytes().ct_eq(self.nonce.as_bytes())) {
            IdTokenProblem::Nonce
        } else {
            return Ok(claims);
        };
        Err(ProviderError::IdTokenInvalid(problem))
    }

    /// The primary address of a list. A list that may not be read, since the person did not agree to it, has none.
    async fn listed_email(
        &self,
        emails: EmailList,
    ) -> Result<Option<ProviderEmail>, ProviderError> {
        let Some(mut url) = self.metadata.userinfo.clone() else {
            return Ok(None);
        };
        let path = format!("{}/emails", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let headers = match self.provider.preset.userinfo {
            Userinfo::Get { headers } => headers,
            _ => &[],
        };
        let token = self.answer.bearer();
        let document = match self.caller.ask(&url, token, headers, None).await {
            Err(ProviderError::BadAnswer { .. }) => return Ok(None),
            answer => answer?,
        };
        let flag = |entry: &Value, pointer| entry.pointer(pointer).is_some_and(is_true);
        let primary = document
            .pointer(emails.list)
            .and_then(Value::as_array)
            .and_then(|list| list.iter().find(|entry| flag(entry, emails.primary)));
        Ok(primary.and_then(|entry| {
            let address = entry.pointer(emails.address)?.as_str()?;
            let verified = flag(entry, emails.verified) && self.provider.may_vouch();
            Some(ProviderEmail {
                address: EmailAddress::parse(address).ok()?,
                verified,
                authoritative: verified && self.provider.is_trusted_with_addresses(),
            })
        }))
    }
}
