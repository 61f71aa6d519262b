//! What a provider publishes about itself (OpenID Connect Discovery 1.0; RFC 8414).

use serde::Deserialize;
use url::Url;
use zalt_core::connection::ProviderError;
use zalt_core::jwt::Algorithm;
use zalt_outbound::{Reach, is_loopback};

use crate::preset::ClientAuth;

/// Where a provider is spoken to and how, be it discovered, configured or known.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// The issuer, exactly as the provider writes it.
    pub(crate) issuer: String,
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    pub(crate) userinfo: Option<Url>,
    pub(crate) revocation: Option<Url>,
    pub(crate) keys: Option<Url>,
    /// What ID tokens may be signed with; asymmetric algorithms only.
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) client_auth: ClientAuth,
    /// Whether answers say which provider they are from (RFC 9207).
    pub(crate) sends_iss: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    userinfo_endpoint: Option<Url>,
    revocation_endpoint: Option<Url>,
    jwks_uri: Url,
    #[serde(default)]
    id_token_signing_alg_values_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Reads the document of `issuer`, which has to call itself that (section 4.3): a document that names another issuer
    /// would let whoever wrote it speak for that one.
    ///
    /// # Errors
    /// [`ProviderError::IssuerMismatch`]; [`ProviderError::BadAnswer`] for what is no such document.
    pub fn parse(json: &[u8], issuer: &str, reach: Reach) -> Result<Self, ProviderError> {
        let document: Document =
            serde_json::from_slice(json).map_err(|_| ProviderError::BadAnswer {
                what: "the provider's metadata",
            })?;
        if !is_issuer(&document.issuer, issuer) {
            return Err(ProviderError::IssuerMismatch);
        }
        let endpoints = [
            Some(&document.authorization_endpoint),
            Some(&document.token_endpoint),
            Some(&document.jwks_uri),
            document.userinfo_endpoint.as_ref(),
            document.revocation_endpoint.as_ref(),
        ];
        if !endpoints
            .into_iter()
            .flatten()
            .all(|url| may_be_used(url, reach))
        {
            return Err(ProviderError::BadAnswer {
                what: "an endpoint in the provider's metadata that is not https",
            });
        }
        let algorithms = asymmetric(
            document
                .id_token_signing_alg_values_supported
                .iter()
                .map(String::as_str),
        );
        Ok(Self {
            client_auth: client_auth(document.token_endpoint_auth_methods_supported.as_deref()),
            algorithms: if document.id_token_signing_alg_values_supported.is_empty() {
                vec![Algorithm::Rs256]
            } else {
                algorithms
            },
            issuer: document.issuer,
            authorization: document.authorization_endpoint,
            token: document.token_endpoint,
            userinfo: document.userinfo_endpoint,
            revocation: document.revocation_endpoint,
            keys: Some(document.jwks_uri),
            sends_iss: document.authorization_response_iss_parameter_supported,
        })
    }
}

/// The address of an issuer's metadata (OpenID Connect Discovery 1.0, section 4).
pub(crate) fn address_of(issuer: &Url) -> Result<Url, ProviderError> {
    let base = issuer.as_str().trim_end_matches('/');
    Url::parse(&format!("{base}/.well-known/openid-configuration")).map_err(|_| {
        ProviderError::BadAnswer {
            what: "the issuer's address",
        }
    })
}

/// Compares exactly. A URL without a path is kept with a slash at its end, whichever way it was written, so there, and only
/// there, either will do.
fn is_issuer(named: &str, configured: &str) -> bool {
    let bare = || {
        let origin = configured.strip_suffix('/')?;
        let (_, host) = origin.split_once("://")?;
        (!host.contains('/')).then_some(origin)
    };
    named == configured || bare() == Some(named)
}

/// Keeps the algorithms by which only the issuer can sign. `none` and HMAC are not among them: with HMAC whoever holds the
/// client's secret, or takes a public key for one, could sign.
pub(crate) fn asymmetric<'n>(names: impl Iterator<Item = &'n str>) -> Vec<Algorithm> {
    names
        .filter_map(|name| name.parse().ok())
        .filter(|algorithm| *algorithm != Algorithm::Hs256)
        .collect()
}

