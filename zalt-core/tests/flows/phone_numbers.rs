use std::time::Duration;

use zalt_core::attempt::{Attempt, ChallengePurpose, ChallengeStrategy, Proof};
use zalt_core::budget::Budget;

use zalt_core::event::EventKind;
use zalt_core::identifier::{Identifier, IdentifierKind, PhoneNumber, Region};
use zalt_core::message::Notice;
use zalt_core::session::{Authenticated, Transport};
use zalt_core::store::{EventFilter, PageLimit, PageRequest};
use zalt_core::{BuildError, Config, ConfigError, Error, RequestContext, Zalt};

use crate::faults::FaultyStore;
use crate::support::*;

pub(crate) const NUMBER: &str = "+436601234567";

pub(crate) fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

/// Austria and Germany, with limits that don't get in the way.
pub(crate) fn two_countries(config: &mut Config) {
    let numbers = &mut config.phone_numbers;
    numbers.countries = vec![Region::parse("AT").unwrap(), Region::parse("DE").unwrap()];
    let many = Budget::Rate {
        tries: 1_000,
        period: HOUR,
    };
    config.budgets.messages_per_address = many;
    config.budgets.network = many;
    let numbers = &mut config.phone_numbers;
    numbers.messages_per_number = many;
    numbers.messages_per_block = many;
    numbers.messages_per_user = many;
    numbers.messages_per_network = many;
    numbers.messages = many;
    numbers.unanswered_per_country = many;
}

fn rate(tries: u32) -> Budget {
    Budget::Rate {
        tries,
        period: HOUR,
    }
}

pub(crate) fn signed_up(app: &App, address: &str) -> Authenticated {
    app.authenticated(&app.sign_up(address))
}

fn add(app: &App, who: &Authenticated, text: &str) -> Result<Identifier, Error> {
    let users = app.zalt.users();
    run(users.add_phone_number(&request(), who, number(text)))
}

fn prepare(app: &App, who: &Authenticated, added: &Identifier) -> Result<Attempt, Error> {
    let verifications = app.zalt.address_verifications();
    run(verifications.prepare(&request(), who, added.id, ChallengeStrategy::SmsCode))
}

fn verify(
    app: &App,
    who: &Authenticated,
    attempt: &Attempt,
    code: &str,
) -> Result<Identifier, Error> {
    let verifications = app.zalt.address_verifications();
    run(verifications.attempt_proof(&request(), who, attempt.id, &Proof::code(code)))
}

pub(crate) fn add_verified(app: &App, who: &Authenticated, text: &str) -> Identifier {
    let added = add(app, who, text).unwrap();
    let attempt = prepare(app, who, &added).unwrap();
    verify(app, who, &attempt, &app.text_code(number(text).as_str())).unwrap()
}

fn is_limited<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::RateLimited { .. }))
}

