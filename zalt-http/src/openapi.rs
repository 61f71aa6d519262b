//! The OpenAPI 3.1 document, generated from the endpoints' code.

use std::collections::BTreeMap;

use utoipa::OpenApi as _;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, Ref, RefOr, Response, ResponseBuilder};
use zalt_core::ErrorCode;

use crate::api;
use crate::cookie::CookieKind;
use crate::http_zalt::ZaltHttp;
use crate::problem::Problem;

/// The document of an application: its endpoints, each with its errors, at its base URL.
pub fn document(http: &ZaltHttp) -> OpenApi {
    let mut document = api::description();
    describe(http, &mut document);
    document
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Zalt",
        description = "Sign-up, sign-in, sessions and the account of the person who is signed in.\n\n\
            A browser on the same site holds its session in a cookie; everything else sends access tokens. Errors are \
            problem documents (RFC 9457) with a stable `code`.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(Problem)),
    tags(
        (name = "sign-ups", description = "Making an account"),
        (name = "sign-ins", description = "Signing in, and setting a new password when the old one is lost"),
        (name = "connections", description = "Signing in, up and linking with a provider"),
        (name = "sessions", description = "The sessions of the person who is signed in, and their tokens"),
        (name = "safety", description = "Freezing an account that somebody else is at, and recovering it"),
        (name = "me", description = "The account of the person who is signed in"),
        (name = "discovery", description = "What others need to check tokens and to call the API"),
    )
)]
struct Document;

pub(crate) fn base() -> OpenApi {
    let mut document = Document::openapi();
    if let Some(components) = &mut document.components {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        components.add_security_scheme("access_token", SecurityScheme::Http(bearer));
        let attempt = ApiKeyValue::with_description(
            "Zalt-Attempt",
            "the attempt_token of the reply that began the attempt",
        );
        components.add_security_scheme(
            "attempt_token",
            SecurityScheme::ApiKey(ApiKey::Header(attempt)),
        );
    }
    document
}

fn describe(http: &ZaltHttp, document: &mut OpenApi) {
    let base_url = http.zalt().base_url().as_str().trim_end_matches('/');
    document.servers = Some(vec![utoipa::openapi::Server::new(base_url)]);
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    if let Some(components) = &mut document.components {
        let cookies = [
            ("session_cookie", CookieKind::Session),
            ("sign_in_cookie", CookieKind::SignIn),
            ("sign_up_cookie", CookieKind::SignUp),
            ("connection_cookie", CookieKind::Connection),
        ];
        for (scheme, kind) in cookies {
            let value = ApiKeyValue::new(http.cookies().name(kind));
            components.add_security_scheme(scheme, SecurityScheme::ApiKey(ApiKey::Cookie(value)));
        }
    }
}

/// Codes that any endpoint may answer with.
const ANY: &[ErrorCode] = &[ErrorCode::Unavailable, ErrorCode::Internal];
/// Codes of an endpoint that changes something and may take a body.
pub(crate) const BODY: &[ErrorCode] = &[
    ErrorCode::CrossOrigin,
    ErrorCode::MalformedBody,
    ErrorCode::UnsupportedMediaType,
    ErrorCode::BodyTooLarge,
    ErrorCode::InvalidField,
    ErrorCode::MissingField,
    ErrorCode::UnknownField,
];
/// Codes of an endpoint for people who are signed in.
pub(crate) const SIGNED_IN: &[ErrorCode] = &[
    ErrorCode::Unauthenticated,
    ErrorCode::SessionOver,
    // Where a second factor is asked for in live sessions.
    ErrorCode::MfaEnrollmentRequired,
    ErrorCode::ReauthenticationRequired,
];
/// Codes of an endpoint that takes a new password.
pub(crate) const NEW_PASSWORD: &[ErrorCode] = &[
    ErrorCode::PasswordTooShort,
    ErrorCode::PasswordTooLong,
    ErrorCode::PasswordCommon,
    ErrorCode::PasswordContext,
    ErrorCode::FactorNotAllowed,
    ErrorCode::Overloaded,
];

/// The replies of an endpoint that go wrong, one per status, with an example for each code.
pub(crate) fn error_responses(groups: &[&[ErrorCode]]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<String, Vec<ErrorCode>> = BTreeMap::new();
    for code in groups.iter().copied().chain([ANY]).flatten() {
        let codes = by_status
            .entry(crate::status_of(*code).as_str().to_owned())
            .or_default();
        if !codes.contains(code) {
            codes.push(*code);
        }
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status, RefOr::T(problem_response(&codes))))
        .collect()
}

fn problem_response(codes: &[ErrorCode]) -> Response {
    let names: Vec<_> = codes
        .iter()
        .map(|code| format!("`{}`", code.as_str()))
        .collect();
    let mut content =
        ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
    let examples: Vec<_> = codes
        .iter()
        .map(|code| {
            let problem = Problem::new(*code, "what went wrong, in English");
            let value = serde_json::to_value(problem).ok();
            (code.as_str(), ExampleBuilder::new().value(value).build())
        })
        .collect();
    content = content.examples_from_iter(examples);
    ResponseBuilder::new()
        .description(names.join(", "))
        .content("application/problem+json", content.build())
        .build()
}

/// Names the errors of an endpoint: groups of codes in brackets, then codes of its own.
macro_rules! errors {
    ($name:ident: [$($group:ident),*] $($code:ident),* $(,)?) => {
        pub(crate) struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::Response>,
            > {
                $crate::openapi::error_responses(&[
                    $($crate::openapi::$group,)*
                    &[$(zalt_core::ErrorCode::$code,)*],
                ])
            }
        }
    };
}
pub(crate) use errors;
