//! What in a notice must not be repeated anywhere else.

use zalt_core::message::Notice;

/// The code, and the parts of the link that are long enough to be a token.
pub(crate) fn secrets(notice: &Notice) -> Vec<&str> {
    let tokens = notice
        .link()
        .unwrap_or_default()
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        .filter(|part| part.len() >= 16);
    tokens
        .chain(notice.code().filter(|code| !code.is_empty()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_and_the_token_of_a_link_are_secrets() {
        let notice = Notice::SignIn {
            code: "123456".to_owned(),
            link: Some("https://acme.example/go?token=abcdefghij_klmno-pqr&x=1".to_owned()),
            valid_minutes: 10,
        };
        assert_eq!(secrets(&notice), ["abcdefghij_klmno-pqr", "123456"]);
        assert!(secrets(&Notice::PasswordChanged).is_empty());
    }
}