#[test]
fn a_number_is_added_verified_made_primary_and_removed() {
    let app = App::with(two_countries);
    let who = signed_up(&app, "ada@example.com");
    let added = add(&app, &who, "+43 660 1234567").unwrap();
    assert_eq!((added.verified_at, added.primary), (None, false));
    let key = added.value.key();
    let owner = || run(app.zalt.store().account_by_identifier(&key)).unwrap();
    assert_eq!(owner(), None, "it leads nowhere until it is verified");

    let attempt = prepare(&app, &who, &added).unwrap();
    let code = app.text_code(NUMBER);
    assert!(matches!(
        verify(&app, &who, &attempt, &wrong(&code)),
        Err(Error::CodeIncorrect)
    ));
    let verified = verify(&app, &who, &attempt, &code).unwrap();
    assert!(verified.primary && verified.verified_at.is_some());
    assert_eq!(owner().unwrap().user.id, who.user().id);
    assert!(matches!(
        app.mail_to("ada@example.com"),
        Notice::PhoneNumberAdded { number } if number == NUMBER
    ));
    assert!(matches!(
        verify(&app, &who, &attempt, &code),
        Err(Error::CodeIncorrect),
    ));

    let second = add_verified(&app, &who, "+4915112345678");
    assert!(!second.primary);
    let users = app.zalt.users();
    let account = run(users.make_primary(&request(), &who, second.id)).unwrap();
    let primary = |kind| account.primary(kind).unwrap().value.as_str().to_owned();
    assert_eq!(primary(IdentifierKind::PhoneNumber), "+4915112345678");
    assert_eq!(primary(IdentifierKind::EmailAddress), "ada@example.com");

    assert_eq!(
        app.mails_to("ada@example.com"),
        3,
        "a code, and two numbers"
    );
    run(users.remove_phone_number(&request(), &who, second.id)).unwrap();
    assert!(matches!(
        app.mail_to("ada@example.com"),
        Notice::PhoneNumberRemoved { number } if number == "+4915112345678"
    ));
    let account = run(users.find_account(who.user().id)).unwrap();
    assert_eq!(
        account.primary(IdentifierKind::PhoneNumber).unwrap().id,
        verified.id
    );
    run(users.remove_phone_number(&request(), &who, verified.id)).unwrap();
    assert_eq!(owner(), None, "the last number may go");
}

#[test]
fn a_number_and_an_address_are_not_mixed_up() {
    let app = App::with(two_countries);
    let who = signed_up(&app, "ada@example.com");
    let users = app.zalt.users();
    let added = add(&app, &who, NUMBER).unwrap();
    assert!(matches!(
        run(users.remove_email_address(&request(), &who, added.id)),
        Err(Error::NotFound)
    ));
    let verifications = app.zalt.address_verifications();
    for strategy in [ChallengeStrategy::EmailCode, ChallengeStrategy::EmailLink] {
        assert!(matches!(
            run(verifications.prepare(&request(), &who, added.id, strategy)),
            Err(Error::NotFound)
        ));
    }
    let account = run(users.find_account(who.user().id)).unwrap();
    let email = account.primary(IdentifierKind::EmailAddress).unwrap().id;
    assert!(matches!(
        run(users.remove_phone_number(&request(), &who, email)),
        Err(Error::NotFound)
    ));
    assert!(matches!(
        add(&app, &who, NUMBER),
        Err(Error::PhoneNumberTaken)
    ));
}

#[test]
fn a_number_of_somebody_else_is_not_told_from_a_free_one() {
    let app = App::with(two_countries);
    add_verified(&app, &signed_up(&app, "ada@example.com"), NUMBER);
    let mallory = signed_up(&app, "mallory@example.com");
    let (taken, free) = (
        add(&app, &mallory, NUMBER).unwrap(),
        add(&app, &mallory, "+436607654321").unwrap(),
    );
    let [on_taken, on_free] = [&taken, &free].map(|added| prepare(&app, &mallory, added).unwrap());
    assert_eq!(on_taken.sent_messages, on_free.sent_messages);
    assert_eq!(
        app.texts_to(NUMBER).last(),
        Some(&Notice::AccountExists {
            sign_in_url: Some("https://auth.example.com/sign-in".to_owned())
        }),
        "its owner is told, and no code goes out"
    );
    for attempt in [&on_taken, &on_free] {
        assert!(matches!(
            verify(&app, &mallory, attempt, "000000"),
            Err(Error::CodeIncorrect)
        ));
    }
}

#[test]
fn a_code_counts_for_the_session_the_attempt_and_ten_minutes() {
    let app = App::with(two_countries);
    let who = signed_up(&app, "ada@example.com");
    let added = add(&app, &who, NUMBER).unwrap();
    let first = prepare(&app, &who, &added).unwrap();
    let first_code = app.text_code(NUMBER);
    let other_session = app.authenticated(&app.sign_in("ada@example.com"));
    assert!(matches!(
        verify(&app, &other_session, &first, &first_code),
        Err(Error::AttemptNotFound)
    ));
    let second = prepare(&app, &who, &added).unwrap();
    let second_code = app.text_code(NUMBER);
    assert!(
        matches!(
            verify(&app, &who, &first, &first_code),
            Err(Error::CodeIncorrect)
        ),
        "a newer code voids the older"
    );
    app.clock.advance(10 * MINUTE);
    assert!(matches!(
        verify(&app, &who, &second, &second_code),
        Err(Error::CodeIncorrect)
    ));
}

