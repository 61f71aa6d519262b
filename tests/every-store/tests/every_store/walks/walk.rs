use std::collections::BTreeMap;
use std::time::Duration;

use zalt_core::config::SecondFactorPolicy;
use zalt_core::message::Notice;
use zalt_core::password::Password;
use zalt_core::secret::SessionToken;
use zalt_core::session::{AuthenticationMethod as Method, SessionCredentials, SignedIn, Transport};
use zalt_core::user::{Metadata, NewUser, Profile};
use zalt_core::{Error, RequestContext, Timestamp, Zalt};
use zalt_http_behaviours::{Application, Stores};
use zalt_test_authenticator::Authenticator;

use super::model::{Attempt, Mark, Person, Sent, Session, Stage, TRUST, Tries};
use super::step::{Key, Second, Shown, Step, Which};

const PEOPLE: [&str; 2] = ["ada@example.com", "ben@example.com"];
pub(super) const WRONG_PASSWORD: &str = "never anybody's password";
pub(super) const ORIGIN: &str = "https://auth.example.com";
const STEP: i64 = 30;

/// An application, and what is known of it from outside.
pub(super) struct Walk {
    pub(super) app: Application,
    pub(super) policy: SecondFactorPolicy,
    pub(super) people: Vec<Person>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) sessions: Vec<Session>,
    passwords: usize,
    /// How often what happened.
    pub(super) seen: Seen,
}

/// How often each thing happened that walks have to come by: without it they prove nothing.
pub(super) type Seen = BTreeMap<&'static str, u32>;

impl Walk {
    /// Two people with a password each, nobody signed in.
    pub(super) async fn begin(stores: Stores, policy: SecondFactorPolicy) -> Self {
        let app = Application::on(stores, ORIGIN, |config| {
            config.second_factors.policy = policy;
            config.trusted_devices = Some(TRUST);
        })
        .await;
        let budgets = app.zalt().config().budgets.clone();
        let mut people = Vec::new();
        for address in PEOPLE {
            let zalt = app.zalt();
            let password = format!("the first password of {}", address.replace('@', " "));
            let hash = zalt
                .users()
                .hash_new_password(Password::parse(&password).unwrap(), &[])
                .await
                .unwrap();
            let new = NewUser {
                email_address: address.parse().unwrap(),
                username: None,
                password: Some(hash),
                profile: Profile::default(),
                unsafe_metadata: Metadata::default(),
            };
            let user = zalt.users().create(&request(), new).await.unwrap();
            people.push(Person {
                address,
                id: user.id,
                password,
                old_passwords: Vec::new(),
                mark: Mark {
                    password_set_at: zalt.now(),
                    epoch: 0,
                },
                apps: Vec::new(),
                begun: None,
                passkey: None,
                authenticator: Authenticator::new(ORIGIN),
                removed: Authenticator::new(ORIGIN),
                answered: None,
                recovery_codes: Vec::new(),
                used_recovery_codes: Vec::new(),
                first_tries: Tries::of(budgets.password),
                second_tries: Tries::of(budgets.code),
                messages: Tries::of(budgets.messages_per_address),
                reset_links: Tries::of(budgets.messages_per_address),
                is_frozen: false,
                used_links: Vec::new(),
                device: None,
            });
        }
        Self {
            app,
            policy,
            people,
            attempts: Vec::new(),
            sessions: Vec::new(),
            passwords: 0,
            seen: Seen::new(),
        }
    }

    pub(super) fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    pub(super) const fn zalt(&self) -> &Zalt {
        self.app.zalt()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.zalt().now()
    }

    /// The first of the two has an app, and the second has not.
    pub(super) async fn one_sets_up_an_app(&mut self) {
        self.take(Step::PasswordAtOnce(0, Shown::Right)).await;
        if self.policy == SecondFactorPolicy::Required {
            self.take(Step::BeginEnrolment(Which::Fitting)).await;
            self.take(Step::ConfirmEnrolment(Which::Fitting, Shown::Right))
                .await;
        } else {
            self.take(Step::BeginTotp(Which::Fitting)).await;
            self.take(Step::ConfirmTotp(Which::Fitting, Shown::Right))
                .await;
        }
    }

