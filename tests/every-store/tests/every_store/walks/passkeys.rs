//! The steps with passkeys.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use zalt_core::Error;
use zalt_core::attempt::{SecondFactorProof, SignInProgress};
use zalt_core::config::SecondFactorPolicy;
use zalt_core::passkey::{AssertionResponse, RegistrationResponse};
use zalt_core::session::{Authenticated, AuthenticationMethod as Method};
use zalt_test_authenticator::Authenticator;

use super::model::{Attempt, Stage};
use super::step::{Key, Which, Who};
use super::walk::{BY_COOKIE, ORIGIN, Walk, request};

impl Walk {
    /// Signs in with nothing but a passkey.
    pub(super) async fn passkey_at_once(&mut self, who: Who, key: Key) {
        let sign_ins = self.zalt().sign_ins();
        let (started, options) = sign_ins
            .begin_with_passkey(&request(), BY_COOKIE)
            .await
            .unwrap();
        // Whoever's passkey answers, signs in.
        let (who, key) = match key {
            Key::Others => (1 - who, Key::Right),
            key => (who, key),
        };
        let Some(response) = self.answer(who, key, &options) else {
            return;
        };
        let owner = &self.people[who];
        let may = key == Key::Right && owner.passkey.is_some() && !owner.is_frozen;
        let sign_ins = self.zalt().sign_ins();
        let answer = sign_ins
            .attempt_passkey(&request(), &started.token, &response)
            .await;
        if self.let_in(who, may, answer) {
            self.saw("a session by nothing but a passkey");
            let sign_ins = self.zalt().sign_ins();
            let again = sign_ins
                .attempt_passkey(&request(), &started.token, &response)
                .await;
            assert!(matches!(again, Err(Error::AttemptStep)), "{again:?}");
        }
    }

    /// Shows a passkey in an attempt that was begun with an identifier.
    pub(super) async fn show_passkey(&mut self, which: Which, key: Key) {
        let Some(number) = self.attempt(which, Stage::First) else {
            return;
        };
        if self.people[self.attempts[number].person].is_frozen {
            return;
        }
        let may = self.is_at(number, Stage::First) && self.bears_codes(number);
        let token = self.attempts[number].token.clone();
        let sign_ins = self.zalt().sign_ins();
        let asked = sign_ins.prepare_passkey(&request(), &token).await;
        if self.attempts[number].stage != Stage::Second {
            assert_eq!(asked.is_ok(), may, "{asked:?}");
        }
        let Ok((_, options)) = asked else {
            return;
        };
        let person = self.attempts[number].person;
        let Some(response) = self.answer(person, key, &options) else {
            return;
        };
        let is_right = may && key == Key::Right && self.people[person].passkey.is_some();
        if may && !is_right {
            self.attempts[number].wrong_codes += 1;
        }
        let sign_ins = self.zalt().sign_ins();
        let answer = sign_ins
            .attempt_passkey(&request(), &token, &response)
            .await;
        if self.let_in(person, is_right, answer) {
            self.saw("a session by identifier and passkey");
            let attempt = &mut self.attempts[number];
            attempt.stage = Stage::Over;
            attempt.take_back();
        }
    }

    /// Holds the answer to a passkey that came first against what was due.
    fn let_in(&mut self, person: usize, may: bool, answer: Result<SignInProgress, Error>) -> bool {
        match (may, answer) {
            (true, Ok(SignInProgress::Complete(signed_in))) => {
                let owner = &mut self.people[person];
                owner.first_tries.give_back();
                owner.second_tries.give_back();
                self.signed_in(person, &signed_in, &[Method::Passkey]);
                true
            }
            (false, Err(_)) => false,
            (may, answer) => panic!("a session was due: {may}, and there came {answer:?}"),
        }
    }

