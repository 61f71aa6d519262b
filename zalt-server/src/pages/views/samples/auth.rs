use super::{
    super::{
        AddedItem, Alert, AlertKind, CodeView, ForgottenPasswordView, LinkConfirmView,
        LinkSentView, LinkState, NameFields, NewPasswordView, Page, PasswordDoneView, Purpose,
        RecoveryCodesView, ReviewView, SafetyStep, SafetyView, Scan, SecondFactorMessage,
        SecondFactorView, SecondStep, SentBy, SetUpView, SignInPasswordView, SignInView,
        SignUpView, Strategies, TotpView, TrustDevice,
    },
    Samples, moment,
};

const EVERYTHING: Strategies = Strategies {
    password: true,
    email_code: true,
    email_link: true,
    sms_code: true,
    passkey: true,
};
const NO_PASSWORD: Strategies = Strategies {
    password: false,
    email_code: true,
    email_link: true,
    sms_code: false,
    passkey: true,
};

impl Samples {
    pub(super) fn auth(&mut self) {
        self.signing_up();
        self.signing_in();
        self.links();
        self.forgotten_password();
        self.second_factors();
        self.sent_second_factors();
        self.safety();
    }

    fn sign_up_view(&self, page: Page, names: NameFields, strategies: Strategies) -> SignUpView {
        SignUpView {
            page,
            email: self.typed.email.clone(),
            first_name: self.typed.first_name.clone(),
            last_name: self.typed.last_name.clone(),
            names,
            strategies,
            min_password_length: 8,
            connections: self.offered(3),
        }
    }

    fn second_factors(&mut self) {
        let view = |page: Page, step, others: &[SecondStep]| SecondFactorView {
            page,
            action: crate::pages::paths::SIGN_IN_SECOND_FACTOR,
            options: crate::pages::paths::SIGN_IN_PASSKEY_OPTIONS,
            step,
            message: None,
            trust: Some(TrustDevice {
                seconds: 30 * 24 * 60 * 60,
                checked: false,
            }),
            others: others
                .iter()
                .map(|other| (*other, "/sign-in/second-factor".to_owned()))
                .collect(),
        };
        let (app, paper) = (SecondStep::Totp, SecondStep::RecoveryCode);
        let by_app = view(self.page(), app, &[SecondStep::Passkey, paper]);
        self.add("second-factor", &by_app);
        let page = self.page_with_error("code", "That code is not right, or was used already.");
        let by_recovery_code = view(page, paper, &[app]);
        self.add("second-factor-recovery", &by_recovery_code);
        let by_passkey = view(self.page(), SecondStep::Passkey, &[]);
        self.add("second-factor-passkey", &by_passkey);
        for (name, passkey, totp) in [
            ("set-up", true, true),
            ("set-up-passkey", true, false),
            ("set-up-app", false, true),
        ] {
            let page = self.page();
            let set_up = SetUpView {
                page,
                passkey,
                totp,
            };
            self.add(name, &set_up);
        }
        let totp = |page: Page, scan| TotpView {
            page,
            action: crate::pages::paths::SIGN_IN_SET_UP_CONFIRM,
            credential_id: "cred_1".to_owned(),
            scan,
            back: "/sign-in/set-up",
        };
        let scan = Scan {
            qr_code: "<svg viewBox=\"0 0 1 1\" role=\"img\" aria-label=\"QR code\"></svg>"
                .to_owned(),
            secret: "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ".to_owned(),
        };
        let first = totp(self.page(), Some(scan));
        self.add("totp", &first);
        let page = self.page_with_error("code", "That code is not right, or was used already.");
        let again = totp(page, None);
        self.add("totp-again", &again);
        let codes = RecoveryCodesView {
            page: self.page(),
            codes: vec!["abcd-efgh-jkmn-pqrs".to_owned(); 10],
            next: "/account".to_owned(),
        };
        self.add("recovery-codes", &codes);
    }

    fn signing_up(&mut self) {
        let everything = self.sign_up_view(self.page(), NameFields::Optional, EVERYTHING);
        self.add("sign-up", &everything);
        let bare = Strategies {
            email_code: false,
            email_link: false,
            sms_code: false,
            passkey: false,
            ..EVERYTHING
        };
        let bare = self.sign_up_view(self.page(), NameFields::Hidden, bare);
        self.add("sign-up-bare", &bare);
        let no_password = self.sign_up_view(self.page(), NameFields::Optional, NO_PASSWORD);
        self.add("sign-up-no-password", &no_password);
        let page = self.page_with_error(
            "password",
            "This password is on lists of common ones. Choose another.",
        );
        let error = self.sign_up_view(page.clone(), NameFields::Hidden, EVERYTHING);
        self.add("sign-up-error", &error);
        let mut page = page;
        page.errors.add("email", "This is not an e-mail address.");
        let errors = self.sign_up_view(page, NameFields::Hidden, EVERYTHING);
        self.add("sign-up-errors", &errors);
        let code = self.code_view(self.page(), Purpose::SignUp, 30);
        self.add("sign-up-code", &code);
    }

    fn code_view(&self, page: Page, purpose: Purpose, resend_wait_seconds: u64) -> CodeView {
        let is_further = matches!(purpose, Purpose::EmailAddress | Purpose::PhoneNumber);
        let identifier_id = is_further.then(|| "idn_1".to_owned());
        CodeView {
            attempt_id: None,
            page,
            purpose,
            sent_by: match purpose {
                Purpose::PhoneNumber => SentBy::Text,
                _ => SentBy::Mail,
            },
            to: self.typed.email.clone(),
            identifier_id,
            resend_wait_seconds,
        }
    }

