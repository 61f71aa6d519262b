//! Every view with made-up data, and what must hold for all of them.

mod account;
mod auth;
mod connections;
mod site;

use std::sync::Arc;

use askama::Template;

use super::{Alert, AlertKind, Moment, Page, Site, Viewer};
use crate::pages::{assets::Assets, theme::Theme};

/// What people typed. Tests fill it with markup, to see that none of it gets through.
struct Typed {
    email: String,
    first_name: String,
    last_name: String,
    device: String,
    text: String,
}

impl Typed {
    fn friendly() -> Self {
        Self {
            email: "ada@example.com".to_owned(),
            first_name: "Ada".to_owned(),
            last_name: "Lovelace".to_owned(),
            device: "Firefox on Linux".to_owned(),
            text: "Your sign-in code".to_owned(),
        }
    }

    fn hostile() -> Self {
        let markup = || "\"'><script>alert(1)</script>".to_owned();
        Self {
            email: markup(),
            first_name: markup(),
            last_name: markup(),
            device: markup(),
            text: markup(),
        }
    }
}

/// Makes pages and keeps what was rendered.
struct Samples {
    site: Arc<Site>,
    typed: Typed,
    rendered: Vec<(&'static str, String)>,
}

impl Samples {
    fn all(typed: Typed, theme: &Theme) -> Vec<(&'static str, String)> {
        let assets = Assets::new(theme);
        let mut samples = Self {
            site: Arc::new(Site::new(theme, &assets, true)),
            typed,
            rendered: Vec::new(),
        };
        samples.auth();
        samples.account();
        samples.connections();
        samples.site();
        samples.rendered
    }

    fn add(&mut self, name: &'static str, view: &impl Template) {
        self.rendered.push((name, view.render().unwrap()));
    }

    /// A page for a stranger on the way to somewhere.
    fn page(&self) -> Page {
        let mut page = Page::new(Arc::clone(&self.site), "csrf-1");
        page.return_to = Some("/account/sessions".to_owned());
        page
    }

    /// A page whose form came back.
    fn page_with_error(&self, field: &str, message: &str) -> Page {
        let mut page = self.page();
        page.errors.add(field, message);
        page
    }

    fn signed_in(&self) -> Page {
        let mut page = Page::new(Arc::clone(&self.site), "csrf-1");
        page.viewer = Some(Viewer {
            name: Some(format!(
                "{} {}",
                self.typed.first_name, self.typed.last_name
            )),
            email: self.typed.email.clone(),
        });
        page
    }

    fn signed_in_with(&self, kind: AlertKind, text: &str) -> Page {
        let mut page = self.signed_in();
        page.alert = Some(Alert {
            kind,
            text: text.to_owned(),
        });
        page
    }
}

fn moment(text: &str) -> Moment {
    Moment {
        rfc3339: "2026-05-12T14:03:00Z".to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn markup_that_people_type_is_shown_and_not_run() {
    for (name, html) in Samples::all(Typed::hostile(), &Theme::default()) {
        assert!(!html.contains("<script>"), "{name} lets a script through");
        assert!(!html.contains("\"'>"), "{name} lets an attribute end early");
    }
}

#[test]
fn nothing_is_inline_so_the_policy_can_be_strict() {
    for (name, html) in Samples::all(Typed::friendly(), &Theme::default()) {
        for inline in [
            " style=",
            "<style",
            " onclick=",
            " onload=",
            "javascript:",
            "http://",
            "https://",
        ] {
            // A hint may name https, a made-up mail may hold a link: only attributes load or run something.
            let found = match inline {
                "http://" | "https://" => html.contains(&format!("src=\"{inline}")),
                _ => html.contains(inline),
            };
            assert!(!found, "{name} holds {inline}");
        }
    }
}

#[test]
fn every_form_that_posts_carries_the_csrf_token() {
    for (name, html) in Samples::all(Typed::friendly(), &Theme::default()) {
        let forms: Vec<&str> = html.split("<form").skip(1).collect();
        for form in forms {
            let form = form.split("</form>").next().unwrap();
            assert!(form.contains("method=\"post\""), "{name}");
            assert!(
                form.contains("name=\"csrf_token\" value=\"csrf-1\""),
                "{name}"
            );
        }
    }
}

#[test]
fn every_page_has_its_landmarks_and_one_first_heading() {
    for (name, html) in Samples::all(Typed::friendly(), &Theme::default()) {
        assert!(
            html.starts_with("<!doctype html>\n<html lang=\"en\">"),
            "{name}"
        );
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert_eq!(html.matches("<main").count(), 1, "{name}");
        assert!(
            html.contains("href=\"#main\">Skip to content</a>"),
            "{name}"
        );
        assert!(html.contains(" – Zalt</title>"), "{name}");
    }
}

#[test]
fn every_label_and_description_points_at_something() {
    for (name, html) in Samples::all(Typed::friendly(), &Theme::default()) {
        for attribute in [
            " for=\"",
            "aria-describedby=\"",
            "aria-labelledby=\"",
            "data-reveal=\"",
        ] {
            for rest in html.split(attribute).skip(1) {
                for id in rest.split('"').next().unwrap().split(' ') {
                    let count = html.matches(&format!(" id=\"{id}\"")).count();
                    assert_eq!(count, 1, "{name}: {attribute}{id}");
                }
            }
        }
    }
}

#[test]
fn return_to_travels_with_the_forms_of_a_stranger() {
    let rendered = Samples::all(Typed::friendly(), &Theme::default());
    for name in [
        "sign-up",
        "sign-in",
        "sign-in-password",
        "sign-in-code",
        "reauthenticate",
    ] {
        let (_, html) = rendered.iter().find(|(this, _)| *this == name).unwrap();
        assert!(
            html.contains("name=\"return_to\" value=\"/account/sessions\""),
            "{name}"
        );
    }
}

#[test]
fn errors_are_tied_to_their_fields() {
    let rendered = Samples::all(Typed::friendly(), &Theme::default());
    let (_, html) = rendered
        .iter()
        .find(|(name, _)| *name == "sign-up-error")
        .unwrap();
    assert!(html.contains("<title>Error: Create your account"));
    assert!(html.contains(
        "autofocus aria-invalid=\"true\" aria-describedby=\"password-error password-hint\""
    ));
    assert!(!html.contains("Check what you entered"));
}

#[test]
fn several_errors_are_listed_at_the_top() {
    let rendered = Samples::all(Typed::friendly(), &Theme::default());
    let (_, html) = rendered
        .iter()
        .find(|(name, _)| *name == "sign-up-errors")
        .unwrap();
    assert!(html.contains("<a href=\"#password\">") && html.contains("<a href=\"#email\">"));
    assert_eq!(html.matches(" autofocus").count(), 1);
}

#[test]
fn a_real_site_shows_nothing_of_development() {
    let rendered = Samples::all(Typed::friendly(), &Theme::default());
    let (_, html) = rendered
        .iter()
        .find(|(name, _)| *name == "home-production")
        .unwrap();
    assert!(
        !html.contains("/dev/inbox")
            && !html.contains("Development mode")
            && !html.contains("/sign-up")
    );
}
