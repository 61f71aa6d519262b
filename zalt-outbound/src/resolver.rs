use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::{is_private, is_public};

/// Which addresses a client may connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    Public,
    PublicAndPrivate,
    Loopback,
}

impl Allowed {
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::PublicAndPrivate => is_public(address) || is_private(address),
            Self::Loopback => address.is_loopback(),
        }
    }
}

/// Resolves names by the system's resolver and hands on only what is allowed; the client connects to what is handed on.
#[derive(Debug)]
pub(crate) struct FilteringResolver(pub(crate) Allowed);

/// The name leads to no address that may be connected to.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the name leads to no address that may be connected to")]
pub(crate) struct BlockedName;

impl Resolve for FilteringResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(allowed_only(allowed, found)?)
        })
    }
}

fn allowed_only(
    allowed: Allowed,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Addrs, BlockedName> {
    let kept: Vec<SocketAddr> = found
        .filter(|address| allowed.contains(address.ip()))
        .collect();
    if kept.is_empty() {
        return Err(BlockedName);
    }
    Ok(Box::new(kept.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(allowed: Allowed, found: &[&str]) -> Result<Vec<String>, BlockedName> {
        let found = found
            .iter()
            .map(|ip| SocketAddr::new(ip.parse().unwrap(), 0));
        allowed_only(allowed, found).map(|kept| kept.map(|one| one.ip().to_string()).collect())
    }

    #[test]
    fn a_name_with_one_good_and_one_bad_address_leads_to_the_good_one_only() {
        let found = [
            "10.0.0.5",
            "93.184.215.14",
            "169.254.169.254",
            "::ffff:127.0.0.1",
            "::1",
        ];
        assert_eq!(kept(Allowed::Public, &found).unwrap(), ["93.184.215.14"]);
        assert_eq!(
            kept(Allowed::PublicAndPrivate, &found).unwrap(),
            ["10.0.0.5", "93.184.215.14"]
        );
        assert_eq!(kept(Allowed::Loopback, &found).unwrap(), ["::1"]);
        assert!(kept(Allowed::Public, &["127.0.0.1", "10.1.1.1"]).is_err());
        assert!(kept(Allowed::PublicAndPrivate, &["169.254.169.254"]).is_err());
    }
}
