use futures_util::future::join_all;
use zalt_core::Error;
use zalt_core::attempt::{
    AttemptState, ChallengeStrategy, NewSignUp, Proof, SignInProgress, SignUpStatus,
};
use zalt_core::identifier::Username;
use zalt_core::message::Notice;
use zalt_core::session::Transport;
use zalt_core::store::UserFilter;

use crate::support::*;

#[test]
fn a_code_makes_the_user_and_a_session_and_nothing_before_it() {
    let app = App::new();
    let started = run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    assert_eq!(
        run(app.zalt.store().user_count(&UserFilter::default())).unwrap(),
        0
    );

    let (code, link) = code_and_link(&app.mail_to("ada@example.com"));
    assert_eq!(link, None);
    let spaced = format!(" {} {}", &code[..3], &code[3..]);
    let signed_in =
        run(app
            .zalt
            .sign_ups()
            .attempt_proof(&request(), &started.token, &Proof::code(&spaced)))
        .and_then(SignInProgress::into_session)
        .unwrap();
    assert_eq!(
        app.events(signed_in.user.id),
        ["session.created", "identifier.verified", "user.created"]
    );
    let found = run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&signed_in).expose()))
    .unwrap();
    assert_eq!(found.user().id, signed_in.user.id);
    app.sign_in("ADA@example.com");
}

#[test]
fn one_code_makes_one_user_however_many_requests_bring_it() {
    let app = App::new();
    let started = run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    let proof = Proof::code(&code_and_link(&app.mail_to("ada@example.com")).0);
    let results = run(join_all((0..20).map(|_| async {
        app.zalt
            .sign_ups()
            .attempt_proof(&request(), &started.token, &proof)
            .await
    })));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(
        run(app.zalt.store().user_count(&UserFilter::default())).unwrap(),
        1
    );
}

#[test]
fn an_address_with_an_account_gets_the_same_answer_and_its_owner_a_mail() {
    let app = App::new();
    let owner = app.sign_up("ada@example.com");
    let started = run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("Ada@Example.com")))
    .unwrap();
    assert!(matches!(
        app.mail_to("Ada@example.com"),
        Notice::AccountExists { .. }
    ));
    let AttemptState::SignUp(state) = &started.attempt.state else {
        panic!()
    };
    assert_eq!(state.status, SignUpStatus::MissingRequirements);
    let result =
        run(app
            .zalt
            .sign_ups()
            .attempt_proof(&request(), &started.token, &Proof::code("123456")));
    assert!(matches!(result, Err(Error::CodeIncorrect)));
    assert_eq!(app.events(owner.user.id)[0], "sign_up.address_taken");
}

#[test]
fn of_two_sign_ups_with_one_address_the_first_to_verify_gets_it() {
    let app = App::new();
    let begin = || {
        let started = run(app
            .zalt
            .sign_ups()
            .create(&request(), new_sign_up("ada@example.com")))
        .unwrap();
        let code = code_and_link(&app.mail_to("ada@example.com")).0;
        (started.token, Proof::code(&code))
    };
    let (first, second) = (begin(), begin());
    run(app
        .zalt
        .sign_ups()
        .attempt_proof(&request(), &second.0, &second.1))
    .unwrap();
    let late = run(app
        .zalt
        .sign_ups()
        .attempt_proof(&request(), &first.0, &first.1));
    assert!(matches!(late, Err(Error::EmailAddressTaken)));
}

#[test]
fn a_link_counts_only_with_the_token_of_the_browser_that_signs_up() {
    let app = App::new();
    let new = |address| NewSignUp {
        strategy: ChallengeStrategy::EmailLink,
        ..new_sign_up(address)
    };
    let attacker = run(app
        .zalt
        .sign_ups()
        .create(&request(), new("eve@example.com")))
    .unwrap();
    let victim = run(app
        .zalt
        .sign_ups()
        .create(&request(), new("ada@example.com")))
    .unwrap();
    let (code, link) = code_and_link(&app.mail_to("ada@example.com"));
    let proof = Proof::link(&link.unwrap()).unwrap();
    let stolen = run(app
        .zalt
        .sign_ups()
        .attempt_proof(&request(), &attacker.token, &proof));
    assert!(matches!(stolen, Err(Error::LinkIncorrect)));
    run(app
        .zalt
        .sign_ups()
        .attempt_proof(&request(), &victim.token, &proof))
    .unwrap();
    // The code of the same mail went with the link.
    let again =
        run(app
            .zalt
            .sign_ups()
            .attempt_proof(&request(), &victim.token, &Proof::code(&code)));
    assert!(matches!(again, Err(Error::AttemptStep)));
}

