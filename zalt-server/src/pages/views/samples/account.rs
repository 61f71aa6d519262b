use super::{
    super::{
        ActivityItem, ActivityKind, ActivityView, AlertKind, DeleteAccountView, DeviceItem,
        DeviceKind, EmailAddressesView, IdentifierItem, KeptOn, MessagesItem, Page, PasskeyItem,
        PasskeyNameView, PasskeysView, PasswordView, PhoneNumbersView, ProfileView,
        ReauthenticateView, SecondFactorItem, SecondFactorsView, SessionItem, SessionsView,
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
        let item = |id: &str, value: &str, verified, primary| IdentifierItem {
            id: id.to_owned(),
            value: value.to_owned(),
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
        let mut site = super::Site::clone(&self.site);
        site.phone_numbers = true;
        let mut page = self.signed_in();
        page.site = std::sync::Arc::new(site);
        let view = PhoneNumbersView {
            page: page.clone(),
            numbers: vec![item("idn_4", &self.typed.text, true, true)],
            new_number: self.typed.text.clone(),
        };
        self.add("account-phone-numbers", &view);
        for (name, page) in [
            ("account-phone-numbers-empty", page),
            ("account-phone-numbers-closed", self.signed_in()),
        ] {
            let view = PhoneNumbersView {
                page,
                numbers: Vec::new(),
                new_number: String::new(),
            };
            self.add(name, &view);
        }
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
        let messages = |to: &str, by_text, credential| MessagesItem {
            identifier_id: "idn_1".to_owned(),
            to: to.to_owned(),
            by_text,
            allowed: true,
            credential,
        };
        let view = SecondFactorsView {
            page: self.signed_in(),
            apps_allowed: true,
            apps: vec![
                app(&self.typed.text, Some(moment("3 hours ago"))),
                app("Authenticator app", None),
            ],
            texts_allowed: true,
            messages_allowed: true,
            messages: vec![
                messages(&self.typed.email, false, Some(app("", None))),
                messages("+436601234567", true, None),
            ],
            recovery_codes_left: Some(2),
        };
        self.add("account-second-factors", &view);
        let view = SecondFactorsView {
            page: self.signed_in(),
            apps_allowed: true,
            apps: Vec::new(),
            texts_allowed: true,
            messages_allowed: true,
            messages: Vec::new(),
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
        let device = |device: &str, trusted_until| DeviceItem {
            id: "cred_1".to_owned(),
            device: device.to_owned(),
            kind: DeviceKind::Desktop,
            address: Some("203.0.113.7".to_owned()),
            since: moment("12 May 2026"),
            trusted_until,
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
            devices: Some(vec![
                device(&self.typed.device, Some(moment("12 June 2026"))),
                device("Safari on iPhone", None),
            ]),
        };
        self.add("account-sessions", &view);
        let view = SessionsView {
            page: self.signed_in(),
            sessions: vec![current],
            devices: Some(Vec::new()),
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
