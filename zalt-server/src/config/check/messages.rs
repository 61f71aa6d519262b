//! How mail and text messages leave.

use zalt_notify::hook::HookSecret;
use zalt_notify::http::ServiceUrl;
use zalt_notify::smtp::{SmtpConfig, SmtpConfigError};
use zalt_notify::twilio::TwilioConfig;

use super::Checker;
use super::parse::reason;
use crate::config::problem::Problem;
use crate::config::{HookConfig, Key, MailConfig, SmsConfig};

impl Checker<'_> {
    pub(super) fn mail(&mut self) -> Option<MailConfig> {
        let hook = self.hook(Key::MailHookUrl, Key::MailHookSecret);
        let from = self.values.get(Key::MailFrom);
        let Some(url) = self.values.get(Key::SmtpUrl) else {
            if let Some(from) = from.filter(|_| !self.values.has(Key::MailHookUrl)) {
                return self.needs(from, Key::SmtpUrl);
            }
            return hook.map(MailConfig::Hook);
        };
        if let Some(hook) = self.values.get(Key::MailHookUrl) {
            self.problems.push(Problem::Both {
                origin: url.origin.clone(),
                other: hook.origin.clone(),
            });
            return None;
        }
        match SmtpConfig::parse(&url.text, from.map(|from| from.text.as_str())) {
            Ok(smtp) => Some(MailConfig::Smtp(smtp)),
            Err(SmtpConfigError::MissingFrom) => self.needs(url, Key::MailFrom),
            Err(error) => self.refuse(url, error),
        }
    }

    pub(super) fn sms(&mut self) -> Option<SmsConfig> {
        let hook = self.hook(Key::SmsHookUrl, Key::SmsHookSecret);
        let twilio = self.both(Key::SmsTwilioAccount, Key::SmsTwilioToken);
        let Some((account, token)) = twilio else {
            return hook.map(SmsConfig::Hook);
        };
        if let Some(hook) = self.values.get(Key::SmsHookUrl) {
            self.problems.push(Problem::Both {
                origin: account.origin.clone(),
                other: hook.origin.clone(),
            });
            return None;
        }
        let Some(from) = self.values.get(Key::SmsFrom) else {
            return self.needs(account, Key::SmsFrom);
        };
        match TwilioConfig::new(&account.text, &token.text, &from.text) {
            Ok(twilio) => Some(SmsConfig::Twilio(twilio)),
            Err(error) => self.refuse(account, error),
        }
    }

    fn hook(&mut self, url: Key, secret: Key) -> Option<Box<HookConfig>> {
        self.both(url, secret)?;
        let url = self.read(url, |text| ServiceUrl::parse(text).map_err(reason));
        let secret = self.read(secret, |text| HookSecret::parse(text).map_err(reason));
        Some(Box::new(HookConfig {
            url: url?,
            secret: secret?,
        }))
    }
}
