//! `PasswordPhc::parse`: what it accepts is kept as it is, stays out of `Debug`, and can be checked.
//!
//! The first line of the input is the hash, what follows is the password.

#![no_main]

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

use futures_executor::block_on;
use libfuzzer_sys::fuzz_target;
use zalt_core::SystemRng;
use zalt_core::password::danger::insecure_params_for_tests;
use zalt_core::password::{
    ForeignHashKeys, HashError, HashingConfig, HashingPool, Password, PasswordPhc, Scheme,
};

/// A number above this makes a hash too slow to check a thousand times a second.
const CHEAP: u64 = 64;

static POOL: LazyLock<HashingPool> = LazyLock::new(|| {
    let mut config = HashingConfig::default();
    config.params = insecure_params_for_tests();
    config.threads = NonZeroUsize::MIN;
    let keys = ForeignHashKeys::default()
        .with_firebase("main", &"A".repeat(88))
        .expect("a sound key");
    HashingPool::new(config, keys, Arc::new(SystemRng)).expect("a sound configuration")
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (text, password) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(stored) = PasswordPhc::parse(text) else {
        return;
    };
    assert_eq!(stored.as_str(), text);
    let debug = format!("{stored:?}");
    for field in text.split('$').filter(|field| field.len() >= 16) {
        assert!(
            !debug.contains(field),
            "a part of the hash is in its Debug output"
        );
    }

    let Ok(password) = Password::parse(password) else {
        return;
    };
    if is_cheap(text, stored.scheme()) {
        match block_on(POOL.verify(password, Some(stored))) {
            Ok(_) | Err(HashError::UnknownKey | HashError::TooExpensive) => {}
            Err(error) => panic!("an accepted hash can't be checked: {error}"),
        }
    }
});

fn is_cheap(text: &str, scheme: Scheme) -> bool {
    match scheme {
        Scheme::Bcrypt => text.get(4..6) == Some("04"),
        Scheme::Scrypt | Scheme::FirebaseScrypt => numbers(text).all(|number| number <= 8),
        _ => numbers(text).all(|number| number <= CHEAP),
    }
}

/// Every number between the marks that can stand around a parameter.
fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split(['$', ',', '='])
        .filter_map(|part| part.parse().ok())
}
