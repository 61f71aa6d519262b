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
use crate::session::{Authenticated, Transport};
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
    pub(crate) fn is_trusted(
        &self,
        request: &RequestContext,
        account: &Account,
        transport: Transport,
    ) -> bool {
        account
            .device_of(request, transport)
            .is_some_and(|known| self.has_trust(account, known))
    }

    /// Whether a device stands in for the account's second factor now.
    pub fn has_trust(&self, account: &Account, known: &Credential) -> bool {
        self.trusted_until(account, known).is_some()
    }

    /// Until when a device stands in for the account's second factor, if it does now. A lifetime of trust that was made
    /// shorter counts for trust that was given before, too.
    pub fn trusted_until(&self, account: &Account, known: &Credential) -> Option<Timestamp> {
        let CredentialState::Device(device) = &known.state else {
            return None;
        };
        let (lifetime, trust) = (self.config().trusted_devices?, device.trust.as_ref()?);
        // Each trust is given to a row of its own.
        let until = trust.until.min(known.created_at + lifetime);
        let is_as_then =
            trust.account == account_mark(account) && trust.factors == self.factor_ids(account);
        (self.now() < until && is_as_then).then_some(until)
    }

    fn factor_ids(&self, account: &Account) -> Vec<CredentialId> {
        let factors = self.second_factors(account);
        factors.map(|(_, credential)| credential.id).collect()
    }

    /// Completes the batch of a sign-in with the device that it comes from. Returns the token for a device that is to keep
    /// another than it showed: what a device showed is never handed out again.
    pub(crate) fn with_device(
        &self,
        request: &RequestContext,
        account: &Account,
        (arrival, transport): (Arrival, Transport),
        mut batch: Batch,
    ) -> Result<(Batch, Option<DeviceToken>), Error> {
        let now = self.now();
        let known = account.device_of(request, transport);
        let lifetime = self.config().trusted_devices;
        let trust =
            lifetime.filter(|_| arrival == Arrival::SecondFactor && request.trusts_device());
        let tells = self.config().new_device_mails;
        if let (Some(known), None) = (known, trust) {
            return Ok((batch.maybe(self.came_back(known)), None));
        }
        if trust.is_none() && !tells {
            return Ok((batch, None));
        }
        // A token that somebody else may have put there must not become worth a second factor.
        let shown = request.device(transport).filter(|_| trust.is_none());
        let (token, minted) = if let Some(token) = shown {
            (token.clone(), None)
        } else {
            let token = DeviceToken::mint(self.rng())?;
            (token.clone(), Some(token))
        };
        let gone = known.or_else(|| self.device_to_make_room(account));
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
        // One that makes room after less than a day does so for many that never came back.
        let told_often = gone.is_some_and(|device| now.since(device.created_at) < DAY);
        if tells && known.is_none() && arrival != Arrival::SignUp && !told_often {
            let notice = Notice::NewDevice {
                user_agent: request.user_agent().map(str::to_owned),
                ip: request.ip().map(|ip| ip.to_string()),
            };
            batch.changes.extend(self.mail_all(account, &notice)?);
        }
        Ok((batch, minted))
    }

    /// The write that a known device was signed in from again, to the resolution of a day: that decides which makes room.
    fn came_back(&self, known: &Credential) -> Option<Change> {
        let now = self.now();
        let is_noted = known.last_used_at.is_some_and(|at| now.since(at) < DAY);
        (!is_noted).then(|| {
            Change::UpdateCredential(Credential {
                last_used_at: Some(now),
                ..known.clone()
            })
        })
    }

    fn device_to_make_room<'a>(&self, account: &'a Account) -> Option<&'a Credential> {
        if account.devices().count() < MAX_DEVICES {
            return None;
        }
        let devices = account.devices().map(|(credential, _)| credential);
        devices.min_by_key(|known| {
            let is_trusted = self.has_trust(account, known);
            (is_trusted, known.last_used_at, known.created_at)
        })
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
    fn device_of(&self, request: &RequestContext, transport: Transport) -> Option<&Credential> {
        let handle = Some(handle(request.device(transport)?, self.user.id));
        let mut devices = self.devices().map(|(credential, _)| credential);
        devices.find(|credential| credential.handle == handle)
    }

    /// The credentials that are no devices: those count towards how many an account may have.
    pub(crate) fn kept_credentials(&self) -> impl Iterator<Item = &Credential> {
        self.credentials
            .iter()
            .filter(|credential| !matches!(credential.state, CredentialState::Device(_)))
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
