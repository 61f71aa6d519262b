//! What is said to a provider about codes and tokens, by the `oauth2` crate.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret,
    CsrfToken, EndpointNotSet, EndpointSet, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, StandardRevocableToken, TokenUrl,
};
use serde::Deserialize;
use serde_json::Value;
use url::{Url, form_urlencoded};
use zalt_core::connection::{
    AuthorizationRequest, OAuthErrorCode, Prompt, ProviderError, ProviderTokens, Redemption,
};
use zalt_core::secret::SecretText;

use crate::call::{Caller, whole};
use crate::metadata::Metadata;
use crate::preset::{ClientAuth, Quirk, Speaks};
use crate::provider::Provider;
use crate::token_answer::TokenAnswer;

type OAuthClient = Client<
    BasicErrorResponse,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A provider, where to speak to it, and what proves who is speaking.
pub(crate) struct Endpoint<'a> {
    pub(crate) provider: &'a Provider<'a>,
    pub(crate) metadata: &'a Metadata,
    pub(crate) caller: Caller<'a>,
    pub(crate) client_secret: Option<SecretText>,
}

impl Endpoint<'_> {
    pub(crate) fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> Url {
        let client = self.client();
        let state = request.state.to_owned();
        let mut address = client
            .authorize_url(|| CsrfToken::new(state))
            .set_redirect_uri(Cow::Owned(redirect_url(request.redirect_uri)));
        let scope = self.provider.scope();
        if !scope.is_empty() {
            address = address.add_extra_param("scope", scope);
        }
        if self.provider.uses_pkce() {
            address = address
                .add_extra_param("code_challenge", request.pkce_challenge)
                .add_extra_param("code_challenge_method", "S256");
        }
        if self.provider.sends_nonce() {
            address = address.add_extra_param("nonce", request.nonce);
        }
        if matches!(self.provider.preset.speaks, Speaks::OpenId { .. }) {
            if let Some(hint) = request.login_hint {
                address = address.add_extra_param("login_hint", hint);
            }
            if let Some(prompt) = request.prompt {
                address = address.add_extra_param("prompt", prompt_value(prompt));
            }
        }
        if self.provider.preset.has(Quirk::ClientKey) {
            address = address.add_extra_param("client_key", self.client_id());
        }
        for (name, value) in self.provider.preset.authorization_params {
            address = address.add_extra_param(*name, *value);
        }
        address.url().0
    }

    pub(crate) async fn redeem(
        &self,
        redemption: &Redemption<'_>,
    ) -> Result<TokenAnswer, ProviderError> {
        let client = self.client();
        let mut request = client
            .exchange_code(AuthorizationCode::new(redemption.code.to_owned()))
            .set_redirect_uri(Cow::Owned(redirect_url(redemption.redirect_uri)));
        if self.provider.uses_pkce() {
            let verifier = redemption.pkce_verifier.to_owned();
            request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier));
        }
        if self.provider.preset.has(Quirk::ClientKey) {
            request = request.add_extra_param("client_key", self.client_id());
        }
        let answer = request.request_async(&self.sender()).await;
        answer.map_err(token_error)
    }

    pub(crate) async fn refresh(
        &self,
        refresh_token: &SecretText,
    ) -> Result<TokenAnswer, ProviderError> {
        let client = self.client();
        let token = RefreshToken::new(refresh_token.expose().to_owned());
        let mut request = client.exchange_refresh_token(&token);
        if self.provider.preset.has(Quirk::ClientKey) {
            request = request.add_extra_param("client_key", self.client_id());
        }
        let answer = request.request_async(&self.sender()).await;
        answer.map_err(token_error)
    }

    /// RFC 7009; the refresh token first, since with it the provider gives up what came of it.
    pub(crate) async fn revoke(&self, tokens: &ProviderTokens) -> Result<bool, ProviderError> {
        let Some(revocation) = &self.metadata.revocation else {
            return Ok(false);
        };
        let refresh = tokens
            .refresh_token
            .iter()
            .map(|token| (token, "refresh_token"));
        for (token, hint) in refresh.chain([(&tokens.access_token, "access_token")]) {
            let request = self.revocation(revocation, token, hint)?;
            let answer = self.caller.send(request).await?;
            if !answer.status().is_success() {
                return Err(ProviderError::Refused {
                    error: error_code(answer.body()).unwrap_or_else(|| OAuthErrorCode::parse("")),
                });
            }
        }
        Ok(true)
    }

    /// The crate would refuse an address that is not https, and whether one may be `http` is decided elsewhere.
    fn revocation(
        &self,
        url: &Url,
        token: &SecretText,
        hint: &str,
    ) -> Result<Request<Vec<u8>>, ProviderError> {
        let client_id = self.client_id();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", token.expose());
        form.append_pair("token_type_hint", hint);
        if self.provider.preset.has(Quirk::ClientKey) {
            form.append_pair("client_key", client_id);
        }
        let mut request =
            Request::post(url.as_str()).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        match (
            &self.client_secret,
            self.provider.client_auth(self.metadata),
        ) {
            (Some(secret), ClientAuth::Body) => {
                form.append_pair("client_id", client_id);
                form.append_pair("client_secret", secret.expose());
            }
            (Some(secret), _) => {
                request = request.header(AUTHORIZATION, basic(client_id, secret.expose()));
            }
            (None, _) => {
                form.append_pair("client_id", client_id);
            }
        }
        whole(request, &form.finish())
    }

    fn sender(&self) -> Sender<'_> {
        Sender {
            caller: self.caller,
            json: self.provider.preset.has(Quirk::JsonRequests),
        }
    }

    fn client_id(&self) -> &str {
        &self.provider.settings.client_id
    }

    fn client(&self) -> OAuthClient {
        let id = ClientId::new(self.client_id().to_owned());
        let client = Client::new(id)
            .set_auth_type(match self.provider.client_auth(self.metadata) {
                ClientAuth::Body => AuthType::RequestBody,
                ClientAuth::Basic | ClientAuth::Discovered => AuthType::BasicAuth,
            })
            .set_auth_uri(AuthUrl::from_url(self.metadata.authorization.clone()))
            .set_token_uri(TokenUrl::from_url(self.metadata.token.clone()));
        match &self.client_secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
            None => client,
        }
    }
}

