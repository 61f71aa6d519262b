use tokio::time::Instant;

use super::Person;
use crate::resilience::calls::{Credential, Reply};
use crate::resilience::revoked::Grave;

/// A session, as the device that holds it knows it.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) session: String,
    pub(super) credential: Credential,
    /// `None` where a cookie holds the session.
    pub(super) refresh: Option<Refresh>,
}

#[derive(Debug, Clone)]
pub(super) struct Refresh {
    /// The last one that was given.
    pub(super) token: String,
    /// Those before it, newest last.
    pub(super) spent: Vec<String>,
    /// A rotation without an answer may come to light later, when its token has become an old one. Then the session
    /// ends, as with any replay.
    pub(super) may_be_replayed: bool,
}

impl Device {
    /// From the reply to a sign-in or sign-up that is complete.
    pub(super) fn of(reply: &Reply) -> Option<Self> {
        let refresh = reply.text("/refresh_token").map(|token| Refresh {
            token: token.to_owned(),
            spent: Vec::new(),
            may_be_replayed: false,
        });
        Some(Self {
            session: reply.text("/session/id")?.to_owned(),
            credential: reply.credential()?,
            refresh,
        })
    }

    pub(super) fn may_have_ended(&self) -> bool {
        self.refresh
            .as_ref()
            .is_some_and(|refresh| refresh.may_be_replayed)
    }
}

impl Person {
    /// Keeps the session that a sign-in or sign-up led to.
    pub(super) fn hold(&mut self, reply: &Reply) {
        match Device::of(reply) {
            Some(device) => self.devices.push(device),
            None => self.world.violation(format!(
                "{}: signed in without a session: {}",
                self.email, reply.body
            )),
        }
    }

    /// Lets a session go whose end was acknowledged.
    pub(super) async fn bury(&mut self, index: usize, how: &'static str) {
        let device = self.devices.swap_remove(index);
        self.tally.ends += 1;
        let grave = Grave {
            session: device.session,
            credential: device.credential,
            refresh_token: device.refresh.map(|refresh| refresh.token),
            acknowledged: Instant::now(),
            how,
        };
        self.world.bury(grave).await;
    }

    /// Lets a session go that may have ended.
    pub(super) fn lose_sight(&mut self, index: usize) {
        self.devices.swap_remove(index);
        self.ending += 1;
    }

    pub(super) fn any_device(&mut self) -> usize {
        self.random.index(self.devices.len())
    }

    /// A device that holds its session by tokens, if there is one.
    pub(super) fn any_app(&mut self) -> Option<usize> {
        let apps: Vec<usize> = (0..self.devices.len())
            .filter(|&index| self.devices[index].refresh.is_some())
            .collect();
        (!apps.is_empty()).then(|| apps[self.random.index(apps.len())])
    }
}
