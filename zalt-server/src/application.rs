//! Puts the application together from its configuration.

use std::sync::Arc;

use zalt_core::config::AccessTokenSigning;
use zalt_core::passkey::PasskeyConfig;
use zalt_core::secret::EncryptionKeys;
use zalt_core::{BuildError, Clock, Rng, SystemClock, SystemRng, Worker, Zalt};
use zalt_notify::MemoryMailer;
use zalt_oauth::{OAuthProviders, OutboundConfig, SetupError};
use zalt_webauthn::WebauthnVerifier;

use crate::config::{Config, Mode, PasskeySettings};
use crate::data_dir::{DataDir, DataDirError};
use crate::mail::{self, MailSetupError};
use crate::storage::{Schema, Storage, StorageError};

/// The base URL in development, where nothing else is said.
pub(crate) fn local_base_url(port: u16) -> String {
    format!("http://localhost:{port}")
}

/// An application with what its process has to run.
pub(crate) struct Application {
    pub(crate) zalt: Zalt,
    pub(crate) worker: Worker,
    /// To be closed at the end.
    pub(crate) storage: Storage,
    /// Where to look at mail that is not sent.
    pub(crate) inbox: Option<MemoryMailer>,
}

/// Why there is no application.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplicationError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("mail can't be sent: {0}")]
    Mail(#[from] MailSetupError),
    #[error("providers can't be reached: {0}")]
    Providers(#[from] SetupError),
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl Application {
    /// Opens the stores and builds the application on them. `base_url` stands in where none is configured.
    pub(crate) async fn open(
        config: &Config,
        schema: Schema,
        base_url: &str,
    ) -> Result<Self, ApplicationError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        // Before the database is made: one without its key is a database whose key was lost.
        let keys = encryption_keys(config, &*rng)?;
        let storage = Storage::open(config, schema, &clock).await?;
        let base_url = config.base_url.as_deref().unwrap_or(base_url);
        let (store, accounts) = (&storage.store, &storage.account_budgets);
        let mut builder = Zalt::builder_on(store.clone(), accounts.clone(), keys, base_url)
            .clock(clock.clone())
            .rng(rng)
            .passkeys(WebauthnVerifier::new())
            .connections(Arc::new(providers(config, &clock)?))
            .configure(|core| configure(core, config));
        if let Some(budgets) = &storage.network_budgets {
            builder = builder.network_budgets(budgets.clone());
        }
        let (builder, inbox) = mail::attach(builder, config, &clock)?;
        let (zalt, worker) = builder.build().await?;
        Ok(Self {
            zalt,
            worker,
            storage,
            inbox,
        })
    }
}

/// What speaks to providers. While somebody tries things out on their own machine, a provider may be there too.
fn providers(config: &Config, clock: &Arc<dyn Clock>) -> Result<OAuthProviders, SetupError> {
    let providers = OAuthProviders::new(clock.clone(), &OutboundConfig::default())?;
    Ok(match config.mode {
        Mode::Development => providers.allowing_this_machine(),
        Mode::Production => providers,
    })
}

/// The keys of the configuration, or in development the one of the data folder.
pub(crate) fn encryption_keys(
    config: &Config,
    rng: &dyn Rng,
) -> Result<EncryptionKeys, DataDirError> {
    if let Some(keys) = &config.encryption_keys {
        return Ok(keys.clone());
    }
    let data = DataDir::open(&config.data_dir)?;
    data.encryption_keys(config.database_file(), rng)
}

fn configure(core: &mut zalt_core::Config, config: &Config) {
    let ours = &config.application;
    set(&mut core.application_name, ours.name.as_ref());
    set(&mut core.sign_up.open, ours.sign_up_open.as_ref());
    set(
        &mut core.sign_up.password_required,
        ours.password_required.as_ref(),
    );
    set(&mut core.password_policy, ours.password_policy.as_ref());
    set(
        &mut core.second_factors.policy,
        ours.second_factors.as_ref(),
    );
    set(&mut core.first_factors, ours.first_factors.as_ref());
    set(
        &mut core.second_factors.methods,
        ours.second_factor_methods.as_ref(),
    );
    set(
        &mut core.second_factors.applies_to_live_sessions,
        ours.live_sessions.as_ref(),
    );
    passkeys(&mut core.passkeys, &ours.passkeys);
    set(
        &mut core.phone_numbers.countries,
        ours.phone_countries.as_ref(),
    );
    set(
        &mut core.phone_numbers.messages,
        ours.text_messages_per_hour.as_ref(),
    );
    set(&mut core.new_device_mails, ours.new_device_mails.as_ref());
    set(&mut core.recovery_hold, ours.recovery_hold.as_ref());
    set(
        &mut core.connection_linking,
        ours.connection_linking.as_ref(),
    );
    core.connections.clone_from(&config.connections);
    core.return_addresses.clone_from(&ours.return_addresses);
    core.trusted_devices = ours.trusted_devices;
    set(&mut core.sessions.lifetime, ours.session_lifetime.as_ref());
    set(
        &mut core.sessions.idle_timeout,
        ours.session_idle_timeout.as_ref(),
    );
    // The shorter lifetime is the stricter rule, and the idle timeout can't be longer.
    core.sessions.idle_timeout = core.sessions.idle_timeout.min(core.sessions.lifetime);
    set(
        &mut core.sessions.refresh_grace,
        ours.refresh_grace.as_ref(),
    );
    set(
        &mut core.sessions.reauthentication_window,
        ours.reauthentication_window.as_ref(),
    );
    set(
        &mut core.access_tokens.lifetime,
        ours.access_token_lifetime.as_ref(),
    );
    set(&mut core.budgets.network, ours.network_budget.as_ref());
    set(&mut core.hashing.params, ours.hashing.params.as_ref());
    set(&mut core.hashing.threads, ours.hashing.threads.as_ref());
    set(&mut core.hashing.queue, ours.hashing.queue.as_ref());
    core.events_kept = ours.events_kept;
    if let Some(secret) = &config.jwt_secret {
        core.access_tokens.signing = AccessTokenSigning::SharedSecret(secret.clone());
    }
}

fn passkeys(core: &mut PasskeyConfig, ours: &PasskeySettings) {
    if ours.rp_id.is_some() {
        core.rp_id.clone_from(&ours.rp_id);
    }
    for origin in &ours.origins {
        if !core.origins.contains(origin) {
            core.origins.push(origin.clone());
        }
    }
    core.related_origins.clone_from(&ours.related_origins);
    set(&mut core.user_verification, ours.user_verification.as_ref());
    set(&mut core.clones, ours.clones.as_ref());
    set(&mut core.timeout, ours.timeout.as_ref());
    set(&mut core.list_credentials, ours.list_credentials.as_ref());
}

fn set<T: Clone>(target: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        target.clone_from(value);
    }
}
