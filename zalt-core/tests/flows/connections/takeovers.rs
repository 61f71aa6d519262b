//! How somebody could try to get into another's account by way of a provider.

use zalt_core::attempt::{
    AttemptState, ChallengePurpose, ChallengeStrategy, ConnectionProgress, Proof, SignInProgress,
};
use zalt_core::connection::ConnectionFailure;
use zalt_core::message::Notice;
use zalt_core::secret::{AttemptToken, LinkToken};
use zalt_core::session::{SignedIn, Transport};
use zalt_core::{Error, RequestContext};

use super::*;

/// Somebody with the attempt `token` proves the account there by its password.
fn prove(app: &App, token: &AttemptToken, text: &str) -> Result<SignInProgress, Error> {
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.attempt_password(&request(), token, password(text)))
}

fn proved(app: &App, token: &AttemptToken) -> SignedIn {
    prove(app, token, PASSWORD)
        .and_then(SignInProgress::into_session)
        .unwrap()
}

#[test]
fn an_unverified_address_at_the_provider_never_leads_to_its_owner() {
    for configure in [links_by_address, |_: &mut Config| {}] {
        let (app, provider) = app_with(configure);
        let ada = app.sign_up(ADA);
        let eve = unverified(at("google", "666", ADA));
        let (progress, token) = through(&app, &provider, "google", &eve).unwrap();
        // Whether the address has an account is said in its mailbox only.
        assert!(matches!(progress, ConnectionProgress::VerifyAddress(_)));
        assert!(matches!(app.mail_to(ADA), Notice::AccountExists { .. }));
        let guess = Proof::code("000000");
        let refused = run(app
            .zalt
            .sign_ups()
            .attempt_proof(&request(), &token, &guess));
        assert!(matches!(refused, Err(Error::CodeIncorrect)));
        assert_eq!(linked(&app, &ada), 0);
    }
}

#[test]
fn an_address_that_was_verified_there_once_is_proved_to_us_before_it_signs_anybody_up() {
    for configure in [links_by_address, |_: &mut Config| {}] {
        let (app, provider) = app_with(configure);
        // Eve had the mailbox before Ada did.
        let eve = once_verified(at("github", "666", ADA));
        let (progress, token) = through(&app, &provider, "github", &eve).unwrap();
        assert!(matches!(progress, ConnectionProgress::VerifyAddress(_)));
        let guess = Proof::code("000000");
        let sign_ups = app.zalt.sign_ups();
        let refused = run(sign_ups.attempt_proof(&request(), &token, &guess));
        assert!(matches!(refused, Err(Error::CodeIncorrect)));
        // With the code it is whoever reads the mailbox today.
        let (code, _) = code_and_link(&app.mail_to(ADA));
        run(sign_ups.attempt_proof(&request(), &token, &Proof::code(&code))).unwrap();
        signed_in(&app, &provider, "github", &eve);
    }
}

#[test]
fn an_address_that_is_verified_there_later_links_nothing_by_itself() {
    let (app, provider) = app();
    // Eve wrote Ada's address into her profile there, and got no further.
    through(
        &app,
        &provider,
        "google",
        &unverified(at("google", "666", ADA)),
    )
    .unwrap();
    app.mail_to(ADA);
    let ada = app.sign_up(ADA);
    let (progress, token) = through(&app, &provider, "google", &at("google", "666", ADA)).unwrap();
    assert!(matches!(progress, ConnectionProgress::ProveAccount(_)));
    let refused = prove(&app, &token, "not the password");
    assert!(matches!(refused, Err(Error::CredentialsIncorrect)));
    assert_eq!(linked(&app, &ada), 0);
}

#[test]
fn the_sign_up_of_before_is_worth_nothing_once_the_owner_was_there() {
    let (app, provider) = app();
    let eve = unverified(at("google", "666", ADA));
    let (_, token) = through(&app, &provider, "google", &eve).unwrap();
    let (code, _) = code_and_link(&app.mail_to(ADA));
    let ada = signed_up(&app, &provider, "github", &at("github", "1", ADA));
    // Even with the code: the address is somebody's by now.
    let proof = Proof::code(&code);
    let refused = run(app
        .zalt
        .sign_ups()
        .attempt_proof(&request(), &token, &proof));
    assert!(matches!(refused, Err(Error::EmailAddressTaken)));
    assert_eq!(linked(&app, &ada), 1);
}

