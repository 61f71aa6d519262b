//! A provider with the settings of one connection: what is asked of it, and whether that can work.

use url::Url;
use zalt_core::connection::{ConnectionSettings, ProviderTraits, SettingsProblem};
use zalt_core::jwt::Algorithm;
use zalt_outbound::{Reach, is_loopback};

use crate::apple;
use crate::id_token::{TENANT, is_tenant};
use crate::metadata::{Metadata, asymmetric, may_be_used};
use crate::preset::{self, ClientAuth, OptionUse, Preset, Quirk, Shape, Speaks, Userinfo, Vouches};

/// How many scopes may be asked for beyond those of the preset, and how long each may be.
const MAX_EXTRA_SCOPES: usize = 30;
const MAX_SCOPE_BYTES: usize = 200;

const MAX_CLIENT_ID_BYTES: usize = 512;

/// A connection whose settings were checked.
#[derive(Debug)]
pub(crate) struct Provider<'a> {
    pub(crate) settings: &'a ConnectionSettings,
    pub(crate) preset: &'static Preset,
    pub(crate) reach: Reach,
    pub(crate) kind: Kind,
}

/// How it is found out where to speak to it.
#[derive(Debug)]
pub(crate) enum Kind {
    /// By the metadata of this issuer, which has to call itself `named`.
    Discovered { issuer: Url, named: String },
    /// It is known.
    Known(Box<Metadata>),
}

impl<'a> Provider<'a> {
    /// Checks settings. `this_machine` says whether providers may be on this machine.
    pub(crate) fn of(
        settings: &'a ConnectionSettings,
        this_machine: bool,
    ) -> Result<Self, SettingsProblem> {
        let problem = SettingsProblem::new;
        let preset = preset::find(&settings.provider)
            .ok_or_else(|| problem("provider", "there is no preset of this name"))?;
        if !(1..=MAX_CLIENT_ID_BYTES).contains(&settings.client_id.len()) {
            return Err(problem(
                "client_id",
                "1 to 512 bytes, as the provider gave it",
            ));
        }
        if settings.client_secret.is_none() && preset.vouches != Vouches::IfOperatorTrustsIt {
            return Err(problem("client_secret", "this provider needs one"));
        }
        check_options(settings, preset)?;
        check_scopes(&settings.extra_scopes)?;
        let reach = reach(settings, this_machine)?;
        let kind = match &preset.speaks {
            Speaks::OpenId { .. } => discovered(settings, preset, reach)?,
            Speaks::OAuth2 { .. } => known(settings, preset, reach)?,
        };
        let provider = Self {
            settings,
            preset,
            reach,
            kind,
        };
        if preset.has(Quirk::SignedClientSecret) {
            apple::key(settings)?;
        }
        provider.check_algorithms()?;
        provider.check_pointers()?;
        Ok(provider)
    }

    pub(crate) fn traits(&self) -> ProviderTraits {
        ProviderTraits {
            display_name: self.preset.display_name.to_owned(),
            nonce: self.sends_nonce(),
            response_mode_form_post: self
                .preset
                .authorization_params
                .contains(&("response_mode", "form_post")),
            sends_iss: match &self.kind {
                Kind::Discovered { .. } => None,
                Kind::Known(metadata) => Some(metadata.sends_iss),
            },
            native_id_tokens: self
                .preset
                .options
                .iter()
                .any(|(name, _)| *name == "native_client_ids"),
        }
    }

    pub(crate) fn sends_nonce(&self) -> bool {
        matches!(self.preset.speaks, Speaks::OpenId { nonce: true, .. })
            || matches!(self.preset.userinfo, Userinfo::VerifiedByProvider)
    }

