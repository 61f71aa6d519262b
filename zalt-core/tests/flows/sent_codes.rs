//! Codes in text messages as first factor, and codes in text messages and mails as second.

use zalt_core::attempt::{
    Attempt, ChallengePurpose, ChallengeStrategy, PendingSignIn, Proof, SecondFactorProof,
    SignInProgress, StartedSignIn,
};
use zalt_core::config::{FirstFactor, FirstFactors, SecondFactor, SecondFactorPolicy};
use zalt_core::identifier::{Identifier, IdentifierKind};
use zalt_core::message::Notice;
use zalt_core::secret::AttemptToken;
use zalt_core::session::{Assurance, Authenticated, AuthenticationMethod, Transport};
use zalt_core::{BuildError, Config, ConfigError, Error, Zalt};

use crate::faults::FaultyStore;
use crate::phone_numbers::{NUMBER, add_verified, signed_up, two_countries};
use crate::support::*;

const ADA: &str = "ada@example.com";

fn everything(config: &mut Config) {
    two_countries(config);
    config.first_factors.sms_code = true;
    config.second_factors.methods.sms_code = true;
    config.second_factors.methods.email_code = true;
}

fn begin(app: &App, identifier: &str) -> StartedSignIn {
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.create(&request(), identifier, Transport::Cookie)).unwrap()
}

fn ask(app: &App, token: &AttemptToken, strategy: ChallengeStrategy) -> Result<Attempt, Error> {
    let purpose = ChallengePurpose::SignIn;
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.prepare(&request(), token, purpose, strategy))
}

fn show(app: &App, token: &AttemptToken, code: &str) -> Result<SignInProgress, Error> {
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.attempt_proof(&request(), token, &Proof::code(code)))
}

/// Signs in by a text message to whatever `identifier` leads to.
fn by_text(app: &App, identifier: &str) -> (StartedSignIn, SignInProgress) {
    let started = begin(app, identifier);
    ask(app, &started.token, ChallengeStrategy::SmsCode).unwrap();
    let progress = show(app, &started.token, &app.text_code(NUMBER)).unwrap();
    (started, progress)
}

fn methods(app: &App, progress: SignInProgress) -> Vec<AuthenticationMethod> {
    let who = app.authenticated(&progress.into_session().unwrap());
    let amr = who.session().amr.iter();
    amr.map(|proof| proof.method).collect()
}

fn enroll(app: &App, who: &Authenticated, identifier: &Identifier) {
    let credentials = app.zalt.credentials();
    let (_, codes) = run(credentials.add_messages(&request(), who, identifier.id)).unwrap();
    assert_eq!(codes.map(|new| new.codes.len()), Some(10));
    // What is queued together arrives in any order.
    app.mails_to(ADA);
}

/// Passes the first factor by password.
fn half_way(app: &App) -> (AttemptToken, Attempt) {
    let sign_ins = app.zalt.sign_ins();
    let password = password(PASSWORD);
    match run(sign_ins.with_password(&request(), ADA, password, Transport::Cookie)).unwrap() {
        SignInProgress::NeedsSecondFactor(PendingSignIn {
            attempt,
            token: Some(token),
        }) => (token, attempt),
        other => panic!("{other:?}"),
    }
}

fn second(app: &App, token: &AttemptToken, factor: SecondFactor) -> Result<Attempt, Error> {
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.prepare_second_factor(&request(), token, factor))
}

fn pass(
    app: &App,
    token: &AttemptToken,
    proof: &SecondFactorProof,
) -> Result<SignInProgress, Error> {
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.attempt_second_factor(&request(), token, proof))
}

fn email_of(app: &App, who: &Authenticated) -> Identifier {
    let account = run(app.zalt.users().find_account(who.user().id)).unwrap();
    account
        .primary(IdentifierKind::EmailAddress)
        .unwrap()
        .clone()
}

fn mailed(app: &App) -> String {
    app.mail_to(ADA).code().unwrap().to_owned()
}

