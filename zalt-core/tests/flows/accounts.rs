use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::future::join;
use serde_json::json;
use zalt_core::attempt::{ChallengeStrategy, Proof};
use zalt_core::identifier::{IdentifierKind, Username};
use zalt_core::message::Notice;
use zalt_core::session::Authenticated;
use zalt_core::store::UserFilter;
use zalt_core::user::{Metadata, Name, NewUser, Profile, ProfileUpdate};
use zalt_core::{Clock, Error, Timestamp, Zalt};

use crate::faults::FaultyStore;
use crate::support::*;

fn signed_in(app: &App, address: &str) -> Authenticated {
    let signed_in = app.sign_up(address);
    run(app
        .zalt
        .sessions()
        .authenticate(&request(), &cookie(&signed_in).expose()))
    .unwrap()
}

fn add_verified(
    app: &App,
    who: &Authenticated,
    address: &str,
) -> zalt_core::identifier::Identifier {
    let added = run(app
        .zalt
        .users()
        .add_email_address(&request(), who, email(address)))
    .unwrap();
    let verifications = app.zalt.address_verifications();
    let attempt =
        run(verifications.prepare(&request(), who, added.id, ChallengeStrategy::EmailCode))
            .unwrap();
    let proof = Proof::code(&code_and_link(&app.mail_to(address)).0);
    run(verifications.attempt_proof(&request(), who, attempt.id, &proof)).unwrap()
}

#[test]
fn a_profile_changes_in_part() {
    let app = App::new();
    let user = signed_in(&app, "ada@example.com").user().id;
    let update = |update| run(app.zalt.users().update_profile(&request(), user, update)).unwrap();
    update(ProfileUpdate {
        first_name: Some(Some(Name::parse("Ada").unwrap())),
        unsafe_metadata: Some(Metadata::new(json!({ "theme": "dark", "beta": true })).unwrap()),
        ..ProfileUpdate::default()
    });
    let user = update(ProfileUpdate {
        last_name: Some(Some(Name::parse("Lovelace").unwrap())),
        unsafe_metadata: Some(Metadata::new(json!({ "beta": null })).unwrap()),
        ..ProfileUpdate::default()
    });
    assert_eq!(user.profile.first_name.unwrap().as_str(), "Ada");
    assert_eq!(json!(user.metadata.unsafe_), json!({ "theme": "dark" }));
}

#[test]
fn an_added_address_leads_nowhere_until_it_is_verified() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    run(app
        .zalt
        .users()
        .add_email_address(&request(), &who, email("second@example.com")))
    .unwrap();
    let unverified =
        zalt_core::identifier::IdentifierValue::EmailAddress(email("second@example.com")).key();
    assert_eq!(
        run(app.zalt.store().account_by_identifier(&unverified)).unwrap(),
        None
    );
    // Somebody else may still verify it: no squatting on addresses that one does not hold.
    app.sign_up("second@example.com");
}

#[test]
fn a_verified_address_becomes_primary_and_the_old_one_can_go() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    let users = app.zalt.users();
    let second = add_verified(&app, &who, "second@example.com");
    assert!(matches!(
        app.mail_to("ada@example.com"),
        Notice::EmailAddressAdded { .. }
    ));
    let account = run(users.make_primary(&request(), &who, second.id)).unwrap();
    assert_eq!(
        account.primary(IdentifierKind::EmailAddress).unwrap().id,
        second.id
    );
    let first = account
        .identifiers
        .iter()
        .find(|identifier| !identifier.primary)
        .unwrap()
        .id;
    assert!(matches!(
        app.mail_to("ada@example.com"),
        Notice::PrimaryEmailAddressChanged { .. }
    ));
    app.clock.advance(std::time::Duration::from_millis(1));
    run(users.remove_email_address(&request(), &who, first)).unwrap();
    assert!(matches!(
        app.mail_to("ada@example.com"),
        Notice::EmailAddressRemoved { .. }
    ));
    assert!(matches!(
        run(users.remove_email_address(&request(), &who, second.id)),
        Err(Error::LastIdentifier)
    ));
    app.sign_in("second@example.com");
}

#[test]
fn two_removals_at_once_never_leave_an_account_without_an_address() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    let second = add_verified(&app, &who, "second@example.com");
    let account = run(app.zalt.users().find_account(who.user().id)).unwrap();
    let first = account
        .identifiers
        .iter()
        .find(|identifier| identifier.id != second.id)
        .unwrap()
        .id;
    let remove = |id| {
        let (app, who) = (&app, &who);
        async move {
            app.zalt
                .users()
                .remove_email_address(&request(), who, id)
                .await
        }
    };
    let (one, other) = run(join(remove(first), remove(second.id)));
    assert!(one.is_err() || other.is_err());
    assert_eq!(
        run(app.zalt.users().find_account(who.user().id))
            .unwrap()
            .identifiers
            .len(),
        1
    );
}