    pub(crate) fn option(&self, name: &str) -> Option<&'a str> {
        self.settings.options.get(name).map(String::as_str)
    }

    pub(crate) fn uses_pkce(&self) -> bool {
        self.preset.pkce && self.option("pkce") != Some("false")
    }

    /// What is asked for, in one text.
    pub(crate) fn scope(&self) -> String {
        let separator = if self.preset.has(Quirk::CommaScopes) {
            ","
        } else {
            " "
        };
        let mut scopes: Vec<&str> = self.preset.scopes.to_vec();
        for extra in &self.settings.extra_scopes {
            if !scopes.contains(&extra.as_str()) {
                scopes.push(extra);
            }
        }
        scopes.join(separator)
    }

    pub(crate) fn client_auth(&self, metadata: &Metadata) -> ClientAuth {
        match (self.option("client_auth"), self.preset.client_auth) {
            (Some("body"), _) => ClientAuth::Body,
            (Some(_), _) => ClientAuth::Basic,
            (None, ClientAuth::Discovered) => metadata.client_auth,
            (None, preset) => preset,
        }
    }

    /// Where things stand in its answers.
    pub(crate) fn shape(&self) -> Shape<'a> {
        let preset = self.preset.shape;
        let pointer = |name, preset| self.option(name).or(preset);
        Shape {
            subject: self.option("subject_field").unwrap_or(preset.subject),
            email: pointer("email_field", preset.email),
            verified: pointer("email_verified_field", preset.verified),
            username: pointer("username_field", preset.username),
            name: pointer("name_field", preset.name),
            picture: pointer("picture_field", preset.picture),
            given_name: preset.given_name,
            family_name: preset.family_name,
        }
    }

    /// Whether a flag beside an address counts.
    pub(crate) fn may_vouch(&self) -> bool {
        let trusted = self.option("vouches_for_email") == Some("true");
        match self.preset.vouches {
            Vouches::No => false,
            // A provider of somebody's own, spoken to by a preset, is not the provider that the preset vouches for.
            Vouches::WhereFlagged => trusted || !self.is_elsewhere(),
            Vouches::IfOperatorTrustsIt => trusted,
        }
    }

    fn is_elsewhere(&self) -> bool {
        self.settings.issuer.is_some() || self.settings.endpoints.is_some()
    }

    /// What an ID token may be signed with: what the provider says, and of that what the operator allows.
    pub(crate) fn algorithms(&self, metadata: &Metadata) -> Vec<Algorithm> {
        let mut algorithms = metadata.algorithms.clone();
        if let Some(allowed) = self.option("id_token_algorithms") {
            let allowed = asymmetric(words(allowed));
            algorithms.retain(|algorithm| allowed.contains(algorithm));
        }
        algorithms
    }

    /// The client ids that an app's own ID tokens may be for.
    pub(crate) fn native_client_ids(&self) -> Vec<&'a str> {
        let others = self.option("native_client_ids").unwrap_or_default();
        std::iter::once(self.settings.client_id.as_str())
            .chain(words(others))
            .collect()
    }

    fn check_algorithms(&self) -> Result<(), SettingsProblem> {
        let Some(names) = self.option("id_token_algorithms") else {
            return Ok(());
        };
        if names.trim().is_empty() || asymmetric(words(names)).len() != words(names).count() {
            return Err(SettingsProblem::new(
                "options.id_token_algorithms",
                "names of asymmetric algorithms with commas between them, such as RS256,ES256",
            ));
        }
        Ok(())
    }

    fn check_pointers(&self) -> Result<(), SettingsProblem> {
        for (name, value) in &self.settings.options {
            if name.ends_with("_field") && !value.starts_with('/') {
                return Err(SettingsProblem::new(
                    format!("options.{name}"),
                    "a JSON pointer (RFC 6901), such as /data/id",
                ));
            }
        }
        Ok(())
    }
}

/// The parts of a list with commas.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn check_options(settings: &ConnectionSettings, preset: &Preset) -> Result<(), SettingsProblem> {
    for (name, value) in &settings.options {
        let field = || format!("options.{name}");
        if !preset.options.iter().any(|(known, _)| known == name) {
            return Err(SettingsProblem::new(
                field(),
                "this provider has no such option",
            ));
        }
        let choices: &[&str] = match name.as_str() {
            "client_auth" => &["basic", "body"],
            "vouches_for_email" | "pkce" => &["true", "false"],
            _ => continue,
        };
        if !choices.contains(&value.as_str()) {
            let problem = format!("one of {}", choices.join(", "));
            return Err(SettingsProblem::new(field(), problem));
        }
    }
    for (name, used) in preset.options {
        if *used == OptionUse::Required && !settings.options.contains_key(*name) {
            return Err(SettingsProblem::new(
                format!("options.{name}"),
                "this provider needs it",
            ));
        }
    }
    Ok(())
}

/// RFC 6749, section 3.3, without the commas that some providers take for a separator.
fn check_scopes(scopes: &[String]) -> Result<(), SettingsProblem> {
    let fits = |scope: &String| {
        (1..=MAX_SCOPE_BYTES).contains(&scope.len())
            && scope
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b','))
    };
    if scopes.len() <= MAX_EXTRA_SCOPES && scopes.iter().all(fits) {
        Ok(())
    } else {
        Err(SettingsProblem::new(
            "extra_scopes",
            "at most 30, each 1 to 200 printable ASCII characters without spaces, quotes, commas and backslashes",
        ))
    }
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

/// A provider is on this machine if the operator lets providers be there and the connection itself says so; what a provider
/// answers never brings a request here.
fn reach(settings: &ConnectionSettings, this_machine: bool) -> Result<Reach, SettingsProblem> {
    let configured = settings
        .issuer
        .iter()
        .chain(settings.endpoints.iter().map(|endpoints| &endpoints.token));
    let here = |url: &Url| url.host_str().is_some_and(is_loopback);
    let (field, here) = match (&settings.issuer, configured.into_iter().any(here)) {
        (_, false) => return Ok(Reach::Internet),
        (Some(_), true) => ("issuer", true),
        (None, true) => ("endpoints", true),
    };
    if here && this_machine {
        Ok(Reach::InternetAndThisMachine)
    } else {
        Err(SettingsProblem::new(
            field,
            "providers on this machine are not allowed here",
        ))
    }
}

fn discovered(
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

const SHARED_TENANTS: [&str; 2] = ["common", "organizations"];
const CONSUMERS: &str = "consumers";
const PERSONAL_ACCOUNTS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

fn known(
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
        _ => format!("connection:{}", settings.key),
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
