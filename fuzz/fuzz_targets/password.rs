//! `Password::parse` and the policy: one normal form, counted and compared without a surprise.
//!
//! The first line of the input is a word of the account, what follows is the password.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zalt_core::password::{Password, PasswordPolicy, PasswordRefusal};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (word, password) = text.split_once('\n').unwrap_or(("", text));
    let Ok(password) = Password::parse(password) else {
        return;
    };
    // Else the form at sign-up and the form at sign-in could differ.
    let again = Password::parse(password.expose()).expect("the normal form is no longer");
    assert_eq!(again.expose(), password.expose());

    let policy = PasswordPolicy::default();
    let length = password.code_points();
    match policy.check(&password, &[word]) {
        Ok(()) => assert!((policy.min_length()..=policy.max_length()).contains(&length)),
        Err(PasswordRefusal::TooShort { min }) => assert!(length < min),
        Err(PasswordRefusal::TooLong { max }) => assert!(length > max),
        Err(_) => {}
    }
});
