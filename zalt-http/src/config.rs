use crate::client_ip::TrustedProxies;
use crate::origin::AllowedOrigin;

/// How an application is served over HTTP. The defaults trust nobody.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpConfig {
    /// The proxies whose word about the client's address and the request id counts. None by default.
    pub trusted_proxies: TrustedProxies,
    /// Origins beside the base URL whose pages may call the API with the person's cookies. They get CORS headers; a page
    /// there can do whatever its visitor can.
    pub allowed_origins: Vec<AllowedOrigin>,
    /// The longest body that is read (64 KiB).
    pub max_body_bytes: usize,
    /// Whether `Strict-Transport-Security` covers the subdomains too. Only sent where the base URL is https.
    pub hsts_include_subdomains: bool,
    /// The page of the application that browsers are led to when they come back from a provider and are not signed in: a path or
    /// an address. It is told in its query either `status` and `attempt`, what is still to be done, or `error`, `connection` and
    /// `request_id`, why nobody came in. Without one all that goes to where the person wanted to be.
    pub connection_page: Option<String>,
    /// Whether the front ends of users get the tokens that open a provider's API in their name. A script that gets into a
    /// page gets them too.
    pub hand_out_provider_tokens: bool,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            trusted_proxies: TrustedProxies::none(),
            allowed_origins: Vec::new(),
            max_body_bytes: 64 * 1024,
            hsts_include_subdomains: false,
            connection_page: None,
            hand_out_provider_tokens: false,
        }
    }
}

impl HttpConfig {
    /// Trusts these proxies.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.trusted_proxies = proxies;
        self
    }

    /// Lets pages of this origin call the API.
    #[must_use]
    pub fn allow_origin(mut self, origin: AllowedOrigin) -> Self {
        self.allowed_origins.push(origin);
        self
    }
}
