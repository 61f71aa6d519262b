use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;

use crate::refresh::refresh;
use crate::support::{Client, Mailbox};

/// What the server acknowledged, by user, and what it was asked and did not get to answer.
#[derive(Default)]
pub(super) struct Ledger {
    users: Mutex<Vec<Arc<User>>>,
    /// How many of them were checked after a restart.
    checked: Mutex<usize>,
    next: AtomicU64,
}

/// One user of the test.
#[derive(Debug)]
pub(super) struct User {
    email: String,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Default)]
struct State {
    begun: bool,
    signed_up: bool,
    password: String,
    /// Sent as the new one; not acknowledged yet.
    next_password: Option<String>,
    passwords_changed: u32,
    access_token: String,
    refresh_token: String,
    /// Its rotation was asked for and not acknowledged.
    refreshing: bool,
    rotations: u32,
    session: Session,
}

/// What is known of the session of a sign-up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Session {
    #[default]
    Live,
    /// The end was asked for and not acknowledged.
    Ending,
    Ended,
}

impl Ledger {
    pub(super) fn newcomer(&self) -> Arc<User> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let user = Arc::new(User {
            email: format!("person-{number}@example.com"),
            state: Mutex::new(State {
                password: format!("the first secret of nr {number}"),
                ..State::default()
            }),
        });
        self.users.lock().unwrap().push(Arc::clone(&user));
        user
    }

    /// Holds the server against everything that happened since the last check.
    pub(super) async fn check(&self, origin: &str) {
        let fresh: Vec<_> = {
            let users = self.users.lock().unwrap();
            let mut checked = self.checked.lock().unwrap();
            users[std::mem::replace(&mut *checked, users.len())..].to_vec()
        };
        let mut checks = JoinSet::new();
        for user in fresh {
            let origin = origin.to_owned();
            checks.spawn(async move { user.check(&origin).await });
        }
        while let Some(checked) = checks.join_next().await {
            checked.unwrap();
        }
    }

    /// Waits until everybody whose sign-up was begun got a mail: it was queued in the commit that was acknowledged.
    pub(super) async fn mail_for_all(&self, mailbox: &Mailbox) {
        let begun: Vec<_> = {
            let users = self.users.lock().unwrap();
            users
                .iter()
                .filter(|user| user.state().begun)
                .cloned()
                .collect()
        };
        for user in begun {
            mailbox.holds_one_for(&user.email).await;
        }
    }

    pub(super) fn sign_ups(&self) -> u64 {
        self.count(|state| u64::from(state.signed_up))
    }

    pub(super) fn summary(&self) -> String {
        format!(
            "{} sign-ups acknowledged of {} begun, {} refreshes, {} passwords changed, {} sessions ended",
            self.sign_ups(),
            self.count(|state| u64::from(state.begun)),
            self.count(|state| state.rotations.into()),
            self.count(|state| state.passwords_changed.into()),
            self.count(|state| u64::from(state.session == Session::Ended)),
        )
    }

    fn count(&self, of: impl Fn(&State) -> u64) -> u64 {
        let users = self.users.lock().unwrap();
        users.iter().map(|user| of(&user.state())).sum()
    }
}

impl User {
    pub(super) fn email(&self) -> &str {
        &self.email
    }

    pub(super) fn password(&self) -> String {
        self.state().password
    }

    pub(super) fn access_token(&self) -> String {
        self.state().access_token
    }

    pub(super) fn begun(&self) {
        self.note(|state| state.begun = true);
    }

    pub(super) fn signed_up(&self, refresh_token: &str, access_token: String) {
        self.note(|state| {
            state.signed_up = true;
            refresh_token.clone_into(&mut state.refresh_token);
            state.access_token = access_token;
        });
    }

    pub(super) fn begin_refresh(&self) -> String {
        self.note(|state| state.refreshing = true);
        self.state().refresh_token
    }

    pub(super) fn refreshed(&self, refresh_token: &str, access_token: String) {
        self.note(|state| {
            state.rotations += 1;
            state.refreshing = false;
            refresh_token.clone_into(&mut state.refresh_token);
            state.access_token = access_token;
        });
    }

    /// The old password and the new one.
    pub(super) fn begin_change(&self) -> (String, String) {
        let state = self.state();
        let new = format!("{} and {}", state.password, state.passwords_changed + 1);
        self.note(|state| state.next_password = Some(new.clone()));
        (state.password, new)
    }

    pub(super) fn changed(&self) {
        self.note(|state| {
            state.passwords_changed += 1;
            if let Some(password) = state.next_password.take() {
                state.password = password;
            }
        });
    }

    pub(super) fn begin_sign_out(&self) {
        self.note(|state| state.session = Session::Ending);
    }

    pub(super) fn signed_out(&self) {
        self.note(|state| state.session = Session::Ended);
    }

    async fn check(&self, origin: &str) {
        let state = self.state();
        let app = Client::by_tokens(origin);
        let current = app.sign_in(&self.email, &state.password).await;
        let next = match &state.next_password {
            Some(password) => Some(app.sign_in(&self.email, password).await),
            None => None,
        };
        if !state.signed_up {
            // Nobody was told that it went through; it may have.
            assert!(
                matches!(current.status, 200 | 422),
                "{}: {}",
                self.email,
                current.text
            );
            return;
        }
        match next {
            None => {
                assert_eq!(current.status, 200, "{}: {}", self.email, current.text);
            }
            Some(next) => {
                let valid = [current.status, next.status]
                    .iter()
                    .filter(|&&it| it == 200)
                    .count();
                assert_eq!(valid, 1, "{}: the old password or the new one", self.email);
            }
        }
        if let Some(before) = state.passwords_changed.checked_sub(1) {
            let suffix = format!(" and {}", before + 1);
            let replaced = state.password.strip_suffix(&suffix).unwrap();
            let refused = app.sign_in(&self.email, replaced).await;
            refused.problem(422, "credentials_incorrect");
        }
        self.check_session(origin, &state).await;
    }

    async fn check_session(&self, origin: &str, state: &State) {
        let app = Client::by_tokens(origin);
        let reply = refresh(&app, &state.refresh_token).await;
        match state.session {
            // Had a rotation that was acknowledged been lost, its token would be one that the server does not know.
            Session::Live if !state.refreshing => {
                assert_eq!(reply.status, 200, "{}: {}", self.email, reply.text);
            }
            Session::Live | Session::Ending => {
                assert!(
                    matches!(reply.status, 200 | 401),
                    "{}: {}",
                    self.email,
                    reply.text
                );
            }
            Session::Ended => {
                reply.problem(401, "session_over");
                let request = app.request(reqwest::Method::GET, "/v1/client/me");
                let me = app
                    .send(request.bearer_auth(&state.access_token))
                    .await
                    .unwrap();
                assert_eq!(me.status, 401, "{}: {}", self.email, me.text);
            }
        }
    }

    fn state(&self) -> State {
        self.state.lock().unwrap().clone()
    }

    fn note(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }
}
