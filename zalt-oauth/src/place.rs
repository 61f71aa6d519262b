//! Where a provider is spoken to: by what it publishes, by what is known of it, or by what settings say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use url::Url;
use zalt_core::connection::{ConnectionSettings, SettingsProblem};
use zalt_outbound::Reach;

use crate::id_token::{PERSONAL_ACCOUNTS, TENANT, is_tenant};
use crate::metadata::{Metadata, may_be_used};
use crate::preset::{ClientAuth, Preset, Quirk, Speaks};

/// How it is found out where to speak to it.
#[derive(Debug)]
pub(crate) enum Kind {
    /// By the metadata of this issuer, which has to call itself `named`.
    Discovered { issuer: Url, named: String },
    /// It is known.
    Known(Box<Metadata>),
}

/// By discovery.
pub(crate) fn discovered(
    settings: &ConnectionSettings,
    preset: &Preset,
    reach: Reach,
) -> Result<Kind, SettingsProblem> {
    let problem = |problem: &str| Err(SettingsProblem::new("issuer", problem));
    let Speaks::OpenId {
        issuer, own_issuer, ..
    } = preset.speaks
    else {
        return problem("this provider has no issuer");
    };
    if settings.endpoints.is_some() {
        return Err(SettingsProblem::new(
            "endpoints",
            "this provider's are found by its issuer",
        ));
    }
    let issuer = match (&settings.issuer, issuer) {
        (Some(_), _) if !own_issuer => return problem("this provider's issuer is known"),
        (Some(issuer), _) => issuer.clone(),
        (None, Some(issuer)) => {
            let issuer = issuer.replace("{tenant}", tenant(settings)?);
            match Url::parse(&issuer) {
                Ok(issuer) => issuer,
                Err(_) => return problem("its preset is broken"),
            }
        }
        (None, None) => return problem("the issuer's address is needed"),
    };
    if !may_be_used(&issuer, reach) || issuer.query().is_some() {
        return problem("https, without user, query and fragment");
    }
    let named = if preset.has(Quirk::Tenants) {
        tenants_issuer(issuer.as_str())
    } else {
        issuer.as_str().to_owned()
    };
    Ok(Kind::Discovered { issuer, named })
}

/// Any account of the provider's, unless settings say which.
fn tenant(settings: &ConnectionSettings) -> Result<&str, SettingsProblem> {
    let tenant = settings
        .options
        .get("tenant")
        .map_or("common", String::as_str);
    if SHARED_TENANTS.contains(&tenant) || tenant == CONSUMERS || is_tenant(tenant) {
        Ok(tenant)
    } else {
        Err(SettingsProblem::new(
            "options.tenant",
            "common, organizations, consumers, or the id (a UUID in lower case) of a tenant",
        ))
    }
}

/// How the issuer calls itself: by a placeholder where several tenants may come, and personal accounts by their own tenant.
fn tenants_issuer(issuer: &str) -> String {
    let replaced =
        |tenant: &str, by: &str| issuer.replace(&format!("/{tenant}/"), &format!("/{by}/"));
    if issuer.contains("/consumers/") {
        return replaced(CONSUMERS, PERSONAL_ACCOUNTS);
    }
    SHARED_TENANTS
        .iter()
        .find(|tenant| issuer.contains(&format!("/{tenant}/")))
        .map_or_else(|| issuer.to_owned(), |tenant| replaced(tenant, TENANT))
}

/// Accounts of any organization, and no others.
pub(crate) const ORGANIZATIONS: &str = "organizations";
const SHARED_TENANTS: [&str; 2] = ["common", ORGANIZATIONS];
const CONSUMERS: &str = "consumers";

/// By endpoints.
pub(crate) fn known(
    settings: &ConnectionSettings,
    preset: &Preset,
    reach: Reach,
) -> Result<Kind, SettingsProblem> {
    let problem = |problem: &str| Err(SettingsProblem::new("endpoints", problem));
    let Speaks::OAuth2 { issuer, endpoints } = &preset.speaks else {
        return problem("this provider's are found by its issuer");
    };
    let parse = |text: &str| {
        Url::parse(&versioned(settings, preset, text)?)
            .map_err(|_| SettingsProblem::new("provider", "its preset is broken"))
    };
    let (authorization, token, userinfo, revocation) = match (&settings.endpoints, endpoints) {
        (Some(own), _) => (
            own.authorization.clone(),
            own.token.clone(),
            own.userinfo.clone(),
            own.revocation.clone(),
        ),
        (None, Some(known)) => (
            parse(known.authorization)?,
            parse(known.token)?,
            parse(known.userinfo)?,
            known.revocation.map(parse).transpose()?,
        ),
        (None, None) => return problem("the addresses of its endpoints are needed"),
    };
    let all = [
        Some(&authorization),
        Some(&token),
        Some(&userinfo),
        revocation.as_ref(),
    ];
    if !all.into_iter().flatten().all(|url| may_be_used(url, reach)) {
        return problem("https, without user and fragment");
    }
    // Endpoints of somebody's own never speak for the accounts of the provider that the preset is about.
    let issuer = match (issuer, &settings.endpoints) {
        (Some(issuer), None) => (*issuer).to_owned(),
        _ => own_issuer(settings, &token, &userinfo, preset.shape.subject),
    };
    Ok(Kind::Known(Box::new(Metadata {
        issuer,
        authorization,
        token,
        userinfo: Some(userinfo),
        revocation,
        keys: None,
        algorithms: Vec::new(),
        client_auth: ClientAuth::Basic,
        sends_iss: false,
    })))
}

/// Stands for the provider of a connection. It changes with where that says who came, and by what: under the same key, user 1
/// of another provider is another user.
fn own_issuer(settings: &ConnectionSettings, token: &Url, userinfo: &Url, subject: &str) -> String {
    let subject = settings
        .options
        .get("subject_field")
        .map_or(subject, String::as_str);
    let mut digest = Sha256::new();
    for part in [token.as_str(), userinfo.as_str(), subject] {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    let place = URL_SAFE_NO_PAD.encode(digest.finalize());
    format!("connection:{}:{place}", settings.key)
}

/// An address in the version that settings ask for.
fn versioned(
    settings: &ConnectionSettings,
    preset: &Preset,
    address: &str,
) -> Result<String, SettingsProblem> {
    let known = preset.quirks.iter().find_map(|quirk| match quirk {
        Quirk::ApiVersion(known) => Some(*known),
        _ => None,
    });
    let (Some(known), Some(asked)) = (known, settings.options.get("api_version")) else {
        return Ok(address.to_owned());
    };
    let digits =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let fits = asked
        .strip_prefix('v')
        .and_then(|numbers| numbers.split_once('.'))
        .is_some_and(|(major, minor)| digits(major) && digits(minor));
    if fits {
        Ok(address.replace(known, asked))
    } else {
        Err(SettingsProblem::new(
            "options.api_version",
            "of the form v23.0",
        ))
    }
}
