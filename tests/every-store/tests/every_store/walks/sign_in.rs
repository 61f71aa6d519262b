//! The steps of somebody who signs in.

use zalt_core::Error;
use zalt_core::attempt::{
    ChallengePurpose, ChallengeStrategy, PendingSignIn, Proof, SignInProgress,
};
use zalt_core::config::SecondFactorPolicy;
use zalt_core::password::Password;
use zalt_core::secret::{AttemptToken, LinkToken};
use zalt_core::session::AuthenticationMethod as Method;

use super::model::{
    ATTEMPT_LIFETIME, Attempt, CODE_LIFETIME, MOST_MESSAGES, MOST_WRONG_CODES, Sent, Stage, Tries,
    is_reset_link,
};
use super::step::{Shown, Step, Which, Who};
use super::walk::{BY_COOKIE, Walk, request};

/// What has to come of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Session,
    Then(Stage),
    Refusal,
}

impl Step {
    pub(super) const fn is_of_a_sign_in(self) -> bool {
        matches!(
            self,
            Self::Begin(_)
                | Self::PasswordAtOnce(..)
                | Self::Password(..)
                | Self::Prepare(..)
                | Self::Code(..)
                | Self::Link(..)
                | Self::ClaimResetLink(_)
                | Self::SetPassword(..)
                | Self::SecondFactor(..)
                | Self::SecondFactorTrusting(..)
                | Self::PasswordFromDevice(..)
                | Self::BeginEnrolment(_)
                | Self::ConfirmEnrolment(..)
                | Self::PasskeyAtOnce(..)
                | Self::Passkey(..)
                | Self::SecondByPasskey(..)
                | Self::EnrolPasskey(..)
        )
    }
}

impl Walk {
    pub(super) async fn take_in_a_sign_in(&mut self, step: Step) {
        match step {
            Step::Begin(who) => self.begin_attempt(who).await,
            Step::PasswordAtOnce(who, shown) => self.password_at_once(who, shown).await,
            Step::Password(which, shown) => self.show_password(which, shown).await,
            Step::Prepare(which, purpose, strategy) => self.prepare(which, purpose, strategy).await,
            Step::Code(which, shown) => self.show_code(which, shown).await,
            Step::Link(which, shown) => self.show_link(which, shown).await,
            Step::ClaimResetLink(which) => self.claim_reset_link(which).await,
            Step::SetPassword(which, everywhere) => self.set_password(which, everywhere).await,
            Step::SecondFactor(which, second) => self.second_factor(which, second).await,
            Step::SecondFactorTrusting(which, second) => {
                self.second_factor_trusting(which, second).await;
            }
            Step::PasswordFromDevice(who, shown) => self.password_from_device(who, shown).await,
            Step::BeginEnrolment(which) => self.begin_enrolment(which).await,
            Step::ConfirmEnrolment(which, shown) => self.confirm_enrolment(which, shown).await,
            Step::PasskeyAtOnce(who, key) => self.passkey_at_once(who, key).await,
            Step::Passkey(which, key) => self.show_passkey(which, key).await,
            Step::SecondByPasskey(which, key) => self.second_by_passkey(which, key).await,
            Step::EnrolPasskey(which, key) => self.enrol_passkey(which, key).await,
            other => unreachable!("{other:?} is no step of a sign-in"),
        }
    }

    /// What is due after the first factor.
    pub(super) fn after_first(&self, person: usize) -> Due {
        if self.people[person].is_frozen {
            return Due::Refusal;
        }
        match (self.policy, self.people[person].has_second_factor()) {
            (SecondFactorPolicy::Disabled, _) | (SecondFactorPolicy::Optional, false) => {
                Due::Session
            }
            (_, true) => Due::Then(Stage::Second),
            _ => Due::Then(Stage::Enrolment),
        }
    }

    pub(super) fn add_attempt(&mut self, person: usize, token: AttemptToken, stage: Stage) {
        self.attempts.push(Attempt {
            person,
            token,
            stage,
            began_at: self.now(),
            sent: None,
            void: Vec::new(),
            messages: 0,
            wrong_codes: 0,
            first: None,
            reset: None,
            own_tries: Tries::of(self.zalt().config().budgets.password),
        });
    }

    /// Whether the attempt is at this stage, and neither too old nor worn out.
    pub(super) fn is_at(&self, attempt: usize, stage: Stage) -> bool {
        let attempt = &self.attempts[attempt];
        attempt.stage == stage && self.now() < attempt.began_at + ATTEMPT_LIFETIME
    }

    pub(super) fn bears_codes(&self, attempt: usize) -> bool {
        self.attempts[attempt].wrong_codes < MOST_WRONG_CODES
    }

    async fn begin_attempt(&mut self, who: Who) {
        let address = self.people[who].address;
        let sign_ins = self.zalt().sign_ins();
        let started = sign_ins
            .create(&request(), address, BY_COOKIE)
            .await
            .unwrap();
        self.add_attempt(who, started.token, Stage::First);
    }

