use serde_json::json;

use super::Person;
use crate::resilience::calls::Answer;

/// The password of an account, as far as it is known.
#[derive(Debug)]
pub(super) struct Passwords {
    /// The one that was acknowledged last.
    pub(super) current: String,
    /// Sent as new ones since then, without an answer.
    pub(super) perhaps: Vec<String>,
    /// One whose replacement was acknowledged.
    pub(super) replaced: Option<String>,
    changes: u32,
}

impl Passwords {
    pub(super) fn first(number: u64) -> Self {
        Self {
            current: format!("the first secret of nr {number}"),
            perhaps: Vec::new(),
            replaced: None,
            changes: 0,
        }
    }

    fn next(&mut self) -> String {
        self.changes += 1;
        let (base, _) = self
            .current
            .split_once(" and ")
            .unwrap_or((&self.current, ""));
        format!("{base} and {}", self.changes)
    }

    /// What may let the owner in, the likeliest first.
    pub(super) fn candidates(&self) -> Vec<String> {
        let mut all = vec![self.current.clone()];
        all.extend(self.perhaps.iter().rev().cloned());
        all
    }
}

impl Person {
    /// Signs in with the password, held by a cookie or by tokens.
    pub(super) async fn sign_in(&mut self) {
        let transport = ["cookie", "bearer"][self.random.index(2)];
        let candidates = self.passwords.candidates();
        let certain = candidates.len() == 1;
        for password in candidates {
            let body =
                json!({ "identifier": self.email, "password": password, "transport": transport });
            let answer = self.post("/v1/client/sign-ins", body).await;
            match &answer {
                Answer::Done(reply) => {
                    self.hold(reply);
                    self.tally.sign_ins += 1;
                    return;
                }
                Answer::Refused(reply) if !certain && reply.code() == "credentials_incorrect" => {}
                Answer::Refused(_) => {
                    return self.violation("the owner can't sign in", &answer);
                }
                Answer::NotDone(_) => return,
                Answer::Unknown(_) => {
                    self.lost_sign_ins += 1;
                    return;
                }
            }
        }
        self.world.violation(format!(
            "{}: neither the old password nor a new one is right",
            self.email
        ));
    }

    pub(super) async fn change_password(&mut self) {
        let asking = self.any_device();
        let sign_out_others = self.random.below(2) == 0;
        for old in self.passwords.candidates() {
            let new = self.passwords.next();
            let body = json!({ "current_password": old, "new_password": new, "sign_out_others": sign_out_others });
            let path = "/v1/client/me/password";
            let call = self.world.calls.post(&self.world.front, path, body);
            let answer = self.ask(call.by(&self.devices[asking].credential)).await;
            match &answer {
                Answer::Done(_) => {
                    // Whatever is still under way names a password that is none any more.
                    self.passwords.replaced = Some(old);
                    self.passwords.current = new;
                    self.passwords.perhaps.clear();
                    self.tally.passwords += 1;
                    if sign_out_others {
                        self.bury_all_but(asking).await;
                    }
                    return;
                }
                Answer::NotDone(_) => return,
                Answer::Unknown(_) => {
                    self.passwords.perhaps.push(new);
                    if sign_out_others {
                        self.lose_sight_of_all_but(asking);
                    }
                    return;
                }
                Answer::Refused(reply) if reply.code() == "credentials_incorrect" => {
                    if self.passwords.perhaps.is_empty() {
                        return self.violation("the current password is refused", &answer);
                    }
                }
                Answer::Refused(_) => {
                    return self.refused(asking, "the password can't be changed", &answer);
                }
            }
        }
        self.world.violation(format!(
            "{}: neither the old password nor a new one can be changed",
            self.email
        ));
    }

    async fn bury_all_but(&mut self, asking: usize) {
        let kept = self.devices.swap_remove(asking);
        while !self.devices.is_empty() {
            self.bury(0, "the password was changed").await;
        }
        self.devices.push(kept);
    }

    fn lose_sight_of_all_but(&mut self, asking: usize) {
        let kept = self.devices.swap_remove(asking);
        self.ending += self.devices.len();
        self.devices = vec![kept];
    }
}
