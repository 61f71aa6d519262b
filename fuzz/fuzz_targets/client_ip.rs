//! `TrustedProxies::client`: nobody who is not vouched for decides which address counts.
//!
//! Each line of the input is one header of the proxies.

#![no_main]

use std::net::IpAddr;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use zalt_http::client_ip::{ForwardedHeader, TrustedProxies};

static PROXIES: LazyLock<TrustedProxies> =
    LazyLock::new(|| TrustedProxies::parse("10.0.0.0/8, fd00::/8").expect("two networks"));
const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

fuzz_target!(|data: &[u8]| {
    for (name, kind) in [
        ("x-forwarded-for", ForwardedHeader::XForwardedFor),
        ("forwarded", ForwardedHeader::Forwarded),
    ] {
        let mut headers = HeaderMap::new();
        for line in data.split(|byte| *byte == b'\n').take(100) {
            if let Ok(value) = HeaderValue::from_bytes(line) {
                headers.append(name, value);
            }
        }
        let proxies = PROXIES.clone().with_header(kind);
        assert_eq!(
            proxies.client(STRANGER, &headers),
            STRANGER,
            "a stranger was believed"
        );

        let client = proxies.client(PROXY, &headers);
        assert_eq!(client, client.to_canonical(), "one address under two names");

        // What the client itself wrote stands left of what the last proxy wrote.
        headers.append(
            name,
            HeaderValue::from_static(match kind {
                ForwardedHeader::XForwardedFor => "203.0.113.9",
                ForwardedHeader::Forwarded => "for=203.0.113.9",
            }),
        );
        let vouched: IpAddr = "203.0.113.9".parse().expect("an address");
        assert_eq!(
            proxies.client(PROXY, &headers),
            vouched,
            "the client chose its address"
        );
    }
});
