//! Values as people write them.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use url::{Host, Url};
use zeroize::Zeroizing;

use crate::config::duration;

const JWT_SECRET_BYTES: usize = 32;

pub(super) fn reason(error: impl Display) -> String {
    error.to_string()
}

pub(super) fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.trim()
        .parse()
        .map_err(|_| "write a whole number above 0".to_owned())
}

pub(super) fn within<T>(text: &str, least: T, most: T) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display + Copy,
{
    let value: T = number(text)?;
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(format!("write a number from {least} to {most}"))
    }
}

pub(super) fn truth(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

/// What stands between commas.
pub(in crate::config) fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// Some of `all` by their names, separated by commas.
pub(super) fn named<T: Copy>(
    text: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<Vec<T>, String> {
    let find = |wanted: &str| all.iter().copied().find(|one| name(*one) == wanted);
    let names = text.split(',').map(str::trim);
    names.map(find).collect::<Option<_>>().ok_or_else(|| {
        let known: Vec<_> = all.iter().map(|one| name(*one)).collect();
        format!(
            "write one or more of {}, separated by commas",
            known.join(", ")
        )
    })
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .ok_or_else(|| "write a duration such as 45s, 10m, 12h, 30d or 1h30m".to_owned())
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write an address and a port, such as 127.0.0.1:3000 or [::]:3000".to_owned())
}

pub(super) fn folder(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        Err("write the path of a folder".to_owned())
    } else {
        Ok(PathBuf::from(text))
    }
}

pub(super) fn jwt_secret(text: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    if text.len() < JWT_SECRET_BYTES {
        return Err(format!(
            "it needs at least {JWT_SECRET_BYTES} bytes: make one with `openssl rand -base64 48`"
        ));
    }
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

pub(super) fn application_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let length = name.chars().count();
    // The bound of the page's head; the core's own is wider.
    if (1..=60).contains(&length) && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err("write 1 to 60 characters without control characters".to_owned())
    }
}

pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let advice = || {
        "write an http or https origin without path, query or user information, such as https://auth.example.com"
            .to_owned()
    };
    let url = Url::parse(text.trim()).map_err(|_| advice())?;
    let is_origin = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_origin {
        return Err(advice());
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err("write https: plain http is accepted for localhost only".to_owned());
    }
    Ok(url)
}

/// Whether others can reach it.
pub(super) fn is_public(url: &Url) -> bool {
    !is_loopback(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