#[test]
fn a_newer_code_voids_the_older_and_wrong_ones_count_over_both() {
    let app = App::new();
    let sign_ups = app.zalt.sign_ups();
    let started = run(sign_ups.create(&request(), new_sign_up("ada@example.com"))).unwrap();
    let old = code_and_link(&app.mail_to("ada@example.com")).0;
    run(sign_ups.prepare(&request(), &started.token, ChallengeStrategy::EmailCode)).unwrap();
    let new = code_and_link(&app.mail_to("ada@example.com")).0;
    let guess =
        |code: &str| run(sign_ups.attempt_proof(&request(), &started.token, &Proof::code(code)));
    if old == new {
        assert!(matches!(guess(&wrong(&new)), Err(Error::CodeIncorrect)));
    } else {
        assert!(matches!(guess(&old), Err(Error::CodeIncorrect)));
    }
    for _ in 0..4 {
        assert!(matches!(guess(&wrong(&new)), Err(Error::CodeIncorrect)));
    }
    assert!(matches!(guess(&new), Err(Error::AttemptExhausted)));
    let resend = run(sign_ups.prepare(&request(), &started.token, ChallengeStrategy::EmailCode));
    assert!(matches!(resend, Err(Error::AttemptExhausted)));
}

#[test]
fn parallel_guesses_get_no_more_tries_than_serial_ones() {
    let app = App::new();
    let started = run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    let code = code_and_link(&app.mail_to("ada@example.com")).0;
    let bad = Proof::code(&wrong(&code));
    let results = run(join_all((0..50).map(|_| async {
        app.zalt
            .sign_ups()
            .attempt_proof(&request(), &started.token, &bad)
            .await
    })));
    let tried = results
        .iter()
        .filter(|result| matches!(result, Err(Error::CodeIncorrect)))
        .count();
    assert_eq!(tried, 5);
}

#[test]
fn codes_and_attempts_expire() {
    let app = App::new();
    let started = run(app
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")))
    .unwrap();
    let proof = Proof::code(&code_and_link(&app.mail_to("ada@example.com")).0);
    app.clock.advance(10 * MINUTE);
    let late = run(app
        .zalt
        .sign_ups()
        .attempt_proof(&request(), &started.token, &proof));
    assert!(matches!(late, Err(Error::CodeIncorrect)));
    app.clock.advance(HOUR);
    let gone = run(app
        .zalt
        .sign_ups()
        .attempt_proof(&request(), &started.token, &proof));
    assert!(matches!(gone, Err(Error::AttemptNotFound)));
}

#[test]
fn usernames_are_unique_without_regard_to_case() {
    let app = App::new();
    let with_name = |address| NewSignUp {
        username: Some(Username::parse("Ada_L").unwrap()),
        ..new_sign_up(address)
    };
    let started = run(app
        .zalt
        .sign_ups()
        .create(&request(), with_name("ada@example.com")))
    .unwrap();
    let racing = run(app
        .zalt
        .sign_ups()
        .create(&request(), with_name("eve@example.com")))
    .unwrap();
    let proof = |address| Proof::code(&code_and_link(&app.mail_to(address)).0);
    let signed_in = run(app.zalt.sign_ups().attempt_proof(
        &request(),
        &started.token,
        &proof("ada@example.com"),
    ))
    .and_then(SignInProgress::into_session)
    .unwrap();
    let late = run(app.zalt.sign_ups().attempt_proof(
        &request(),
        &racing.token,
        &proof("eve@example.com"),
    ));
    assert!(matches!(late, Err(Error::UsernameTaken)));
    let early = run(app
        .zalt
        .sign_ups()
        .create(&request(), with_name("eve@example.com")));
    assert!(matches!(early, Err(Error::UsernameTaken)));
    let by_name = run(app.zalt.sign_ins().with_password(
        &request(),
        "ADA_l",
        password(PASSWORD),
        Transport::Cookie,
    ));
    let by_name = by_name.and_then(SignInProgress::into_session).unwrap();
    assert_eq!(by_name.user.id, signed_in.user.id);
}

#[test]
fn what_the_application_does_not_want_is_refused() {
    let closed = App::with(|config| config.sign_up.open = false);
    let result = run(closed
        .zalt
        .sign_ups()
        .create(&request(), new_sign_up("ada@example.com")));
    assert!(matches!(result, Err(Error::SignUpClosed)));
    let app = App::new();
    let without = NewSignUp {
        password: None,
        ..new_sign_up("ada@example.com")
    };
    assert!(matches!(
        run(app.zalt.sign_ups().create(&request(), without)),
        Err(Error::PasswordRequired)
    ));
    for context in ["ada.lovelace1", "Ada.Lovelace@example.com"] {
        let context = NewSignUp {
            password: Some(password(context)),
            ..new_sign_up("ada.lovelace@example.com")
        };
        assert!(matches!(
            run(app.zalt.sign_ups().create(&request(), context)),
            Err(Error::PasswordRefused(_))
        ));
    }
}

#[test]
fn one_address_is_not_flooded_with_mail() {
    let app = App::new();
    let mut sent = 0;
    loop {
        match run(app
            .zalt
            .sign_ups()
            .create(&request(), new_sign_up("ada@example.com")))
        {
            Ok(_) => sent += 1,
            Err(Error::RateLimited { retry_after }) => {
                assert!(retry_after.is_some());
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(sent, 10);
    assert_eq!(app.mails_to("ada@example.com"), 10);
}
