//! Devices: from which an account was signed in to, and which of them stand in for the second factor.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::enrollment::{Credentials, deletion};
use super::{Credential, CredentialHandle, CredentialState};
use crate::Zalt;
use crate::attempt::{AccountMark, account_mark};
use crate::environment::Timestamp;
use crate::error::Error;
use crate::event::EventKind;
use crate::id::{CredentialId, UserId};
use crate::message::Notice;
use crate::request::RequestContext;
use crate::secret::DeviceToken;
use crate::session::Authenticated;
use crate::store::{Batch, Change};
use crate::user::Account;

/// A browser or app that an account was signed in to from, known by the token that it keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The user agent, as sent, cut to 256 bytes.
    pub user_agent: Option<String>,
    /// The address at the time.
    pub ip: Option<IpAddr>,
    /// Whether it stands in for the second factor.
    pub trust: Option<DeviceTrust>,
}

/// That a device stands in for the second factor, which its owner chose after passing one there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceTrust {
    /// For how long.
    pub until: Timestamp,
    /// What the account was like then: a new password, or an end of all sessions, ends the trust.
    pub account: AccountMark,
    /// The second factors that there were: one more or less ends it too.
    pub factors: Vec<CredentialId>,
}

/// The most devices that an account is known from. One that never came back makes room first.
const MAX_DEVICES: usize = 10;
const DAY: Duration = Duration::from_hours(24);

impl Zalt {
    /// Whether the request came from a device that stands in for the account's second factor.
    pub(crate) fn is_trusted(&self, request: &RequestContext, account: &Account) -> bool {
        account
            .device_of(request)
            .is_some_and(|(_, device)| self.has_trust(account, device))
    }

    /// Whether a device stands in for the account's second factor now.
    pub fn has_trust(&self, account: &Account, device: &Device) -> bool {
        self.config().trusted_devices.is_some()
            && device.trust.as_ref().is_some_and(|trust| {
                self.now() < trust.until
                    && trust.account == account_mark(account)
                    && trust.factors == self.factor_ids(account)
            })
    }

    fn factor_ids(&self, account: &Account) -> Vec<CredentialId> {
        let factors = self.second_factors(account);
        factors.map(|(_, credential)| credential.id).collect()
    }

    /// Completes the batch of a sign-in with the device that it comes from. Returns the token for a device that is to keep one.
    pub(crate) fn with_device(
        &self,
        request: &RequestContext,
        account: &Account,
        arrival: Arrival,
        mut batch: Batch,
    ) -> Result<(Batch, Option<DeviceToken>), Error> {
        let now = self.now();
        let known = account.device_of(request);
        let lifetime = self.config().trusted_devices;
        let trust =
            lifetime.filter(|_| arrival == Arrival::SecondFactor && request.trusts_device());
        let tells = self.config().new_device_mails;
        if trust.is_none() && (known.is_some() || !tells) {
            return Ok((batch, None));
        }
        // A token that somebody else may have put there must not become worth a second factor.
        let token = match request.device() {
            Some(token) if trust.is_none() => token.clone(),
            _ => DeviceToken::mint(self.rng())?,
        };
        let gone = match known {
            Some((credential, _)) => Some(credential),
            None => account.device_to_make_room(),
        };
        let id = CredentialId::mint(now, self.rng())?;
        batch = batch
            .maybe(gone.map(deletion))
            .change(Change::InsertCredential(Credential {
                id,
                user_id: account.user.id,
                handle: Some(handle(&token, account.user.id)),
                name: None,
                state: CredentialState::Device(Device {
                    user_agent: request.user_agent().map(str::to_owned),
                    ip: request.ip(),
                    trust: trust.map(|lifetime| DeviceTrust {
                        until: now + lifetime,
                        account: account_mark(account),
                        factors: self.factor_ids(account),
                    }),
                }),
                created_at: now,
                last_used_at: known.map(|_| now),
                version: 0,
            }));
        if trust.is_some() {
            let kind = EventKind::DeviceTrusted { credential_id: id };
            batch = batch.event(self.users().own_event(request, account.user.id, kind)?);
        }
        let told_often = account.devices().count() >= MAX_DEVICES
            && account
                .devices()
                .all(|(device, _)| now.since(device.created_at) < DAY);
        if tells && known.is_none() && arrival != Arrival::SignUp && !told_often {
            let notice = Notice::NewDevice {
                user_agent: request.user_agent().map(str::to_owned),
                ip: request.ip().map(|ip| ip.to_string()),
            };
            batch.changes.extend(self.mail_all(account, &notice)?);
        }
        Ok((batch, Some(token)))
    }
}

/// How somebody comes to have a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    SignUp,
    /// Without a second factor, or with a device in its place.
    SignIn,
    SecondFactor,
}

impl Account {
    /// The devices that the account is known from.
    pub fn devices(&self) -> impl Iterator<Item = (&Credential, &Device)> {
        self.credentials
            .iter()
            .filter_map(|credential| match &credential.state {
                CredentialState::Device(device) => Some((credential, device)),
                _ => None,
            })
    }

    /// The device that the request came from, if the account is known from it.
    fn device_of(&self, request: &RequestContext) -> Option<(&Credential, &Device)> {
        let handle = Some(handle(request.device()?, self.user.id));
        self.devices()
            .find(|(credential, _)| credential.handle == handle)
    }

    fn device_to_make_room(&self) -> Option<&Credential> {
        if self.devices().count() < MAX_DEVICES {
            return None;
        }
        let devices = self.devices().map(|(credential, _)| credential);
        devices.min_by_key(|credential| {
            let is_trusted = matches!(&credential.state, CredentialState::Device(device) if device.trust.is_some());
            (is_trusted, credential.last_used_at, credential.created_at)
        })
    }
}

impl Credentials<'_> {
    /// Forgets a device: it stands in for no second factor any more, and the next sign-in from it is one from a new device.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::SessionOver`], [`Error::Conflict`].
    pub async fn forget_device(
        &self,
        request: &RequestContext,
        authenticated: &Authenticated,
        id: CredentialId,
    ) -> Result<(), Error> {
        let users = self.zalt.users();
        let account = users.find_account(authenticated.user().id).await?;
        let (device, _) = account
            .devices()
            .find(|(credential, _)| credential.id == id)
            .ok_or(Error::NotFound)?;
        let kind = EventKind::DeviceForgotten { credential_id: id };
        let batch = Batch::new()
            .change(
                self.zalt
                    .sessions()
                    .still_live(request, authenticated.session()),
            )
            .change(deletion(device))
            .event(users.own_event(request, account.user.id, kind)?);
        Ok(self.zalt.commit(batch).await?)
    }
}

/// What a user's device is found by. One browser that several people sign in with keeps one token.
fn handle(token: &DeviceToken, user_id: UserId) -> CredentialHandle {
    let mut digest = Sha256::new();
    digest.update(b"device");
    digest.update(user_id.as_bytes());
    digest.update(token.secret());
    CredentialHandle::from_bytes(digest.finalize().into())
}
