//! The steps of somebody who is signed in, and of an administrator.

use zalt_core::Error;
use zalt_core::config::SecondFactorPolicy;
use zalt_core::password::Password;
use zalt_core::secret::SessionToken;
use zalt_core::session::{Authenticated, AuthenticationMethod as Method};

use super::step::{Second, Shown, Step, Who};
use super::walk::{Walk, request};

impl Walk {
    pub(super) async fn take_signed_in(&mut self, step: Step) {
        let which = match step {
            Step::BeginTotp(which)
            | Step::ConfirmTotp(which, _)
            | Step::RemoveTotp(which)
            | Step::RegisterPasskey(which, _)
            | Step::RemovePasskey(which)
            | Step::RaiseByPasskey(which, _)
            | Step::NewRecoveryCodes(which)
            | Step::RaiseAssurance(which, _)
            | Step::Reauthenticate(which, _)
            | Step::ChangePassword(which, ..)
            | Step::EndOthers(which)
            | Step::SignOut(which) => which,
            other => unreachable!("{other:?} is no step of somebody who is signed in"),
        };
        let Some(number) = self.session(which) else {
            return;
        };
        // That a session which is over opens nothing is seen after each step.
        let Ok(who) = self.authenticate(&self.sessions[number].token).await else {
            return;
        };
        match step {
            Step::BeginTotp(_) => self.begin_totp(number, &who).await,
            Step::ConfirmTotp(_, shown) => self.confirm_totp(number, &who, shown).await,
            Step::RegisterPasskey(_, key) => self.register_passkey(number, &who, key).await,
            Step::RemovePasskey(_) => self.remove_passkey(number, &who).await,
            Step::RaiseByPasskey(_, key) => self.step_up_by_passkey(number, &who, key).await,
            Step::RemoveTotp(_) => self.remove_totp(number, &who).await,
            Step::NewRecoveryCodes(_) => self.new_recovery_codes(number, &who).await,
            Step::RaiseAssurance(_, second) => self.step_up(number, &who, second).await,
            Step::Reauthenticate(_, shown) => self.reauthenticate(number, &who, shown).await,
            Step::ChangePassword(_, shown, others) => {
                self.change_password(number, &who, shown, others).await;
            }
            Step::EndOthers(_) => self.end_others(number, &who).await,
            _ => self.sign_out(number, &who).await,
        }
    }

    pub(super) fn is_strong(&self, number: usize) -> bool {
        let session = &self.sessions[number];
        session.is_strong(&self.people[session.person], self.now())
    }

    async fn begin_totp(&mut self, number: usize, who: &Authenticated) {
        let credentials = self.zalt().credentials();
        let answer = credentials.begin_totp(&request(), who, None).await;
        assert_eq!(answer.is_ok(), self.is_strong(number), "{answer:?}");
        if answer.is_err() {
            self.saw("a change without a strong proof");
        }
        if let Ok(enrolment) = answer {
            let person = self.sessions[number].person;
            self.people[person].begun = Some((enrolment.credential.id, enrolment.secret));
        }
    }

    async fn confirm_totp(&mut self, number: usize, who: &Authenticated, shown: Shown) {
        let person = self.sessions[number].person;
        let Some((id, _)) = self.people[person].begun else {
            return;
        };
        let (code, is_right) = self.first_code(person, shown);
        let now = self.now();
        let may = self.is_strong(number) && self.people[person].second_tries.take(now) && is_right;
        let credentials = self.zalt().credentials();
        let answer = credentials.confirm_totp(&request(), who, id, &code).await;
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        if let Ok(codes) = answer {
            self.saw("an app set up");
            let is_first = !self.people[person].has_second_factor();
            self.app_is_set_up(person, codes.recovery_codes.as_ref());
            if is_first {
                self.end_sessions(person, Some(number));
            }
        }
    }

    async fn remove_totp(&mut self, number: usize, who: &Authenticated) {
        let person = self.sessions[number].person;
        let owner = &self.people[person];
        let Some(app) = owner.apps.last() else {
            return;
        };
        let is_last = owner.apps.len() == 1 && owner.passkey.is_none();
        let is_needed = is_last && self.policy == SecondFactorPolicy::Required;
        let may = self.is_strong(number) && !is_needed;
        let credentials = self.zalt().credentials();
        let answer = credentials.remove(&request(), who, app.id).await;
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        if may {
            self.saw("an app removed");
            let owner = &mut self.people[person];
            owner.apps.pop();
            if !owner.has_second_factor() {
                let gone = std::mem::take(&mut owner.recovery_codes);
                owner.used_recovery_codes.extend(gone);
            }
        }
    }

