use crate::identifier::text_type;

/// An e-mail address that mail can be sent to: an addr-spec of RFC 5321 without comments, quoted strings or address
/// literals, with internationalised local parts (RFC 6531) and domains (UTS #46).
///
/// The address is kept as its owner wrote it and compared by [`EmailAddress::canonical`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress {
    address: String,
    at: usize,
    domain_ascii: String,
}

/// Why a text is not an [`EmailAddress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmailAddressError {
    /// More than 254 bytes (RFC 5321, section 4.5.3.1.3), or a local part of more than 64.
    #[error("an e-mail address has at most 254 bytes, 64 of them before the @")]
    TooLong,
    /// There is no `@`, or nothing before or after it.
    #[error("an e-mail address has the form name@example.com")]
    Shape,
    /// The part before the `@` has a character or a dot where none may stand.
    #[error("the part before the @ has a character that e-mail addresses can't have")]
    LocalPart,
    /// The part after the `@` is not the name of a mail domain.
    #[error("the part after the @ is not a domain name")]
    Domain,
}

impl EmailAddress {
    /// Reads an address; white space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, EmailAddressError> {
        let address = text.trim();
        if address.len() > 254 {
            return Err(EmailAddressError::TooLong);
        }
        let (local, domain) = address.rsplit_once('@').ok_or(EmailAddressError::Shape)?;
        if local.is_empty() || domain.is_empty() {
            return Err(EmailAddressError::Shape);
        }
        if local.len() > 64 {
            return Err(EmailAddressError::TooLong);
        }
        if !is_local_part(local) {
            return Err(EmailAddressError::LocalPart);
        }
        let domain_ascii = ascii_domain(domain).ok_or(EmailAddressError::Domain)?;
        if local.len() + 1 + domain_ascii.len() > 254 {
            return Err(EmailAddressError::TooLong);
        }
        Ok(Self {
            address: address.to_owned(),
            at: local.len(),
            domain_ascii,
        })
    }

    /// The address as its owner wrote it.
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The part before the `@`.
    pub fn local_part(&self) -> &str {
        self.address.get(..self.at).unwrap_or_default()
    }

    /// The domain in lower case and, where it has other than ASCII letters, in Punycode.
    pub fn domain(&self) -> &str {
        &self.domain_ascii
    }

    /// The form for the envelope of a mail: the local part as written and the ASCII domain.
    pub fn mailbox(&self) -> String {
        format!("{}@{}", self.local_part(), self.domain_ascii)
    }

    /// The form that addresses are compared by: NFC, lower case, ASCII domain.
    ///
    /// RFC 5321 leaves the case of a local part to its host; no host that matters tells two people apart by it, and
    /// a person who types their own address in capitals must reach their own account.
    pub fn canonical(&self) -> String {
        use unicode_normalization::UnicodeNormalization;
        let folded: String = self
            .local_part()
            .nfc()
            .flat_map(char::to_lowercase)
            .nfc()
            .collect();
        format!("{folded}@{}", self.domain_ascii)
    }

    /// The mailbox that the address most likely leads to: its [canonical](Self::canonical) form without what follows a `+`, which
    /// many hosts deliver all to one mailbox (RFC 5233). For counting mails only; addresses are never compared by it.
    pub fn without_tag(&self) -> String {
        let canonical = self.canonical();
        let Some((local, domain)) = canonical.rsplit_once('@') else {
            return canonical;
        };
        match local.split_once('+') {
            Some((before, _)) if !before.is_empty() => format!("{before}@{domain}"),
            _ => canonical,
        }
    }
}

text_type!(EmailAddress, EmailAddressError);

/// A dot-atom (RFC 5322, section 3.2.3) whose atoms may hold letters and digits of any script.
fn is_local_part(local: &str) -> bool {
    local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_atext(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        // Letters, digits and marks; no invisible, control, private or white-space characters to pass for another.
        c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c)
    }
}

/// At least two labels, valid by UTS #46 with the strict rules of DNS, and no numeric top-level label (an IP address).
fn ascii_domain(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii_strict(domain).ok()?;
    let (_, top) = ascii.rsplit_once('.')?;
    let plausible = !top.is_empty() && !top.bytes().all(|byte| byte.is_ascii_digit());
    plausible.then_some(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_reach_one_mailbox_have_one_canonical_form() {
        for (text, canonical) in [
            (" Ada@Example.COM ", "ada@example.com"),
            ("ada+shop@example.com", "ada+shop@example.com"),
            ("JÜRGEN@bücher.example", "jürgen@xn--bcher-kva.example"),
            (
                "ju\u{308}rgen@BÜCHER.example",
                "jürgen@xn--bcher-kva.example",
            ),
            ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"),
        ] {
            assert_eq!(EmailAddress::parse(text).unwrap().canonical(), canonical);
        }
    }

    #[test]
    fn the_address_is_kept_as_written() {
        let address = EmailAddress::parse("Ada.Lovelace@BÜCHER.example").unwrap();
        assert_eq!(address.as_str(), "Ada.Lovelace@BÜCHER.example");
        assert_eq!(address.mailbox(), "Ada.Lovelace@xn--bcher-kva.example");
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        use EmailAddressError::{Domain, LocalPart, Shape, TooLong};
        for (text, reason) in [
            ("", Shape),
            ("ada", Shape),
            ("@example.com", Shape),
            ("ada@", Shape),
            ("ada@@example.com", LocalPart),
            ("ada..l@example.com", LocalPart),
            (".ada@example.com", LocalPart),
            ("ada l@example.com", LocalPart),
            ("ada\r\nBcc:x@example.com", LocalPart),
            ("\"ada\"@example.com", LocalPart),
            ("a\u{200b}da@example.com", LocalPart),
            ("ada@example", Domain),
            ("ada@127.0.0.1", Domain),
            ("ada@[127.0.0.1]", Domain),
            ("ada@exa mple.com", Domain),
            ("ada@-example.com", Domain),
            ("ada@example..com", Domain),
            ("ada@example.com.", Domain),
        ] {
            assert_eq!(EmailAddress::parse(text), Err(reason), "{text}");
        }
        assert_eq!(
            EmailAddress::parse(&format!("{}@example.com", "a".repeat(65))),
            Err(TooLong)
        );
        assert_eq!(
            EmailAddress::parse(&format!("a@{}.com", "b".repeat(300))),
            Err(TooLong)
        );
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics_and_is_stable(text in "\\PC{0,80}|[a-zA-Z.@+ü]{1,40}@[a-zA-Z.ü-]{1,40}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                let again = EmailAddress::parse(&address.canonical()).unwrap();
                proptest::prop_assert_eq!(again.canonical(), address.canonical());
            }
        }
    }
}