    fn signing_in(&mut self) {
        let view = SignInView {
            page: self.page(),
            identifier: String::new(),
            passkey: true,
            connections: self.offered(6),
        };
        self.add("sign-in", &view);
        let mut page = self.page();
        page.alert = Some(Alert {
            kind: AlertKind::Info,
            text: "You are signed out.".to_owned(),
        });
        let identifier = self.typed.email.clone();
        let view = SignInView {
            page,
            identifier,
            passkey: false,
            connections: self.offered(0),
        };
        self.add("sign-in-alert", &view);
        for (name, strategies) in [
            ("sign-in-password", EVERYTHING),
            ("sign-in-choice", NO_PASSWORD),
        ] {
            let view = SignInPasswordView {
                page: self.page(),
                identifier: self.typed.email.clone(),
                strategies,
            };
            self.add(name, &view);
        }
        let view = SignInPasswordView {
            page: self.page_with_error(
                "password",
                "That password doesn’t fit this address. Try again.",
            ),
            identifier: self.typed.email.clone(),
            strategies: EVERYTHING,
        };
        self.add("sign-in-password-error", &view);
        let page = self.page_with_error("code", "That code is wrong or too old.");
        let code = self.code_view(page, Purpose::SignIn, 0);
        self.add("sign-in-code", &code);
    }

    fn sent_second_factors(&mut self) {
        let view = |page: Page, step, sent, to: Option<String>| SecondFactorView {
            page,
            action: crate::pages::paths::ACCOUNT_REAUTHENTICATE_SECOND_FACTOR,
            options: crate::pages::paths::ACCOUNT_REAUTHENTICATE_PASSKEY_OPTIONS,
            step,
            message: Some(SecondFactorMessage {
                send: crate::pages::paths::ACCOUNT_REAUTHENTICATE_SECOND_FACTOR_SEND,
                to,
                sent,
                challenge: sent.then(|| self.typed.text.clone()),
                resend_wait_seconds: 30,
            }),
            trust: None,
            others: vec![(SecondStep::RecoveryCode, "/reauthenticate".to_owned())],
        };
        let to = Some(self.typed.email.clone());
        let ask = view(self.page(), SecondStep::SmsCode, false, to.clone());
        let gone = view(self.page(), SecondStep::SmsCode, false, None);
        let page = self.page_with_error("code", "That code is not right.");
        let sent = view(page, SecondStep::EmailCode, true, to);
        self.add("second-factor-text", &ask);
        self.add("second-factor-text-gone", &gone);
        self.add("second-factor-mailed", &sent);
    }

    fn safety(&mut self) {
        let token = self.typed.text.clone();
        for (name, step) in [
            (
                "safety-freeze",
                SafetyStep::Freeze {
                    token: token.clone(),
                },
            ),
            ("safety-frozen", SafetyStep::Frozen),
            ("recovery", SafetyStep::Recover { token }),
            ("safety-invalid", SafetyStep::Invalid),
        ] {
            let page = self.page();
            self.add(name, &SafetyView { page, step });
        }
        let item = |id: &str, kind, name: &str, keep| AddedItem {
            field: format!("keep-{id}"),
            kind,
            name: name.to_owned(),
            added: moment("2 days ago"),
            keep,
        };
        let added = vec![
            item("cred_1", "Passkey", &self.typed.device, true),
            item("cred_2", "Recovery codes", "Recovery codes", false),
            item("idn_1", "E-mail address", &self.typed.email, false),
        ];
        let page = self.page();
        self.add("recovery-review", &ReviewView { page, added });
        let page = self.page();
        let added = Vec::new();
        self.add("recovery-review-empty", &ReviewView { page, added });
    }

    fn links(&mut self) {
        let sent = LinkSentView {
            page: self.page(),
            purpose: Purpose::SignIn,
            email: self.typed.email.clone(),
            resend_wait_seconds: 30,
        };
        self.add("link-sent", &sent);
        let confirm = LinkState::Confirm {
            token: self.typed.text.clone(),
            email: Some(self.typed.email.clone()),
        };
        for (name, purpose, state) in [
            ("link-confirm", Purpose::SignIn, confirm),
            (
                "link-other-browser",
                Purpose::SignUp,
                LinkState::OtherBrowser,
            ),
            ("link-invalid", Purpose::PasswordReset, LinkState::Invalid),
        ] {
            let view = LinkConfirmView {
                page: self.page(),
                purpose,
                state,
            };
            self.add(name, &view);
        }
    }

    fn forgotten_password(&mut self) {
        let view = ForgottenPasswordView {
            page: self.page(),
            identifier: self.typed.email.clone(),
        };
        self.add("password-forgotten", &view);
        let code = self.code_view(self.page(), Purpose::PasswordReset, 30);
        self.add("password-code", &code);
        let view = NewPasswordView {
            page: self.page(),
            identifier: self.typed.email.clone(),
            min_password_length: 8,
            sign_out_others: true,
        };
        self.add("password-new", &view);
        let view = PasswordDoneView {
            page: self.page(),
            sign_in: crate::pages::paths::SIGN_IN_PASSWORD,
            signed_out_others: true,
        };
        self.add("password-done", &view);
        let code = self.code_view(self.signed_in(), Purpose::EmailAddress, 0);
        self.add("email-code", &code);
        let code = self.code_view(self.signed_in(), Purpose::PhoneNumber, 0);
        self.add("phone-code", &code);
    }
}