#[test]
fn five_wrong_codes_end_an_attempt() {
    let app = App::with(two_countries);
    let who = signed_up(&app, "ada@example.com");
    let added = add(&app, &who, NUMBER).unwrap();
    let attempt = prepare(&app, &who, &added).unwrap();
    let code = app.text_code(NUMBER);
    for _ in 0..5 {
        assert!(matches!(
            verify(&app, &who, &attempt, &wrong(&code)),
            Err(Error::CodeIncorrect)
        ));
    }
    assert!(matches!(
        verify(&app, &who, &attempt, &code),
        Err(Error::AttemptExhausted)
    ));
}

#[test]
fn only_mobile_numbers_of_the_countries_that_are_served_are_taken() {
    let app = App::with(two_countries);
    let who = signed_up(&app, "ada@example.com");
    for refused in [
        "+447911123456",
        "+12025550173",
        "+43158858",
        "+43900123456",
        "+43800123456",
        "+43780123456",
    ] {
        assert!(
            matches!(add(&app, &who, refused), Err(Error::PhoneNumberNotAllowed)),
            "{refused}"
        );
    }
    let nowhere = App::new();
    let who = signed_up(&nowhere, "ada@example.com");
    assert!(matches!(
        add(&nowhere, &who, NUMBER),
        Err(Error::PhoneNumberNotAllowed)
    ));
}

#[test]
fn a_country_that_is_served_no_longer_gets_no_code() {
    let store = FaultyStore::default();
    let keys = fresh_keys();
    let before = App::over(store.clone(), &keys, two_countries);
    let signed_in = before.sign_up("ada@example.com");
    let added = add(&before, &before.authenticated(&signed_in), NUMBER).unwrap();
    let after = App::over(store, &keys, |config| {
        two_countries(config);
        config.phone_numbers.countries = vec![Region::parse("DE").unwrap()];
    });
    assert!(matches!(
        prepare(&after, &after.authenticated(&signed_in), &added),
        Err(Error::PhoneNumberNotAllowed)
    ));
}

#[test]
fn numbers_need_somebody_who_sends_text_messages() {
    let built = Zalt::builder(
        FaultyStore::default(),
        fresh_keys(),
        "https://auth.example.com",
    )
    .mailer(Outbox::default())
    .configure(two_countries)
    .build();
    assert!(matches!(
        run(built).map(drop),
        Err(BuildError::Config(ConfigError::SmsSender))
    ));
}

#[test]
fn one_number_gets_few_messages_an_hour_whoever_asks() {
    let app = App::with(|config| {
        two_countries(config);
        config.phone_numbers.messages_per_number = rate(2);
    });
    for address in ["ada@example.com", "ben@example.com"] {
        let who = signed_up(&app, address);
        prepare(&app, &who, &add(&app, &who, NUMBER).unwrap()).unwrap();
    }
    let who = signed_up(&app, "eve@example.com");
    let added = add(&app, &who, NUMBER).unwrap();
    assert!(is_limited(&prepare(&app, &who, &added)));
    let other = add(&app, &who, "+436607654321").unwrap();
    prepare(&app, &who, &other).unwrap();
    app.clock.advance(HOUR);
    prepare(&app, &who, &added).unwrap();
}