    pub(super) async fn password_at_once(&mut self, who: Who, shown: Shown) {
        let (password, is_right) = self.password(who, shown);
        let now = self.now();
        let owner = &mut self.people[who];
        let due = if owner.first_tries.take(now) && is_right {
            if self.people[who].is_frozen {
                self.saw("a right password of a frozen account");
            }
            self.after_first(who)
        } else {
            Due::Refusal
        };
        let address = self.people[who].address;
        let sign_ins = self.zalt().sign_ins();
        let answer = sign_ins
            .with_password(&request(), address, password, BY_COOKIE)
            .await;
        if let Some(pending) = self.first_factor_led_to(who, due, answer, Method::Password) {
            let Due::Then(stage) = due else {
                panic!("{due:?} was due")
            };
            self.add_attempt(who, pending.token.unwrap(), stage);
            let newest = self.attempts.len() - 1;
            self.attempts[newest].first = Some((Method::Password, self.people[who].mark));
        }
    }

    async fn show_password(&mut self, which: Which, shown: Shown) {
        let Some(number) = self.attempt(which, Stage::First) else {
            return;
        };
        let person = self.attempts[number].person;
        let (password, is_right) = self.password(person, shown);
        let now = self.now();
        let mut due = Due::Refusal;
        if self.is_at(number, Stage::First) {
            let tries = match self.attempts[number].reset {
                Some(_) => &mut self.attempts[number].own_tries,
                None => &mut self.people[person].first_tries,
            };
            if tries.take(now) && is_right {
                due = self.after_first(person);
            }
        }
        let token = self.attempts[number].token.clone();
        let answer = self
            .zalt()
            .sign_ins()
            .attempt_password(&request(), &token, password)
            .await;
        let passed = self.first_factor_led_to(person, due, answer, Method::Password);
        self.move_on(number, due, passed.is_some(), Method::Password);
    }

    /// Holds the answer to a first factor against what was due.
    fn first_factor_led_to(
        &mut self,
        person: usize,
        due: Due,
        answer: Result<SignInProgress, Error>,
        method: Method,
    ) -> Option<PendingSignIn> {
        match (due, answer) {
            (Due::Session, Ok(SignInProgress::Complete(signed_in))) => {
                self.people[person].first_tries.give_back();
                self.signed_in(person, &signed_in, &[method]);
                None
            }
            (Due::Then(Stage::Second), Ok(SignInProgress::NeedsSecondFactor(pending)))
            | (Due::Then(Stage::Enrolment), Ok(SignInProgress::NeedsMfaEnrollment(pending))) => {
                Some(pending)
            }
            (Due::Then(Stage::NewPassword), Ok(SignInProgress::NeedsNewPassword(_)))
            | (Due::Refusal, Err(_)) => None,
            (due, answer) => panic!("{due:?} was due, and there came {answer:?}"),
        }
    }

    /// Moves an attempt on after its first factor.
    fn move_on(&mut self, number: usize, due: Due, passed: bool, method: Method) {
        let mark = self.people[self.attempts[number].person].mark;
        let attempt = &mut self.attempts[number];
        match due {
            Due::Refusal => {}
            Due::Session => attempt.stage = Stage::Over,
            Due::Then(stage) => {
                attempt.stage = stage;
                attempt.take_back();
                if passed {
                    attempt.first = Some((method, mark));
                }
            }
        }
    }

    async fn prepare(
        &mut self,
        which: Which,
        purpose: ChallengePurpose,
        strategy: ChallengeStrategy,
    ) {
        let Some(number) = self.attempt(which, Stage::First) else {
            return;
        };
        let now = self.now();
        let person = self.attempts[number].person;
        if self.people[person].is_frozen {
            // What is mailed then leads to a recovery.
            return;
        }
        let attempt = &self.attempts[number];
        let reset_link_is_out = attempt
            .sent
            .as_ref()
            .is_some_and(|sent| sent.is_reset_link() && now < sent.expires_at);
        let may = self.is_at(number, Stage::First)
            && (!reset_link_is_out || is_reset_link(purpose, strategy))
            && self.bears_codes(number)
            && attempt.messages < MOST_MESSAGES;
        let owner = &mut self.people[person];
        let budget = if is_reset_link(purpose, strategy) {
            &mut owner.reset_links
        } else {
            &mut owner.messages
        };
        let is_sent = may && budget.take(now);
        let token = self.attempts[number].token.clone();
        let answer = self
            .zalt()
            .sign_ins()
            .prepare(&request(), &token, purpose, strategy)
            .await;
        assert_eq!(answer.is_ok(), is_sent, "{answer:?}");
        if is_sent {
            let (code, link) = self.mailed(self.people[person].address).await;
            let attempt = &mut self.attempts[number];
            attempt.messages += 1;
            attempt.take_back();
            attempt.sent = Some(Sent {
                purpose,
                strategy,
                code,
                link,
                expires_at: now + CODE_LIFETIME,
            });
        }
    }

