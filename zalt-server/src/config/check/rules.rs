//! The rules of the application.

use std::time::Duration;

use zalt_core::budget::Budget;
use zalt_core::config::{
    FirstFactor, FirstFactors, SecondFactor, SecondFactorMethods, SecondFactorPolicy,
};
use zalt_core::connection::LinkingPolicy;
use zalt_core::identifier::Region;
use zalt_core::passkey::{ClonePolicy, UserVerification};
use zalt_core::password::{Argon2Params, PasswordPolicy};

use super::Checker;
use super::parse::{application_name, listed, named, number, reason, time, truth, within};
use crate::config::{ApplicationSettings, HashingSettings, Key, PasskeySettings};

impl Checker<'_> {
    pub(super) fn application(&mut self) -> ApplicationSettings {
        ApplicationSettings {
            name: self.read(Key::ApplicationName, application_name),
            sign_up_open: self.read(Key::SignUpOpen, truth),
            password_required: self.read(Key::SignUpPasswordRequired, truth),
            password_policy: self.read(Key::PasswordMinLength, |text| {
                let max = PasswordPolicy::default().max_length();
                PasswordPolicy::with_lengths(number(text)?, max).map_err(reason)
            }),
            first_factors: self.read(Key::FirstFactors, |text| {
                named(text, FirstFactor::ALL, FirstFactor::as_str)
                    .map(|factors| FirstFactors::only(&factors))
            }),
            second_factor_methods: self.read(Key::SecondFactorMethods, |text| {
                named(text, SecondFactor::ALL, SecondFactor::as_str)
                    .map(|methods| SecondFactorMethods::only(&methods))
            }),
            second_factors: self.read(Key::SecondFactors, |text| match text {
                "disabled" => Ok(SecondFactorPolicy::Disabled),
                "optional" => Ok(SecondFactorPolicy::Optional),
                "required" => Ok(SecondFactorPolicy::Required),
                _ => Err("write disabled, optional or required".to_owned()),
            }),
            live_sessions: self.read(Key::LiveSessions, truth),
            passkeys: self.passkeys(),
            phone_countries: self.phone_countries(),
            text_messages_per_hour: self.read(Key::PhoneMessagesPerHour, |text| {
                let tries = within(text, 1, 1_000_000)?;
                Ok(Budget::Rate {
                    tries,
                    period: Duration::from_hours(1),
                })
            }),
            connection_linking: self.read(Key::ConnectionLinking, |text| match text {
                "prove_account" => Ok(LinkingPolicy::ProveAccount),
                "verified_address" => Ok(LinkingPolicy::VerifiedAddress),
                _ => Err("write prove_account or verified_address".to_owned()),
            }),
            return_addresses: self.texts(Key::ReturnAddresses),
            trusted_devices: self.read(Key::TrustedDevices, time),
            new_device_mails: self.read(Key::NewDeviceMails, truth),
            recovery_hold: self.read(Key::RecoveryHold, time),
            session_lifetime: self.read(Key::SessionLifetime, time),
            session_idle_timeout: self.read(Key::SessionIdleTimeout, time),
            refresh_grace: self.read(Key::RefreshGrace, time),
            reauthentication_window: self.read(Key::ReauthenticationWindow, time),
            access_token_lifetime: self.read(Key::AccessTokenLifetime, time),
            network_budget: self.network_budget(),
            events_kept: self.read(Key::EventsKept, time),
            hashing: self.hashing(),
        }
    }

    /// Whether the origins fit the domain, core knows once it has the base URL.
    fn passkeys(&mut self) -> PasskeySettings {
        PasskeySettings {
            rp_id: self.read(Key::PasskeysRpId, |text| Ok(text.trim().to_owned())),
            origins: self.texts(Key::PasskeysOrigins),
            related_origins: self.texts(Key::PasskeysRelatedOrigins),
            user_verification: self.read(Key::PasskeysUserVerification, |text| match text {
                "required" => Ok(UserVerification::Required),
                "first_factor" => Ok(UserVerification::FirstFactor),
                "preferred" => Ok(UserVerification::Preferred),
                _ => Err("write required, first_factor or preferred".to_owned()),
            }),
            clones: self.read(Key::PasskeysClones, |text| match text {
                "refuse" => Ok(ClonePolicy::Refuse),
                "report" => Ok(ClonePolicy::Report),
                _ => Err("write refuse or report".to_owned()),
            }),
            timeout: self.read(Key::PasskeysTimeout, time),
            list_credentials: self.read(Key::PasskeysListCredentials, truth),
        }
    }

    fn texts(&mut self, key: Key) -> Vec<String> {
        let texts = self.read(key, |text| Ok(listed(text).map(str::to_owned).collect()));
        texts.unwrap_or_default()
    }

    /// Countries need somebody who sends text messages there, or the dev inbox.
    fn phone_countries(&mut self) -> Option<Vec<Region>> {
        let countries = self.read(Key::PhoneCountries, |text| {
            let names = text.split(',').map(str::trim);
            names
                .map(|name| Region::parse(name).map_err(reason))
                .collect::<Result<Vec<_>, _>>()
        });
        let sends_mail = self.values.has(Key::SmtpUrl) || self.values.has(Key::MailHookUrl);
        let sends = self.values.has(Key::SmsTwilioAccount) || self.values.has(Key::SmsHookUrl);
        match self.values.get(Key::PhoneCountries) {
            Some(given) if sends_mail && !sends => self.needs(given, Key::SmsTwilioAccount),
            _ => countries,
        }
    }

    fn network_budget(&mut self) -> Option<Budget> {
        let tries = self.read(Key::NetworkTries, |text| within(text, 1, 1_000_000));
        let period = self.read(Key::NetworkPeriod, |text| {
            time(text).and_then(|period| {
                if period.is_zero() {
                    Err("write a period of at least 1s".to_owned())
                } else {
                    Ok(period)
                }
            })
        });
        (tries.is_some() || period.is_some()).then(|| Budget::Rate {
            tries: tries.unwrap_or(60),
            period: period.unwrap_or(Duration::from_mins(1)),
        })
    }

    fn hashing(&mut self) -> HashingSettings {
        let memory = self.read(Key::HashingMemory, number);
        let iterations = self.read(Key::HashingIterations, number);
        let params = (memory.is_some() || iterations.is_some())
            .then(|| {
                let default = Argon2Params::default();
                Argon2Params::new(
                    memory.unwrap_or(default.memory_kib()),
                    iterations.unwrap_or(default.iterations()),
                    default.parallelism(),
                )
            })
            .and_then(|params| {
                let given = [Key::HashingMemory, Key::HashingIterations]
                    .into_iter()
                    .find_map(|key| self.values.get(key))?;
                match params {
                    Ok(params) => Some(params),
                    Err(error) => self.refuse(given, error),
                }
            });
        HashingSettings {
            params,
            threads: self.read(Key::HashingThreads, number),
            queue: self.read(Key::HashingQueue, number),
        }
    }
}
