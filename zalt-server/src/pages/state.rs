use std::sync::Arc;

use http::HeaderValue;
use zalt_core::Zalt;
use zalt_http::ZaltHttp;
use zalt_notify::MemoryMailer;

use super::assets::Assets;
use super::policy;
use super::theme::Theme;
use super::views::{NameFields, Site, Strategies};

/// What the pages of one server share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pages {
    inner: Arc<Inner>,
}

struct Inner {
    http: ZaltHttp,
    site: Arc<Site>,
    assets: Assets,
    page_policy: HeaderValue,
    mail_page_policy: HeaderValue,
    inbox: Option<MemoryMailer>,
}

impl Pages {
    /// The pages of an application. `inbox` is there where mail is shown instead of sent.
    pub(crate) fn new(http: ZaltHttp, theme: &Theme, inbox: Option<MemoryMailer>) -> Self {
        let assets = Assets::new(theme);
        let site = Site::new(theme, &assets, inbox.is_some()).offering(http.zalt().config());
        let site = Arc::new(site);
        let logo = theme.logo.as_ref();
        // The strict policy stands in for one that can't be a header, which `LogoUrl` rules out.
        let header = |text: String| {
            HeaderValue::try_from(text)
                .unwrap_or_else(|_| HeaderValue::from_static(policy::MAIL_BODY))
        };
        Self {
            inner: Arc::new(Inner {
                page_policy: header(policy::page(logo)),
                mail_page_policy: header(policy::mail_page(logo)),
                http,
                site,
                assets,
                inbox,
            }),
        }
    }

    pub(crate) fn http(&self) -> &ZaltHttp {
        &self.inner.http
    }

    pub(crate) fn zalt(&self) -> &Zalt {
        self.inner.http.zalt()
    }

    pub(crate) fn site(&self) -> &Arc<Site> {
        &self.inner.site
    }

    pub(crate) fn assets(&self) -> &Assets {
        &self.inner.assets
    }

    pub(crate) fn inbox(&self) -> Option<&MemoryMailer> {
        self.inner.inbox.as_ref()
    }

    /// The content security policy of a page.
    pub(crate) fn policy(&self) -> &HeaderValue {
        &self.inner.page_policy
    }

    /// The content security policy of the page that frames a mail.
    pub(crate) fn mail_policy(&self) -> &HeaderValue {
        &self.inner.mail_page_policy
    }

    /// Whether browsers reach the server by https.
    pub(crate) fn is_secure(&self) -> bool {
        self.zalt().base_url().scheme() == "https"
    }

    /// The ways to sign in, the same for everybody.
    pub(crate) fn sign_in_strategies(&self) -> Strategies {
        let factors = self.zalt().config().first_factors;
        Strategies {
            password: factors.password,
            email_code: factors.email_code,
            email_link: factors.email_link,
            sms_code: factors.sms_code,
            passkey: factors.passkey,
        }
    }

    /// The ways to sign up.
    pub(crate) fn sign_up_strategies(&self) -> Strategies {
        let config = self.zalt().config();
        let without_password = !config.needs_password();
        Strategies {
            password: config.first_factors.password,
            email_code: without_password,
            email_link: without_password,
            sms_code: false,
            passkey: false,
        }
    }

    pub(crate) const fn name_fields() -> NameFields {
        NameFields::Optional
    }

    pub(crate) fn min_password_length(&self) -> usize {
        self.zalt().config().password_policy.min_length()
    }
}