    async fn show_code(&mut self, which: Which, shown: Shown) {
        let Some(number) = self.attempt(which, Stage::First) else {
            return;
        };
        let (code, is_right) = self
            .sent(number, shown)
            .map_or(("000000".to_owned(), false), |(sent, right)| {
                (sent.code, right)
            });
        let now = self.now();
        let person = self.attempts[number].person;
        let mut due = Due::Refusal;
        if self.is_at(number, Stage::First) && self.bears_codes(number) {
            let is_out = self.attempts[number]
                .sent
                .as_ref()
                .is_some_and(|sent| now < sent.expires_at);
            let may = !is_out || self.people[person].first_tries.take(now);
            if may && is_right {
                due = self.after_mail(number);
            } else if may {
                self.attempts[number].wrong_codes += 1;
            }
        }
        self.show(number, &Proof::code(&code), due).await;
    }

    async fn show_link(&mut self, which: Which, shown: Shown) {
        let Some(number) = self.attempt(which, Stage::First) else {
            return;
        };
        let Some((link, is_right)) = self
            .sent(number, shown)
            .and_then(|(sent, is_right)| Some((sent.link?, is_right)))
        else {
            return;
        };
        let due = if is_right && self.is_at(number, Stage::First) {
            self.after_mail(number)
        } else {
            Due::Refusal
        };
        self.show(number, &Proof::link(&link).unwrap(), due).await;
    }

    /// What is due after the right code or link.
    fn after_mail(&self, number: usize) -> Due {
        let attempt = &self.attempts[number];
        match attempt.sent.as_ref().map(|sent| sent.purpose) {
            _ if self.people[attempt.person].is_frozen => Due::Refusal,
            Some(ChallengePurpose::ResetPassword) => Due::Then(Stage::NewPassword),
            _ => self.after_first(attempt.person),
        }
    }

    async fn show(&mut self, number: usize, proof: &Proof, due: Due) {
        let person = self.attempts[number].person;
        let token = self.attempts[number].token.clone();
        let sign_ins = self.zalt().sign_ins();
        let answer = sign_ins.attempt_proof(&request(), &token, proof).await;
        let passed = self.first_factor_led_to(person, due, answer, Method::Email);
        if due == Due::Then(Stage::NewPassword) {
            self.reset_is_proved(number);
        }
        self.move_on(number, due, passed.is_some(), Method::Email);
        if due == Due::Session {
            self.attempts[number].take_back();
        }
    }

    fn reset_is_proved(&mut self, number: usize) {
        let owner = &mut self.people[self.attempts[number].person];
        owner.first_tries.give_back();
        self.attempts[number].reset = Some(owner.mark);
    }

    /// Opens the link for a new password in another browser.
    async fn claim_reset_link(&mut self, which: Which) {
        let Some(number) = self.attempt(which, Stage::First) else {
            return;
        };
        let Some((sent, in_time)) = self.sent(number, Shown::Right) else {
            return;
        };
        let Some(link) = &sent.link else {
            return;
        };
        let is_frozen = self.people[self.attempts[number].person].is_frozen;
        let may = in_time && !is_frozen && sent.is_reset_link() && self.is_at(number, Stage::First);
        let link = LinkToken::parse(link).unwrap();
        let sign_ins = self.zalt().sign_ins();
        let answer = sign_ins.claim_reset_link(&request(), link, BY_COOKIE).await;
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        let Ok(started) = answer else {
            return;
        };
        self.reset_is_proved(number);
        self.saw("a link for a new password in another browser");
        let before = std::mem::replace(&mut self.attempts[number].token, started.token);
        self.move_on(number, Due::Then(Stage::NewPassword), false, Method::Email);
        let answer = self.zalt().sign_ins().find(&before).await;
        assert!(matches!(answer, Err(Error::AttemptNotFound)), "{answer:?}");
    }

    async fn set_password(&mut self, which: Which, everywhere: bool) {
        let Some(number) = self.attempt(which, Stage::NewPassword) else {
            return;
        };
        let (now, new) = (self.now(), self.new_password());
        let attempt = &self.attempts[number];
        let person = attempt.person;
        let may = self.is_at(number, Stage::NewPassword)
            && attempt.reset == Some(self.people[person].mark);
        let token = attempt.token.clone();
        let password = Password::parse(&new).unwrap();
        let answer = self
            .zalt()
            .sign_ins()
            .reset_password(&request(), &token, password, everywhere)
            .await;
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        if may {
            self.saw("a new password by mail");
            self.attempts[number].stage = Stage::First;
            let owner = &mut self.people[person];
            owner.first_tries.give_back();
            let old = std::mem::replace(&mut owner.password, new);
            owner.old_passwords.push(old);
            owner.mark.password_set_at = now;
            if everywhere {
                self.end_sessions(person, None);
            }
        }
    }
}
