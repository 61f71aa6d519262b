//! `EmailAddress::parse`: what it accepts is safe in a mail's header and stays the same address.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zalt_core::identifier::EmailAddress;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(address) = EmailAddress::parse(text) else {
        return;
    };
    assert_eq!(
        EmailAddress::parse(address.as_str()).as_ref(),
        Ok(&address),
        "an address kept as written reads as another one"
    );

    // A line break or a comma in here would let a stranger add headers or recipients.
    let mailbox = address.mailbox();
    assert!(mailbox.len() <= 254, "too long for an SMTP envelope");
    assert!(
        !mailbox
            .contains(|c: char| c.is_control() || c.is_whitespace() || "<>,;:\"()[]\\".contains(c)),
        "a character that means something in an address list"
    );
    assert_eq!(mailbox.matches('@').count(), 1);
    assert!(address.domain().is_ascii());

    // Two spellings with one canonical form are one account: that form must be a fixed point.
    let canonical = address.canonical();
    if let Ok(again) = EmailAddress::parse(&canonical) {
        assert_eq!(again.canonical(), canonical);
    }
});