    /// Shows a passkey as the second factor of an attempt.
    pub(super) async fn second_by_passkey(&mut self, which: Which, key: Key) {
        let Some(number) = self.attempt(which, Stage::Second) else {
            return;
        };
        let Attempt {
            person,
            first,
            ref token,
            ..
        } = self.attempts[number];
        let token = token.clone();
        let is_due = self.is_at(number, Stage::Second)
            && self.bears_codes(number)
            && first.is_some_and(|(_, mark)| mark == self.people[person].mark);
        let may = is_due && self.people[person].passkey.is_some();
        let sign_ins = self.zalt().sign_ins();
        let asked = sign_ins.prepare_passkey(&request(), &token).await;
        if self.attempts[number].stage != Stage::First {
            assert_eq!(asked.is_ok(), may, "{asked:?}");
        }
        let Ok((_, options)) = asked else {
            return;
        };
        let Some(response) = self.answer(person, key, &options) else {
            return;
        };
        let is_right = may && matches!(key, Key::Right | Key::Unverified);
        if is_due && !is_right {
            self.attempts[number].wrong_codes += 1;
        }
        let proof = SecondFactorProof::Passkey(Box::new(response));
        let sign_ins = self.zalt().sign_ins();
        let answer = sign_ins
            .attempt_second_factor(&request(), &token, &proof)
            .await;
        match (is_right, answer) {
            (true, Ok(SignInProgress::Complete(signed_in))) => {
                let owner = &mut self.people[person];
                owner.first_tries.give_back();
                owner.second_tries.give_back();
                self.attempts[number].stage = Stage::Over;
                let (first, _) = first.unwrap();
                self.signed_in(person, &signed_in, &[first, key.proves()]);
            }
            (false, Err(_)) => {}
            (due, answer) => panic!("a session was due: {due}, and there came {answer:?}"),
        }
    }

    /// Sets a passkey up on the way in, where everybody needs a second factor.
    pub(super) async fn enrol_passkey(&mut self, which: Which, key: Key) {
        let Some(number) = self.attempt(which, Stage::Enrolment) else {
            return;
        };
        let person = self.attempts[number].person;
        let may = self.may_enrol(number) && self.bears_codes(number);
        let token = self.attempts[number].token.clone();
        let sign_ins = self.zalt().sign_ins();
        let asked = sign_ins.begin_passkey(&request(), &token).await;
        assert_eq!(asked.is_ok(), may, "{asked:?}");
        let Ok(options) = asked else {
            return;
        };
        let (authenticator, response) = made(key, &options);
        let is_right = key != Key::Corrupt;
        if !is_right {
            self.attempts[number].wrong_codes += 1;
        }
        let sign_ins = self.zalt().sign_ins();
        let answer = sign_ins
            .confirm_passkey(&request(), &token, &response, None)
            .await;
        assert_eq!(answer.is_ok(), is_right, "{answer:?}");
        if let Ok((signed_in, codes)) = answer {
            self.saw("a passkey set up on the way in");
            self.attempts[number].stage = Stage::Over;
            let id = self.passkey_of(person).await;
            let owner = &mut self.people[person];
            owner.first_tries.give_back();
            owner.passkey = Some(id);
            owner.authenticator = authenticator;
            if let Some(codes) = codes {
                self.have_recovery_codes(person, &codes);
            }
            self.end_sessions(person, None);
            let (first, _) = self.attempts[number].first.unwrap();
            self.signed_in(person, &signed_in, &[first, key.proves()]);
        }
    }

    /// Registers a passkey on the account page, if there is none yet.
    pub(super) async fn register_passkey(&mut self, number: usize, who: &Authenticated, key: Key) {
        let person = self.sessions[number].person;
        if self.people[person].passkey.is_some() {
            return;
        }
        let credentials = self.zalt().credentials();
        let asked = credentials.begin_passkey(&request(), who).await;
        assert_eq!(asked.is_ok(), self.is_strong(number), "{asked:?}");
        let Ok(options) = asked else {
            return;
        };
        let (authenticator, response) = made(key, &options);
        let answer = credentials
            .confirm_passkey(&request(), who, &response, None)
            .await;
        assert_eq!(answer.is_ok(), key != Key::Corrupt, "{answer:?}");
        let again = credentials
            .confirm_passkey(&request(), who, &response, None)
            .await;
        assert!(again.is_err(), "a request was answered twice: {again:?}");
        if let Ok((credential, enrolled)) = answer {
            self.saw("a passkey set up");
            let is_first = !self.people[person].has_second_factor();
            let owner = &mut self.people[person];
            owner.passkey = Some(credential.id);
            owner.authenticator = authenticator;
            if let Some(codes) = enrolled.recovery_codes {
                self.have_recovery_codes(person, &codes);
            }
            if is_first {
                self.end_sessions(person, Some(number));
            }
        }
    }

