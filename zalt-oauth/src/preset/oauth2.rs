use super::{Endpoints, OptionUse, Preset, Shape, Speaks, openid};

/// What goes for a provider that is configured by its endpoints.
pub(super) const BASE: Preset = Preset {
    name: "oauth2",
    display_name: "OAuth 2",
    documentation: &["https://www.rfc-editor.org/rfc/rfc6749"],
    speaks: Speaks::OAuth2 {
        issuer: None,
        endpoints: None,
    },
    scopes: &[],
    options: &[
        ("client_auth", OptionUse::Optional),
        ("pkce", OptionUse::Optional),
        ("subject_field", OptionUse::Optional),
        ("email_field", OptionUse::Optional),
        ("email_verified_field", OptionUse::Optional),
        ("username_field", OptionUse::Optional),
        ("name_field", OptionUse::Optional),
        ("picture_field", OptionUse::Optional),
        ("vouches_for_email", OptionUse::Optional),
    ],
    ..openid::BASE
};

/// A provider that is known: `issuer` stands for it in accounts, and may never change.
pub(super) const fn known(
    issuer: &'static str,
    authorization: &'static str,
    token: &'static str,
    userinfo: &'static str,
    revocation: Option<&'static str>,
) -> Speaks {
    Speaks::OAuth2 {
        issuer: Some(issuer),
        endpoints: Some(Endpoints {
            authorization,
            token,
            userinfo,
            revocation,
        }),
    }
}

pub(super) const fn shape(subject: &'static str) -> Shape<'static> {
    Shape {
        subject,
        email: None,
        verified: None,
        username: None,
        name: None,
        given_name: None,
        family_name: None,
        picture: None,
    }
}
