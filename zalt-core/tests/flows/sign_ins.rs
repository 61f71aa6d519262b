use futures_util::future::join_all;
use zalt_core::attempt::{
    ChallengePurpose, ChallengeStrategy, Proof, SignInProgress, StartedSignIn,
};
use zalt_core::message::Notice;
use zalt_core::session::{AuthenticationMethod, Transport};
use zalt_core::{Error, RequestContext};

use crate::support::*;

fn begin(app: &App, identifier: &str) -> StartedSignIn {
    run(app
        .zalt
        .sign_ins()
        .create(&request(), identifier, Transport::Cookie))
    .unwrap()
}

fn prepare(app: &App, started: &StartedSignIn, strategy: ChallengeStrategy) {
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.prepare(
        &request(),
        &started.token,
        ChallengePurpose::SignIn,
        strategy,
    ))
    .unwrap();
}

#[test]
fn a_mailed_code_signs_in_once() {
    let app = App::new();
    let user = app.sign_up("ada@example.com").user;
    let started = begin(&app, "ada@example.com");
    prepare(&app, &started, ChallengeStrategy::EmailCode);
    let proof = Proof::code(&code_and_link(&app.mail_to("ada@example.com")).0);
    let results = run(join_all((0..20).map(|_| async {
        app.zalt
            .sign_ins()
            .attempt_proof(&request(), &started.token, &proof)
            .await
    })));
    let mut sessions = results.into_iter().filter_map(Result::ok);
    let Some(SignInProgress::Complete(signed_in)) = sessions.next() else {
        panic!()
    };
    assert!(sessions.next().is_none());
    assert_eq!(signed_in.user.id, user.id);
    let methods: Vec<_> = signed_in
        .session
        .amr
        .iter()
        .map(|proof| proof.method)
        .collect();
    assert_eq!(methods, [AuthenticationMethod::Email]);
}

#[test]
fn a_link_signs_in_only_the_browser_that_asked() {
    let app = App::new();
    app.sign_up("ada@example.com");
    let started = begin(&app, "ada@example.com");
    prepare(&app, &started, ChallengeStrategy::EmailLink);
    let proof = Proof::link(&code_and_link(&app.mail_to("ada@example.com")).1.unwrap()).unwrap();
    let elsewhere = begin(&app, "ada@example.com");
    let stolen = run(app
        .zalt
        .sign_ins()
        .attempt_proof(&request(), &elsewhere.token, &proof));
    assert!(matches!(stolen, Err(Error::LinkIncorrect)));
    assert!(
        run(app
            .zalt
            .sign_ins()
            .attempt_proof(&request(), &started.token, &proof))
        .is_ok()
    );
}

#[test]
fn an_attempt_completes_by_password_and_then_leads_nowhere() {
    let app = App::new();
    app.sign_up("ada@example.com");
    let started = begin(&app, "ada@example.com");
    let sign_ins = app.zalt.sign_ins();
    let wrong =
        run(sign_ins.attempt_password(&request(), &started.token, password("wrong horse battery")));
    assert!(matches!(wrong, Err(Error::CredentialsIncorrect)));
    run(sign_ins.attempt_password(&request(), &started.token, password(PASSWORD))).unwrap();
    let again = run(sign_ins.attempt_password(&request(), &started.token, password(PASSWORD)));
    assert!(matches!(again, Err(Error::AttemptStep)));
    let prepare = run(sign_ins.prepare(
        &request(),
        &started.token,
        ChallengePurpose::SignIn,
        ChallengeStrategy::EmailCode,
    ));
    assert!(matches!(prepare, Err(Error::AttemptStep)));
}

#[test]
fn an_unknown_identifier_is_offered_the_same_and_gets_nowhere() {
    let app = App::new();
    app.sign_up("ada@example.com");
    let known = begin(&app, "ada@example.com");
    let unknown = begin(&app, "eve@example.com");
    for started in [&known, &unknown] {
        prepare(&app, started, ChallengeStrategy::EmailCode);
        let wrong = run(app.zalt.sign_ins().attempt_proof(
            &request(),
            &started.token,
            &Proof::code("12345"),
        ));
        assert!(matches!(wrong, Err(Error::CodeIncorrect)));
        let wrong = run(app.zalt.sign_ins().attempt_password(
            &request(),
            &started.token,
            password("wrong horse battery"),
        ));
        assert!(matches!(wrong, Err(Error::CredentialsIncorrect)));
    }
    assert_eq!(app.mails_to("eve@example.com"), 0);
    let found = |started: &StartedSignIn| run(app.zalt.sign_ins().find(&started.token)).unwrap();
    assert_eq!(found(&known).failed_codes, found(&unknown).failed_codes);
    assert_eq!(found(&known).version, found(&unknown).version);
}