#[test]
fn a_verification_belongs_to_the_session_that_asked() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    let eve = signed_in(&app, "eve@example.com");
    let verifications = app.zalt.address_verifications();
    let added =
        run(app
            .zalt
            .users()
            .add_email_address(&request(), &who, email("second@example.com")))
        .unwrap();
    let foreign =
        run(verifications.prepare(&request(), &eve, added.id, ChallengeStrategy::EmailCode));
    assert!(matches!(foreign, Err(Error::NotFound)));
    let attempt =
        run(verifications.prepare(&request(), &who, added.id, ChallengeStrategy::EmailCode))
            .unwrap();
    let proof = Proof::code(&code_and_link(&app.mail_to("second@example.com")).0);
    let stolen = run(verifications.attempt_proof(&request(), &eve, attempt.id, &proof));
    assert!(matches!(stolen, Err(Error::AttemptNotFound)));
    run(verifications.attempt_proof(&request(), &who, attempt.id, &proof)).unwrap();
}

#[test]
fn somebody_elses_address_is_not_given_away() {
    let app = App::new();
    app.sign_up("eve@example.com");
    let who = signed_in(&app, "ada@example.com");
    let verifications = app.zalt.address_verifications();
    let added = run(app
        .zalt
        .users()
        .add_email_address(&request(), &who, email("eve@example.com")))
    .unwrap();
    let attempt =
        run(verifications.prepare(&request(), &who, added.id, ChallengeStrategy::EmailCode))
            .unwrap();
    assert!(matches!(
        app.mail_to("eve@example.com"),
        Notice::AccountExists { .. }
    ));
    let guess =
        run(verifications.attempt_proof(&request(), &who, attempt.id, &Proof::code("123456")));
    assert!(matches!(guess, Err(Error::CodeIncorrect)));
}

#[test]
fn changes_of_the_account_need_a_recent_authentication() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    app.clock.advance(11 * MINUTE);
    let users = app.zalt.users();
    let id = run(users.find_account(who.user().id)).unwrap().identifiers[0].id;
    let name = Some(Username::parse("ada").unwrap());
    let (sessions, other) = (
        app.zalt.sessions(),
        app.sign_in("ada@example.com").session.id,
    );
    let results = [
        run(users.add_email_address(&request(), &who, email("second@example.com"))).err(),
        run(users.make_primary(&request(), &who, id)).err(),
        run(users.remove_email_address(&request(), &who, id)).err(),
        run(users.set_username(&request(), &who, name)).err(),
        run(users.delete_own(&request(), &who)).err(),
        run(sessions.revoke(&request(), &who, other)).err(),
        run(sessions.revoke_others(&request(), &who)).err(),
        run(sessions.revoke_all(&request(), &who)).err(),
    ];
    for result in results {
        assert!(
            matches!(result, Some(Error::ReauthenticationRequired { .. })),
            "{result:?}"
        );
    }
    // To go oneself needs nothing.
    run(sessions.revoke(&request(), &who, who.session().id)).unwrap();
}

#[test]
fn a_username_is_set_changed_and_removed() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    let other = signed_in(&app, "eve@example.com");
    let set = |who: &Authenticated, name: Option<&str>| {
        let name = name.map(|name| Username::parse(name).unwrap());
        run(app.zalt.users().set_username(&request(), who, name))
    };
    set(&who, Some("ada")).unwrap();
    assert!(matches!(
        set(&other, Some("ADA")),
        Err(Error::UsernameTaken)
    ));
    set(&who, Some("Ada")).unwrap();
    set(&who, None).unwrap();
    set(&other, Some("ada")).unwrap();
}

#[test]
fn a_deleted_account_is_purged_after_its_time_and_its_address_is_free_again() {
    let app = App::new();
    let who = signed_in(&app, "ada@example.com");
    run(app.zalt.users().delete_own(&request(), &who)).unwrap();
    app.clock.advance(29 * DAY);
    run(app.worker.tidy());
    assert_eq!(
        run(app.zalt.store().user_count(&UserFilter::default())).unwrap(),
        1
    );
    app.clock.advance(2 * DAY);
    run(app.worker.tidy());
    assert_eq!(
        run(app.zalt.store().user_count(&UserFilter::default())).unwrap(),
        0
    );
    assert_eq!(app.events(who.user().id)[0], "user.purged");
    app.sign_up("ada@example.com");
}

/// Each reading is a millisecond after the one before.
#[derive(Debug, Default)]
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let ticks = self.0.fetch_add(1, Ordering::SeqCst);
        Timestamp::from_unix_millis(1_800_000_000_000 + ticks)
    }
}

#[test]
fn an_account_and_what_it_begins_with_are_of_one_instant() {
    let url = "https://auth.example.com";
    let builder = Zalt::builder(FaultyStore::default(), fresh_keys(), url)
        .clock(Arc::new(Ticking::default()))
        .mailer(Outbox::default());
    let (zalt, _worker) = run(builder.build()).unwrap();
    let new = NewUser {
        email_address: email("ada@example.com"),
        username: Some(Username::parse("ada").unwrap()),
        password: None,
        profile: Profile::default(),
        unsafe_metadata: Metadata::default(),
    };
    let user = run(zalt.users().create(&request(), new)).unwrap();
    let account = run(zalt.users().find_account(user.id)).unwrap();
    assert_eq!(account.identifiers.len(), 2);
    for identifier in account.identifiers {
        // An address that came with the account speaks for its owner from the first day.
        assert_eq!(identifier.verified_at, Some(user.created_at));
    }
}
