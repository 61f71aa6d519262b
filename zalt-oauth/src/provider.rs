//! A provider with the settings of one connection: what is asked of it, and whether that can work.

use url::Url;
use zalt_core::connection::{ConnectionSettings, ProviderTraits, SettingsProblem};
use zalt_core::jwt::Algorithm;
use zalt_outbound::{Reach, is_loopback};

use crate::apple;
use crate::metadata::{Metadata, asymmetric};
use crate::place::{Kind, ORGANIZATIONS, discovered, known};
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
            native_id_tokens: self.takes_native_id_tokens(),
        }
    }

    /// Whether apps may hand in ID tokens: only where the operator says for which clients.
    pub(crate) fn takes_native_id_tokens(&self) -> bool {
        let clients = self.option("native_client_ids");
        clients.is_some_and(|clients| words(clients).next().is_some())
    }

    /// Whether personal accounts are kept out.
    pub(crate) fn takes_organizations_only(&self) -> bool {
        self.preset.has(Quirk::Tenants) && self.option("tenant") == Some(ORGANIZATIONS)
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
        let trusted = self.is_trusted_with_addresses();
        match self.preset.vouches {
            Vouches::No => false,
            // A provider of somebody's own, spoken to by a preset, is not the provider that the preset vouches for.
            Vouches::WhereFlagged => trusted || !self.is_elsewhere(),
            Vouches::IfOperatorTrustsIt => trusted,
        }
    }

    /// Whether the operator says that its flag is enough, as long as it may have been set ago.
    pub(crate) fn is_trusted_with_addresses(&self) -> bool {
        self.option("vouches_for_email") == Some("true")
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
        if !preset.takes_option(name) {
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