#[test]
fn neighbours_share_a_limit() {
    let app = App::with(|config| {
        two_countries(config);
        config.phone_numbers.messages_per_block = rate(3);
    });
    let who = signed_up(&app, "ada@example.com");
    let send = |text: &str| prepare(&app, &who, &add(&app, &who, text).unwrap());
    for text in ["+436601230001", "+436601230002", "+436601230003"] {
        send(text).unwrap();
    }
    assert!(is_limited(&send("+436601239999")));
    send("+436601240001").unwrap();
}

#[test]
fn one_network_gets_few_messages_for_whatever_numbers() {
    let app = App::with(|config| {
        two_countries(config);
        config.phone_numbers.messages_per_network = rate(2);
    });
    let who = signed_up(&app, "ada@example.com");
    let verifications = app.zalt.address_verifications();
    let send = |ip: &str, text: &str| {
        let from = RequestContext::internal().with_ip(ip.parse().unwrap());
        let added = add(&app, &who, text).unwrap();
        run(verifications.prepare(&from, &who, added.id, ChallengeStrategy::SmsCode))
    };
    send("203.0.113.7", "+436601230001").unwrap();
    send("203.0.113.7", "+436602230001").unwrap();
    assert!(is_limited(&send("203.0.113.7", "+436603230001")));
    send("203.0.113.8", "+436604230001").unwrap();
}

/// The events of text messages that were held back.
fn stops(app: &App) -> Vec<(Option<Region>, Option<Duration>)> {
    let filter = EventFilter {
        user_id: None,
        kind: Some("text_messages.stopped".to_owned()),
    };
    let page = PageRequest {
        after: None,
        limit: PageLimit::MAX,
    };
    let events = run(app.zalt.store().events(&filter, page)).unwrap();
    let now = app.zalt.now();
    let stop = |kind| match kind {
        EventKind::TextMessagesStopped { region, until } => {
            (region, until.map(|until| until.since(now)))
        }
        other => panic!("{other:?}"),
    };
    events
        .data
        .into_iter()
        .map(|event| stop(event.kind))
        .collect()
}

#[test]
fn all_together_cost_no_more_than_the_cap() {
    let app = App::with(|config| {
        two_countries(config);
        config.phone_numbers.messages = rate(2);
    });
    let who = signed_up(&app, "ada@example.com");
    let send = |text: &str| prepare(&app, &who, &add(&app, &who, text).unwrap());
    send("+436601230001").unwrap();
    send("+4915112345678").unwrap();
    for text in ["+436602230001", "+4915212345678"] {
        assert!(is_limited(&send(text)));
    }
    assert_eq!(stops(&app), [(None, Some(30 * MINUTE))], "noted once");
}

#[test]
fn a_country_from_which_no_code_comes_back_is_stopped_for_a_while() {
    let app = App::with(|config| {
        two_countries(config);
        config.phone_numbers.unanswered_per_country = rate(4);
    });
    let who = signed_up(&app, "ada@example.com");
    let send = |text: &str| prepare(&app, &who, &add(&app, &who, text).unwrap());
    for last in 1..=4 {
        send(&format!("+43660123000{last}")).unwrap();
    }
    for last in 5..=6 {
        assert!(is_limited(&send(&format!("+43660123000{last}"))));
    }
    let austria = Some(Region::parse("AT").unwrap());
    assert_eq!(stops(&app), [(austria, Some(15 * MINUTE))], "noted once");
    // Elsewhere they go on.
    let german = add_verified(&app, &who, "+4915112345678");
    assert!(german.verified_at.is_some());

    // After the while one goes through, and that it comes back lets another one through: one, and not all.
    app.clock.advance(15 * MINUTE);
    let who = app.authenticated(&app.sign_in("ada@example.com"));
    let added = add(&app, &who, "+436601230007").unwrap();
    let attempt = prepare(&app, &who, &added).unwrap();
    let again = add(&app, &who, "+436601230008").unwrap();
    assert!(is_limited(&prepare(&app, &who, &again)));
    verify(&app, &who, &attempt, &app.text_code("+436601230007")).unwrap();
    prepare(&app, &who, &again).unwrap();
    let more = add(&app, &who, "+436601230009").unwrap();
    assert!(is_limited(&prepare(&app, &who, &more)));
}