/// Sends what the crate puts together.
struct Sender<'a> {
    caller: Caller<'a>,
    json: bool,
}

impl<'c> AsyncHttpClient<'c> for Sender<'_> {
    type Error = ProviderError;
    type Future =
        Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, ProviderError>> + Send + 'c>>;

    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(async move {
            let request = if self.json { as_json(request) } else { request };
            let mut answer = self.caller.send(request).await?;
            // Some call their JSON something else. It is read as JSON, whatever it is called.
            answer.headers_mut().remove(CONTENT_TYPE);
            Ok(answer)
        })
    }
}

/// The same request with its form as a JSON object.
fn as_json(request: Request<Vec<u8>>) -> Request<Vec<u8>> {
    let (mut head, form) = request.into_parts();
    let members: serde_json::Map<String, Value> = form_urlencoded::parse(&form)
        .map(|(name, value)| (name.into_owned(), value.into()))
        .collect();
    let json = HeaderValue::from_static("application/json");
    head.headers.insert(CONTENT_TYPE, json);
    Request::from_parts(head, Value::Object(members).to_string().into_bytes())
}

/// RFC 6749, section 2.3.1: both halves are encoded as forms are.
fn basic(client_id: &str, secret: &str) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(client_id), encode(secret));
    format!("Basic {}", STANDARD.encode(pair))
}

fn redirect_url(url: &Url) -> RedirectUrl {
    RedirectUrl::from_url(url.clone())
}

const fn prompt_value(prompt: Prompt) -> &'static str {
    match prompt {
        Prompt::SelectAccount => "select_account",
        Prompt::Consent => "consent",
        _ => "login",
    }
}

fn token_error(error: RequestTokenError<ProviderError, BasicErrorResponse>) -> ProviderError {
    const WHAT: ProviderError = ProviderError::BadAnswer {
        what: "the answer to a request for tokens",
    };
    match error {
        RequestTokenError::ServerResponse(refused) => ProviderError::Refused {
            error: OAuthErrorCode::parse(refused.error().as_ref()),
        },
        RequestTokenError::Request(error) => error,
        // Some refuse with status 200, or with a status of their own choice and more than the crate reads.
        RequestTokenError::Parse(_, body) => {
            error_code(&body).map_or(WHAT, |error| ProviderError::Refused { error })
        }
        RequestTokenError::Other(_) => WHAT,
    }
}

fn error_code(body: &[u8]) -> Option<OAuthErrorCode> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    Some(OAuthErrorCode::parse(&refusal.error))
}