    pub(super) async fn remove_passkey(&mut self, number: usize, who: &Authenticated) {
        let person = self.sessions[number].person;
        let owner = &self.people[person];
        let Some(id) = owner.passkey else {
            return;
        };
        let is_needed = owner.apps.is_empty() && self.policy == SecondFactorPolicy::Required;
        let may = self.is_strong(number) && !is_needed;
        let credentials = self.zalt().credentials();
        let answer = credentials.remove(&request(), who, id).await;
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        if may {
            self.saw("a passkey removed");
            self.lose_passkey(person);
        }
    }

    /// The passkey is no longer the account's, whoever still has it.
    pub(super) fn lose_passkey(&mut self, person: usize) {
        let owner = &mut self.people[person];
        owner.passkey = None;
        let empty = Authenticator::new(ORIGIN);
        owner.removed = std::mem::replace(&mut owner.authenticator, empty);
        if !owner.has_second_factor() {
            let gone = std::mem::take(&mut owner.recovery_codes);
            owner.used_recovery_codes.extend(gone);
        }
    }

    pub(super) async fn step_up_by_passkey(
        &mut self,
        number: usize,
        who: &Authenticated,
        key: Key,
    ) {
        let person = self.sessions[number].person;
        let sessions = self.zalt().sessions();
        let asked = sessions.prepare_passkey(&request(), who).await;
        let has_one = self.people[person].passkey.is_some();
        assert_eq!(asked.is_ok(), has_one, "{asked:?}");
        let Ok(options) = asked else {
            return;
        };
        let Some(response) = self.answer(person, key, &options) else {
            return;
        };
        let proof = SecondFactorProof::Passkey(Box::new(response));
        let sessions = self.zalt().sessions();
        let answer = sessions.step_up(&request(), who, &proof).await;
        let is_right = matches!(key, Key::Right | Key::Unverified);
        if self.proved(number, is_right, answer) {
            self.saw("a step up by passkey");
            self.people[person].second_tries.give_back();
            let now = self.now();
            self.sessions[number].prove(key.proves(), now);
        }
    }

    /// What an authenticator of the person's, or another, answers. `None` where there is none that could.
    fn answer(
        &mut self,
        person: usize,
        key: Key,
        options: &impl Serialize,
    ) -> Option<AssertionResponse> {
        let options = json(options);
        if let Key::Replayed = key {
            return self.people[person].answered.clone().map(read);
        }
        let owner = match key {
            Key::Others => &mut self.people[1 - person],
            _ => &mut self.people[person],
        };
        let authenticator = match key {
            Key::Removed => &mut owner.removed,
            _ => &mut owner.authenticator,
        };
        authenticator.manner.user_verified = key != Key::Unverified;
        authenticator.manner.corrupt_signature = key == Key::Corrupt;
        // One that lists what is allowed is made to answer all the same.
        let mut anything = options.clone();
        if matches!(key, Key::Removed | Key::Others) {
            anything["allowCredentials"] = Value::Array(Vec::new());
        }
        let answer = authenticator.get(&anything)?;
        owner.answered = Some(answer.clone());
        Some(read(answer))
    }

    /// The one passkey of an account.
    async fn passkey_of(&self, person: usize) -> zalt_core::id::CredentialId {
        let id = self.people[person].id;
        let account = self.zalt().store().account(id).await.unwrap().unwrap();
        let (credential, _) = account.passkeys().next().unwrap();
        credential.id
    }
}

/// A new authenticator with a new passkey.
fn made(key: Key, options: &impl Serialize) -> (Authenticator, RegistrationResponse) {
    let mut authenticator = Authenticator::new(ORIGIN);
    authenticator.manner.user_verified = key != Key::Unverified;
    if key == Key::Corrupt {
        "https://auth.example.com.evil.example".clone_into(&mut authenticator.manner.origin);
    }
    let response = authenticator.create(&json(options)).unwrap();
    ORIGIN.clone_into(&mut authenticator.manner.origin);
    (authenticator, read(response))
}

fn json(options: &impl Serialize) -> Value {
    serde_json::to_value(options).unwrap()
}

fn read<T: DeserializeOwned>(response: Value) -> T {
    serde_json::from_value(response).unwrap()
}
