use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use url::{Host, Url};

/// A server on this machine, found by its address once and for all.
///
/// A load that goes to somebody else's server is an attack on it, so only loopback addresses are taken; and a name is
/// resolved here and never again, so that it can't lead elsewhere later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    address: SocketAddr,
    host: String,
    prefix: String,
}

/// Why a URL can't be driven.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It is not a URL, or has a part that has no place here.
    #[error(
        "{0:?} is not a URL such as http://127.0.0.1:3000: http, a host, perhaps a port and a path"
    )]
    Malformed(String),
    /// The name leads to no address.
    #[error("{0:?} has no address")]
    Unknown(String),
    /// It is on another machine.
    #[error("{0} is not on this machine: only loopback addresses are driven")]
    Elsewhere(IpAddr),
}

impl Target {
    /// Finds the server of a URL. A path becomes the beginning of all paths.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let malformed = || TargetError::Malformed(text.to_owned());
        let url = Url::parse(text).map_err(|_| malformed())?;
        let plain = url.scheme() == "http"
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !plain {
            return Err(malformed());
        }
        let port = url.port_or_known_default().ok_or_else(malformed)?;
        let addresses = match url.host().ok_or_else(malformed)? {
            Host::Ipv4(ip) => vec![SocketAddr::from((ip, port))],
            Host::Ipv6(ip) => vec![SocketAddr::from((ip, port))],
            Host::Domain(name) => resolve(name, port)?,
        };
        if let Some(elsewhere) = addresses.iter().find(|found| !is_loopback(found.ip())) {
            return Err(TargetError::Elsewhere(elsewhere.ip()));
        }
        // Servers tend to listen on 127.0.0.1 alone, and `localhost` names ::1 first on many machines.
        let address = addresses
            .iter()
            .find(|address| address.is_ipv4())
            .or_else(|| addresses.first())
            .ok_or_else(malformed)?;
        Ok(Self {
            address: *address,
            host: url[url::Position::BeforeHost..url::Position::AfterPort].to_owned(),
            prefix: url.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Where to connect to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What goes into the `Host` header.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What every path begins with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.host, self.prefix)
    }
}

fn resolve(name: &str, port: u16) -> Result<Vec<SocketAddr>, TargetError> {
    match (name, port).to_socket_addrs() {
        Ok(found) => Ok(found.collect()),
        Err(_) => Err(TargetError::Unknown(name.to_owned())),
    }
}

/// An IPv4 address in the clothes of IPv6 is what it is underneath.
fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_taken() {
        let target = Target::parse("http://127.0.0.1:3000/auth/").unwrap();
        assert_eq!(target.address(), "127.0.0.1:3000".parse().unwrap());
        assert_eq!(
            (target.host(), target.prefix()),
            ("127.0.0.1:3000", "/auth")
        );
        for url in [
            "http://localhost:3000",
            "http://[::1]:80",
            "http://127.8.9.10",
            "http://[::ffff:127.0.0.1]:1",
        ] {
            assert!(Target::parse(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn every_other_machine_is_refused() {
        for (url, ip) in [
            ("http://192.0.2.1:3000", "192.0.2.1"),
            ("http://0.0.0.0:3000", "0.0.0.0"),
            ("http://[2001:db8::1]/", "2001:db8::1"),
            ("http://[::ffff:192.0.2.1]/", "::ffff:192.0.2.1"),
            // The URL standard reads this as an address.
            ("http://3232235777/", "192.168.1.1"),
        ] {
            let expected = TargetError::Elsewhere(ip.parse().unwrap());
            assert_eq!(Target::parse(url), Err(expected), "{url}");
        }
    }

    #[test]
    fn what_is_no_plain_url_is_refused() {
        for url in [
            "127.0.0.1:3000",
            "https://127.0.0.1",
            "http://user@127.0.0.1",
            "http://:secret@127.0.0.1",
            "http://127.0.0.1/?x=1",
            "http://127.0.0.1/#x",
            "",
        ] {
            let expected = TargetError::Malformed(url.to_owned());
            assert_eq!(Target::parse(url), Err(expected), "{url}");
        }
        let unknown = Target::parse("http://no-such-host.invalid");
        assert_eq!(
            unknown,
            Err(TargetError::Unknown("no-such-host.invalid".to_owned()))
        );
    }
}