/// Whether an address that a provider or an operator names may be used at all; the transport checks where it leads.
pub(crate) fn may_be_used(url: &Url, reach: Reach) -> bool {
    let this_machine = url.host_str().is_some_and(is_loopback);
    let scheme = match url.scheme() {
        "https" => true,
        "http" => this_machine && reach == Reach::InternetAndThisMachine,
        _ => false,
    };
    scheme
        && url.host_str().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
}

/// RFC 8414, section 2: HTTP Basic where nothing is said.
fn client_auth(methods: Option<&[String]>) -> ClientAuth {
    let offers = |name: &str| methods.is_some_and(|all| all.iter().any(|one| one == name));
    if !offers("client_secret_basic") && offers("client_secret_post") {
        ClientAuth::Body
    } else {
        ClientAuth::Basic
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(change: &serde_json::Value) -> Result<Metadata, ProviderError> {
        let mut document = json!({
            "issuer": "https://i.example",
            "authorization_endpoint": "https://i.example/authorize",
            "token_endpoint": "https://i.example/token",
            "jwks_uri": "https://keys.example/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256", "ES256", "X"],
        });
        for (name, value) in change.as_object().unwrap() {
            document[name] = value.clone();
        }
        Metadata::parse(
            document.to_string().as_bytes(),
            "https://i.example/",
            Reach::Internet,
        )
    }

    #[test]
    fn an_issuer_is_compared_exactly() {
        assert_eq!(parse(&json!({})).unwrap().issuer, "https://i.example");
        let slash = parse(&json!({"issuer": "https://i.example/"})).unwrap();
        assert_eq!(slash.issuer, "https://i.example/");
        for other in [
            "https://I.example",
            "http://i.example",
            "https://i.example/a",
            "https://i.example//",
            "https://i.example.evil.example",
            "",
        ] {
            let refused = parse(&json!({"issuer": other})).err();
            assert_eq!(refused, Some(ProviderError::IssuerMismatch), "{other}");
        }
        assert!(is_issuer("https://i.example/a", "https://i.example/a"));
        assert!(!is_issuer("https://i.example/a", "https://i.example/a/"));
        assert!(!is_issuer("https://i.example/a/", "https://i.example/a"));
    }

    #[test]
    fn only_asymmetric_algorithms_are_taken_up() {
        assert_eq!(
            parse(&json!({})).unwrap().algorithms,
            [Algorithm::Rs256, Algorithm::Es256]
        );
        let only_weak = json!({"id_token_signing_alg_values_supported": ["none", "HS256"]});
        assert!(parse(&only_weak).unwrap().algorithms.is_empty());
    }

    #[test]
    fn endpoints_are_https() {
        for (name, url) in [
            ("authorization_endpoint", "javascript:alert(1)"),
            ("authorization_endpoint", "http://i.example/authorize"),
            ("token_endpoint", "http://127.0.0.1:6379/"),
            ("jwks_uri", "file:///etc/passwd"),
            ("userinfo_endpoint", "https://user:pass@i.example/"),
            ("revocation_endpoint", "gopher://i.example/"),
        ] {
            assert!(
                matches!(
                    parse(&json!({name: url})),
                    Err(ProviderError::BadAnswer { .. })
                ),
                "{name} {url}"
            );
        }
    }

    #[test]
    fn a_secret_goes_where_the_provider_wants_it() {
        let auth = |methods| {
            parse(&json!({"token_endpoint_auth_methods_supported": methods}))
                .unwrap()
                .client_auth
        };
        assert_eq!(auth(json!(null)), ClientAuth::Basic);
        assert_eq!(auth(json!(["client_secret_post"])), ClientAuth::Body);
        assert_eq!(
            auth(json!(["client_secret_post", "client_secret_basic"])),
            ClientAuth::Basic
        );
    }
}