    /// Takes a step, and looks at all sessions after it.
    pub(super) async fn take(&mut self, step: Step) {
        self.app.advance(Duration::from_millis(1));
        match step {
            Step::Wait(seconds) => self.app.advance(Duration::from_secs(seconds)),
            Step::ResetFactors(who) => self.reset_factors(who).await,
            Step::Freeze(who) => self.freeze(who).await,
            Step::Lift(who) => self.lift(who).await,
            Step::GuessPasswords(who) => {
                for _ in 0..12 {
                    self.password_at_once(who, Shown::Wrong).await;
                }
            }
            Step::GuessSecondFactors(who) => {
                for _ in 0..3 {
                    self.password_at_once(who, Shown::Right).await;
                    for _ in 0..4 {
                        let wrong = Second::Totp(Shown::Wrong);
                        self.second_factor(Which::Fitting, wrong).await;
                    }
                }
            }
            step if step.is_of_a_sign_in() => self.take_in_a_sign_in(step).await,
            step => self.take_signed_in(step).await,
        }
        self.sessions_are_as_known().await;
    }

    /// Whatever happened, the owner of an account gets in once the waits are over.
    pub(super) async fn still_leads_in(&mut self) {
        for (who, address) in PEOPLE.into_iter().enumerate() {
            // Longer than failures are remembered that did not reach their ceiling.
            self.take(Step::Wait(26 * 3600)).await;
            self.take(Step::Lift(who)).await;
            let (attempts, sessions) = (self.attempts.len(), self.sessions.len());
            self.take(Step::PasswordAtOnce(who, Shown::Right)).await;
            match self.attempts.get(attempts).map(|attempt| attempt.stage) {
                Some(Stage::Second) if self.people[who].passkey.is_some() => {
                    self.take(Step::SecondByPasskey(Which::Fitting, Key::Right))
                        .await;
                }
                Some(Stage::Second) => {
                    let second = Second::Totp(Shown::Right);
                    self.take(Step::SecondFactor(Which::Fitting, second)).await;
                }
                Some(Stage::Enrolment) => {
                    self.take(Step::BeginEnrolment(Which::Fitting)).await;
                    self.take(Step::ConfirmEnrolment(Which::Fitting, Shown::Right))
                        .await;
                }
                _ => {}
            }
            let in_now = self.sessions.len() > sessions;
            assert!(in_now, "{address} can't get in any more");
        }
    }

    async fn sessions_are_as_known(&self) {
        for (number, session) in self.sessions.iter().enumerate() {
            let answer = self.authenticate(&session.token).await;
            assert_eq!(
                answer.is_ok(),
                session.is_live,
                "session {number}: {answer:?}"
            );
            for token in &session.dead_tokens {
                let answer = self.authenticate(token).await;
                assert!(
                    answer.is_err(),
                    "session {number} answers to a token that was replaced"
                );
            }
        }
    }

    pub(super) async fn authenticate(
        &self,
        token: &SessionToken,
    ) -> Result<zalt_core::session::Authenticated, Error> {
        let sessions = self.zalt().sessions();
        sessions.authenticate(&request(), &token.expose()).await
    }

    /// Adds a session that was made, which has to say how it was.
    pub(super) fn signed_in(&mut self, person: usize, signed_in: &SignedIn, methods: &[Method]) {
        let SessionCredentials::Cookie(token) = &signed_in.credentials else {
            panic!("a cookie was asked for");
        };
        assert_eq!(signed_in.user.id, self.people[person].id);
        assert!(
            !self.people[person].is_frozen,
            "a session of a frozen account"
        );
        let proofs = &signed_in.session.amr;
        let said: Vec<_> = proofs.iter().map(|proof| proof.method).collect();
        assert_eq!(said, methods);
        self.saw(match methods {
            [Method::Password] => "a session by password",
            [Method::Password, Method::TrustedDevice] => "a session from a trusted device",
            [Method::Email] => "a session by mail",
            [_, Method::Totp] => "a session by an app too",
            [_, Method::RecoveryCode] => "a session by a recovery code too",
            [_, Method::Passkey | Method::PasskeyPresence] => "a session by a passkey too",
            [Method::Passkey] => "a session by passkey",
            other => panic!("{other:?} make no session"),
        });
        let mut session = Session {
            person,
            token: token.clone(),
            dead_tokens: Vec::new(),
            is_live: true,
            proofs: BTreeMap::new(),
        };
        for method in methods {
            session.prove(*method, self.now());
        }
        self.sessions.push(session);
    }

    /// Ends the sessions of a person, but one.
    pub(super) fn end_sessions(&mut self, person: usize, but: Option<usize>) {
        self.people[person].mark.epoch += 1;
        for (number, session) in self.sessions.iter_mut().enumerate() {
            if session.person == person && Some(number) != but {
                session.is_live = false;
            }
        }
    }

    /// A password that nobody has had.
    pub(super) fn new_password(&mut self) -> String {
        self.passwords += 1;
        format!("password number {} of this walk", self.passwords)
    }

