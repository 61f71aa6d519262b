//! "This wasn't me", and the way back into a frozen account.

use std::time::Duration;

use http::StatusCode;

use super::browser::{ADA, Browser, PASSWORD, Server, first_factor};

const WEEK: Duration = Duration::from_hours(7 * 24);
const NEW_PASSWORD: &str = "quite another phrase";
const ADDED: [&str; 2] = ["eve@example.com", "ada@example.org"];

/// Ada long after she signed up, and a browser in which two addresses were just added to her account.
async fn intruded(server: &Server) -> Browser<'_> {
    server.signed_up().await;
    server.advance(2 * WEEK);
    let mut browser = server.browser();
    first_factor(&mut browser).await;
    for added in ADDED {
        browser.open("/account/emails").await;
        browser.submit("/account/emails", &[("email", added)]).await;
        let code = server.code_for(added).await;
        let (id, attempt) = (
            browser.hidden("id").unwrap(),
            browser.hidden("attempt").unwrap(),
        );
        let fields = [("id", &*id), ("attempt", &*attempt), ("code", &*code)];
        browser.submit("/account/emails/verify", &fields).await;
        assert!(browser.shows("The address is verified."));
    }
    browser
}

/// The secret of the newest link with which Ada says that it wasn't her.
async fn safety_token(server: &Server) -> String {
    let mail = server.mail_to(ADA).await;
    let link = mail.safety_link.clone().unwrap();
    link.split_once("token=").unwrap().1.to_owned()
}

/// Freezes the account and opens the mail that recovers it.
async fn freeze_and_recover<'s>(server: &'s Server, owner: &mut Browser<'s>) {
    let token = safety_token(server).await;
    owner.open(&format!("/safety/link?token={token}")).await;
    owner.submit("/safety/link", &[("token", &token)]).await;
    assert!(owner.shows("Your account is frozen"));
    let (path, token) = server.link_for(ADA).await;
    owner.open(&path).await;
    assert!(owner.shows("Recover your account"));
    owner.submit("/recovery/link", &[("token", &token)]).await;
    assert_eq!(owner.path, "/password/new");
    let new = [("new_password", NEW_PASSWORD), ("sign_out_others", "true")];
    owner.submit("/password/new", &new).await;
    assert_eq!(owner.path, "/recovery/review");
}

/// The name of the box beside something that was added.
fn box_of(browser: &Browser<'_>, name: &str) -> String {
    let (before, _) = browser
        .page
        .split_once(&format!(">{name}</label>"))
        .unwrap();
    let (_, field) = before.rsplit_once("for=\"").unwrap();
    field.trim_end_matches('"').to_owned()
}

#[tokio::test]
async fn opening_the_page_does_nothing_and_pressing_the_button_freezes() {
    let server = Server::new().await;
    let mut intruder = intruded(&server).await;
    let token = safety_token(&server).await;
    let mut owner = server.browser();
    let reply = owner.open(&format!("/safety/link?token={token}")).await;
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    assert!(owner.shows("Freeze my account"));
    intruder.open("/account").await;
    assert_eq!(intruder.path, "/account");

    owner.submit("/safety/link", &[("token", &token)]).await;
    assert!(owner.shows("Your account is frozen"));
    intruder.open("/account").await;
    assert!(intruder.path.starts_with("/sign-in"));
    first_factor(&mut intruder).await;
    assert!(intruder.shows("This account is frozen."));

    // As long as it is frozen, the link sends the way back again.
    owner.open(&format!("/safety/link?token={token}")).await;
    let reply = owner.submit("/safety/link", &[("token", &token)]).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(owner.shows("Your account is frozen"));
}

#[tokio::test]
async fn a_link_that_froze_does_nothing_once_the_account_is_recovered() {
    let server = Server::new().await;
    intruded(&server).await;
    let token = safety_token(&server).await;
    let mut owner = server.browser();
    freeze_and_recover(&server, &mut owner).await;
    owner.submit("/recovery/review", &[]).await;
    assert!(owner.shows("Your account is yours again."));
    owner.open(&format!("/safety/link?token={token}")).await;
    let reply = owner.submit("/safety/link", &[("token", &token)]).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(owner.shows("This link doesn’t work any more"));
}

#[tokio::test]
async fn what_is_ticked_stays_and_everything_else_goes() {
    let server = Server::new().await;
    intruded(&server).await;
    let mut owner = server.browser();
    freeze_and_recover(&server, &mut owner).await;
    assert!(!owner.shows(" checked"), "nothing is kept unasked");
    let kept = box_of(&owner, ADDED[1]);
    owner.submit("/recovery/review", &[(&kept, "true")]).await;
    assert_eq!(owner.path, "/sign-in/password");
    assert!(owner.shows("Your account is yours again."));
    let password = [("password", NEW_PASSWORD)];
    owner.submit("/sign-in/password", &password).await;
    owner.open("/account/emails").await;
    assert!(owner.shows(ADDED[1]) && owner.shows(ADA));
    assert!(!owner.shows(ADDED[0]));
    let reply = owner.open("/recovery/review").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_ne!(owner.path, "/recovery/review", "it is over");
}

#[tokio::test]
async fn a_form_that_was_made_up_lifts_no_freeze() {
    let server = Server::new().await;
    intruded(&server).await;
    let mut owner = server.browser();
    freeze_and_recover(&server, &mut owner).await;
    for made_up in ["keep-identifier-nonsense", "keep", "decision"] {
        let reply = owner.post("/recovery/review", &[(made_up, "true")]).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{made_up}");
    }
    let mut stranger = server.browser();
    first_factor(&mut stranger).await;
    assert!(stranger.shows("That is not right"));
    assert!(!stranger.is_signed_in());
    owner.open("/recovery/review").await;
    owner.submit("/recovery/review", &[]).await;
    owner
        .submit("/sign-in/password", &[("password", PASSWORD)])
        .await;
    assert!(!owner.is_signed_in(), "the password of before is gone");
}

#[tokio::test]
async fn a_garbled_link_is_an_old_one() {
    let server = Server::new().await;
    let mut browser = server.browser();
    for path in ["/safety/link", "/recovery/link?token=nonsense"] {
        browser.open(path).await;
        assert!(browser.shows("This link doesn’t work any more"), "{path}");
    }
    browser.open("/recovery/review").await;
    assert_eq!(browser.path, "/sign-in");
}