#[test]
fn one_user_gets_few_messages_to_whatever_numbers() {
    let app = App::with(|config| {
        two_countries(config);
        config.first_factors.sms_code = true;
        config.phone_numbers.messages_per_user = rate(3);
    });
    let who = signed_up(&app, "ada@example.com");
    add_verified(&app, &who, NUMBER);
    let send = |who: &Authenticated, text: &str| prepare(&app, who, &add(&app, who, text).unwrap());
    for text in ["+436601230001", "+436602230001"] {
        send(&who, text).unwrap();
    }
    assert!(is_limited(&send(&who, "+4915112345678")));
    send(&signed_up(&app, "ben@example.com"), "+4915112345679").unwrap();
    // What others ask for is counted apart, and is spent without a word.
    for sent in 1..=5_usize {
        let sign_ins = app.zalt.sign_ins();
        let started = run(sign_ins.create(&request(), NUMBER, Transport::Cookie)).unwrap();
        let (purpose, strategy) = (ChallengePurpose::SignIn, ChallengeStrategy::SmsCode);
        run(sign_ins.prepare(&request(), &started.token, purpose, strategy)).unwrap();
        assert_eq!(app.texts_to(NUMBER).len(), 1 + sent.min(3));
    }
}

#[test]
fn nobody_keeps_a_number_from_being_verified_for_good() {
    let app = App::with(|config| {
        two_countries(config);
        config.attempts.max_failed_codes = 10;
    });
    let guess = |who: &Authenticated, added: &Identifier| {
        let attempt = prepare(&app, who, added).unwrap();
        loop {
            match verify(&app, who, &attempt, "12345") {
                Err(Error::CodeIncorrect) => {}
                Err(error) => return error,
                Ok(verified) => panic!("{verified:?}"),
            }
        }
    };
    let eve = signed_up(&app, "eve@example.com");
    let ada = signed_up(&app, "ada@example.com");
    let (of_eve, of_ada) = (
        add(&app, &eve, NUMBER).unwrap(),
        add(&app, &ada, NUMBER).unwrap(),
    );
    // Far more than a hundred, by somebody who has nothing else to do.
    for _ in 0..30 {
        while !matches!(guess(&eve, &of_eve), Error::RateLimited { .. }) {}
        app.clock.advance(HOUR);
        let Error::RateLimited { retry_after } = guess(&eve, &of_eve) else {
            continue;
        };
        assert!(
            retry_after.is_some_and(|wait| wait <= DAY),
            "{retry_after:?}"
        );
    }
    // The owner gets through at any time. (What is queued together arrives in any order.)
    app.texts_to(NUMBER);
    let attempt = prepare(&app, &ada, &of_ada).unwrap();
    let wrong = verify(&app, &ada, &attempt, "12345");
    assert!(matches!(wrong, Err(Error::CodeIncorrect)));
    verify(&app, &ada, &attempt, &app.text_code(NUMBER)).unwrap();
}

#[test]
fn limits_hold_across_replicas() {
    let (store, keys) = (FaultyStore::default(), fresh_keys());
    let configure = |config: &mut Config| {
        two_countries(config);
        config.phone_numbers.messages = rate(2);
    };
    let here = App::over(store.clone(), &keys, configure);
    let there = App::over(store, &keys, configure);
    let signed_in = here.sign_up("ada@example.com");
    for (app, text) in [(&here, "+436601230001"), (&there, "+436602230001")] {
        let who = app.authenticated(&signed_in);
        prepare(app, &who, &add(app, &who, text).unwrap()).unwrap();
    }
    for (app, text) in [(&here, "+436603230001"), (&there, "+436604230001")] {
        let who = app.authenticated(&signed_in);
        assert!(is_limited(&prepare(
            app,
            &who,
            &add(app, &who, text).unwrap()
        )));
    }
}