    /// The code or link of the mail that came last.
    pub(super) async fn mailed(&self, address: &str) -> (String, Option<String>) {
        let mails = self.app.messages_to(address).await;
        let found = mails.iter().rev().find_map(|notice| match notice {
            Notice::SignIn { code, link, .. } | Notice::ResetPassword { code, link, .. } => {
                let token = |link: &String| link.split_once("token=").unwrap().1.to_owned();
                Some((code.clone(), link.as_ref().map(token)))
            }
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no code came to {address}"))
    }

    // What somebody shows.

    pub(super) fn password(&self, person: usize, shown: Shown) -> (Password, bool) {
        let owner = &self.people[person];
        let text = match shown {
            Shown::Right => &owner.password,
            Shown::Wrong => WRONG_PASSWORD,
            Shown::Used => owner
                .old_passwords
                .last()
                .map_or(WRONG_PASSWORD, String::as_str),
            Shown::Others => &self.people[1 - person].password,
        };
        let is_right = matches!(shown, Shown::Right);
        (Password::parse(text).unwrap(), is_right)
    }

    /// A code of the person's newest app.
    pub(super) fn totp(&self, person: usize, shown: Shown) -> (String, bool) {
        let now = self.now();
        let app = |person: usize| self.people[person].apps.last();
        let code = |app: &super::model::App, at| app.secret.code_at(at);
        let wrong = || ("000000".to_owned(), false);
        match shown {
            Shown::Wrong => wrong(),
            Shown::Right => app(person).map_or_else(wrong, |app| {
                (code(app, now), time_step(now) > app.last_step)
            }),
            Shown::Used => app(person).map_or_else(wrong, |app| {
                let at = Timestamp::from_unix_seconds(app.last_step * STEP);
                (code(app, at), false)
            }),
            Shown::Others => app(1 - person).map_or_else(wrong, |app| (code(app, now), false)),
        }
    }

    /// The code of an app that is being set up.
    pub(super) fn first_code(&self, person: usize, shown: Shown) -> (String, bool) {
        let begun = |person: usize| self.people[person].begun.as_ref();
        let code =
            |(_, secret): &(_, zalt_core::credential::TotpSecret)| secret.code_at(self.now());
        match shown {
            Shown::Right => begun(person).map(|begun| (code(begun), true)),
            Shown::Others => begun(1 - person).map(|begun| (code(begun), false)),
            Shown::Wrong | Shown::Used => None,
        }
        .unwrap_or(("000000".to_owned(), false))
    }

    pub(super) fn recovery_code(&self, person: usize, shown: Shown) -> (String, bool) {
        let wrong = "ABCD-EFGH-JKMN-PQRS";
        let owner = &self.people[person];
        let code = match shown {
            Shown::Right => owner.recovery_codes.last(),
            Shown::Used => owner.used_recovery_codes.last(),
            Shown::Others => self.people[1 - person].recovery_codes.last(),
            Shown::Wrong => None,
        };
        let is_right = matches!(shown, Shown::Right) && code.is_some();
        (code.map_or(wrong, String::as_str).to_owned(), is_right)
    }

    /// What was mailed for an attempt, and whether it is right for it now.
    pub(super) fn sent(&self, attempt: usize, shown: Shown) -> Option<(Sent, bool)> {
        let this = &self.attempts[attempt];
        let now = self.now();
        match shown {
            Shown::Right => {
                let sent = this.sent.clone()?;
                let in_time = now < sent.expires_at;
                Some((sent, in_time))
            }
            Shown::Used => Some((this.void.last()?.clone(), false)),
            Shown::Others => {
                let mut others = self.attempts.iter().enumerate().rev();
                others.find_map(|(number, other)| {
                    let sent = other.sent.clone().filter(|_| number != attempt)?;
                    Some((sent, false))
                })
            }
            Shown::Wrong => None,
        }
    }

    /// The attempt that is meant.
    pub(super) fn attempt(&self, which: Which, stage: Stage) -> Option<usize> {
        let fits = |attempt: &Attempt| attempt.stage == stage;
        match which {
            Which::Fitting => self
                .attempts
                .iter()
                .rposition(fits)
                .or_else(|| around(self.attempts.len(), 0)),
            Which::Any(back) => around(self.attempts.len(), back),
        }
    }

    /// The session that is meant.
    pub(super) fn session(&self, which: Which) -> Option<usize> {
        match which {
            Which::Fitting => self.sessions.iter().rposition(|session| session.is_live),
            Which::Any(back) => around(self.sessions.len(), back),
        }
    }
}

fn around(len: usize, back: usize) -> Option<usize> {
    Some(len.checked_sub(1)? - back.checked_rem(len)?)
}

pub(super) fn time_step(at: Timestamp) -> i64 {
    at.unix_seconds() / STEP
}

pub(super) const fn request() -> RequestContext {
    RequestContext::internal()
}

pub(super) const BY_COOKIE: Transport = Transport::Cookie;
