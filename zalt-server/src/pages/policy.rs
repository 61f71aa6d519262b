//! Content security policies of the hosted pages.

use super::theme::LogoUrl;

/// For the HTML of a mail in the dev inbox, served at an address of its own: an opaque origin without script, forms
/// or outside loads, shown only in a frame of our own page.
pub(crate) const MAIL_BODY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// For every page.
pub(crate) fn page(logo: Option<&LogoUrl>) -> String {
    with_frames(logo, "'none'")
}

/// For the page of the dev inbox that frames a mail.
pub(crate) fn mail_page(logo: Option<&LogoUrl>) -> String {
    with_frames(logo, "'self'")
}

fn with_frames(logo: Option<&LogoUrl>, frames: &str) -> String {
    let logo = logo.and_then(LogoUrl::origin);
    let (space, logo) = logo.map_or(("", ""), |origin| (" ", origin));
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:{space}{logo}; \
         connect-src 'self'; frame-src {frames}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::{mail_page, page};
    use crate::pages::theme::LogoUrl;

    #[test]
    fn pages_allow_nothing_inline_and_no_other_origin() {
        assert_eq!(
            page(None),
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
             connect-src 'self'; frame-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        );
    }

    #[test]
    fn only_the_origin_of_a_foreign_logo_is_added() {
        let logo = LogoUrl::parse("https://cdn.example.com/a.png");
        assert!(page(logo.as_ref()).contains("img-src 'self' data: https://cdn.example.com;"));
        assert!(mail_page(None).contains("frame-src 'self';"));
    }
}
