use super::oauth2::{BASE, known, shape};
use super::{ClientAuth, OptionUse, Preset, Quirk, Shape, Userinfo, Vouches};

/// Providers of the networks that people meet on, over OAuth 2.
pub(super) static PRESETS: &[Preset] = &[
    Preset {
        name: "discord",
        display_name: "Discord",
        documentation: &[
            "https://discord.com/developers/docs/topics/oauth2",
            "https://discord.com/developers/docs/resources/user#user-object",
        ],
        speaks: known(
            "https://discord.com",
            "https://discord.com/oauth2/authorize",
            "https://discord.com/api/oauth2/token",
            "https://discord.com/api/v10/users/@me",
            Some("https://discord.com/api/oauth2/token/revoke"),
        ),
        scopes: &["identify", "email"],
        client_auth: ClientAuth::Basic,
        shape: Shape {
            email: Some("/email"),
            verified: Some("/verified"),
            username: Some("/username"),
            name: Some("/global_name"),
            ..shape("/id")
        },
        vouches: Vouches::WhereFlagged,
        options: &[],
        ..BASE
    },
    Preset {
        name: "facebook",
        display_name: "Facebook",
        documentation: &[
            "https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow",
            "https://developers.facebook.com/docs/graph-api/reference/user/",
            "https://developers.facebook.com/docs/graph-api/guides/secure-requests",
            "https://developers.facebook.com/docs/graph-api/guides/versioning",
        ],
        speaks: known(
            "https://www.facebook.com",
            "https://www.facebook.com/v23.0/dialog/oauth",
            "https://graph.facebook.com/v23.0/oauth/access_token",
            "https://graph.facebook.com/v23.0/me?fields=id,name,first_name,last_name,email,picture",
            None,
        ),
        scopes: &["public_profile", "email"],
        client_auth: ClientAuth::Body,
        pkce: false,
        shape: Shape {
            email: Some("/email"),
            name: Some("/name"),
            given_name: Some("/first_name"),
            family_name: Some("/last_name"),
            picture: Some("/picture/data/url"),
            ..shape("/id")
        },
        // There is no flag.
        vouches: Vouches::No,
        options: &[("api_version", OptionUse::Optional)],
        quirks: &[
            Quirk::CommaScopes,
            Quirk::AppSecretProof,
            Quirk::ApiVersion("v23.0"),
        ],
        ..BASE
    },
    Preset {
        name: "x",
        display_name: "X",
        documentation: &[
            "https://docs.x.com/resources/fundamentals/authentication/oauth-2-0/authorization-code",
            "https://docs.x.com/x-api/users/get-my-user",
        ],
        speaks: known(
            "https://x.com",
            "https://x.com/i/oauth2/authorize",
            "https://api.x.com/2/oauth2/token",
            "https://api.x.com/2/users/me?user.fields=confirmed_email,profile_image_url",
            Some("https://api.x.com/2/oauth2/revoke"),
        ),
        scopes: &["users.read", "tweet.read", "users.email"],
        client_auth: ClientAuth::Basic,
        shape: Shape {
            email: Some("/data/confirmed_email"),
            username: Some("/data/username"),
            name: Some("/data/name"),
            picture: Some("/data/profile_image_url"),
            ..shape("/data/id")
        },
        // By its name the address is confirmed, but no flag says when, or how.
        vouches: Vouches::No,
        options: &[],
        ..BASE
    },
    Preset {
        name: "spotify",
        display_name: "Spotify",
        documentation: &[
            "https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow",
            "https://developer.spotify.com/documentation/web-api/reference/get-current-users-profile",
        ],
        speaks: known(
            "https://accounts.spotify.com",
            "https://accounts.spotify.com/authorize",
            "https://accounts.spotify.com/api/token",
            "https://api.spotify.com/v1/me",
            None,
        ),
        scopes: &["user-read-email"],
        client_auth: ClientAuth::Basic,
        shape: Shape {
            email: Some("/email"),
            name: Some("/display_name"),
            picture: Some("/images/0/url"),
            ..shape("/id")
        },
        // The page says that the address is unverified.
        vouches: Vouches::No,
        options: &[],
        ..BASE
    },
    Preset {
        name: "reddit",
        display_name: "Reddit",
        documentation: &[
            "https://github.com/reddit-archive/reddit/wiki/OAuth2",
            "https://www.reddit.com/dev/api/#GET_api_v1_me",
        ],
        speaks: known(
            "https://www.reddit.com",
            "https://www.reddit.com/api/v1/authorize",
            "https://www.reddit.com/api/v1/access_token",
            "https://oauth.reddit.com/api/v1/me",
            Some("https://www.reddit.com/api/v1/revoke_token"),
        ),
        scopes: &["identity"],
        client_auth: ClientAuth::Basic,
        pkce: false,
        // Tells no address.
        shape: Shape {
            username: Some("/name"),
            picture: Some("/snoovatar_img"),
            ..shape("/id")
        },
        vouches: Vouches::No,
        options: &[],
        ..BASE
    },
    Preset {
        name: "line",
        display_name: "LINE",
        documentation: &[
            "https://developers.line.biz/en/docs/line-login/integrate-line-login/",
            "https://developers.line.biz/en/docs/line-login/verify-id-token/",
            "https://developers.line.biz/en/reference/line-login/#verify-id-token",
        ],
        // ID tokens of web logins are signed with the client's secret (HS256), so LINE is asked what they say.
        speaks: known(
            "https://access.line.me",
            "https://access.line.me/oauth2/v2.1/authorize",
            "https://api.line.me/oauth2/v2.1/token",
            "https://api.line.me/oauth2/v2.1/verify",
            None,
        ),
        scopes: &["openid", "profile", "email"],
        client_auth: ClientAuth::Body,
        userinfo: Userinfo::VerifiedByProvider,
        shape: Shape {
            email: Some("/email"),
            name: Some("/name"),
            picture: Some("/picture"),
            ..shape("/sub")
        },
        // There is no flag.
        vouches: Vouches::No,
        options: &[],
        ..BASE
    },
    Preset {
        name: "kakao",
        display_name: "Kakao",
        documentation: &[
            "https://developers.kakao.com/docs/latest/en/kakaologin/rest-api",
            "https://developers.kakao.com/docs/latest/en/kakaologin/rest-api#req-user-info",
        ],
        speaks: known(
            "https://kauth.kakao.com",
            "https://kauth.kakao.com/oauth/authorize",
            "https://kauth.kakao.com/oauth/token",
            "https://kapi.kakao.com/v2/user/me?secure_resource=true",
            None,
        ),
        scopes: &["profile_nickname", "profile_image", "account_email"],
        client_auth: ClientAuth::Body,
        pkce: false,
        shape: Shape {
            email: Some("/kakao_account/email"),
            verified: Some("/kakao_account/is_email_verified"),
            name: Some("/kakao_account/profile/nickname"),
            picture: Some("/kakao_account/profile/profile_image_url"),
            ..shape("/id")
        },
        vouches: Vouches::WhereFlagged,
        options: &[],
        // An address that was verified may have gone to another account since.
        quirks: &[
            Quirk::CommaScopes,
            Quirk::VerifiedOnlyIf("/kakao_account/is_email_valid"),
        ],
        ..BASE
    },
    Preset {
        name: "naver",
        display_name: "Naver",
        documentation: &[
            "https://developers.naver.com/docs/login/api/api.md",
            "https://developers.naver.com/docs/login/profile/profile.md",
        ],
        speaks: known(
            "https://nid.naver.com",
            "https://nid.naver.com/oauth2.0/authorize",
            "https://nid.naver.com/oauth2.0/token",
            "https://openapi.naver.com/v1/nid/me",
            None,
        ),
        client_auth: ClientAuth::Body,
        pkce: false,
        shape: Shape {
            email: Some("/response/email"),
            username: Some("/response/nickname"),
            name: Some("/response/name"),
            picture: Some("/response/profile_image"),
            ..shape("/response/id")
        },
        // There is no flag.
        vouches: Vouches::No,
        options: &[],
        ..BASE
    },
    Preset {
        name: "tiktok",
        display_name: "TikTok",
        documentation: &[
            "https://developers.tiktok.com/doc/login-kit-web",
            "https://developers.tiktok.com/doc/oauth-user-access-token-management",
            "https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info",
        ],
        speaks: known(
            "https://www.tiktok.com",
            "https://www.tiktok.com/v2/auth/authorize/",
            "https://open.tiktokapis.com/v2/oauth/token/",
            "https://open.tiktokapis.com/v2/user/info/?fields=open_id,avatar_url,display_name",
            Some("https://open.tiktokapis.com/v2/oauth/revoke/"),
        ),
        scopes: &["user.info.basic"],
        client_auth: ClientAuth::Body,
        pkce: false,
        // Tells no address.
        shape: Shape {
            name: Some("/data/user/display_name"),
            picture: Some("/data/user/avatar_url"),
            ..shape("/data/user/open_id")
        },
        vouches: Vouches::No,
        options: &[],
        quirks: &[Quirk::CommaScopes, Quirk::ClientKey],
        ..BASE
    },
];
