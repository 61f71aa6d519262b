use std::time::Duration;

use zalt_core::Error;
use zalt_core::attempt::{
    ChallengePurpose, ChallengeStrategy, Proof, SecondFactorProof, SignInProgress,
};
use zalt_core::config::{SecondFactor, SecondFactorPolicy};
use zalt_core::credential::{CredentialState, NewRecoveryCodes, TotpSecret};
use zalt_core::event::EventKind;
use zalt_core::id::CredentialId;
use zalt_core::identifier::IdentifierValue;
use zalt_core::message::Notice;
use zalt_core::secret::AttemptToken;
use zalt_core::session::AuthenticationMethod::{self, Email, Password, RecoveryCode, Totp};
use zalt_core::session::{Assurance, Authenticated, SignedIn, Transport};
use zalt_core::store::{PageLimit, PageRequest};

use crate::support::*;

const ADA: &str = "ada@example.com";

fn required(config: &mut zalt_core::Config) {
    config.second_factors.policy = SecondFactorPolicy::Required;
}

pub(crate) fn check(app: &App, signed_in: &SignedIn) -> Authenticated {
    let token = cookie(signed_in).expose();
    run(app.zalt.sessions().authenticate(&request(), &token)).unwrap()
}

/// A user with an authenticator app.
pub(crate) struct Owner {
    pub(crate) signed_in: SignedIn,
    pub(crate) secret: TotpSecret,
    pub(crate) credential: CredentialId,
    pub(crate) recovery_codes: Vec<String>,
}

pub(crate) fn owner(app: &App) -> Owner {
    let signed_in = app.sign_up(ADA);
    let who = check(app, &signed_in);
    let credentials = app.zalt.credentials();
    let enrollment = run(credentials.begin_totp(&request(), &who, None)).unwrap();
    let code = enrollment.secret.code_at(app.zalt.now());
    let id = enrollment.credential.id;
    let codes = run(credentials.confirm_totp(&request(), &who, id, &code)).unwrap();
    // The next code is another one.
    app.clock.advance(Duration::from_secs(30));
    Owner {
        signed_in,
        secret: enrollment.secret,
        credential: id,
        recovery_codes: shown(&codes.recovery_codes.unwrap()),
    }
}

fn shown(codes: &NewRecoveryCodes) -> Vec<String> {
    codes.codes.iter().map(|code| (**code).clone()).collect()
}

fn with_password(app: &App) -> Result<SignInProgress, Error> {
    run(app
        .zalt
        .sign_ins()
        .with_password(&request(), ADA, password(PASSWORD), Transport::Cookie))
}

