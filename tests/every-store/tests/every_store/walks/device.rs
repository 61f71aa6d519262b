//! The steps on a device that stands in for the second factor.

use zalt_core::attempt::SignInProgress;
use zalt_core::secret::DeviceToken;
use zalt_core::session::AuthenticationMethod as Method;

use super::model::{Device, Stage, TRUST};
use super::sign_in::Due;
use super::step::{Second, Shown, Which, Who};
use super::walk::{BY_COOKIE, Walk, request};

impl Walk {
    pub(super) async fn second_factor_trusting(&mut self, which: Which, second: Second) {
        let asking = request().trusting_device();
        self.second_factor_by(which, second, &asking).await;
    }

    /// Keeps what a device got that is trusted from now on.
    pub(super) fn trusts(&mut self, person: usize, token: Option<DeviceToken>) {
        let until = self.now() + TRUST;
        let owner = &mut self.people[person];
        if let Some(token) = token {
            owner.device = Some(Device {
                token,
                until,
                mark: owner.mark,
                factors: owner.factors(),
            });
        }
    }

    pub(super) async fn password_from_device(&mut self, who: Who, shown: Shown) {
        let Some(device) = &self.people[who].device else {
            return;
        };
        let from = request().with_device_cookie(device.token.clone());
        let (password, is_right) = self.password(who, shown);
        let now = self.now();
        let mut due = Due::Refusal;
        let mut methods = vec![Method::Password];
        if self.people[who].first_tries.take(now) && is_right {
            due = self.after_first(who);
        }
        if due == Due::Then(Stage::Second) {
            if self.people[who].trusts_device(now) {
                due = Due::Session;
                methods.push(Method::TrustedDevice);
            } else {
                self.saw("a device that was trusted before");
            }
        }
        let address = self.people[who].address;
        let sign_ins = self.zalt().sign_ins();
        let answer = sign_ins
            .with_password(&from, address, password, BY_COOKIE)
            .await;
        match (due, answer) {
            (Due::Session, Ok(SignInProgress::Complete(signed_in))) => {
                self.people[who].first_tries.give_back();
                self.signed_in(who, &signed_in, &methods);
            }
            (Due::Then(stage), Ok(progress)) => {
                let (came, pending) = match progress {
                    SignInProgress::NeedsSecondFactor(pending) => (Stage::Second, pending),
                    SignInProgress::NeedsMfaEnrollment(pending) => (Stage::Enrolment, pending),
                    other => panic!("{stage:?} was due, and there came {other:?}"),
                };
                assert_eq!(came, stage);
                self.add_attempt(who, pending.token.unwrap(), stage);
                let newest = self.attempts.len() - 1;
                self.attempts[newest].first = Some((Method::Password, self.people[who].mark));
            }
            (Due::Refusal, Err(_)) => {}
            (due, answer) => panic!("{due:?} was due, and there came {answer:?}"),
        }
    }
}