#[test]
fn of_two_providers_with_one_address_the_second_proves_the_account_first() {
    let (app, provider) = app();
    let ada = app.sign_up(ADA);
    let (progress, token) = through(&app, &provider, "google", &at("google", "1", ADA)).unwrap();
    let ConnectionProgress::ProveAccount(started) = progress else {
        panic!("{progress:?}");
    };
    assert!(started.token.is_none());
    assert_eq!(linked(&app, &ada), 0);
    let signed = proved(&app, &token);
    assert_eq!(signed.user.id, ada.user.id);
    assert_eq!(linked(&app, &ada), 1);
    assert!(app.mails_to(ADA) > 1, "the owner is told");
    assert!(matches!(
        app.mail_to(ADA),
        Notice::ExternalAccountLinked { .. }
    ));
    let attempt = run(app.zalt.sign_ins().find(&token)).unwrap();
    let AttemptState::SignIn(state) = attempt.state else {
        panic!("another kind");
    };
    assert_eq!(state.connection.unwrap().pending, None);
    // The other provider is another account there.
    let (progress, token) = through(&app, &provider, "github", &at("github", "1", ADA)).unwrap();
    assert!(matches!(progress, ConnectionProgress::ProveAccount(_)));
    proved(&app, &token);
    assert_eq!(linked(&app, &ada), 2);
    for name in ["google", "github"] {
        let again = signed_in(&app, &provider, name, &at(name, "1", ADA));
        assert_eq!(again.user.id, ada.user.id);
    }
}

#[test]
fn whoever_takes_up_a_mailed_reset_takes_up_nothing_else_of_who_asked() {
    let (app, provider) = app();
    let ada = app.sign_up(ADA);
    // Eve has Ada's address verified at a provider, and asks for a reset on the attempt that waits for her proof.
    let (progress, token) = through(&app, &provider, "google", &at("google", "666", ADA)).unwrap();
    assert!(matches!(progress, ConnectionProgress::ProveAccount(_)));
    let (purpose, strategy) = (
        ChallengePurpose::ResetPassword,
        ChallengeStrategy::EmailLink,
    );
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.prepare(&request(), &token, purpose, strategy)).unwrap();
    let link = code_and_link(&app.mail_to(ADA)).1.unwrap();
    let link = LinkToken::parse(&link).unwrap();
    let claimed = run(sign_ins.claim_reset_link(&request(), link, Transport::Cookie)).unwrap();
    let new = "a better horse battery";
    run(sign_ins.reset_password(&request(), &claimed.token, password(new), true)).unwrap();
    let own = prove(&app, &claimed.token, new).and_then(SignInProgress::into_session);
    assert_eq!(own.unwrap().user.id, ada.user.id);
    assert_eq!(linked(&app, &ada), 0);
    let (progress, _) = through(&app, &provider, "google", &at("google", "666", ADA)).unwrap();
    assert!(matches!(progress, ConnectionProgress::ProveAccount(_)));
}

#[test]
fn where_the_policy_says_so_an_address_that_both_have_verified_links() {
    let (app, provider) = app_with(links_by_address);
    let ada = app.sign_up(ADA);
    let again = signed_in(&app, &provider, "google", &at("google", "1", ADA));
    assert_eq!(again.user.id, ada.user.id);
    assert_eq!(linked(&app, &ada), 1);
    assert!(matches!(
        app.mail_to(ADA),
        Notice::ExternalAccountLinked { .. }
    ));
}

#[test]
fn an_address_that_links_by_policy_does_so_after_the_second_factor() {
    let (app, provider) = app_with(links_by_address);
    let owner = crate::second_factors::owner(&app);
    let eve = at("google", "1", ADA);
    let (progress, token) = through(&app, &provider, "google", &eve).unwrap();
    assert!(matches!(
        progress,
        ConnectionProgress::SignIn(SignInProgress::NeedsSecondFactor(_))
    ));
    assert_eq!(linked(&app, &owner.signed_in), 0);
    app.clock.advance(MINUTE);
    let code = owner.secret.code_at(app.zalt.now());
    let proof = SecondFactorProof::Totp(code);
    let sign_ins = app.zalt.sign_ins();
    run(sign_ins.attempt_second_factor(&request(), &token, &proof)).unwrap();
    assert_eq!(linked(&app, &owner.signed_in), 1);
}

