use super::oauth2::{BASE, known, shape};
use super::{ClientAuth, EmailList, OptionUse, Preset, Quirk, Shape, Userinfo, Vouches};

/// Providers of the tools that people work with, over OAuth 2.
pub(super) static PRESETS: &[Preset] = &[
    Preset {
        name: "github",
        display_name: "GitHub",
        documentation: &[
            "https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps",
            "https://docs.github.com/rest/users/users#get-the-authenticated-user",
            "https://docs.github.com/rest/users/emails#list-email-addresses-for-the-authenticated-user",
        ],
        speaks: known(
            "https://github.com",
            "https://github.com/login/oauth/authorize",
            "https://github.com/login/oauth/access_token",
            "https://api.github.com/user",
            None,
        ),
        scopes: &["read:user", "user:email"],
        client_auth: ClientAuth::Body,
        userinfo: Userinfo::Get {
            headers: &[
                ("accept", "application/vnd.github+json"),
                ("x-github-api-version", "2022-11-28"),
            ],
        },
        emails: Some(EmailList {
            list: "",
            address: "/email",
            primary: "/primary",
            verified: "/verified",
        }),
        // `email` of the user is what they show on their page; which one is theirs and verified is asked apart.
        shape: Shape {
            username: Some("/login"),
            name: Some("/name"),
            picture: Some("/avatar_url"),
            ..shape("/id")
        },
        vouches: Vouches::WhereFlagged,
        options: &[("vouches_for_email", OptionUse::Optional)],
        ..BASE
    },
    Preset {
        name: "bitbucket",
        display_name: "Bitbucket",
        documentation: &[
            "https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/",
            "https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/",
        ],
        speaks: known(
            "https://bitbucket.org",
            "https://bitbucket.org/site/oauth2/authorize",
            "https://bitbucket.org/site/oauth2/access_token",
            "https://api.bitbucket.org/2.0/user",
            None,
        ),
        scopes: &["account", "email"],
        client_auth: ClientAuth::Basic,
        pkce: false,
        emails: Some(EmailList {
            list: "/values",
            address: "/email",
            primary: "/is_primary",
            verified: "/is_confirmed",
        }),
        shape: Shape {
            username: Some("/nickname"),
            name: Some("/display_name"),
            picture: Some("/links/avatar/href"),
            ..shape("/uuid")
        },
        vouches: Vouches::WhereFlagged,
        options: &[],
        ..BASE
    },
    Preset {
        name: "dropbox",
        display_name: "Dropbox",
        documentation: &[
            "https://developers.dropbox.com/oauth-guide",
            "https://www.dropbox.com/developers/documentation/http/documentation#users-get_current_account",
        ],
        speaks: known(
            "https://www.dropbox.com",
            "https://www.dropbox.com/oauth2/authorize",
            "https://api.dropboxapi.com/oauth2/token",
            "https://api.dropboxapi.com/2/users/get_current_account",
            None,
        ),
        scopes: &["account_info.read"],
        client_auth: ClientAuth::Basic,
        userinfo: Userinfo::Post { body: "null" },
        shape: Shape {
            email: Some("/email"),
            verified: Some("/email_verified"),
            name: Some("/name/display_name"),
            given_name: Some("/name/given_name"),
            family_name: Some("/name/surname"),
            picture: Some("/profile_photo_url"),
            ..shape("/account_id")
        },
        vouches: Vouches::WhereFlagged,
        options: &[],
        ..BASE
    },
    Preset {
        name: "notion",
        display_name: "Notion",
        documentation: &[
            "https://developers.notion.com/docs/authorization",
            "https://developers.notion.com/reference/create-a-token",
        ],
        speaks: known(
            "https://www.notion.so",
            "https://api.notion.com/v1/oauth/authorize",
            "https://api.notion.com/v1/oauth/token",
            "https://api.notion.com/v1/users/me",
            None,
        ),
        client_auth: ClientAuth::Basic,
        pkce: false,
        authorization_params: &[("owner", "user")],
        userinfo: Userinfo::InTokenAnswer,
        shape: Shape {
            email: Some("/owner/user/person/email"),
            name: Some("/owner/user/name"),
            picture: Some("/owner/user/avatar_url"),
            ..shape("/owner/user/id")
        },
        // There is no flag.
        vouches: Vouches::No,
        options: &[],
        quirks: &[Quirk::JsonRequests],
        ..BASE
    },
    Preset {
        name: "zoom",
        display_name: "Zoom",
        documentation: &[
            "https://developers.zoom.us/docs/integrations/oauth/",
            "https://developers.zoom.us/docs/api/users/#tag/users/get/users/{userId}",
        ],
        speaks: known(
            "https://zoom.us",
            "https://zoom.us/oauth/authorize",
            "https://zoom.us/oauth/token",
            "https://api.zoom.us/v2/users/me",
            Some("https://zoom.us/oauth/revoke"),
        ),
        client_auth: ClientAuth::Basic,
        shape: Shape {
            email: Some("/email"),
            verified: Some("/verified"),
            name: Some("/display_name"),
            given_name: Some("/first_name"),
            family_name: Some("/last_name"),
            picture: Some("/pic_url"),
            ..shape("/id")
        },
        // Whoever runs an account adds users to it.
        vouches: Vouches::No,
        options: &[],
        ..BASE
    },
    Preset {
        name: "atlassian",
        display_name: "Atlassian",
        documentation: &[
            "https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/",
            "https://developer.atlassian.com/cloud/confluence/user-identity-api/",
        ],
        speaks: known(
            "https://auth.atlassian.com",
            "https://auth.atlassian.com/authorize",
            "https://auth.atlassian.com/oauth/token",
            "https://api.atlassian.com/me",
            None,
        ),
        scopes: &["read:me"],
        client_auth: ClientAuth::Body,
        pkce: false,
        authorization_params: &[("audience", "api.atlassian.com"), ("prompt", "consent")],
        shape: Shape {
            email: Some("/email"),
            username: Some("/nickname"),
            name: Some("/name"),
            picture: Some("/picture"),
            ..shape("/account_id")
        },
        // There is no flag.
        vouches: Vouches::No,
        options: &[],
        quirks: &[Quirk::JsonRequests],
        ..BASE
    },
    Preset {
        name: "linear",
        display_name: "Linear",
        documentation: &[
            "https://linear.app/developers/oauth-2-0-authentication",
            "https://linear.app/developers/graphql",
        ],
        speaks: known(
            "https://linear.app",
            "https://linear.app/oauth/authorize",
            "https://api.linear.app/oauth/token",
            "https://api.linear.app/graphql",
            Some("https://api.linear.app/oauth/revoke"),
        ),
        scopes: &["read"],
        client_auth: ClientAuth::Body,
        userinfo: Userinfo::Post {
            body: r#"{"query":"{ viewer { id name displayName email avatarUrl } }"}"#,
        },
        shape: Shape {
            email: Some("/data/viewer/email"),
            username: Some("/data/viewer/displayName"),
            name: Some("/data/viewer/name"),
            picture: Some("/data/viewer/avatarUrl"),
            ..shape("/data/viewer/id")
        },
        // There is no flag.
        vouches: Vouches::No,
        options: &[],
        quirks: &[Quirk::CommaScopes],
        ..BASE
    },
];
