use serde_json::json;

use super::Person;
use crate::resilience::calls::Answer;

impl Person {
    /// Holds all replicas against everything that was acknowledged. They all have to answer.
    pub(in crate::resilience) async fn check_all(&mut self) {
        if !self.signed_up {
            return;
        }
        let world = self.world.clone();
        for replica in &world.replicas {
            let mut index = 0;
            while let Some(device) = self.devices.get(index) {
                let session = device.session.clone();
                if !self.check(index, &world.calls, replica).await {
                    world.violation(format!("{replica} does not answer"));
                    return;
                }
                // One that ended is no longer among them.
                let still_there = self.devices.get(index);
                if still_there.is_some_and(|device| device.session == session) {
                    index += 1;
                }
            }
        }
        self.check_passwords().await;
        self.check_sessions().await;
        self.check_refresh().await;
    }

    /// Exactly one of the passwords that may be the current one lets the owner in, and one that was replaced does not.
    async fn check_passwords(&mut self) {
        let mut right = 0;
        let candidates = self.passwords.candidates();
        for password in &candidates {
            match self.try_password(password).await {
                Some(Answer::Done(reply)) => {
                    self.hold(&reply);
                    right += 1;
                }
                Some(_) => {}
                None => return,
            }
        }
        if right != 1 {
            self.world.violation(format!(
                "{}: {right} of {} passwords are right",
                self.email,
                candidates.len()
            ));
        }
        if let Some(replaced) = self.passwords.replaced.clone()
            && let Some(answer @ Answer::Done(_)) = self.try_password(&replaced).await
        {
            self.violation("a password that was replaced is right", &answer);
        }
    }

    async fn try_password(&self, password: &str) -> Option<Answer> {
        let body = json!({ "identifier": self.email, "password": password, "transport": "bearer" });
        let answer = self.post("/v1/client/sign-ins", body).await;
        match &answer {
            Answer::Done(_) => Some(answer),
            Answer::Refused(reply) if reply.code() == "credentials_incorrect" => Some(answer),
            _ => {
                self.violation("a password can't be tried", &answer);
                None
            }
        }
    }

    /// Every session that is held is in the list, and in the list is none that nobody can account for.
    async fn check_sessions(&mut self) {
        let Some(device) = self.devices.first() else {
            return;
        };
        let world = self.world.clone();
        let call = world
            .calls
            .get(&world.front, "/v1/client/sessions?limit=100");
        let answer = self.ask(call.by(&device.credential)).await;
        let Answer::Done(reply) = &answer else {
            return self.refused(0, "the sessions can't be listed", &answer);
        };
        let listed: Vec<&str> = reply.body["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|session| session["id"].as_str())
            .collect();
        let held: Vec<_> = self.devices.iter().collect();
        for device in &held {
            if !listed.contains(&device.session.as_str()) && !device.may_have_ended() {
                self.violation(&format!("{} is not listed", device.session), &answer);
            }
        }
        let accounted = held.len() + self.lost_sign_ins + self.lost_sign_ups + self.ending;
        if listed.len() > accounted {
            self.violation(&format!("{accounted} sessions at most are live"), &answer);
        }
    }

    /// The last refresh token that was given is the current one.
    async fn check_refresh(&mut self) {
        let mut index = 0;
        while index < self.devices.len() {
            let before = self.devices.len();
            self.refresh(index).await;
            if self.devices.len() == before {
                index += 1;
            }
        }
    }
}
