//! The operator's logo.

/// Where the logo is: a path on this server, or an `https` address whose origin the pages then allow for images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogoUrl {
    url: String,
    origin: Option<String>,
}

impl LogoUrl {
    /// Reads `/path` or `https://host[:port]/path`. Only characters that are plain in both a URL and a header are
    /// let through, since the origin ends up in the content security policy.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/:%?=&+@".contains(c);
        if text.len() > 2048 || !text.chars().all(allowed) {
            return None;
        }
        if let Some(rest) = text.strip_prefix("https://") {
            let host = rest.split(['/', '?']).next()?;
            let plain = |c: char| c.is_ascii_alphanumeric() || "-.:".contains(c);
            if host.is_empty() || host.starts_with([':', '.', '-']) || !host.chars().all(plain) {
                return None;
            }
            return Some(Self {
                url: text.to_owned(),
                origin: Some(format!("https://{host}")),
            });
        }
        // `//host` would leave this server.
        (text.starts_with('/') && !text.starts_with("//")).then(|| Self {
            url: text.to_owned(),
            origin: None,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.url
    }

    /// The foreign origin that the image comes from, if it is not this server.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::LogoUrl;

    #[test]
    fn reads_paths_and_https_addresses() {
        assert_eq!(LogoUrl::parse("/logo.svg").and_then(|l| l.origin), None);
        let logo = LogoUrl::parse("https://cdn.example.com:8443/a.png?v=2").unwrap();
        assert_eq!(logo.origin(), Some("https://cdn.example.com:8443"));
        assert_eq!(logo.as_str(), "https://cdn.example.com:8443/a.png?v=2");
    }

    #[test]
    fn refuses_what_could_run_or_add_to_the_policy() {
        for text in [
            "",
            "logo.svg",
            "//evil.example/a.png",
            "http://example.com/a.png",
            "javascript:alert(1)",
            "data:image/svg+xml,<svg/>",
            "https://",
            "https://a.example;script-src/*",
            "https://a.example 'unsafe-inline'",
            "https://*.example/a.png",
            "https://user@evil.example/a.png",
            "/a.png\"onerror=\"x",
        ] {
            assert_eq!(LogoUrl::parse(text), None, "{text}");
        }
    }
}