#[test]
fn a_trusted_device_is_not_enough_to_add_a_way_in() {
    let trusted = |config: &mut Config| {
        links_by_address(config);
        config.trusted_devices = Some(DAY);
    };
    let (app, provider) = app_with(trusted);
    let owner = crate::second_factors::owner(&app);
    let trusting = request().trusting_device();
    let sign_ins = app.zalt.sign_ins();
    let first = sign_ins.with_password(&trusting, ADA, password(PASSWORD), Transport::Cookie);
    let SignInProgress::NeedsSecondFactor(pending) = run(first).unwrap() else {
        panic!("no second factor");
    };
    app.clock.advance(MINUTE);
    let code = owner.secret.code_at(app.zalt.now());
    let proof = SecondFactorProof::Totp(code);
    let token = pending.token.unwrap();
    let done = run(sign_ins.attempt_second_factor(&trusting, &token, &proof));
    let device = done
        .and_then(SignInProgress::into_session)
        .unwrap()
        .device
        .unwrap();
    let on_device: RequestContext = request().with_device(device);
    let started = begin(&app, "google");
    let back = provider.consent(&started.url, &at("google", "1", ADA));
    let connections = app.zalt.connections();
    let (token, answer) = (Some(&started.token), answer(&back));
    let returned = run(connections.callback(&on_device, &key("google"), token, None, answer));
    assert!(matches!(
        returned.unwrap().progress,
        ConnectionProgress::SignIn(SignInProgress::NeedsSecondFactor(_))
    ));
    assert_eq!(linked(&app, &owner.signed_in), 0);
}

#[test]
fn an_address_that_somebody_planted_here_is_not_theirs() {
    let (app, provider) = app_with(links_by_address);
    let eve = app.sign_up(EVE);
    let who = app.authenticated(&eve);
    run(app
        .zalt
        .users()
        .add_email_address(&request(), &who, email(ADA)))
    .unwrap();
    let ada = signed_up(&app, &provider, "google", &at("google", "1", ADA));
    assert_ne!(ada.user.id, eve.user.id);
    assert_eq!(linked(&app, &eve), 0);
}

#[test]
fn what_was_unlinked_may_become_anothers_with_nothing_left_of_before() {
    let (app, provider) = app();
    let shared = at("google", "1", "shared@example.com");
    let (ada, eve) = (app.sign_up(ADA), app.sign_up(EVE));
    let (of_ada, of_eve) = (app.authenticated(&ada), app.authenticated(&eve));
    let first = link(&app, &provider, &of_ada, &shared).unwrap();
    let taken = link(&app, &provider, &of_eve, &shared);
    assert!(matches!(taken, Err(Error::ExternalAccountTaken)));
    assert_eq!(failures(&app), [ConnectionFailure::AccountTaken]);
    let connections = app.zalt.connections();
    run(connections.unlink(&request(), &of_ada, first.id)).unwrap();
    let second = link(&app, &provider, &of_eve, &shared).unwrap();
    assert_ne!(first.id, second.id);
    let gone = run(connections.provider_token(ada.user.id, first.id));
    assert!(matches!(gone, Err(Error::NotFound)));
    let another = run(connections.provider_token(ada.user.id, second.id));
    assert!(matches!(another, Err(Error::NotFound)));
    let now = signed_in(&app, &provider, "google", &shared);
    assert_eq!(now.user.id, eve.user.id);
}

#[test]
fn of_two_who_link_one_account_at_once_one_does() {
    let (app, provider) = app();
    let ada = at("google", "1", ADA);
    let (first, second) = (begin(&app, "google"), begin(&app, "google"));
    let back = [&first, &second].map(|started| provider.consent(&started.url, &ada));
    let connections = app.zalt.connections();
    let google = key("google");
    let context = request();
    let come =
        |started, back| connections.callback(&context, &google, Some(started), None, answer(back));
    let (one, other) = run(futures_util::future::join(
        come(&first.token, &back[0]),
        come(&second.token, &back[1]),
    ));
    let users: Vec<_> = [one, other]
        .into_iter()
        .map(|returned| match returned.unwrap().progress {
            ConnectionProgress::SignedUp(signed_in)
            | ConnectionProgress::SignIn(SignInProgress::Complete(signed_in)) => signed_in.user.id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(users[0], users[1]);
}
