/// The kind of a token, as its `typ` header says it (RFC 7515, section 4.1.9; RFC 8725, section 3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenType(&'static str);

impl TokenType {
    /// An OAuth access token (RFC 9068, section 2.1).
    pub const ACCESS: Self = Self("at+jwt");
    /// A JWT of no more precise kind, such as an ID token.
    pub const JWT: Self = Self("JWT");

    /// A kind of its own, as a media type without `application/`.
    pub const fn new(media_type: &'static str) -> Self {
        Self(media_type)
    }

    /// The value of the `typ` header.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Media types compare without regard to case, and `application/` may be left out.
    pub(super) fn matches(self, typ: &str) -> bool {
        const PREFIX: &str = "application/";
        let short = match typ.split_at_checked(PREFIX.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
            _ => typ,
        };
        short.eq_ignore_ascii_case(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_the_application_prefix_do_not_matter() {
        for typ in [
            "at+jwt",
            "AT+JWT",
            "application/at+jwt",
            "Application/At+Jwt",
        ] {
            assert!(TokenType::ACCESS.matches(typ), "{typ}");
        }
        for typ in [
            "",
            "jwt",
            "at+jwt ",
            "application/",
            "application/application/at+jwt",
            "xat+jwt",
        ] {
            assert!(!TokenType::ACCESS.matches(typ), "{typ}");
        }
    }
}
