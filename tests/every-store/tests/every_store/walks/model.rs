//! What is known of everything from outside, and what has to come of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use zalt_core::Timestamp;
use zalt_core::attempt::{ChallengePurpose, ChallengeStrategy};
use zalt_core::budget::{Budget, BudgetState, Decision};
use zalt_core::credential::TotpSecret;
use zalt_core::id::{CredentialId, UserId};
use zalt_core::secret::{AttemptToken, DeviceToken, SessionToken};
use zalt_core::session::AuthenticationMethod;
use zalt_test_authenticator::Authenticator;

pub(super) const RECENT: Duration = Duration::from_mins(10);
pub(super) const CODE_LIFETIME: Duration = Duration::from_mins(10);
pub(super) const ATTEMPT_LIFETIME: Duration = Duration::from_hours(1);
pub(super) const MOST_WRONG_CODES: u32 = 5;
pub(super) const MOST_MESSAGES: u32 = 5;
pub(super) const TRUST: Duration = Duration::from_hours(1);

/// A budget and how far it is spent. How one is counted is the budget's own business and tested with it; that it is taken
/// from, and given back, at the right moments is this model's.
pub(super) struct Tries {
    budget: Budget,
    state: Option<BudgetState>,
}

impl Tries {
    pub(super) const fn of(budget: Budget) -> Self {
        Self {
            budget,
            state: None,
        }
    }

    /// Whether there is a try, which is taken.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        let (state, decision) = self.budget.take(self.state, now);
        if state.is_some() {
            self.state = state;
        }
        decision == Decision::Granted
    }

    pub(super) fn give_back(&mut self) {
        self.state = None;
    }
}

pub(super) struct App {
    pub(super) id: CredentialId,
    pub(super) secret: TotpSecret,
    /// The time step whose code was the last to count.
    pub(super) last_step: i64,
}

/// What an account was like: something that was proved about it is worth nothing once this differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) password_set_at: Timestamp,
    pub(super) epoch: u32,
}

pub(super) struct Person {
    pub(super) address: &'static str,
    pub(super) id: UserId,
    pub(super) password: String,
    pub(super) old_passwords: Vec<String>,
    pub(super) mark: Mark,
    pub(super) apps: Vec<App>,
    /// One that is being set up.
    pub(super) begun: Option<(CredentialId, TotpSecret)>,
    pub(super) passkey: Option<CredentialId>,
    /// What holds it.
    pub(super) authenticator: Authenticator,
    /// What holds the one that was removed last.
    pub(super) removed: Authenticator,
    /// An answer that an authenticator gave.
    pub(super) answered: Option<Value>,
    pub(super) recovery_codes: Vec<String>,
    pub(super) used_recovery_codes: Vec<String>,
    pub(super) first_tries: Tries,
    pub(super) second_tries: Tries,
    pub(super) messages: Tries,
    pub(super) reset_links: Tries,
    /// Somebody said that a change was not theirs.
    pub(super) is_frozen: bool,
    /// Links that froze the account.
    pub(super) used_links: Vec<String>,
    /// The device that was trusted last.
    pub(super) device: Option<Device>,
}

/// A device that stood in for the second factor at some time.
pub(super) struct Device {
    pub(super) token: DeviceToken,
    pub(super) until: Timestamp,
    /// What the account was like then.
    pub(super) mark: Mark,
    pub(super) factors: Vec<CredentialId>,
}

impl Person {
    pub(super) fn has_second_factor(&self) -> bool {
        !self.apps.is_empty() || self.passkey.is_some()
    }

    /// The second factors.
    pub(super) fn factors(&self) -> Vec<CredentialId> {
        let apps = self.apps.iter().map(|app| app.id);
        apps.chain(self.passkey).collect()
    }

    /// Whether the device that was trusted last stands in for the second factor.
    pub(super) fn trusts_device(&self, now: Timestamp) -> bool {
        self.device.as_ref().is_some_and(|device| {
            let factors = self.factors();
            now < device.until
                && device.mark == self.mark
                && device.factors.len() == factors.len()
                && device.factors.iter().all(|id| factors.contains(id))
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    First,
    Second,
    Enrolment,
    NewPassword,
    Over,
}

/// The code or link that was sent last.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) purpose: ChallengePurpose,
    pub(super) strategy: ChallengeStrategy,
    pub(super) code: String,
    pub(super) link: Option<String>,
    pub(super) expires_at: Timestamp,
}

impl Sent {
    pub(super) fn is_reset_link(&self) -> bool {
        is_reset_link(self.purpose, self.strategy)
    }
}

pub(super) const fn is_reset_link(purpose: ChallengePurpose, strategy: ChallengeStrategy) -> bool {
    matches!(
        (purpose, strategy),
        (
            ChallengePurpose::ResetPassword,
            ChallengeStrategy::EmailLink
        )
    )
}

pub(super) struct Attempt {
    pub(super) person: usize,
    pub(super) token: AttemptToken,
    pub(super) stage: Stage,
    pub(super) began_at: Timestamp,
    /// What is out.
    pub(super) sent: Option<Sent>,
    /// What was, and is void.
    pub(super) void: Vec<Sent>,
    pub(super) messages: u32,
    pub(super) wrong_codes: u32,
    pub(super) first: Option<(AuthenticationMethod, Mark)>,
    pub(super) reset: Option<Mark>,
    /// The tries at the password once it was reset in this attempt.
    pub(super) own_tries: Tries,
}

impl Attempt {
    /// Makes what is out void.
    pub(super) fn take_back(&mut self) {
        self.void.extend(self.sent.take());
    }
}

pub(super) struct Session {
    pub(super) person: usize,
    pub(super) token: SessionToken,
    /// Tokens that were replaced.
    pub(super) dead_tokens: Vec<SessionToken>,
    pub(super) is_live: bool,
    /// When each method was proved last.
    pub(super) proofs: BTreeMap<&'static str, Timestamp>,
}

impl Session {
    pub(super) fn prove(&mut self, method: AuthenticationMethod, at: Timestamp) {
        self.proofs.insert(method.as_str(), at);
    }

    /// Whether it proved the strongest that the person has, a short while ago.
    pub(super) fn is_strong(&self, person: &Person, now: Timestamp) -> bool {
        const FIRST: &[&str] = &["pwd", "email"];
        const CODE: &[&str] = &["otp", "recovery"];
        const TOUCHED: &[&str] = &["passkey_presence"];
        const VERIFIED: &[&str] = &["passkey"];
        let from = now - RECENT;
        let has = |methods: &[&str]| {
            methods
                .iter()
                .any(|method| self.proofs.contains_key(method))
        };
        let recently = |methods: &[&str]| {
            let mut proofs = methods.iter().filter_map(|method| self.proofs.get(method));
            proofs.any(|at| *at >= from)
        };
        // A key that was only touched adds something to another kind of factor.
        let touched = has(FIRST) && recently(TOUCHED);
        let recent_second = touched || recently(CODE) || recently(VERIFIED);
        if person.has_second_factor() {
            let kinds = [FIRST, CODE, TOUCHED].into_iter().filter(|kind| has(kind));
            (has(VERIFIED) || kinds.count() >= 2) && recent_second
        } else {
            recently(FIRST) || recently(TOUCHED) || recent_second
        }
    }
}
