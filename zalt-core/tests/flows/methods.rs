//! Factors that an application does not allow.

use zalt_core::attempt::{
    ChallengePurpose, ChallengeStrategy, NewSignUp, Proof, SecondFactorProof, SignInProgress,
};
use zalt_core::config::{
    ConfigError, FirstFactor, FirstFactors, SecondFactor, SecondFactorMethods, SecondFactorPolicy,
};
use zalt_core::session::Transport;
use zalt_core::{BuildError, Config, Error, Zalt};

use crate::faults::FaultyStore;
use crate::second_factors::{check, owner};
use crate::support::*;

const ADA: &str = "ada@example.com";

fn refused<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::FactorNotAllowed))
}

fn build(configure: impl FnOnce(&mut Config)) -> Result<(), BuildError> {
    let builder = Zalt::builder(
        FaultyStore::default(),
        fresh_keys(),
        "https://a.example.com",
    )
    .mailer(Outbox::default())
    .sms_sender(Outbox::default())
    .configure(configure);
    run(builder.build()).map(|_| ())
}

#[test]
fn an_application_that_nobody_could_sign_in_to_is_not_built() {
    let nothing = build(|config| config.first_factors = FirstFactors::NONE);
    assert!(matches!(
        nothing,
        Err(BuildError::Config(ConfigError::FirstFactors))
    ));
    // Without what it takes, they are as good as not allowed.
    let without_means = build(|config| {
        config.first_factors = FirstFactors::only(&[FirstFactor::Passkey]);
    });
    assert!(matches!(
        without_means,
        Err(BuildError::Config(ConfigError::FirstFactors))
    ));
    let no_way_back = |factors: &'static [FirstFactor], open| {
        build(move |config| {
            config.first_factors = FirstFactors::only(factors);
            config.phone_numbers.countries =
                vec![zalt_core::identifier::Region::parse("AT").unwrap()];
            config.sign_up.open = open;
        })
    };
    assert!(matches!(
        no_way_back(&[FirstFactor::SmsCode], true),
        Err(BuildError::Config(ConfigError::SignUpWithoutWayIn))
    ));
    assert!(no_way_back(&[FirstFactor::SmsCode], false).is_ok());
    assert!(no_way_back(&[FirstFactor::SmsCode, FirstFactor::EmailLink], true).is_ok());
    let demanded = |policy| {
        build(|config| {
            config.second_factors.policy = policy;
            config.second_factors.methods = SecondFactorMethods::NONE;
        })
    };
    assert!(matches!(
        demanded(SecondFactorPolicy::Required),
        Err(BuildError::Config(ConfigError::SecondFactorMethods))
    ));
    assert!(demanded(SecondFactorPolicy::Optional).is_ok());
}

#[test]
fn without_passwords_none_is_taken_set_or_reset() {
    let app = App::with(|config| config.first_factors.password = false);
    let sign_ups = app.zalt.sign_ups();
    assert!(refused(&run(sign_ups.create(&request(), new_sign_up(ADA)))));
    let new = NewSignUp {
        password: None,
        ..new_sign_up(ADA)
    };
    let started = run(sign_ups.create(&request(), new)).unwrap();
    let (code, _) = code_and_link(&app.mail_to(ADA));
    let owner = run(sign_ups.attempt_proof(&request(), &started.token, &Proof::code(&code)));
    let owner = check(&app, &owner.unwrap().into_session().unwrap());
    let sign_ins = app.zalt.sign_ins();
    let by_password = |identifier| {
        run(sign_ins.with_password(
            &request(),
            identifier,
            password(PASSWORD),
            Transport::Cookie,
        ))
    };
    // The answer is the same for an identifier that nobody has.
    assert!(refused(&by_password(ADA)));
    assert!(refused(&by_password("nobody@example.com")));
    let users = app.zalt.users();
    assert!(refused(&run(users.change_password(
        &request(),
        &owner,
        None,
        password(PASSWORD),
        false
    ))));
    assert!(refused(&run(app.zalt.sessions().reauthenticate(
        &request(),
        &owner,
        password(PASSWORD)
    ))));
    let started = run(sign_ins.create(&request(), ADA, Transport::Cookie)).unwrap();
    let reset = ChallengePurpose::ResetPassword;
    for strategy in [ChallengeStrategy::EmailCode, ChallengeStrategy::EmailLink] {
        assert!(refused(&run(sign_ins.prepare(
            &request(),
            &started.token,
            reset,
            strategy
        ))));
    }
}

