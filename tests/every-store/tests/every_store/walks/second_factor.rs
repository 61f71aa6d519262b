//! The steps of a sign-in whose first factor was passed.

use zalt_core::RequestContext;
use zalt_core::attempt::{SecondFactorProof, SignInProgress};
use zalt_core::credential::NewRecoveryCodes;
use zalt_core::session::AuthenticationMethod as Method;

use super::model::{App, Stage};
use super::sign_in::Due;
use super::step::{Second, Shown, Which};
use super::walk::{Walk, request, time_step};

impl Walk {
    pub(super) async fn second_factor(&mut self, which: Which, second: Second) {
        self.second_factor_by(which, second, &request()).await;
    }

    pub(super) async fn second_factor_by(
        &mut self,
        which: Which,
        second: Second,
        request: &RequestContext,
    ) {
        let Some(number) = self.attempt(which, Stage::Second) else {
            return;
        };
        let person = self.attempts[number].person;
        let (proof, is_right) = self.second(person, second);
        let first = self.attempts[number].first;
        let mut due = Due::Refusal;
        if !self.is_at(number, Stage::Second) {
            self.saw("a second factor that was not due");
        } else if !self.bears_codes(number) {
            self.saw("an attempt that was worn out");
        } else if first.is_none_or(|(_, mark)| mark != self.people[person].mark) {
            self.saw("a second factor after the account had changed");
        } else if !self.may_try(person, &proof) {
            self.saw("a second factor without a try left");
        } else if is_right {
            due = Due::Session;
        } else {
            self.attempts[number].wrong_codes += 1;
        }
        let token = self.attempts[number].token.clone();
        let answer = self
            .zalt()
            .sign_ins()
            .attempt_second_factor(request, &token, &proof)
            .await;
        match (due, answer) {
            (Due::Session, Ok(SignInProgress::Complete(signed_in))) => {
                self.used(person, second);
                let owner = &mut self.people[person];
                owner.first_tries.give_back();
                owner.second_tries.give_back();
                self.attempts[number].stage = Stage::Over;
                let (first, _) = first.unwrap();
                self.signed_in(person, &signed_in, &[first, proof.method()]);
                self.trusts(person, signed_in.device);
            }
            (Due::Refusal, Err(_)) => {}
            (due, answer) => panic!("{due:?} was due, and there came {answer:?}"),
        }
    }

    /// What is shown for a second factor, and whether it is right.
    pub(super) fn second(&self, person: usize, second: Second) -> (SecondFactorProof, bool) {
        match second {
            Second::Totp(shown) => {
                let (code, is_right) = self.totp(person, shown);
                (SecondFactorProof::Totp(code), is_right)
            }
            Second::RecoveryCode(shown) => {
                let (code, is_right) = self.recovery_code(person, shown);
                (SecondFactorProof::RecoveryCode(code), is_right)
            }
        }
    }

    /// Takes a try at the second factor, if the proof costs one.
    pub(super) fn may_try(&mut self, person: usize, proof: &SecondFactorProof) -> bool {
        let now = self.now();
        matches!(proof, SecondFactorProof::RecoveryCode(_))
            || self.people[person].second_tries.take(now)
    }

    /// What was shown has counted, and never does again.
    pub(super) fn used(&mut self, person: usize, second: Second) {
        let step = time_step(self.now());
        let owner = &mut self.people[person];
        match second {
            Second::Totp(_) => owner.apps.last_mut().unwrap().last_step = step,
            Second::RecoveryCode(_) => {
                let code = owner.recovery_codes.pop().unwrap();
                owner.used_recovery_codes.push(code);
            }
        }
    }

    /// Whether the attempt may set up the second factor that everybody needs.
    pub(super) fn may_enrol(&self, number: usize) -> bool {
        let attempt = &self.attempts[number];
        let owner = &self.people[attempt.person];
        self.is_at(number, Stage::Enrolment)
            && attempt.first.is_some_and(|(_, mark)| mark == owner.mark)
            && !owner.has_second_factor()
    }

    pub(super) async fn begin_enrolment(&mut self, which: Which) {
        let Some(number) = self.attempt(which, Stage::Enrolment) else {
            return;
        };
        let may = self.may_enrol(number);
        let token = self.attempts[number].token.clone();
        let answer = self.zalt().sign_ins().begin_totp(&request(), &token).await;
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        if let Ok(enrolment) = answer {
            let person = self.attempts[number].person;
            self.people[person].begun = Some((enrolment.credential.id, enrolment.secret));
        }
    }

    pub(super) async fn confirm_enrolment(&mut self, which: Which, shown: Shown) {
        let Some(number) = self.attempt(which, Stage::Enrolment) else {
            return;
        };
        let person = self.attempts[number].person;
        let Some((id, _)) = self.people[person].begun else {
            return;
        };
        let (code, is_right) = self.first_code(person, shown);
        let now = self.now();
        let mut may = false;
        if self.may_enrol(number)
            && self.bears_codes(number)
            && self.people[person].second_tries.take(now)
        {
            may = is_right;
            if !is_right {
                self.attempts[number].wrong_codes += 1;
            }
        }
        let token = self.attempts[number].token.clone();
        let answer = self
            .zalt()
            .sign_ins()
            .confirm_totp(&request(), &token, id, &code)
            .await;
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        if let Ok((signed_in, codes)) = answer {
            self.saw("an app set up on the way in");
            self.attempts[number].stage = Stage::Over;
            self.people[person].first_tries.give_back();
            self.app_is_set_up(person, codes.as_ref());
            self.end_sessions(person, None);
            let (first, _) = self.attempts[number].first.unwrap();
            self.signed_in(person, &signed_in, &[first, Method::Totp]);
        }
    }

    /// The app that was begun counts from now on.
    pub(super) fn app_is_set_up(&mut self, person: usize, codes: Option<&NewRecoveryCodes>) {
        let last_step = time_step(self.now());
        let owner = &mut self.people[person];
        let (id, secret) = owner.begun.take().unwrap();
        owner.apps.push(App {
            id,
            secret,
            last_step,
        });
        if let Some(codes) = codes {
            self.have_recovery_codes(person, codes);
        }
    }

    pub(super) fn have_recovery_codes(&mut self, person: usize, codes: &NewRecoveryCodes) {
        let owner = &mut self.people[person];
        let void = std::mem::take(&mut owner.recovery_codes);
        owner.used_recovery_codes.extend(void);
        let codes = codes.codes.iter().map(|code| (**code).clone());
        owner.recovery_codes.extend(codes);
    }
}
