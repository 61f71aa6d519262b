use super::{ClientAuth, OptionUse, Preset, Quirk, Shape, Speaks, Userinfo, Vouches};

/// What goes for an OpenID provider that does as the specification says.
pub(super) const BASE: Preset = Preset {
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
    emails: None,
    shape: Shape::OPENID,
    vouches: Vouches::IfOperatorTrustsIt,
    options: &[
        ("client_auth", OptionUse::Optional),
        ("id_token_algorithms", OptionUse::Optional),
        ("native_client_ids", OptionUse::Optional),
        ("vouches_for_email", OptionUse::Optional),
    ],
    quirks: &[],
};

const fn issuer(issuer: &'static str) -> Speaks {
    Speaks::OpenId {
        issuer: Some(issuer),
        own_issuer: false,
        nonce: true,
    }
}

const NATIVE: &[(&str, OptionUse)] = &[("native_client_ids", OptionUse::Optional)];

/// Providers that say who came by an ID token.
pub(super) static PRESETS: &[Preset] = &[
    BASE,
    Preset {
        name: "google",
        display_name: "Google",
        documentation: &[
            "https://developers.google.com/identity/openid-connect/openid-connect",
            "https://developers.google.com/identity/gsi/web/guides/verify-google-id-token",
        ],
        speaks: issuer("https://accounts.google.com"),
        client_auth: ClientAuth::Body,
        userinfo: Userinfo::No,
        vouches: Vouches::WhereFlagged,
        options: NATIVE,
        quirks: &[Quirk::VouchesForOwnDomains],
        ..BASE
    },
    Preset {
        name: "apple",
        display_name: "Apple",
        documentation: &[
            "https://developer.apple.com/documentation/signinwithapplerestapi/generate-and-validate-tokens",
            "https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret",
            "https://developer.apple.com/documentation/signinwithapple/authenticating-users-with-sign-in-with-apple",
        ],
        speaks: issuer("https://appleid.apple.com"),
        scopes: &["openid", "name", "email"],
        client_auth: ClientAuth::Body,
        authorization_params: &[("response_mode", "form_post")],
        userinfo: Userinfo::No,
        // The flag is a Boolean or a text; addresses that hide another are Apple's own.
        vouches: Vouches::WhereFlagged,
        options: &[
            ("team_id", OptionUse::Required),
            ("key_id", OptionUse::Required),
            ("native_client_ids", OptionUse::Optional),
        ],
        quirks: &[
            Quirk::SignedClientSecret,
            Quirk::NameInForm,
            Quirk::HostsMailboxes(&[
                "privaterelay.appleid.com",
                "icloud.com",
                "me.com",
                "mac.com",
            ]),
        ],
        ..BASE
    },
    Preset {
        name: "microsoft",
        display_name: "Microsoft",
        documentation: &[
            "https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc",
            "https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference",
            "https://learn.microsoft.com/entra/identity-platform/migrate-off-email-claim-authorization",
        ],
        speaks: issuer("https://login.microsoftonline.com/{tenant}/v2.0"),
        client_auth: ClientAuth::Body,
        userinfo: Userinfo::No,
        shape: Shape {
            // Whoever runs a tenant writes what they like into `email`; this optional claim says that the domain is theirs.
            verified: Some("/xms_edov"),
            // May change, and names nobody.
            username: None,
            ..Shape::OPENID
        },
        vouches: Vouches::WhereFlagged,
        options: &[
            ("tenant", OptionUse::Optional),
            ("native_client_ids", OptionUse::Optional),
        ],
        quirks: &[Quirk::Tenants],
        ..BASE
    },
    Preset {
        name: "gitlab",
        display_name: "GitLab",
        documentation: &["https://docs.gitlab.com/integration/openid_connect_provider/"],
        speaks: Speaks::OpenId {
            issuer: Some("https://gitlab.com"),
            own_issuer: true,
            nonce: true,
        },
        vouches: Vouches::WhereFlagged,
        options: &[("vouches_for_email", OptionUse::Optional)],
        ..BASE
    },
    Preset {
        name: "slack",
        display_name: "Slack",
        documentation: &[
            "https://docs.slack.dev/authentication/sign-in-with-slack/",
            "https://docs.slack.dev/reference/methods/openid.connect.userInfo",
        ],
        speaks: issuer("https://slack.com"),
        client_auth: ClientAuth::Body,
        pkce: false,
        userinfo: Userinfo::No,
        shape: Shape {
            username: None,
            ..Shape::OPENID
        },
        // Whoever runs a workspace sets its members' addresses.
        vouches: Vouches::No,
        options: &[],
        // Ids of users are unique within a workspace only.
        quirks: &[Quirk::SubjectWithin("/https:~1~1slack.com~1team_id")],
        ..BASE
    },
    Preset {
        name: "linkedin",
        display_name: "LinkedIn",
        documentation: &[
            "https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2",
        ],
        speaks: Speaks::OpenId {
            issuer: Some("https://www.linkedin.com/oauth"),
            own_issuer: false,
            nonce: false,
        },
        client_auth: ClientAuth::Body,
        pkce: false,
        vouches: Vouches::WhereFlagged,
        options: &[],
        ..BASE
    },
    Preset {
        name: "twitch",
        display_name: "Twitch",
        documentation: &["https://dev.twitch.tv/docs/authentication/getting-tokens-oidc/"],
        speaks: issuer("https://id.twitch.tv/oauth2"),
        scopes: &["openid", "user:read:email"],
        client_auth: ClientAuth::Body,
        pkce: false,
        authorization_params: &[(
            "claims",
            r#"{"id_token":{"email":null,"email_verified":null,"picture":null,"preferred_username":null}}"#,
        )],
        userinfo: Userinfo::No,
        vouches: Vouches::WhereFlagged,
        options: &[],
        ..BASE
    },
    Preset {
        name: "huggingface",
        display_name: "Hugging Face",
        documentation: &["https://huggingface.co/docs/hub/oauth"],
        speaks: issuer("https://huggingface.co"),
        vouches: Vouches::WhereFlagged,
        options: &[],
        ..BASE
    },
    Preset {
        name: "salesforce",
        display_name: "Salesforce",
        documentation: &[
            "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_using_openid.htm",
            "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_using_userinfo_endpoint.htm",
        ],
        speaks: Speaks::OpenId {
            issuer: Some("https://login.salesforce.com"),
            own_issuer: true,
            nonce: true,
        },
        client_auth: ClientAuth::Body,
        // Whoever runs an organization sets its users' addresses.
        vouches: Vouches::No,
        options: &[],
        ..BASE
    },
];
