use super::{ClientAuth, OptionUse, Preset, Quirk, Shape, Speaks, Userinfo, Vouches};

/// Every provider that settings may name.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "oidc",
        display_name: "OpenID Connect",
        documentation: &[
            "https://openid.net/specs/openid-connect-core-1_0.html",
            "https://openid.net/specs/openid-connect-discovery-1_0.html",
        ],
        speaks: Speaks::OpenId {
            issuer: None,
            own_issuer: true,
            nonce: true,
        },
        scopes: &["openid", "profile", "email"],
        client_auth: ClientAuth::Discovered,
        pkce: true,
        authorization_params: &[],
        userinfo: Userinfo::Get { headers: &[] },
        shape: Shape::OPENID,
        vouches: Vouches::IfOperatorTrustsIt,
        options: GENERIC_OPENID,
        quirks: &[],
    },
    Preset {
        name: "oauth2",
        display_name: "OAuth 2",
        documentation: &["https://www.rfc-editor.org/rfc/rfc6749"],
        speaks: Speaks::OAuth2 {
            issuer: None,
            endpoints: None,
        },
        scopes: &[],
        client_auth: ClientAuth::Discovered,
        pkce: true,
        authorization_params: &[],
        userinfo: Userinfo::Get { headers: &[] },
        shape: Shape::OPENID,
        vouches: Vouches::IfOperatorTrustsIt,
        options: GENERIC_OAUTH2,
        quirks: &[],
    },
    Preset {
        name: "apple",
        display_name: "Apple",
        documentation: &[
            "https://developer.apple.com/documentation/signinwithapplerestapi/generate-and-validate-tokens",
            "https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret",
            "https://developer.apple.com/documentation/signinwithapple/authenticating-users-with-sign-in-with-apple",
        ],
        speaks: Speaks::OpenId {
            issuer: Some("https://appleid.apple.com"),
            own_issuer: false,
            nonce: true,
        },
        scopes: &["openid", "name", "email"],
        client_auth: ClientAuth::Body,
        pkce: true,
        authorization_params: &[("response_mode", "form_post")],
        userinfo: Userinfo::No,
        shape: Shape::OPENID,
        // "email_verified" is a Boolean or a text; relayed addresses are Apple's own.
        vouches: Vouches::WhereFlagged,
        options: &[
            ("team_id", OptionUse::Required),
            ("key_id", OptionUse::Required),
            ("native_client_ids", OptionUse::Optional),
        ],
        quirks: &[Quirk::SignedClientSecret, Quirk::NameInForm],
    },
];

const GENERIC_OPENID: &[(&str, OptionUse)] = &[
    ("client_auth", OptionUse::Optional),
    ("id_token_algorithms", OptionUse::Optional),
    ("native_client_ids", OptionUse::Optional),
    ("vouches_for_email", OptionUse::Optional),
];

const GENERIC_OAUTH2: &[(&str, OptionUse)] = &[
    ("client_auth", OptionUse::Optional),
    ("pkce", OptionUse::Optional),
    ("subject_field", OptionUse::Optional),
    ("email_field", OptionUse::Optional),
    ("email_verified_field", OptionUse::Optional),
    ("username_field", OptionUse::Optional),
    ("name_field", OptionUse::Optional),
    ("picture_field", OptionUse::Optional),
    ("vouches_for_email", OptionUse::Optional),
];
