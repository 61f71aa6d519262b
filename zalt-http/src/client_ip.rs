//! Where a request comes from: the peer of the socket, or whom a trusted proxy vouches for.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

/// The peer of the socket that a request came in on. An adapter puts it into the extensions of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// The proxies in front of this server, and the header in which they note whom they speak for.
///
/// One header and not whichever is there: a proxy that writes `X-Forwarded-For` passes a `Forwarded` of the client's
/// making on untouched, and the other way round.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardedHeader,
}

/// The header in which proxies note whom they speak for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`, which nearly all proxies write.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Text that is neither an address nor a network such as `10.0.0.0/8`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an address or a network such as 10.0.0.0/8")]
pub struct NetworkError {
    text: String,
}

impl TrustedProxies {
    /// No proxy: the peer of the socket is the client.
    pub const fn none() -> Self {
        Self {
            networks: Vec::new(),
            header: ForwardedHeader::XForwardedFor,
        }
    }

    /// Proxies in these networks.
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self {
            networks,
            header: ForwardedHeader::XForwardedFor,
        }
    }

    /// Reads comma-separated addresses and networks.
    ///
    /// # Errors
    /// [`NetworkError`] for the first that is neither.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let networks = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| {
                IpNet::from_str(part)
                    .or_else(|_| IpAddr::from_str(part).map(IpNet::from))
                    .map_err(|_| NetworkError {
                        text: part.to_owned(),
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::new(networks))
    }

    /// The same proxies, noting it in `header`.
    #[must_use]
    pub const fn with_header(mut self, header: ForwardedHeader) -> Self {
        self.header = header;
        self
    }

    /// Whether one of them has this address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.networks.iter().any(|network| network.contains(&ip))
    }

    /// The client of a request.
    ///
    /// From the peer inwards, each trusted proxy vouches for the entry before its own; the first address that is not a
    /// trusted proxy is the client. What stands further left was sent by the client and is worth nothing. An entry that
    /// is no address ends the walk at the proxy that wrote it.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return client;
        }
        let mut entries = Vec::new();
        for value in headers.get_all(self.header.name()) {
            // A line that is not text can't be attributed, so nothing left of it may be believed either.
            match value.to_str() {
                Ok(line) => entries.extend(self.header.entries(line)),
                Err(_) => entries.push(None),
            }
        }
        for entry in entries.into_iter().rev() {
            let Some(ip) = entry else { break };
            client = ip;
            if !self.contains(ip) {
                break;
            }
        }
        client
    }
}

impl ForwardedHeader {
    fn name(self) -> HeaderName {
        match self {
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Self::Forwarded => header::FORWARDED,
        }
    }

    fn entries(self, line: &str) -> Vec<Option<IpAddr>> {
        line.split(',')
            .map(|element| match self {
                Self::XForwardedFor => parse_node(element.trim()),
                Self::Forwarded => forwarded_for(element),
            })
            .collect()
    }
}

/// The `for` of one element. Quoted commas and semicolons don't occur in addresses; what has them is no address.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.trim().split_once('=')?;
        if name.eq_ignore_ascii_case("for") {
            if found.is_some() {
                return None;
            }
            let value = value
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .unwrap_or(value);
            found = Some(parse_node(value)?);
        }
    }
    found
}

/// An address, perhaps with a port: `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
fn parse_node(text: &str) -> Option<IpAddr> {
    let ip = if let Ok(ip) = IpAddr::from_str(text) {
        ip
    } else if let Ok(socket) = SocketAddr::from_str(text) {
        socket.ip()
    } else {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        IpAddr::V6(inner.parse().ok()?)
    };
    Some(ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn client(proxies: &TrustedProxies, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(proxies.header.name(), HeaderValue::from_str(line).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn nobody_is_believed_by_default() {
        let none = TrustedProxies::none();
        assert_eq!(client(&none, "203.0.113.7", &["1.2.3.4"]), "203.0.113.7");
        assert_eq!(client(&none, "127.0.0.1", &["1.2.3.4"]), "127.0.0.1");
    }

    #[test]
    fn the_rightmost_address_that_is_no_proxy_is_the_client() {
        let proxies = TrustedProxies::parse("10.0.0.0/8, 192.0.2.1, 2001:db8::/32").unwrap();
        for (peer, lines, expected) in [
            ("10.0.0.1", vec!["203.0.113.7"], "203.0.113.7"),
            (
                "10.0.0.1",
                vec!["6.6.6.6, 203.0.113.7, 10.0.0.2"],
                "203.0.113.7",
            ),
            ("10.0.0.1", vec!["6.6.6.6", "203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", vec!["203.0.113.7:4711"], "203.0.113.7"),
            ("10.0.0.1", vec!["[2001:dead::1]:4711"], "2001:dead::1"),
            ("10.0.0.1", vec!["[2001:dead::1]"], "2001:dead::1"),
            ("::ffff:10.0.0.1", vec!["::ffff:203.0.113.7"], "203.0.113.7"),
            ("2001:db8::9", vec!["203.0.113.7"], "203.0.113.7"),
            // All of them are proxies: the one furthest away.
            ("10.0.0.1", vec!["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // No address: whoever wrote it is as far as one can see.
            ("10.0.0.1", vec!["203.0.113.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", vec!["203.0.113.7, "], "10.0.0.1"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            // A client that talks to us directly.
            ("203.0.113.9", vec!["203.0.113.7"], "203.0.113.9"),
        ] {
            assert_eq!(client(&proxies, peer, &lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn the_standard_header_counts_where_it_was_chosen_and_only_there() {
        let proxies = TrustedProxies::parse("10.0.0.0/8")
            .unwrap()
            .with_header(ForwardedHeader::Forwarded);
        for (line, expected) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("For=\"[2001:dead::1]:4711\";proto=https", "2001:dead::1"),
            ("for=6.6.6.6, for=203.0.113.7;by=10.0.0.1", "203.0.113.7"),
            ("for=_hidden", "10.0.0.1"),
            ("for=203.0.113.7;for=6.6.6.6", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
        ] {
            assert_eq!(client(&proxies, "10.0.0.1", &[line]), expected, "{line}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("6.6.6.6"));
        let peer = "10.0.0.1".parse().unwrap();
        assert_eq!(proxies.client(peer, &headers), peer);
    }

    #[test]
    fn a_list_of_networks_is_checked() {
        assert!(TrustedProxies::parse("").unwrap().networks.is_empty());
        assert_eq!(
            TrustedProxies::parse("10.0.0.0/8, proxy.example").unwrap_err(),
            NetworkError {
                text: "proxy.example".to_owned()
            }
        );
    }
}
