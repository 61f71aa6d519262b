//! What core is told about the request that it serves.

use std::net::IpAddr;

use crate::budget::BudgetKey;
use crate::secret::{DeviceToken, EncryptionKeys, Purpose};
use crate::session::Transport;

/// Where a request came from. Goes into sessions and events, and its address into budgets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestContext {
    ip: Option<IpAddr>,
    user_agent: Option<String>,
    request_id: Option<String>,
    device: Option<DeviceToken>,
    device_is_cookie: bool,
    trusts_device: bool,
}

const USER_AGENT_BYTES: usize = 256;
const REQUEST_ID_BYTES: usize = 64;

impl RequestContext {
    /// A request that came from inside the application.
    pub const fn internal() -> Self {
        Self {
            ip: None,
            user_agent: None,
            request_id: None,
            device: None,
            device_is_cookie: false,
            trusts_device: false,
        }
    }

    /// A request from this address: the peer's, or the one that a trusted proxy vouches for.
    #[must_use]
    pub fn with_ip(mut self, ip: IpAddr) -> Self {
        // An IPv4 peer of a dual-stack socket shows up as ::ffff:a.b.c.d; both spellings must share one budget.
        self.ip = Some(ip.to_canonical());
        self
    }

    /// A request by this user agent, cut to 256 bytes and stripped of control characters.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: &str) -> Self {
        self.user_agent = Some(printable(user_agent, USER_AGENT_BYTES));
        self
    }

    /// A request of this id, cut to 64 bytes and stripped of control characters.
    #[must_use]
    pub fn with_request_id(mut self, request_id: &str) -> Self {
        self.request_id = Some(printable(request_id, REQUEST_ID_BYTES));
        self
    }

    /// A request from a device that keeps this token by itself.
    #[must_use]
    pub fn with_device(mut self, device: DeviceToken) -> Self {
        self.device = Some(device);
        self.device_is_cookie = false;
        self
    }

    /// A request from a browser that keeps this token in a cookie, where no script reads it. It counts only where the session
    /// is held by a cookie too: whoever asks for tokens could be a script, for which the cookie must not speak.
    #[must_use]
    pub fn with_device_cookie(mut self, device: DeviceToken) -> Self {
        self.device = Some(device);
        self.device_is_cookie = true;
        self
    }

    /// A request in which the person says that the second factor need not be asked for on this device for a while. It counts
    /// where a second factor is passed and the application allows it ([`trusted_devices`](crate::Config::trusted_devices)).
    #[must_use]
    pub const fn trusting_device(mut self) -> Self {
        self.trusts_device = true;
        self
    }

    /// The token that the device shows to whoever wants a session that is held in this way.
    pub const fn device(&self, transport: Transport) -> Option<&DeviceToken> {
        match (&self.device, transport) {
            (Some(_), Transport::Bearer) if self.device_is_cookie => None,
            (device, _) => device.as_ref(),
        }
    }

    pub(crate) const fn trusts_device(&self) -> bool {
        self.trusts_device
    }

    /// The address.
    pub const fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// The user agent.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// The id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The budget of the network that the request came from: one IPv4 address, or the /64 of an IPv6 address, all of
    /// which one subscriber has.
    pub(crate) fn network_budget(&self, keys: &EncryptionKeys, what: &[u8]) -> Option<BudgetKey> {
        let network = match self.ip? {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().get(..8)?.to_vec(),
        };
        Some(BudgetKey::from_bytes(
            keys.mac(Purpose::Budget, &[b"network", what, &network]),
        ))
    }
}

fn printable(text: &str, bytes: usize) -> String {
    let mut out: String = text.chars().filter(|c| !c.is_control()).collect();
    let mut end = bytes.min(out.len());
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemRng;

    #[test]
    fn what_a_stranger_sends_is_cut_and_cleaned() {
        let request = RequestContext::internal()
            .with_user_agent(&format!("a\r\n\u{1b}[31mb{}", "é".repeat(300)));
        let kept = request.user_agent().unwrap();
        assert!(kept.starts_with("a[31mb"));
        assert!(kept.len() <= 256);
    }

    #[test]
    fn a_mapped_address_and_a_neighbour_in_the_same_64_share_a_budget() {
        let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
        let budget = |ip: &str| {
            RequestContext::internal()
                .with_ip(ip.parse().unwrap())
                .network_budget(&keys, b"x")
        };
        assert_eq!(budget("203.0.113.7"), budget("::ffff:203.0.113.7"));
        assert_eq!(budget("2001:db8::1"), budget("2001:db8::ffff:1"));
        assert_ne!(budget("2001:db8::1"), budget("2001:db8:0:1::1"));
    }
}