#[test]
fn a_number_signs_in_by_a_text_message_and_so_does_what_leads_to_one() {
    let app = App::with(everything);
    add_verified(&app, &signed_up(&app, ADA), NUMBER);
    for identifier in [NUMBER, "+43 660 123 4567", ADA] {
        let (started, progress) = by_text(&app, identifier);
        assert_eq!(methods(&app, progress), [AuthenticationMethod::Sms]);
        let code = app.text_code(NUMBER);
        assert!(matches!(
            show(&app, &started.token, &code),
            Err(Error::AttemptStep)
        ));
    }
    let (_, second_code) = (begin(&app, NUMBER), app.text_code(NUMBER));
    let other = begin(&app, NUMBER);
    ask(&app, &other.token, ChallengeStrategy::SmsCode).unwrap();
    assert!(
        matches!(
            show(&app, &other.token, &wrong(&second_code)),
            Err(Error::CodeIncorrect)
        ),
        "a code is bound to its attempt"
    );
}

#[test]
fn a_number_of_nobody_is_offered_the_same_and_gets_nothing() {
    let app = App::with(everything);
    add_verified(&app, &signed_up(&app, ADA), NUMBER);
    let before = app.texts_to(NUMBER).len();
    let prepared = |identifier: &str| {
        let started = begin(&app, identifier);
        let attempt = ask(&app, &started.token, ChallengeStrategy::SmsCode).unwrap();
        assert!(matches!(
            show(&app, &started.token, "000000"),
            Err(Error::CodeIncorrect)
        ));
        (attempt.sent_messages, attempt.version)
    };
    let known = prepared(NUMBER);
    // One that nobody has, one of a country that is not served, and one that is no mobile's.
    for identifier in [
        "+436607654321",
        "+12025550173",
        "+43158858",
        "nobody@example.com",
    ] {
        assert_eq!(prepared(identifier), known, "{identifier}");
        assert!(app.texts_to(identifier).is_empty());
    }
    assert_eq!(app.texts_to(NUMBER).len(), before + 1);
}

#[test]
fn limits_of_text_messages_do_not_tell_who_has_an_account() {
    let app = App::with(|config| {
        everything(config);
        config.phone_numbers.messages = zalt_core::budget::Budget::Rate {
            tries: 2,
            period: HOUR,
        };
    });
    add_verified(&app, &signed_up(&app, ADA), NUMBER);
    for identifier in [NUMBER, "+436607654321"] {
        for _ in 0..4 {
            let started = begin(&app, identifier);
            ask(&app, &started.token, ChallengeStrategy::SmsCode).unwrap();
        }
    }
    assert_eq!(
        app.texts_to(NUMBER).len(),
        2,
        "the one of the verification, and what the cap had left"
    );
}

#[test]
fn a_factor_that_is_off_is_refused() {
    let app = App::with(two_countries);
    let who = signed_up(&app, ADA);
    let number = add_verified(&app, &who, NUMBER);
    let started = begin(&app, NUMBER);
    assert!(matches!(
        ask(&app, &started.token, ChallengeStrategy::SmsCode),
        Err(Error::FactorNotAllowed)
    ));
    let credentials = app.zalt.credentials();
    for id in [number.id, email_of(&app, &who).id] {
        assert!(matches!(
            run(credentials.add_messages(&request(), &who, id)),
            Err(Error::FactorNotAllowed)
        ));
    }
}

#[test]
fn a_text_message_sets_no_new_password() {
    let app = App::with(everything);
    add_verified(&app, &signed_up(&app, ADA), NUMBER);
    let started = begin(&app, NUMBER);
    let (purpose, strategy) = (ChallengePurpose::ResetPassword, ChallengeStrategy::SmsCode);
    let sign_ins = app.zalt.sign_ins();
    let reset = run(sign_ins.prepare(&request(), &started.token, purpose, strategy));
    assert!(matches!(reset, Err(Error::FactorNotAllowed)));
}