#[test]
fn wrong_passwords_lock_known_and_unknown_alike_and_never_session_or_link() {
    let app = App::with(|config| {
        config.budgets.network = zalt_core::budget::Budget::Rate {
            tries: 1000,
            period: MINUTE,
        };
    });
    let session = app.sign_up("ada@example.com");
    for address in ["ada@example.com", "eve@example.com"] {
        for _ in 0..11 {
            let wrong = run(app.zalt.sign_ins().with_password(
                &request(),
                address,
                password("wrong horse battery"),
                Transport::Cookie,
            ));
            assert!(
                matches!(wrong, Err(Error::CredentialsIncorrect)),
                "{wrong:?}"
            );
        }
        let locked = run(app.zalt.sign_ins().with_password(
            &request(),
            address,
            password(PASSWORD),
            Transport::Cookie,
        ));
        let Err(Error::RateLimited {
            retry_after: Some(wait),
        }) = locked
        else {
            panic!("{locked:?}")
        };
        assert_eq!(wait.as_secs(), 30);
    }
    // The owner's session and a mailed link are untouched by what strangers guess. A code is not: it can be guessed too.
    run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&session).expose()))
    .unwrap();
    let started = begin(&app, "ada@example.com");
    prepare(&app, &started, ChallengeStrategy::EmailLink);
    let (code, link) = code_and_link(&app.mail_to("ada@example.com"));
    let by_code =
        run(app
            .zalt
            .sign_ins()
            .attempt_proof(&request(), &started.token, &Proof::code(&code)));
    assert!(matches!(by_code, Err(Error::RateLimited { .. })));
    let proof = Proof::link(&link.unwrap()).unwrap();
    assert!(
        run(app
            .zalt
            .sign_ins()
            .attempt_proof(&request(), &started.token, &proof))
        .is_ok()
    );
    app.clock.advance(MINUTE);
    app.sign_in("ada@example.com");
}

#[test]
fn parallel_passwords_get_no_more_tries_than_the_budget() {
    let app = App::new();
    app.sign_up("ada@example.com");
    let results = run(join_all((0..50).map(|_| async {
        let password = password("wrong horse battery");
        app.zalt
            .sign_ins()
            .with_password(&request(), "ada@example.com", password, Transport::Cookie)
            .await
    })));
    let tried = results
        .iter()
        .filter(|result| matches!(result, Err(Error::CredentialsIncorrect)))
        .count();
    assert_eq!(tried, 11);
}

#[test]
fn one_network_is_slowed_down_and_others_are_not() {
    let app = App::new();
    let from = |ip: &str| RequestContext::internal().with_ip(ip.parse().unwrap());
    let begin = |ip: &str| {
        run(app
            .zalt
            .sign_ins()
            .create(&from(ip), "ada@example.com", Transport::Cookie))
    };
    let granted = (0..100).filter(|_| begin("203.0.113.7").is_ok()).count();
    assert_eq!(granted, 60);
    assert!(matches!(
        begin("203.0.113.7"),
        Err(Error::RateLimited {
            retry_after: Some(_)
        })
    ));
    assert!(begin("203.0.113.8").is_ok());
}

#[test]
fn suspension_ends_sessions_and_is_told_only_to_who_knows_the_password() {
    let app = App::new();
    let session = app.sign_up("ada@example.com");
    run(app.zalt.users().suspend(&request(), session.user.id)).unwrap();
    let over = run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&session).expose()));
    assert!(matches!(over, Err(Error::SessionOver)));
    let try_with = |text| {
        run(app.zalt.sign_ins().with_password(
            &request(),
            "ada@example.com",
            password(text),
            Transport::Cookie,
        ))
    };
    assert!(matches!(
        try_with("wrong horse battery"),
        Err(Error::CredentialsIncorrect)
    ));
    assert!(matches!(try_with(PASSWORD), Err(Error::AccountSuspended)));
    assert_eq!(
        app.events(session.user.id)[..2],
        ["sign_in.failed", "sign_in.failed"]
    );
    run(app.zalt.users().restore(&request(), session.user.id)).unwrap();
    assert!(try_with(PASSWORD).is_ok());
}

#[test]
fn a_deleted_account_is_as_good_as_unknown_until_it_is_restored() {
    let app = App::new();
    let session = app.sign_up("ada@example.com");
    run(app.zalt.users().delete(&request(), session.user.id)).unwrap();
    assert_eq!(app.mail_to("ada@example.com"), Notice::AccountDeleted);
    let result = run(app.zalt.sign_ins().with_password(
        &request(),
        "ada@example.com",
        password(PASSWORD),
        Transport::Cookie,
    ));
    assert!(matches!(result, Err(Error::CredentialsIncorrect)));
    let started = begin(&app, "ada@example.com");
    prepare(&app, &started, ChallengeStrategy::EmailCode);
    assert_eq!(app.mail_to("ada@example.com"), Notice::AccountDeleted);
}

#[test]
fn the_codes_of_one_attempt_are_worth_nothing_in_another() {
    let app = App::new();
    app.sign_up("ada@example.com");
    let first = begin(&app, "ada@example.com");
    prepare(&app, &first, ChallengeStrategy::EmailCode);
    let proof = Proof::code(&code_and_link(&app.mail_to("ada@example.com")).0);
    let second = begin(&app, "ada@example.com");
    let no_challenge = run(app
        .zalt
        .sign_ins()
        .attempt_proof(&request(), &second.token, &proof));
    assert!(matches!(no_challenge, Err(Error::CodeIncorrect)));
    let sign_up = run(app
        .zalt
        .sign_ups()
        .attempt_proof(&request(), &first.token, &proof));
    assert!(matches!(sign_up, Err(Error::AttemptNotFound)));
}
