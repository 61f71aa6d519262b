use super::{
    super::{
        AddressView, ConnectionFailedView, ConnectionItem, Connections, ConnectionsView,
        ExternalAccountItem, FailureKind, LeaveView,
    },
    Samples, moment,
};
use crate::pages::marks::Mark;

impl Samples {
    pub(super) fn connections(&mut self) {
        let leave = LeaveView {
            page: self.page(),
            name: self.typed.text.clone(),
            mark: Mark::of("github", "GitHub"),
            url: format!("https://provider.example/?state={}", self.typed.text),
        };
        self.add("connection-leave", &leave);
        let failed = ConnectionFailedView {
            page: self.page(),
            failure: FailureKind::Unavailable,
            code: "connection_unavailable",
            request_id: "5b0c1f3a9e7d42c8a6f1e0b3d4c5a697".to_owned(),
            back: "/sign-in".to_owned(),
            back_label: "Back to sign in",
        };
        self.add("connection-failed", &failed);
        let address = AddressView {
            page: self
                .page_with_error("email", "Enter an e-mail address such as name@example.com."),
            name: self.typed.text.clone(),
            email: self.typed.email.clone(),
        };
        self.add("connection-address", &address);
        let accounts = ["google", "slack"].map(|preset| ExternalAccountItem {
            id: "cred_1".to_owned(),
            provider: self.typed.text.clone(),
            mark: Mark::of(preset, &self.typed.text),
            called: self.typed.email.clone(),
            linked: moment("3 days ago"),
            last_used: Some(moment("an hour ago")),
            enabled: preset == "google",
        });
        let connections = ConnectionsView {
            page: self.signed_in(),
            accounts: accounts.to_vec(),
            connections: self.offered(2).0,
        };
        self.add("account-connections", &connections);
    }

    /// So many connections.
    pub(super) fn offered(&self, count: usize) -> Connections {
        let presets = ["google", "github", "apple", "slack", "gitlab", "microsoft"];
        let items = presets
            .into_iter()
            .take(count)
            .map(|preset| ConnectionItem {
                key: preset.to_owned(),
                name: self.typed.text.clone(),
                mark: Mark::of(preset, &self.typed.text),
            });
        Connections(items.collect())
    }
}