/// The token of an attempt that waits for the second factor.
fn first_factor(app: &App) -> AttemptToken {
    match with_password(app).unwrap() {
        SignInProgress::NeedsSecondFactor(pending) => pending.token.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn second_factor(
    app: &App,
    token: &AttemptToken,
    proof: &SecondFactorProof,
) -> Result<SignedIn, Error> {
    run(app
        .zalt
        .sign_ins()
        .attempt_second_factor(&request(), token, proof))
    .and_then(SignInProgress::into_session)
}

fn totp(app: &App, owner: &Owner) -> SecondFactorProof {
    SecondFactorProof::Totp(owner.secret.code_at(app.zalt.now()))
}

fn methods(signed_in: &SignedIn) -> Vec<AuthenticationMethod> {
    let proofs = signed_in.session.amr.iter();
    proofs.map(|proof| proof.method).collect()
}

#[test]
fn a_password_alone_is_no_session_once_an_app_is_set_up() {
    let app = App::new();
    let owner = owner(&app);
    let token = first_factor(&app);
    let wrong = SecondFactorProof::Totp("000000".into());
    assert!(matches!(
        second_factor(&app, &token, &wrong),
        Err(Error::CodeIncorrect)
    ));
    let signed_in = second_factor(&app, &token, &totp(&app, &owner)).unwrap();
    assert_eq!(methods(&signed_in), [Password, Totp]);
    assert_eq!(signed_in.session.assurance(), Some(Assurance::TwoFactors));
    // The attempt is over.
    app.clock.advance(Duration::from_secs(30));
    assert!(matches!(
        second_factor(&app, &token, &totp(&app, &owner)),
        Err(Error::AttemptStep)
    ));
}

#[test]
fn every_way_through_the_first_factor_meets_the_second() {
    let app = App::new();
    let owner = owner(&app);
    let sign_ins = app.zalt.sign_ins();
    for strategy in [ChallengeStrategy::EmailCode, ChallengeStrategy::EmailLink] {
        let started = run(sign_ins.create(&request(), ADA, Transport::Cookie)).unwrap();
        let purpose = ChallengePurpose::SignIn;
        run(sign_ins.prepare(&request(), &started.token, purpose, strategy)).unwrap();
        let (code, link) = code_and_link(&app.mail_to(ADA));
        let proof = match link {
            Some(link) => Proof::link(&link).unwrap(),
            None => Proof::code(&code),
        };
        let progress = run(sign_ins.attempt_proof(&request(), &started.token, &proof)).unwrap();
        assert!(matches!(progress, SignInProgress::NeedsSecondFactor(_)));
        let signed_in = second_factor(&app, &started.token, &totp(&app, &owner)).unwrap();
        assert_eq!(methods(&signed_in), [Email, Totp]);
        app.clock.advance(MINUTE);
    }
    let started = run(sign_ins.create(&request(), ADA, Transport::Bearer)).unwrap();
    let progress =
        run(sign_ins.attempt_password(&request(), &started.token, password(PASSWORD))).unwrap();
    assert!(matches!(progress, SignInProgress::NeedsSecondFactor(_)));
    second_factor(&app, &started.token, &totp(&app, &owner)).unwrap();
}

#[test]
fn a_reset_of_the_password_keeps_the_second_factor() {
    let app = App::new();
    owner(&app);
    let sign_ins = app.zalt.sign_ins();
    let started = run(sign_ins.create(&request(), ADA, Transport::Cookie)).unwrap();
    let (purpose, strategy) = (
        ChallengePurpose::ResetPassword,
        ChallengeStrategy::EmailCode,
    );
    run(sign_ins.prepare(&request(), &started.token, purpose, strategy)).unwrap();
    let proof = Proof::code(&code_and_link(&app.mail_to(ADA)).0);
    run(sign_ins.attempt_proof(&request(), &started.token, &proof)).unwrap();
    let new = "another walk in the rain";
    run(sign_ins.reset_password(&request(), &started.token, password(new), true)).unwrap();
    let progress =
        run(sign_ins.attempt_password(&request(), &started.token, password(new))).unwrap();
    assert!(matches!(progress, SignInProgress::NeedsSecondFactor(_)));
}

#[test]
fn a_code_is_accepted_once_over_all_attempts_and_requests_at_once() {
    let app = App::new();
    let owner = owner(&app);
    let tokens: Vec<_> = (0..4).map(|_| first_factor(&app)).collect();
    let proof = totp(&app, &owner);
    let results = run(futures_util::future::join_all(tokens.iter().map(|token| {
        let (sign_ins, proof) = (app.zalt.sign_ins(), proof.clone());
        async move {
            sign_ins
                .attempt_second_factor(&request(), token, &proof)
                .await
        }
    })));
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let token = first_factor(&app);
    assert!(matches!(
        second_factor(&app, &token, &proof),
        Err(Error::CodeIncorrect)
    ));
    let who = check(&app, &owner.signed_in);
    let again = run(app.zalt.sessions().step_up(&request(), &who, &proof));
    assert!(matches!(again, Err(Error::CodeIncorrect)));
}

#[test]
fn guesses_are_counted_over_all_attempts_and_only_a_second_factor_gives_them_back() {
    let app = App::new();
    let owner = owner(&app);
    let guess = |token: &AttemptToken| {
        second_factor(&app, token, &SecondFactorProof::Totp("000000".into())).unwrap_err()
    };
    for _ in 0..2 {
        let token = first_factor(&app);
        for _ in 0..5 {
            assert!(matches!(guess(&token), Error::CodeIncorrect));
        }
        assert!(matches!(guess(&token), Error::AttemptExhausted));
    }
    // Setting the app up took one as well.
    let token = first_factor(&app);
    assert!(matches!(guess(&token), Error::RateLimited { .. }));
    // Whoever knows the password, and is in from before, gets no more by it.
    let who = check(&app, &owner.signed_in);
    let sessions = app.zalt.sessions();
    run(sessions.reauthenticate(&request(), &who, password(PASSWORD))).unwrap();
    let proof = SecondFactorProof::Totp("000000".into());
    let stepped = run(sessions.step_up(&request(), &who, &proof));
    assert!(matches!(stepped, Err(Error::RateLimited { .. })));
    assert!(matches!(guess(&token), Error::RateLimited { .. }));
    // The owner has a way in that nobody guesses, and it gives the tries back.
    let code = SecondFactorProof::RecoveryCode(owner.recovery_codes[0].clone());
    second_factor(&app, &token, &code).unwrap();
    let token = first_factor(&app);
    assert!(matches!(guess(&token), Error::CodeIncorrect));
    second_factor(&app, &token, &totp(&app, &owner)).unwrap();
}

#[test]
fn strangers_guesses_at_the_password_leave_the_second_step_open() {
    let app = App::new();
    let owner = owner(&app);
    let token = first_factor(&app);
    for _ in 0..12 {
        let wrong = password("wrong horse battery");
        let sign_ins = app.zalt.sign_ins();
        run(sign_ins.with_password(&request(), ADA, wrong, Transport::Cookie)).unwrap_err();
    }
    assert!(matches!(
        with_password(&app),
        Err(Error::RateLimited { .. })
    ));
    second_factor(&app, &token, &totp(&app, &owner)).unwrap();
}

#[test]
fn whoever_waits_to_set_one_up_gets_none_once_the_owner_has_one() {
    let app = App::with(required);
    app.sign_up_with(ADA, new_sign_up(ADA));
    let pending = || match with_password(&app).unwrap() {
        SignInProgress::NeedsMfaEnrollment(pending) => pending.token.unwrap(),
        other => panic!("{other:?}"),
    };
    let sign_ins = app.zalt.sign_ins();
    let (thief, begun) = (pending(), pending());
    let of_thief = run(sign_ins.begin_totp(&request(), &begun)).unwrap();
    let owner = pending();
    let of_owner = run(sign_ins.begin_totp(&request(), &owner)).unwrap();
    let code = of_owner.secret.code_at(app.zalt.now());
    run(sign_ins.confirm_totp(&request(), &owner, of_owner.credential.id, &code)).unwrap();
    assert!(matches!(
        run(sign_ins.begin_totp(&request(), &thief)),
        Err(Error::AttemptNotFound)
    ));
    let code = of_thief.secret.code_at(app.zalt.now());
    let late = run(sign_ins.confirm_totp(&request(), &begun, of_thief.credential.id, &code));
    assert!(matches!(late, Err(Error::AttemptNotFound)));
}

#[test]
fn setting_up_the_first_one_ends_the_sessions_of_one_factor() {
    let app = App::new();
    let earlier = app.sign_up(ADA);
    let here = app.sign_in(ADA);
    let who = check(&app, &here);
    let credentials = app.zalt.credentials();
    let begun = run(credentials.begin_totp(&request(), &who, None)).unwrap();
    let code = begun.secret.code_at(app.zalt.now());
    run(credentials.confirm_totp(&request(), &who, begun.credential.id, &code)).unwrap();
    check(&app, &here);
    let token = cookie(&earlier).expose();
    let ended = run(app.zalt.sessions().authenticate(&request(), &token));
    assert!(matches!(ended, Err(Error::SessionOver)));
}

#[test]
fn a_recovery_code_works_once_and_its_owner_is_told() {
    let app = App::new();
    let owner = owner(&app);
    assert_eq!(owner.recovery_codes.len(), 10);
    let code = SecondFactorProof::RecoveryCode(owner.recovery_codes[3].to_uppercase());
    let signed_in = second_factor(&app, &first_factor(&app), &code).unwrap();
    assert_eq!(methods(&signed_in), [Password, RecoveryCode]);
    let told = app.mail_to(ADA);
    assert!(
        matches!(told, Notice::RecoveryCodeUsed { left: 9 }),
        "{told:?}"
    );
    let kinds = app.event_kinds(owner.signed_in.user.id);
    assert!(kinds.contains(&EventKind::RecoveryCodeUsed { left: 9 }));
    assert!(matches!(
        second_factor(&app, &first_factor(&app), &code),
        Err(Error::CodeIncorrect)
    ));

    // New ones void those before.
    let who = check(&app, &signed_in);
    let new = run(app.zalt.credentials().new_recovery_codes(&request(), &who)).unwrap();
    let old = SecondFactorProof::RecoveryCode(owner.recovery_codes[4].clone());
    assert!(matches!(
        second_factor(&app, &first_factor(&app), &old),
        Err(Error::CodeIncorrect)
    ));
    let new = SecondFactorProof::RecoveryCode(shown(&new)[0].clone());
    second_factor(&app, &first_factor(&app), &new).unwrap();
}

#[test]
fn an_app_counts_only_once_it_is_confirmed() {
    let app = App::new();
    let signed_in = app.sign_up(ADA);
    let who = check(&app, &signed_in);
    let credentials = app.zalt.credentials();
    let dropped = run(credentials.begin_totp(&request(), &who, None)).unwrap();
    assert!(matches!(
        with_password(&app),
        Ok(SignInProgress::Complete(_))
    ));
    let begun = run(credentials.begin_totp(&request(), &who, None)).unwrap();
    let confirm = |id, code: &str| run(credentials.confirm_totp(&request(), &who, id, code));
    let gone = confirm(
        dropped.credential.id,
        &dropped.secret.code_at(app.zalt.now()),
    );
    assert!(matches!(gone, Err(Error::NotFound)));
    let wrong = confirm(begun.credential.id, "000000");
    assert!(matches!(wrong, Err(Error::CodeIncorrect)));
    assert!(matches!(
        with_password(&app),
        Ok(SignInProgress::Complete(_))
    ));
    let code = begun.secret.code_at(app.zalt.now());
    let enrolled = confirm(begun.credential.id, &code).unwrap();
    assert!(enrolled.recovery_codes.is_some());
    assert!(
        enrolled.token.is_none(),
        "a session that is not limited goes on as it is"
    );
    assert!(matches!(
        app.mail_to(ADA),
        Notice::SecondFactorAdded {
            factor: Some(SecondFactor::Totp)
        }
    ));
    // The code that confirmed it signs nobody in.
    let token = first_factor(&app);
    assert!(matches!(
        second_factor(&app, &token, &SecondFactorProof::Totp(code)),
        Err(Error::CodeIncorrect)
    ));
}

#[test]
fn changes_of_an_account_with_a_second_factor_need_it_freshly() {
    let app = App::new();
    let owner = owner(&app);
    // The session was begun by password, before there was an app.
    let who = check(&app, &owner.signed_in);
    let users = app.zalt.users();
    let needs_two = |error: Option<Error>| {
        matches!(
            error,
            Some(Error::ReauthenticationRequired {
                assurance: Assurance::TwoFactors,
                ..
            })
        )
    };
    let second = email("second@example.com");
    assert!(needs_two(
        run(users.add_email_address(&request(), &who, second.clone())).err()
    ));
    let (current, new) = (password(PASSWORD), password("another walk in the rain"));
    assert!(needs_two(
        run(users.change_password(&request(), &who, Some(current), new, false)).err()
    ));
    assert!(needs_two(run(users.delete_own(&request(), &who)).err()));
    let credentials = app.zalt.credentials();
    assert!(needs_two(
        run(credentials.remove(&request(), &who, owner.credential)).err()
    ));
    assert!(needs_two(
        run(credentials.begin_totp(&request(), &who, None)).err()
    ));
    assert!(needs_two(
        run(credentials.new_recovery_codes(&request(), &who)).err()
    ));

    let proof = totp(&app, &owner);
    let token = run(app.zalt.sessions().step_up(&request(), &who, &proof)).unwrap();
    let old = cookie(&owner.signed_in).expose();
    assert!(matches!(
        run(app.zalt.sessions().authenticate(&request(), &old)),
        Err(Error::Unauthenticated)
    ));
    let raised = |token: &str| run(app.zalt.sessions().authenticate(&request(), token)).unwrap();
    let token = token.unwrap().expose();
    run(users.add_email_address(&request(), &raised(&token), second)).unwrap();
    app.clock.advance(11 * MINUTE);
    let third = email("third@example.com");
    assert!(needs_two(
        run(users.add_email_address(&request(), &raised(&token), third)).err()
    ));
}

#[test]
fn where_everybody_needs_one_a_sign_in_sets_it_up_and_the_last_one_stays() {
    let app = App::with(required);
    // Whoever gives up at the step of a sign-up that sets it up comes by it again.
    app.sign_up_with(ADA, new_sign_up(ADA));
    let token = match with_password(&app).unwrap() {
        SignInProgress::NeedsMfaEnrollment(pending) => pending.token.unwrap(),
        other => panic!("{other:?}"),
    };
    let sign_ins = app.zalt.sign_ins();
    let proof = SecondFactorProof::Totp("000000".into());
    let skipped = second_factor(&app, &token, &proof);
    assert!(matches!(skipped, Err(Error::AttemptStep)));
    let enrollment = run(sign_ins.begin_totp(&request(), &token)).unwrap();
    let id = enrollment.credential.id;
    let confirm = |code: &str| run(sign_ins.confirm_totp(&request(), &token, id, code));
    assert!(matches!(confirm("000000"), Err(Error::CodeIncorrect)));
    let code = enrollment.secret.code_at(app.zalt.now());
    let (signed_in, codes) = confirm(&code).unwrap();
    assert_eq!(codes.as_ref().map(shown).unwrap().len(), 10);
    assert!(matches!(confirm(&code), Err(Error::AttemptStep)));

    let who = check(&app, &signed_in);
    let last = run(app.zalt.credentials().remove(&request(), &who, id));
    assert!(matches!(last, Err(Error::LastSecondFactor)));
}

#[test]
fn where_everybody_needs_one_a_sign_up_is_no_session_before_it_is_set_up() {
    let app = App::with(required);
    let SignInProgress::NeedsMfaEnrollment(pending) = app.sign_up_with(ADA, new_sign_up(ADA))
    else {
        panic!("a second factor is due");
    };
    let token = pending.token.unwrap();
    let page = PageRequest {
        after: None,
        limit: PageLimit::MAX,
    };
    let key = IdentifierValue::EmailAddress(email(ADA)).key();
    let account = run(app.zalt.store().account_by_identifier(&key));
    let user = account.unwrap().unwrap().user.id;
    let sessions = || run(app.zalt.sessions().list(user, page)).unwrap();
    assert_eq!(sessions().data, []);
    // The sign-up is over: the token is that of a sign-in now.
    assert_eq!(token.id(), pending.attempt.id);
    let sign_ups = app.zalt.sign_ups();
    let over = run(sign_ups.find(&token));
    assert!(matches!(over, Err(Error::AttemptNotFound)));
    let sign_ins = app.zalt.sign_ins();
    let enrollment = run(sign_ins.begin_totp(&request(), &token)).unwrap();
    let (id, code) = (
        enrollment.credential.id,
        enrollment.secret.code_at(app.zalt.now()),
    );
    let (signed_in, codes) = run(sign_ins.confirm_totp(&request(), &token, id, &code)).unwrap();
    assert_eq!(codes.as_ref().map(shown).unwrap().len(), 10);
    assert_eq!(methods(&signed_in), [Email, Totp]);
    assert_eq!(sessions().data.len(), 1);
    let mut events = app.events(user);
    events.reverse();
    let expected = [
        "user.created",
        "identifier.verified",
        "sign_in.first_factor_passed",
    ];
    assert_eq!(events[..3], expected);
}

#[test]
fn a_policy_is_met_at_the_next_sign_in_and_grace_puts_it_off() {
    let keys = fresh_keys();
    let store = crate::faults::FaultyStore::default();
    let before = App::over(store.clone(), &keys, |_| {});
    before.sign_up(ADA);
    let until = before.zalt.now() + HOUR;
    let after = App::over(store.clone(), &keys, |config| {
        required(config);
        config.second_factors.grace_until = Some(until);
    });
    assert!(matches!(
        with_password(&after),
        Ok(SignInProgress::Complete(_))
    ));
    after.clock.advance(HOUR);
    assert!(matches!(
        with_password(&after),
        Ok(SignInProgress::NeedsMfaEnrollment(_))
    ));
    let off = App::over(store, &keys, |config| {
        config.second_factors.policy = SecondFactorPolicy::Disabled;
    });
    off.clock.advance(HOUR);
    let result = with_password(&off);
    assert!(
        matches!(result, Ok(SignInProgress::Complete(_))),
        "{result:?}"
    );
}

#[test]
fn a_first_factor_is_worth_nothing_once_the_password_was_changed_or_sessions_ended() {
    let app = App::new();
    let owner = owner(&app);
    let token = first_factor(&app);
    run(app
        .zalt
        .users()
        .suspend(&request(), owner.signed_in.user.id))
    .unwrap();
    run(app
        .zalt
        .users()
        .restore(&request(), owner.signed_in.user.id))
    .unwrap();
    let late = second_factor(&app, &token, &totp(&app, &owner));
    assert!(matches!(late, Err(Error::AttemptNotFound)), "{late:?}");
}

#[test]
fn an_application_resets_the_factors_of_whoever_lost_them() {
    let app = App::new();
    let owner = owner(&app);
    let user = owner.signed_in.user.id;
    let reason = "lost the phone, showed a passport";
    run(app.zalt.credentials().reset(&request(), user, reason)).unwrap();
    assert!(matches!(
        with_password(&app),
        Ok(SignInProgress::Complete(_))
    ));
    let kinds = app.event_kinds(user);
    assert!(kinds.contains(&EventKind::SecondFactorsReset {
        reason: reason.to_owned()
    }));
    let account = run(app.zalt.users().find_account(user)).unwrap();
    assert_eq!(account.credentials, []);
    let token = cookie(&owner.signed_in).expose();
    let session = run(app.zalt.sessions().authenticate(&request(), &token));
    assert!(matches!(session, Err(Error::SessionOver)));
}

#[test]
fn removing_the_last_app_takes_the_recovery_codes_and_the_question_with_it() {
    let app = App::new();
    let owner = owner(&app);
    let token = first_factor(&app);
    let signed_in = second_factor(&app, &token, &totp(&app, &owner)).unwrap();
    let who = check(&app, &signed_in);
    let credentials = app.zalt.credentials();
    let account = run(app.zalt.users().find_account(who.user().id)).unwrap();
    let (codes, _) = account.recovery_codes().unwrap();
    let refused = run(credentials.remove(&request(), &who, codes.id));
    assert!(matches!(refused, Err(Error::NotFound)));
    run(credentials.remove(&request(), &who, owner.credential)).unwrap();
    assert!(matches!(
        app.mail_to(ADA),
        Notice::SecondFactorRemoved {
            factor: Some(SecondFactor::Totp)
        }
    ));
    assert!(matches!(
        with_password(&app),
        Ok(SignInProgress::Complete(_))
    ));
    let none = run(credentials.new_recovery_codes(&request(), &check(&app, &signed_in)));
    assert!(matches!(none, Err(Error::SecondFactorRequired)));
}

#[test]
fn secrets_are_sealed_and_codes_are_digests() {
    let app = App::new();
    let owner = owner(&app);
    let account = run(app.zalt.users().find_account(owner.signed_in.user.id)).unwrap();
    let json: String = account
        .credentials
        .iter()
        .map(|credential| serde_json::to_string(&credential.state).unwrap())
        .collect();
    let secret = serde_json::to_string(owner.secret.as_bytes().as_slice()).unwrap();
    assert!(!json.contains(secret.trim_matches(['[', ']'])));
    assert!(!json.contains(&*owner.secret.base32()));
    for code in &owner.recovery_codes {
        assert!(!json.contains(code) && !json.contains(&code.replace('-', "")));
    }
    assert!(
        account
            .credentials
            .iter()
            .any(|credential| matches!(credential.state, CredentialState::Totp(_)))
    );
}
