//! Somebody who uses an account, remembers what was acknowledged, and says so when the servers contradict it.
//!
//! A request without an answer may have been done, and may yet be done while a replica that was stopped in the middle of
//! it goes on. What such a request would change counts as open until a later write, by its guards, leaves it no room.

mod check;
mod code;
mod device;
mod password;
mod session;
mod sign_up;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::sleep;

use super::calls::{Answer, Call};
use super::world::World;
use crate::support::Random;
use device::Device;
use password::Passwords;

/// Fewer than an hour's worth of mails, which one address can't exceed.
const LONGEST_LIFE: u32 = 60;
const MOST_DEVICES: usize = 5;

/// One person with one account.
pub(super) struct Person {
    world: Arc<World>,
    random: Random,
    email: String,
    passwords: Passwords,
    devices: Vec<Device>,
    /// A code that was waited for in vain may come when another one is waited for.
    late_mails: bool,
    /// The account exists.
    signed_up: bool,
    /// Sign-ups that may have led to an account and a session that nobody holds.
    lost_sign_ups: usize,
    /// Sign-ins that may have led to a session that nobody holds.
    lost_sign_ins: usize,
    /// Sessions that may have ended without an acknowledgement.
    ending: usize,
    codes: u32,
    /// What was acknowledged.
    pub(super) tally: Tally,
}

/// How often something was acknowledged.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) sign_ups: u32,
    pub(super) sign_ins: u32,
    pub(super) codes: u32,
    pub(super) refreshes: u32,
    pub(super) passwords: u32,
    pub(super) ends: u32,
    pub(super) checks: u32,
    /// Sessions that ended since a retry had overtaken its first try, which was then a replay.
    pub(super) overtaken: u32,
}

impl Person {
    pub(super) fn new(world: Arc<World>, number: u64, random: Random) -> Self {
        Self {
            world,
            random,
            email: format!("person-{number}@example.com"),
            passwords: Passwords::first(number),
            devices: Vec::new(),
            late_mails: false,
            signed_up: false,
            lost_sign_ups: 0,
            lost_sign_ins: 0,
            ending: 0,
            codes: 0,
            tally: Tally::default(),
        }
    }

    /// Signs up and uses the account until the end of this life or of the run.
    pub(super) async fn live(mut self, over: watch::Receiver<bool>) -> Self {
        while !*over.borrow() && !self.sign_up().await {
            self.breathe().await;
        }
        for _ in 0..LONGEST_LIFE {
            if *over.borrow() {
                break;
            }
            self.step().await;
            self.breathe().await;
        }
        self
    }

    async fn step(&mut self) {
        if self.devices.is_empty() {
            return self.sign_in().await;
        }
        match self.random.below(20) {
            0..=5 => self.check_one().await,
            6..=9 => self.refresh_one().await,
            10 => self.refresh_at_once().await,
            11 => self.replay_one().await,
            12..=13 if self.devices.len() < MOST_DEVICES => self.sign_in().await,
            14..=15 if self.devices.len() < MOST_DEVICES => self.sign_in_by_code().await,
            16 => self.change_password().await,
            _ => self.end_one().await,
        }
    }

    /// Keeps the load below what the machine can do, so that what is late is late for a reason.
    async fn breathe(&mut self) {
        sleep(Duration::from_millis(10 + self.random.below(60))).await;
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        let call = self.world.calls.post(&self.world.front, path, body);
        self.ask(call).await
    }

    async fn ask(&self, call: Call<'_>) -> Answer {
        self.world.ask(call).await
    }

    fn violation(&self, what: &str, answer: &Answer) {
        let email = &self.email;
        self.world.violation(format!("{email}: {what}: {answer:?}"));
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.sign_ups += other.sign_ups;
        self.sign_ins += other.sign_ins;
        self.codes += other.codes;
        self.refreshes += other.refreshes;
        self.passwords += other.passwords;
        self.ends += other.ends;
        self.checks += other.checks;
        self.overtaken += other.overtaken;
    }
}