#[test]
fn settings_that_lead_nowhere_are_refused() {
    let build = |configure: fn(&mut Config)| {
        let built = Zalt::builder(
            FaultyStore::default(),
            fresh_keys(),
            "https://auth.example.com",
        )
        .mailer(Outbox::default())
        .sms_sender(Outbox::default())
        .configure(configure)
        .build();
        match run(built).map(drop) {
            Err(BuildError::Config(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    for configure in [
        (|config: &mut Config| config.first_factors.sms_code = true) as fn(&mut Config),
        |config| config.second_factors.methods.sms_code = true,
    ] {
        assert!(matches!(
            build(configure),
            ConfigError::PhoneNumberCountries
        ));
    }
    // Nobody could set it up on the way in.
    let only_messages = |config: &mut Config| {
        two_countries(config);
        config.second_factors.policy = SecondFactorPolicy::Required;
        let methods = &mut config.second_factors.methods;
        (methods.totp, methods.passkey, methods.sms_code) = (false, false, true);
    };
    assert!(matches!(
        build(only_messages),
        ConfigError::SecondFactorMethods
    ));
}

#[test]
fn a_text_message_is_a_second_factor_once_the_first_was_passed_and_somebody_asks() {
    let app = App::with(everything);
    let who = signed_up(&app, ADA);
    let number = add_verified(&app, &who, NUMBER);
    enroll(&app, &who, &number);
    app.mails_to(ADA);
    let told = app.outbox.all();
    assert!(told.iter().any(|mail| mail.notice
        == Notice::SecondFactorAdded {
            factor: Some(SecondFactor::SmsCode)
        }));
    let before = app.texts_to(NUMBER).len();
    let (token, attempt) = half_way(&app);
    assert_eq!(attempt.sent_messages, 0);
    assert_eq!(
        app.texts_to(NUMBER).len(),
        before,
        "nothing goes out unasked"
    );
    let right = |code: &str| SecondFactorProof::SmsCode(code.to_owned());
    assert!(matches!(
        pass(&app, &token, &right("000000")),
        Err(Error::CodeIncorrect)
    ));
    second(&app, &token, SecondFactor::SmsCode).unwrap();
    let old = app.text_code(NUMBER);
    second(&app, &token, SecondFactor::SmsCode).unwrap();
    let code = app.text_code(NUMBER);
    let as_mail = SecondFactorProof::EmailCode(code.clone());
    for proof in [right(&old), right(&wrong(&code)), as_mail] {
        assert!(matches!(
            pass(&app, &token, &proof),
            Err(Error::CodeIncorrect)
        ));
    }
    let (other, _) = half_way(&app);
    assert!(
        matches!(pass(&app, &other, &right(&code)), Err(Error::CodeIncorrect)),
        "a code is bound to its attempt"
    );
    let done = pass(&app, &token, &right(&code)).unwrap();
    let who = app.authenticated(&done.into_session().unwrap());
    assert_eq!(who.session().assurance(), Some(Assurance::TwoFactors));
    assert!(matches!(
        pass(&app, &token, &right(&code)),
        Err(Error::AttemptStep)
    ));
}

#[test]
fn a_mailed_code_is_a_second_factor_after_a_password_and_a_text_message() {
    use AuthenticationMethod::{Password, SecondEmail, Sms};
    let app = App::with(everything);
    let who = signed_up(&app, ADA);
    add_verified(&app, &who, NUMBER);
    enroll(&app, &who, &email_of(&app, &who));
    let (token, _) = half_way(&app);
    second(&app, &token, SecondFactor::EmailCode).unwrap();
    let code = SecondFactorProof::EmailCode(mailed(&app));
    let amr = methods(&app, pass(&app, &token, &code).unwrap());
    assert_eq!(amr, [Password, SecondEmail]);

    let (started, progress) = by_text(&app, NUMBER);
    assert!(matches!(progress, SignInProgress::NeedsSecondFactor(_)));
    second(&app, &started.token, SecondFactor::EmailCode).unwrap();
    let code = SecondFactorProof::EmailCode(mailed(&app));
    let amr = methods(&app, pass(&app, &started.token, &code).unwrap());
    assert_eq!(amr, [Sms, SecondEmail]);
}

#[test]
fn the_second_factor_is_never_of_the_kind_of_the_first() {
    let app = App::with(everything);
    let who = signed_up(&app, ADA);
    let number = add_verified(&app, &who, NUMBER);
    enroll(&app, &who, &number);
    let sessions = app.zalt.sessions();
    let sent = run(sessions.prepare_step_up(&request(), &who, SecondFactor::SmsCode)).unwrap();
    let proof = SecondFactorProof::SmsCode(app.text_code(NUMBER));
    let token = run(sessions.step_up_by_message(&request(), &who, sent.id, &proof)).unwrap();
    let token = token.unwrap().expose();
    let who = run(sessions.authenticate(&request(), &token)).unwrap();
    let credentials = app.zalt.credentials();
    let email = email_of(&app, &who);
    run(credentials.add_messages(&request(), &who, email.id)).unwrap();
    app.mails_to(ADA);

    let by_mail = begin(&app, ADA);
    ask(&app, &by_mail.token, ChallengeStrategy::EmailCode).unwrap();
    let progress = show(&app, &by_mail.token, &mailed(&app)).unwrap();
    let SignInProgress::NeedsSecondFactor(pending) = progress else {
        panic!("{progress:?}");
    };
    let zalt_core::attempt::AttemptState::SignIn(state) = &pending.attempt.state else {
        panic!("{pending:?}");
    };
    let offered = &state.first_factor.as_ref().unwrap().offered;
    assert_eq!(offered, &[SecondFactor::SmsCode]);
    let (by_text, _) = by_text(&app, NUMBER);
    for (token, factor, proof) in [
        (
            &by_mail.token,
            SecondFactor::EmailCode,
            SecondFactorProof::EmailCode("0".into()),
        ),
        (
            &by_text.token,
            SecondFactor::SmsCode,
            SecondFactorProof::SmsCode("0".into()),
        ),
    ] {
        assert!(matches!(
            second(&app, token, factor),
            Err(Error::FactorNotAllowed)
        ));
        assert!(matches!(
            pass(&app, token, &proof),
            Err(Error::FactorNotAllowed)
        ));
    }
}

#[test]
fn five_wrong_codes_and_five_messages_end_an_attempt() {
    let app = App::with(everything);
    let who = signed_up(&app, ADA);
    enroll(&app, &who, &email_of(&app, &who));
    let (token, _) = half_way(&app);
    for _ in 0..5 {
        second(&app, &token, SecondFactor::EmailCode).unwrap();
        app.mails_to(ADA);
    }
    assert!(matches!(
        second(&app, &token, SecondFactor::EmailCode),
        Err(Error::AttemptExhausted)
    ));
    let code = mailed(&app);
    for _ in 0..5 {
        let proof = SecondFactorProof::EmailCode(wrong(&code));
        assert!(matches!(
            pass(&app, &token, &proof),
            Err(Error::CodeIncorrect)
        ));
    }
    assert!(matches!(
        pass(&app, &token, &SecondFactorProof::EmailCode(code)),
        Err(Error::AttemptExhausted)
    ));
}

#[test]
fn a_code_is_over_after_ten_minutes_and_when_its_number_goes() {
    let app = App::with(everything);
    let who = signed_up(&app, ADA);
    let number = add_verified(&app, &who, NUMBER);
    enroll(&app, &who, &number);
    let (token, _) = half_way(&app);
    second(&app, &token, SecondFactor::SmsCode).unwrap();
    let late = SecondFactorProof::SmsCode(app.text_code(NUMBER));
    app.clock.advance(10 * MINUTE);
    assert!(matches!(
        pass(&app, &token, &late),
        Err(Error::CodeIncorrect)
    ));
    second(&app, &token, SecondFactor::SmsCode).unwrap();
    let code = SecondFactorProof::SmsCode(app.text_code(NUMBER));
    let (other, _) = half_way(&app);
    second(&app, &other, SecondFactor::SmsCode).unwrap();
    let owner = pass(
        &app,
        &other,
        &SecondFactorProof::SmsCode(app.text_code(NUMBER)),
    )
    .unwrap();
    let who = app.authenticated(&owner.into_session().unwrap());
    run(app
        .zalt
        .users()
        .remove_phone_number(&request(), &who, number.id))
    .unwrap();
    assert!(matches!(
        pass(&app, &token, &code),
        Err(Error::CodeIncorrect)
    ));
    let account = run(app.zalt.users().find_account(who.user().id)).unwrap();
    assert!(
        account.credentials.is_empty(),
        "the recovery codes go with the last second factor"
    );
    app.sign_in(ADA);
}

#[test]
fn the_last_second_factor_stays_with_its_number_where_everybody_needs_one() {
    let (store, keys) = (FaultyStore::default(), fresh_keys());
    let before = App::over(store.clone(), &keys, everything);
    let who = signed_up(&before, ADA);
    let number = add_verified(&before, &who, NUMBER);
    enroll(&before, &who, &number);
    let app = App::over(store, &keys, |config| {
        everything(config);
        config.second_factors.policy = SecondFactorPolicy::Required;
    });
    let (token, _) = half_way(&app);
    second(&app, &token, SecondFactor::SmsCode).unwrap();
    let done = pass(
        &app,
        &token,
        &SecondFactorProof::SmsCode(app.text_code(NUMBER)),
    )
    .unwrap();
    let who = app.authenticated(&done.into_session().unwrap());
    assert!(matches!(
        run(app
            .zalt
            .users()
            .remove_phone_number(&request(), &who, number.id)),
        Err(Error::LastSecondFactor)
    ));
}

#[test]
fn a_session_steps_up_by_a_code_that_was_sent_for_it() {
    let app = App::with(everything);
    let who = signed_up(&app, ADA);
    let number = add_verified(&app, &who, NUMBER);
    enroll(&app, &who, &number);
    let (token, _) = half_way(&app);
    second(&app, &token, SecondFactor::SmsCode).unwrap();
    let done = pass(
        &app,
        &token,
        &SecondFactorProof::SmsCode(app.text_code(NUMBER)),
    )
    .unwrap();
    let signed_in = done.into_session().unwrap();
    app.clock.advance(11 * MINUTE);
    let who = app.authenticated(&signed_in);
    let sessions = app.zalt.sessions();
    let needed = |who: &Authenticated| sessions.require(who, Assurance::TwoFactors);
    assert!(matches!(
        needed(&who),
        Err(Error::ReauthenticationRequired { .. })
    ));
    let sent = run(sessions.prepare_step_up(&request(), &who, SecondFactor::SmsCode)).unwrap();
    let code = app.text_code(NUMBER);
    let step_up = |who: &Authenticated, code: &str| {
        let proof = SecondFactorProof::SmsCode(code.to_owned());
        run(sessions.step_up_by_message(&request(), who, sent.id, &proof))
    };
    // A code of a sign-in is none of a step-up.
    let (token, _) = half_way(&app);
    second(&app, &token, SecondFactor::SmsCode).unwrap();
    let of_sign_in = app.text_code(NUMBER);
    for wrong in [wrong(&code), of_sign_in] {
        assert!(matches!(step_up(&who, &wrong), Err(Error::CodeIncorrect)));
    }
    let done = pass(
        &app,
        &token,
        &SecondFactorProof::SmsCode(app.text_code(NUMBER)),
    )
    .unwrap();
    let other = app.authenticated(&done.into_session().unwrap());
    assert!(matches!(
        step_up(&other, &code),
        Err(Error::AttemptNotFound)
    ));
    let token = step_up(&who, &code).unwrap().unwrap();
    let who = run(sessions.authenticate(&request(), &token.expose())).unwrap();
    needed(&who).unwrap();
    assert!(
        matches!(step_up(&who, &code), Err(Error::CodeIncorrect)),
        "a code counts once"
    );
}

#[test]
fn a_session_of_a_mailed_code_does_not_step_up_by_another() {
    let app = App::with(|config| {
        everything(config);
        config.first_factors = FirstFactors::only(&[FirstFactor::EmailCode]);
        config.second_factors.policy = SecondFactorPolicy::Disabled;
    });
    let new = zalt_core::attempt::NewSignUp {
        password: None,
        ..new_sign_up(ADA)
    };
    let started = run(app.zalt.sign_ups().create(&request(), new)).unwrap();
    let proof = Proof::code(&mailed(&app));
    let sign_ups = app.zalt.sign_ups();
    let progress = run(sign_ups.attempt_proof(&request(), &started.token, &proof)).unwrap();
    let who = app.authenticated(&progress.into_session().unwrap());
    let credentials = app.zalt.credentials();
    run(credentials.add_messages(&request(), &who, email_of(&app, &who).id)).unwrap();
    let sessions = app.zalt.sessions();
    assert!(matches!(
        run(sessions.prepare_step_up(&request(), &who, SecondFactor::EmailCode)),
        Err(Error::FactorNotAllowed)
    ));
}

#[test]
fn one_phone_and_a_trusted_device_are_no_two_factors() {
    let app = App::with(|config| {
        everything(config);
        config.trusted_devices = Some(30 * DAY);
    });
    let number = add_verified(&app, &signed_up(&app, ADA), NUMBER);
    enroll(&app, &app.authenticated(&app.sign_in(ADA)), &number);
    let asking = request().trusting_device();
    let sign_ins = app.zalt.sign_ins();
    let (token, _) = half_way(&app);
    second(&app, &token, SecondFactor::SmsCode).unwrap();
    let proof = SecondFactorProof::SmsCode(app.text_code(NUMBER));
    let progress = run(sign_ins.attempt_second_factor(&asking, &token, &proof)).unwrap();
    let device = progress.into_session().unwrap().device.unwrap();

    app.clock.advance(HOUR);
    let known = request().with_device(device);
    let started = begin(&app, NUMBER);
    ask(&app, &started.token, ChallengeStrategy::SmsCode).unwrap();
    let proof = Proof::code(&app.text_code(NUMBER));
    let progress = run(sign_ins.attempt_proof(&known, &started.token, &proof)).unwrap();
    let who = app.authenticated(&progress.into_session().unwrap());
    assert_eq!(who.session().assurance(), Some(Assurance::OneFactor));
    let sessions = app.zalt.sessions();
    let again = run(sessions.prepare_step_up(&request(), &who, SecondFactor::SmsCode));
    assert!(matches!(again, Err(Error::FactorNotAllowed)));
}

#[test]
fn a_first_factor_goes_with_its_number_whatever_was_sent_since() {
    let app = App::with(everything);
    let number = add_verified(&app, &signed_up(&app, ADA), NUMBER);
    let who = app.authenticated(&app.sign_in(ADA));
    let address = email_of(&app, &who);
    enroll(&app, &who, &address);
    let (started, progress) = by_text(&app, NUMBER);
    assert!(matches!(progress, SignInProgress::NeedsSecondFactor(_)));
    second(&app, &started.token, SecondFactor::EmailCode).unwrap();
    let code = mailed(&app);

    app.clock.advance(MINUTE);
    let sessions = app.zalt.sessions();
    let sent = run(sessions.prepare_step_up(&request(), &who, SecondFactor::EmailCode)).unwrap();
    let proof = SecondFactorProof::EmailCode(mailed(&app));
    let token = run(sessions.step_up_by_message(&request(), &who, sent.id, &proof)).unwrap();
    let token = token.unwrap().expose();
    let who = run(sessions.authenticate(&request(), &token)).unwrap();
    run(app
        .zalt
        .users()
        .remove_phone_number(&request(), &who, number.id))
    .unwrap();
    let proof = SecondFactorProof::EmailCode(code);
    assert!(matches!(
        pass(&app, &started.token, &proof),
        Err(Error::AttemptNotFound)
    ));
}
