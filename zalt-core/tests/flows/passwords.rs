use zalt_core::Error;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy};
use zalt_core::identifier::EmailAddress;
use zalt_core::message::Notice;
use zalt_core::password::PasswordPhc;
use zalt_core::session::Transport;
use zalt_core::user::{Metadata, NewUser, Profile};

use crate::support::*;

const NEW_PASSWORD: &str = "a better horse battery";

#[test]
fn a_change_needs_the_old_password_and_signs_out_the_others() {
    let app = App::new();
    let first = app.sign_up("ada@example.com");
    let second = app.sign_in("ada@example.com");
    let found = run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&first).expose()))
    .unwrap();
    let change = |current: Option<&str>, new: &str| {
        let current = current.map(password);
        run(app
            .zalt
            .users()
            .change_password(&request(), &found, current, password(new), true))
    };
    assert!(matches!(
        change(None, NEW_PASSWORD),
        Err(Error::PasswordRequired)
    ));
    assert!(matches!(
        change(Some("wrong horse battery"), NEW_PASSWORD),
        Err(Error::CredentialsIncorrect)
    ));
    assert!(matches!(
        change(Some(PASSWORD), "password123"),
        Err(Error::PasswordRefused(_))
    ));
    change(Some(PASSWORD), NEW_PASSWORD).unwrap();
    assert_eq!(app.mail_to("ada@example.com"), Notice::PasswordChanged);
    let other = run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&second).expose()));
    assert!(matches!(other, Err(Error::SessionOver)));
    assert!(
        run(app
            .zalt
            .sessions()
            .authenticate(&request(), &cookie(&first).expose()))
        .is_ok()
    );
}

#[test]
fn an_imported_hash_signs_in_and_is_brought_up_to_date() {
    let app = App::new();
    // What libxcrypt makes of PASSWORD at cost 4.
    let phc = "$2b$04$abcdefghijklmnopqrstuuqREtd3VJD2QVZbuFskFSLk6eRIrQoOS";
    let new = NewUser {
        email_address: EmailAddress::parse("ada@example.com").unwrap(),
        username: None,
        password: Some(PasswordPhc::parse(phc).unwrap()),
        profile: Profile::default(),
        unsafe_metadata: Metadata::default(),
    };
    let user = run(app.zalt.users().create(&request(), new)).unwrap();
    app.sign_in("ada@example.com");
    let account = run(app.zalt.users().find_account(user.id)).unwrap();
    let kept = account.password.unwrap();
    assert!(
        kept.phc.as_str().starts_with("$argon2id$"),
        "{}",
        kept.phc.as_str()
    );
    assert_eq!((kept.set_at, kept.version), (user.created_at, 1));
    app.sign_in("ada@example.com");
}

#[test]
fn an_account_without_a_password_sets_its_first_one() {
    let app = App::with(|config| config.sign_up.password_required = false);
    let new = zalt_core::attempt::NewSignUp {
        password: None,
        ..new_sign_up("ada@example.com")
    };
    let started = run(app.zalt.sign_ups().create(&request(), new)).unwrap();
    let proof = zalt_core::attempt::Proof::code(&code_and_link(&app.mail_to("ada@example.com")).0);
    let signed_in = run(app
        .zalt
        .sign_ups()
        .attempt_proof(&request(), &started.token, &proof))
    .unwrap()
    .into_session()
    .unwrap();
    let attempt = run(app.zalt.sign_ins().with_password(
        &request(),
        "ada@example.com",
        password(PASSWORD),
        Transport::Cookie,
    ));
    assert!(matches!(attempt, Err(Error::CredentialsIncorrect)));
    let found = run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&signed_in).expose()))
    .unwrap();
    run(app
        .zalt
        .users()
        .change_password(&request(), &found, None, password(PASSWORD), true))
    .unwrap();
    app.sign_in("ada@example.com");
}

#[test]
fn a_sign_in_that_began_before_a_password_change_does_not_end_after_it() {
    let app = App::new();
    let first = app.sign_up("ada@example.com");
    let found = run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&first).expose()))
    .unwrap();
    // The race in slow motion: the account is read, the password changes, the session is inserted.
    let stale = run(app.zalt.users().find_account(first.user.id)).unwrap();
    run(app.zalt.users().change_password(
        &request(),
        &found,
        Some(password(PASSWORD)),
        password(NEW_PASSWORD),
        true,
    ))
    .unwrap();
    let mut session = first.session.clone();
    session.id = zalt_core::id::SessionId::mint(app.zalt.now(), app.zalt.rng()).unwrap();
    session.epoch = stale.user.session_epoch;
    let batch =
        zalt_core::store::Batch::new().change(zalt_core::store::Change::InsertSession(session));
    let refused = run(app.zalt.store().commit(batch));
    let Err(zalt_core::store::CommitError::Guard(failure)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(failure.reason, zalt_core::store::GuardReason::StaleEpoch);
}

#[test]
fn the_nist_preset_asks_for_fifteen_characters() {
    let app =
        App::with(|config| config.password_policy = zalt_core::password::PasswordPolicy::nist());
    let new = zalt_core::attempt::NewSignUp {
        password: Some(password("fourteen chars")),
        ..new_sign_up("ada@example.com")
    };
    assert!(matches!(
        run(app.zalt.sign_ups().create(&request(), new)),
        Err(Error::PasswordRefused(_))
    ));
}

#[test]
fn wrong_codes_for_a_reset_count_against_the_account() {
    let app = App::new();
    app.sign_up("ada@example.com");
    let mut refused = 0;
    // Each attempt bears five wrong codes; the account's budget ends it after eleven.
    for _ in 0..4 {
        let sign_ins = app.zalt.sign_ins();
        let started =
            run(sign_ins.create(&request(), "ada@example.com", Transport::Cookie)).unwrap();
        let by_code = ChallengeStrategy::EmailCode;
        if run(sign_ins.prepare(
            &request(),
            &started.token,
            ChallengePurpose::ResetPassword,
            by_code,
        ))
        .is_err()
        {
            break;
        }
        let code = wrong(&code_and_link(&app.mail_to("ada@example.com")).0);
        for _ in 0..5 {
            let proof = zalt_core::attempt::Proof::code(&code);
            match run(sign_ins.attempt_proof(&request(), &started.token, &proof)) {
                Err(Error::CodeIncorrect) => refused += 1,
                Err(Error::RateLimited { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(refused, 11);
}