#[test]
fn a_mailed_code_is_not_taken_once_it_is_not_allowed() {
    let (store, keys) = (FaultyStore::default(), fresh_keys());
    let before = App::over(store.clone(), &keys, |_| {});
    before.sign_up(ADA);
    let sign_ins = before.zalt.sign_ins();
    let started = run(sign_ins.create(&request(), ADA, Transport::Cookie)).unwrap();
    let purpose = ChallengePurpose::SignIn;
    let prepared = |app: &App, strategy| {
        run(app
            .zalt
            .sign_ins()
            .prepare(&request(), &started.token, purpose, strategy))
    };
    prepared(&before, ChallengeStrategy::EmailCode).unwrap();
    let (code, _) = code_and_link(&before.mail_to(ADA));

    let after = App::over(store, &keys, |config| {
        config.first_factors.email_code = false;
    });
    let sign_ins = after.zalt.sign_ins();
    let proof = Proof::code(&code);
    assert!(refused(&run(sign_ins.attempt_proof(
        &request(),
        &started.token,
        &proof
    ))));
    assert!(refused(&prepared(&after, ChallengeStrategy::EmailCode)));
    // Links are another thing, and so is a new password.
    prepared(&after, ChallengeStrategy::EmailLink).unwrap();
    let (code, _) = code_and_link(&after.mail_to(ADA));
    let progress = run(sign_ins.attempt_proof(&request(), &started.token, &Proof::code(&code)));
    assert!(matches!(progress, Ok(SignInProgress::Complete(_))));
    let started = run(sign_ins.create(&request(), ADA, Transport::Cookie)).unwrap();
    let reset = ChallengePurpose::ResetPassword;
    run(sign_ins.prepare(
        &request(),
        &started.token,
        reset,
        ChallengeStrategy::EmailCode,
    ))
    .unwrap();
}

#[test]
fn an_app_that_is_not_allowed_any_more_is_not_accepted_and_still_protects_its_account() {
    let (store, keys) = (FaultyStore::default(), fresh_keys());
    let before = App::over(store.clone(), &keys, |_| {});
    let codes = owner(&before).recovery_codes;
    let sign_in = |app: &App| {
        let sign_ins = app.zalt.sign_ins();
        let progress =
            run(sign_ins.with_password(&request(), ADA, password(PASSWORD), Transport::Cookie));
        match progress {
            Ok(SignInProgress::NeedsSecondFactor(pending)) => pending.token.unwrap(),
            other => panic!("{other:?}"),
        }
    };

    let after = App::over(store.clone(), &keys, |config| {
        config.second_factors.methods = SecondFactorMethods::only(&[SecondFactor::EmailCode]);
    });
    let token = sign_in(&after);
    let sign_ins = after.zalt.sign_ins();
    let proof = SecondFactorProof::Totp("000000".to_owned());
    assert!(refused(&run(sign_ins.attempt_second_factor(
        &request(),
        &token,
        &proof
    ))));
    // What stands in for it leads on, and nothing new of that kind can be set up.
    let proof = SecondFactorProof::RecoveryCode(codes[0].clone());
    let progress = run(sign_ins.attempt_second_factor(&request(), &token, &proof));
    let signed_in = progress.and_then(SignInProgress::into_session).unwrap();
    let who = check(&after, &signed_in);
    let credentials = after.zalt.credentials();
    assert!(refused(&run(credentials.begin_totp(
        &request(),
        &who,
        None
    ))));
    // What was set up is kept, and is asked for again.
    let again = App::over(store, &keys, |_| {});
    sign_in(&again);
}

#[test]
fn where_nothing_else_leads_in_an_account_needs_a_password() {
    let app = App::with(|config| {
        config.sign_up.password_required = false;
        config.first_factors = FirstFactors::only(&[FirstFactor::Password]);
    });
    let new = NewSignUp {
        password: None,
        ..new_sign_up(ADA)
    };
    let begun = run(app.zalt.sign_ups().create(&request(), new));
    assert!(matches!(begun, Err(Error::PasswordRequired)));
}
