use std::sync::Arc;

use super::{
    super::{ErrorKind, ErrorView, HomeView, InboxItem, InboxView, MessageView, Page, Site},
    Samples, moment,
};

impl Samples {
    pub(super) fn site(&mut self) {
        let home = HomeView { page: self.page() };
        self.add("home", &home);
        let home = HomeView {
            page: self.signed_in(),
        };
        self.add("home-signed-in", &home);
        let production = Site {
            development: false,
            sign_up_open: false,
            ..Site::clone(&self.site)
        };
        let home = HomeView {
            page: Page::new(Arc::new(production), "csrf-1"),
        };
        self.add("home-production", &home);
        self.errors();
        self.inbox();
    }

    fn errors(&mut self) {
        for (name, kind) in [
            ("error-400", ErrorKind::BadRequest),
            ("error-403", ErrorKind::Forbidden),
            ("error-404", ErrorKind::NotFound),
            ("error-403-cross-origin", ErrorKind::CrossOrigin),
            ("error-405", ErrorKind::MethodNotAllowed),
            ("error-413", ErrorKind::TooLarge),
            ("error-419", ErrorKind::FormExpired),
            (
                "error-429",
                ErrorKind::TooManyRequests {
                    retry_after_seconds: 240,
                },
            ),
            ("error-500", ErrorKind::Internal),
            (
                "error-503",
                ErrorKind::Unavailable {
                    retry_after_seconds: 2,
                },
            ),
        ] {
            let view = ErrorView {
                page: self.page(),
                kind,
                request_id: "req_01h455vb4pex5vsknk084sn02q".to_owned(),
            };
            self.add(name, &view);
        }
    }

    fn inbox(&mut self) {
        let item = |id: &str, code: Option<&str>| InboxItem {
            id: id.to_owned(),
            to: self.typed.email.clone(),
            subject: self.typed.text.clone(),
            code: code.map(str::to_owned),
            by_text: code.is_none(),
            at: moment("2 minutes ago"),
        };
        let view = InboxView {
            page: self.page(),
            messages: vec![
                item("1", Some("481907")),
                item("2", None),
                item("../\"'>", Some("120044")),
            ],
        };
        self.add("inbox", &view);
        let view = InboxView {
            page: self.page(),
            messages: Vec::new(),
        };
        self.add("inbox-empty", &view);
        for (name, has_html, link) in [
            ("message-html", true, None),
            ("message-text", false, Some("/link?token=abc")),
        ] {
            let view = MessageView {
                page: self.page(),
                id: "1".to_owned(),
                from: "Zalt <no-reply@localhost>".to_owned(),
                to: self.typed.email.clone(),
                subject: self.typed.text.clone(),
                at: moment("12 May 2026, 14:03 UTC"),
                code: Some("481907".to_owned()),
                link: link.map(str::to_owned),
                safety_link: has_html.then(|| "/safety/link?token=abc".to_owned()),
                text: format!("{}\n\n481907\n\nIt works for 10 minutes.", self.typed.text),
                has_html,
            };
            self.add(name, &view);
        }
    }
}