    async fn new_recovery_codes(&mut self, number: usize, who: &Authenticated) {
        let person = self.sessions[number].person;
        let may = self.is_strong(number) && self.people[person].has_second_factor();
        let credentials = self.zalt().credentials();
        let answer = credentials.new_recovery_codes(&request(), who).await;
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        if let Ok(codes) = answer {
            self.have_recovery_codes(person, &codes);
        }
    }

    async fn step_up(&mut self, number: usize, who: &Authenticated, second: Second) {
        let person = self.sessions[number].person;
        let (proof, is_right) = self.second(person, second);
        let may = self.may_try(person, &proof) && is_right;
        let sessions = self.zalt().sessions();
        let answer = sessions.step_up(&request(), who, &proof).await;
        if self.proved(number, may, answer) {
            self.saw("a step up");
            self.used(person, second);
            self.people[person].second_tries.give_back();
            let now = self.now();
            self.sessions[number].prove(proof.method(), now);
        }
    }

    async fn reauthenticate(&mut self, number: usize, who: &Authenticated, shown: Shown) {
        let person = self.sessions[number].person;
        let (password, is_right) = self.password(person, shown);
        let now = self.now();
        let may = self.people[person].first_tries.take(now) && is_right;
        let sessions = self.zalt().sessions();
        let answer = sessions.reauthenticate(&request(), who, password).await;
        if self.proved(number, may, answer) {
            self.people[person].first_tries.give_back();
            self.sessions[number].prove(Method::Password, now);
        }
    }

    /// Holds the answer to a proof against what was due. With a right one the session has a new token.
    pub(super) fn proved(
        &mut self,
        number: usize,
        may: bool,
        answer: Result<Option<SessionToken>, Error>,
    ) -> bool {
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        let Ok(token) = answer else {
            return false;
        };
        let session = &mut self.sessions[number];
        let before = std::mem::replace(&mut session.token, token.unwrap());
        session.dead_tokens.push(before);
        true
    }

    async fn change_password(
        &mut self,
        number: usize,
        who: &Authenticated,
        shown: Shown,
        others: bool,
    ) {
        let person = self.sessions[number].person;
        let (current, is_right) = self.password(person, shown);
        let (now, new) = (self.now(), self.new_password());
        // The current password is the proof where there is nothing stronger.
        let strong = !self.people[person].has_second_factor() || self.is_strong(number);
        let may = strong && self.people[person].first_tries.take(now) && is_right;
        let password = Password::parse(&new).unwrap();
        let users = self.zalt().users();
        let answer = users
            .change_password(&request(), who, Some(current), password, others)
            .await;
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        if may {
            self.saw("a password changed");
            let owner = &mut self.people[person];
            owner.first_tries.give_back();
            let old = std::mem::replace(&mut owner.password, new);
            owner.old_passwords.push(old);
            owner.mark.password_set_at = now;
            if others {
                self.end_sessions(person, Some(number));
            }
        }
    }

    async fn end_others(&mut self, number: usize, who: &Authenticated) {
        let may = self.is_strong(number);
        let sessions = self.zalt().sessions();
        let answer = sessions.revoke_others(&request(), who).await;
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        if may {
            self.end_sessions(self.sessions[number].person, Some(number));
        }
    }

    async fn sign_out(&mut self, number: usize, who: &Authenticated) {
        let sessions = self.zalt().sessions();
        sessions.sign_out(&request(), who.session()).await.unwrap();
        self.sessions[number].is_live = false;
    }

    /// An administrator takes all second factors away.
    pub(super) async fn reset_factors(&mut self, who: Who) {
        let id = self.people[who].id;
        let credentials = self.zalt().credentials();
        credentials
            .reset(&request(), id, "they were lost")
            .await
            .unwrap();
        self.end_sessions(who, None);
        let owner = &mut self.people[who];
        owner.apps.clear();
        owner.begun = None;
        self.lose_passkey(who);
    }
}
