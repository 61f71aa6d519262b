use super::{
    super::{
        ActivityItem, ActivityKind, ActivityView, AlertKind, DeleteAccountView, DeviceKind,
        EmailAddressItem, EmailAddressesView, KeptOn, Page, PasskeyItem, PasskeyNameView,
        PasskeysView, PasswordView, ProfileView, ReauthenticateView, SecondFactorItem,
        SecondFactorsView, SessionItem, SessionsView,
    },
    Samples, moment,
};

impl Samples {
    pub(super) fn account(&mut self) {
        let saved = self.signed_in_with(AlertKind::Success, "Your profile is saved.");
        let profile = ProfileView {
            page: saved,
            first_name: self.typed.first_name.clone(),
            last_name: self.typed.last_name.clone(),
            username: self.typed.text.clone(),
            image_url: self.typed.text.clone(),
            member_since: Some(moment("12 May 2026")),
        };
        self.add("account-profile", &profile);
        self.emails();
        self.password();
        self.passkeys();
        self.sessions();
        self.activity();
        let mut page = self.signed_in();
        page.errors.add("confirmation", "This is not your address.");
        let delete = DeleteAccountView {
            kept_days: 30,
            page,
            confirmation: self.typed.email.clone(),
        };
        self.add("account-delete", &delete);
    }

    fn emails(&mut self) {
        let item = |id: &str, email: &str, verified, primary| EmailAddressItem {
            id: id.to_owned(),
            email: email.to_owned(),
            verified,
            primary,
            removable: !primary,
        };
        let addresses = vec![
            item("idn_1", &self.typed.email, true, true),
            item(
                "idn_2",
                "countess.of.lovelace@analytical-engine.example",
                true,
                false,
            ),
            item("idn_3", "ada@new.example", false, false),
        ];
        let view = EmailAddressesView {
            page: self.signed_in(),
            addresses,
            new_email: self.typed.email.clone(),
        };
        self.add("account-emails", &view);
        let view = EmailAddressesView {
            page: self.signed_in(),
            addresses: Vec::new(),
            new_email: String::new(),
        };
        self.add("account-emails-empty", &view);
    }

    fn password(&mut self) {
        let view = |page: Page, has_password| PasswordView {
            page,
            identifier: "ada@example.com".to_owned(),
            has_password,
            min_password_length: 8,
            sign_out_others: true,
        };
        let change = view(self.signed_in(), true);
        self.add("account-password", &change);
        let set = view(self.signed_in(), false);
        self.add("account-password-none", &set);
        let app = |name: &str, used| SecondFactorItem {
            id: "cred_1".to_owned(),
            name: name.to_owned(),
            added: moment("12 May 2026"),
            last_used: used,
        };
        let view = SecondFactorsView {
            page: self.signed_in(),
            apps_allowed: true,
            apps: vec![
                app(&self.typed.text, Some(moment("3 hours ago"))),
                app("Authenticator app", None),
            ],
            recovery_codes_left: Some(2),
        };
        self.add("account-second-factors", &view);
        let view = SecondFactorsView {
            page: self.signed_in(),
            apps_allowed: true,
            apps: Vec::new(),
            recovery_codes_left: None,
        };
        self.add("account-second-factors-empty", &view);
        let again = ReauthenticateView {
            has_password: true,
            by_link: false,
            page: self.page(),
            identifier: self.typed.email.clone(),
        };
        self.add("reauthenticate", &again);
    }

    fn passkeys(&mut self) {
        let item = |name: &str, authenticator, last_used, kept_on| PasskeyItem {
            id: "cred_1".to_owned(),
            name: name.to_owned(),
            authenticator,
            added: moment("12 May 2026"),
            last_used,
            kept_on,
        };
        let used = Some(moment("3 hours ago"));
        let view = |page: Page, passkeys| PasskeysView {
            page,
            allowed: true,
            passkeys,
            rp_id: "auth.example.com".to_owned(),
            user_handle: "AQIDBA".to_owned(),
            credential_ids: "AQID BAUG".to_owned(),
        };
        let passkeys = vec![
            item(
                &self.typed.device,
                Some("1Password"),
                used,
                KeptOn::SeveralDevices,
            ),
            item("iCloud Keychain", None, None, KeptOn::OneDeviceSoFar),
            item("Passkey", None, None, KeptOn::OneDevice),
        ];
        let some = view(self.signed_in(), passkeys);
        self.add("account-passkeys", &some);
        let none = view(self.signed_in(), Vec::new());
        self.add("account-passkeys-empty", &none);
        let name = PasskeyNameView {
            page: self.signed_in(),
            id: "cred_1".to_owned(),
            called: self.typed.device.clone(),
        };
        self.add("account-passkey-name", &name);
    }

    fn sessions(&mut self) {
        let item = |id: &str, device: &str, kind, address: Option<&str>, current| SessionItem {
            id: id.to_owned(),
            device: device.to_owned(),
            kind,
            address: address.map(str::to_owned),
            signed_in: moment("12 May 2026"),
            last_seen: moment("3 hours ago"),
            current,
        };
        let current = item(
            "sess_1",
            &self.typed.device,
            DeviceKind::Desktop,
            Some("203.0.113.7"),
            true,
        );
        let phone = item(
            "sess_2",
            "Safari on iPhone",
            DeviceKind::Phone,
            Some("2001:db8::4:1"),
            false,
        );
        let other = item("sess_3", "Unknown device", DeviceKind::Other, None, false);
        let view = SessionsView {
            page: self.signed_in(),
            sessions: vec![current.clone(), phone, other],
        };
        self.add("account-sessions", &view);
        let view = SessionsView {
            page: self.signed_in(),
            sessions: vec![current],
        };
        self.add("account-sessions-one", &view);
    }

    fn activity(&mut self) {
        let items = [
            (ActivityKind::SignIn, "Signed in"),
            (ActivityKind::Warning, "Wrong password"),
            (ActivityKind::Password, "Password changed"),
            (ActivityKind::Email, "E-mail address added"),
            (ActivityKind::Factor, "New recovery codes"),
            (ActivityKind::Profile, "Profile changed"),
            (ActivityKind::SignOut, "Signed out"),
        ]
        .into_iter()
        .map(|(kind, title)| ActivityItem {
            kind,
            title: title.to_owned(),
            detail: Some(format!("{} · 203.0.113.7", self.typed.device)),
            at: moment("3 hours ago"),
        })
        .collect();
        let view = ActivityView {
            page: self.signed_in(),
            items,
            next_url: Some("/account/activity?cursor=abc".to_owned()),
        };
        self.add("account-activity", &view);
        let view = ActivityView {
            page: self.signed_in(),
            items: Vec::new(),
            next_url: None,
        };
        self.add("account-activity-empty", &view);
    }
}
