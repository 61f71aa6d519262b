use std::time::Duration;

use serde_json::json;

use super::Person;
use crate::resilience::calls::Answer;

/// As for any mail that has to come at once: who waited for so long asks for another one.
const PATIENCE: Duration = Duration::from_secs(5);

impl Person {
    /// Signs up, or finds out that an earlier try went through. `false` if neither can be told yet.
    pub(super) async fn sign_up(&mut self) -> bool {
        if self.lost_sign_ups > 0 && self.is_in().await {
            return true;
        }
        let body = json!({ "email_address": self.email, "password": self.passwords.current, "transport": "bearer" });
        let begun = self.post("/v1/client/sign-ups", body).await;
        let begun = match begun {
            Answer::Done(reply) => reply,
            Answer::Refused(_) => {
                self.violation("nobody can sign up", &begun);
                return false;
            }
            Answer::NotDone(_) => return false,
            Answer::Unknown(_) => {
                self.late_mails = true;
                return false;
            }
        };
        if self.lost_sign_ups == 0 {
            self.world.mail_asked(&self.email);
        }
        let (Some(id), Some(token)) = (begun.text("/id"), begun.text("/attempt_token")) else {
            self.violation("a sign-up has no id or token", &Answer::Done(begun));
            return false;
        };
        let world = self.world.clone();
        let Some(code) = world.mailbox.code_within(&self.email, PATIENCE).await else {
            self.late_mails = true;
            return false;
        };
        let path = format!("/v1/client/sign-ups/{id}/attempt-verification");
        let call = world
            .calls
            .post(&world.front, &path, json!({ "code": code }));
        let verified = self.ask(call.header("zalt-attempt", token)).await;
        match &verified {
            Answer::Done(reply) => {
                self.hold(reply);
                self.tally.sign_ups += 1;
                self.signed_up = true;
                true
            }
            Answer::NotDone(_) => false,
            Answer::Unknown(_) => {
                self.lost_sign_ups += 1;
                false
            }
            // The code of an earlier try may have come late, and an earlier verification may have been done late.
            Answer::Refused(reply) => {
                let late =
                    self.lost_sign_ups > 0 || self.late_mails && reply.code() == "code_incorrect";
                if !late {
                    self.violation("the code of a sign-up is refused", &verified);
                }
                false
            }
        }
    }

    /// Whether the account of a sign-up that was not acknowledged exists: then it is whole.
    async fn is_in(&mut self) -> bool {
        let body = json!({ "identifier": self.email, "password": self.passwords.current, "transport": "bearer" });
        match self.post("/v1/client/sign-ins", body).await {
            Answer::Done(reply) => {
                if reply.body.pointer("/user/email_addresses/0/verified") != Some(&true.into()) {
                    let half = Answer::Done(reply.clone());
                    self.violation("half a user was made", &half);
                }
                self.hold(&reply);
                self.tally.sign_ins += 1;
                self.signed_up = true;
                true
            }
            Answer::Unknown(_) => {
                self.lost_sign_ins += 1;
                false
            }
            Answer::NotDone(_) | Answer::Refused(_) => false,
        }
    }
}
