use serde_json::json;

use super::Person;
use crate::resilience::calls::{Answer, Calls, Reply};
use crate::resilience::world::World;

const REFRESH: &str = "/v1/client/tokens/refresh";

impl Person {
    /// Uses a session, through the balancer or at one replica.
    pub(super) async fn check_one(&mut self) {
        let index = self.any_device();
        let world = self.world.clone();
        let alive = world.alive();
        if self.random.below(2) == 0 || alive.is_empty() {
            self.check(index, &world.calls, &world.front).await;
        } else {
            let origin = &alive[self.random.index(alive.len())];
            self.check(index, &world.short_calls, origin).await;
        }
    }

    /// Asks who is signed in. `false` if there was no answer.
    pub(super) async fn check(&mut self, index: usize, calls: &Calls, origin: &str) -> bool {
        let call = calls.get(origin, "/v1/client/me");
        let answer = self.ask(call.by(&self.devices[index].credential)).await;
        match &answer {
            Answer::Done(reply) => {
                self.tally.checks += 1;
                if reply.text("/email_addresses/0/email_address") != Some(&self.email) {
                    self.violation("somebody else is signed in", &answer);
                }
                true
            }
            Answer::Refused(_) => {
                self.refused(index, "a live session is refused", &answer);
                true
            }
            Answer::NotDone(_) | Answer::Unknown(_) => false,
        }
    }

    pub(super) async fn refresh_one(&mut self) {
        if let Some(index) = self.any_app() {
            self.refresh(index).await;
        }
    }

    pub(super) async fn refresh(&mut self, index: usize) {
        let Some(refresh) = &self.devices[index].refresh else {
            return;
        };
        let body = json!({ "refresh_token": refresh.token });
        let answer = self.post(REFRESH, body).await;
        self.learn_of_refresh(index, &answer);
    }

    /// Presents one token to all replicas at the same moment: whoever answers gives the same successor.
    pub(super) async fn refresh_at_once(&mut self) {
        let Some(index) = self.any_app() else { return };
        let token = self.refresh_token(index);
        let world = self.world.clone();
        let answers = everywhere(&world, REFRESH, &[], json!({ "refresh_token": token })).await;
        let successor = |answer: &Answer| match answer {
            Answer::Done(reply) => reply.text("/refresh_token").map(str::to_owned),
            _ => None,
        };
        let mut successors: Vec<_> = answers.iter().filter_map(successor).collect();
        successors.dedup();
        if successors.len() > 1 {
            world.violation(format!(
                "{}: a refresh token has two successors: {answers:?}",
                self.email
            ));
        }
        for answer in &answers {
            if matches!(answer, Answer::Refused(_)) {
                return self.learn_of_refresh(index, answer);
            }
        }
        let unanswered = answers
            .iter()
            .find(|answer| matches!(answer, Answer::Unknown(_)));
        let done = answers
            .iter()
            .find(|answer| matches!(answer, Answer::Done(_)));
        for answer in unanswered.into_iter().chain(done) {
            self.learn_of_refresh(index, answer);
        }
    }

    /// Presents a token that was replaced twice: it is refused, and the session is over.
    pub(super) async fn replay_one(&mut self) {
        let Some(index) = self.any_app() else { return };
        let spent = self.devices[index]
            .refresh
            .as_ref()
            .map(|refresh| &refresh.spent);
        let Some([.., old, _]) = spent.map(Vec::as_slice) else {
            return;
        };
        let answer = self.post(REFRESH, json!({ "refresh_token": old })).await;
        match &answer {
            Answer::Done(_) => self.violation("a spent refresh token was taken again", &answer),
            Answer::Refused(_) => self.bury(index, "a refresh token was replayed").await,
            Answer::NotDone(_) => {}
            Answer::Unknown(_) => self.lose_sight(index),
        }
    }

    /// Ends a session: its own, or another one of the account.
    pub(super) async fn end_one(&mut self) {
        let world = self.world.clone();
        let index = self.any_device();
        if self.random.below(2) == 0 {
            // Everybody has seen it a moment ago, so that whoever caches has it.
            let devices = self.devices.len();
            for replica in world.alive() {
                self.check(index, &world.short_calls, &replica).await;
                if self.devices.len() < devices {
                    return;
                }
            }
        }
        let asking = self.any_device();
        let session = &self.devices[index].session;
        let call = if asking == index {
            let path = "/v1/client/sign-out";
            world.calls.post(&world.front, path, json!({}))
        } else {
            let path = format!("/v1/client/sessions/{session}");
            world.calls.delete(&world.front, &path)
        };
        let answer = self.ask(call.by(&self.devices[asking].credential)).await;
        match &answer {
            Answer::Done(_) if asking == index => self.bury(index, "its owner signed out").await,
            Answer::Done(_) => self.bury(index, "its owner ended it elsewhere").await,
            Answer::Refused(_) => self.refused(asking, "a session can't be ended", &answer),
            Answer::NotDone(_) => {}
            Answer::Unknown(_) => self.lose_sight(index),
        }
    }

    /// A device that should be signed in was told no.
    pub(super) fn refused(&mut self, index: usize, what: &str, answer: &Answer) {
        let over = matches!(answer, Answer::Refused(reply) if reply.status == 401);
        if over && self.devices[index].may_have_ended() {
            self.tally.overtaken += 1;
        } else {
            let session = self.devices[index].session.clone();
            self.violation(&format!("{what} ({session})"), answer);
        }
        self.lose_sight(index);
    }

    fn refresh_token(&self, index: usize) -> String {
        let refresh = self.devices[index].refresh.as_ref();
        refresh.map_or_else(String::new, |refresh| refresh.token.clone())
    }

    fn learn_of_refresh(&mut self, index: usize, answer: &Answer) {
        match answer {
            Answer::Done(reply) => {
                self.tally.refreshes += 1;
                self.rotate(index, reply);
            }
            Answer::Refused(_) => self.refused(index, "a refresh token is refused", answer),
            Answer::NotDone(_) => {}
            Answer::Unknown(_) => {
                if let Some(refresh) = &mut self.devices[index].refresh {
                    refresh.may_be_replayed = true;
                }
            }
        }
    }

    fn rotate(&mut self, index: usize, reply: &Reply) {
        let device = &mut self.devices[index];
        let (Some(refresh), Some(credential), Some(next)) = (
            &mut device.refresh,
            reply.credential(),
            reply.text("/refresh_token"),
        ) else {
            return self.violation("a refresh gave no tokens", &Answer::Done(reply.clone()));
        };
        let spent = std::mem::replace(&mut refresh.token, next.to_owned());
        refresh.spent.push(spent);
        device.credential = credential;
    }
}

/// The same request to every replica that is there, at the same moment.
pub(super) async fn everywhere(
    world: &World,
    path: &str,
    headers: &[(&'static str, &str)],
    body: serde_json::Value,
) -> Vec<Answer> {
    let alive = world.alive();
    let calls = alive.iter().map(|replica| {
        let mut call = world.short_calls.post(replica, path, body.clone());
        for (name, value) in headers {
            call = call.header(name, value);
        }
        world.ask(call)
    });
    futures_util::future::join_all(calls).await
}
