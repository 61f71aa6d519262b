//! Sessions whose end was acknowledged: nobody may let them in any more.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::calls::{Answer, Credential};
use super::world::World;
use crate::support::Random;

const ME: &str = "/v1/client/me";
/// A replica that does not answer for this long is followed no longer; the end of the run asks it again.
const LONGEST_FOLLOW: Duration = Duration::from_secs(40);

/// All sessions that ended in a run, and how long they were let in afterwards.
pub(super) struct Revoked {
    /// How long after the acknowledgement a replica may let a session in that another one ended.
    bound: Duration,
    graves: Mutex<Vec<Arc<Grave>>>,
    followers: tokio::sync::Mutex<JoinSet<()>>,
    lags: Mutex<Vec<Duration>>,
}

/// One session that is over.
#[derive(Debug)]
pub(super) struct Grave {
    pub(super) session: String,
    pub(super) credential: Credential,
    pub(super) refresh_token: Option<String>,
    pub(super) acknowledged: Instant,
    pub(super) how: &'static str,
}

/// How long ended sessions were let in, over all replicas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lags {
    /// How often a replica was watched until it refused a session.
    pub(super) followed: usize,
    /// How often it let the session in at least once after the acknowledgement.
    pub(super) let_in: usize,
    pub(super) longest: Duration,
}

impl Revoked {
    pub(super) fn within(bound: Duration) -> Self {
        Self {
            bound,
            graves: Mutex::default(),
            followers: tokio::sync::Mutex::default(),
            lags: Mutex::default(),
        }
    }

    pub(super) const fn bound(&self) -> Duration {
        self.bound
    }

    pub(super) fn lags(&self) -> Lags {
        let lags = self.lags.lock().unwrap();
        Lags {
            followed: lags.len(),
            let_in: lags.iter().filter(|lag| !lag.is_zero()).count(),
            longest: lags.iter().max().copied().unwrap_or_default(),
        }
    }
}

impl World {
    /// Watches every replica until it refuses the session.
    pub(super) async fn bury(self: &Arc<Self>, grave: Grave) {
        let grave = Arc::new(grave);
        self.revoked.graves.lock().unwrap().push(Arc::clone(&grave));
        let mut followers = self.revoked.followers.lock().await;
        for replica in 0..self.replicas.len() {
            let (world, grave) = (Arc::clone(self), Arc::clone(&grave));
            followers.spawn(async move { world.follow(&grave, replica).await });
        }
    }

    async fn follow(&self, grave: &Grave, replica: usize) {
        let mut last_let_in = Duration::ZERO;
        while grave.acknowledged.elapsed() < LONGEST_FOLLOW {
            let began = Instant::now();
            match self.lets_in(grave, replica).await {
                Answer::Done(_) => {
                    last_let_in = began - grave.acknowledged;
                    if last_let_in > self.revoked.bound {
                        return;
                    }
                }
                Answer::Refused(_) => {
                    self.revoked.lags.lock().unwrap().push(last_let_in);
                    return;
                }
                Answer::Unknown(_) | Answer::NotDone(_) => sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Asks a replica with the credential of an ended session. What it says later than the bound has to be no.
    async fn lets_in(&self, grave: &Grave, replica: usize) -> Answer {
        let began = Instant::now();
        let origin = &self.replicas[replica];
        let call = self.calls.get(origin, ME).by(&grave.credential);
        let answer = self.ask(call).await;
        let after = began - grave.acknowledged;
        if matches!(answer, Answer::Done(_)) && after > self.revoked.bound {
            self.violation(format!(
                "replica {replica} let {} in {after:?} after its end ({}) was acknowledged",
                grave.session, grave.how
            ));
        }
        answer
    }

    async fn refreshes(&self, grave: &Grave, replica: usize) {
        let Some(token) = &grave.refresh_token else {
            return;
        };
        let after = grave.acknowledged.elapsed();
        let body = json!({ "refresh_token": token });
        let origin = &self.replicas[replica];
        let call = self.calls.post(origin, "/v1/client/tokens/refresh", body);
        if matches!(call.send().await, Answer::Done(_)) && after > self.revoked.bound {
            self.violation(format!(
                "replica {replica} refreshed {} {after:?} after its end ({}) was acknowledged",
                grave.session, grave.how
            ));
        }
    }

    /// Tries ended sessions at random replicas, for ever: what was refused once must not come back.
    pub(super) async fn haunt(self: Arc<Self>, mut random: Random) {
        loop {
            sleep(Duration::from_millis(10 + random.below(30))).await;
            let grave = {
                let graves = self.revoked.graves.lock().unwrap();
                if graves.is_empty() {
                    continue;
                }
                Arc::clone(&graves[random.index(graves.len())])
            };
            let replica = random.index(self.replicas.len());
            if random.below(4) == 0 {
                self.refreshes(&grave, replica).await;
            } else {
                self.lets_in(&grave, replica).await;
            }
        }
    }

    /// Waits for whoever still watches, and asks all replicas for all ended sessions once more.
    pub(super) async fn all_stay_out(self: &Arc<Self>) {
        let mut followers = std::mem::take(&mut *self.revoked.followers.lock().await);
        while let Some(followed) = followers.join_next().await {
            followed.unwrap();
        }
        let graves = self.revoked.graves.lock().unwrap().clone();
        sleep(self.revoked.bound).await;
        let mut checks = JoinSet::new();
        for grave in graves {
            let world = Arc::clone(self);
            checks.spawn(async move {
                for replica in 0..world.replicas.len() {
                    let answer = world.lets_in(&grave, replica).await;
                    if matches!(answer, Answer::Unknown(_) | Answer::NotDone(_)) {
                        world.violation(format!("replica {replica} does not answer: {answer:?}"));
                    }
                    world.refreshes(&grave, replica).await;
                }
            });
        }
        while let Some(checked) = checks.join_next().await {
            checked.unwrap();
        }
    }
}
