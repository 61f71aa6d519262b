use std::time::Duration;

use serde_json::json;

use super::Person;
use super::session::everywhere;
use crate::resilience::calls::Answer;

/// An hour's worth of mails to one address, less those of the sign-up.
const MOST_CODES: u32 = 6;
/// How long somebody looks at an empty mailbox. A replica that dies with a mail in its hands delays it by a minute.
const PATIENCE: Duration = Duration::from_secs(3);

impl Person {
    /// Signs in by a code that is shown to all replicas at the same moment: it counts once.
    pub(super) async fn sign_in_by_code(&mut self) {
        // A code of an earlier mail is a wrong one here, and wrong ones lock the account.
        if self.codes >= MOST_CODES || self.late_mails {
            return;
        }
        self.codes += 1;
        let body = json!({ "identifier": self.email, "transport": "bearer" });
        let begun = self.post("/v1/client/sign-ins", body).await;
        let Answer::Done(begun) = begun else { return };
        let (Some(id), Some(token)) = (begun.text("/id"), begun.text("/attempt_token")) else {
            return self.violation("a sign-in has no id or token", &Answer::Done(begun));
        };
        let world = self.world.clone();
        let prepare = format!("/v1/client/sign-ins/{id}/prepare-first-factor");
        let body = json!({ "strategy": "email_code" });
        let call = world.calls.post(&world.front, &prepare, body);
        let prepared = self.ask(call.header("zalt-attempt", token)).await;
        match &prepared {
            Answer::Done(_) => {}
            // What was acknowledged a moment ago is there, whichever replica is asked.
            Answer::Refused(_) => return self.violation("no code can be asked for", &prepared),
            Answer::NotDone(_) => return,
            Answer::Unknown(_) => {
                self.late_mails = true;
                return;
            }
        }
        world.mail_asked(&self.email);
        let Some(code) = world.mailbox.code_within(&self.email, PATIENCE).await else {
            self.late_mails = true;
            return;
        };
        let attempt = format!("/v1/client/sign-ins/{id}/attempt-first-factor");
        let proof = json!({ "strategy": "email_code", "code": code });
        let headers = [("zalt-attempt", token)];
        let answers = everywhere(&world, &attempt, &headers, proof.clone()).await;
        let replay = everywhere(&world, &attempt, &headers, proof).await;
        self.learn_of_code(&answers, &replay);
    }

    fn learn_of_code(&mut self, answers: &[Answer], replay: &[Answer]) {
        let all: Vec<_> = answers.iter().chain(replay).collect();
        let done: Vec<_> = all
            .iter()
            .filter_map(|answer| match answer {
                Answer::Done(reply) => Some(reply),
                _ => None,
            })
            .collect();
        let unclear = all
            .iter()
            .any(|answer| matches!(answer, Answer::Unknown(_) | Answer::NotDone(_)));
        match done[..] {
            [reply] => {
                self.hold(reply);
                self.tally.codes += 1;
            }
            [] if unclear || all.is_empty() => self.lost_sign_ins += 1,
            [] => self.world.violation(format!(
                "{}: a code was refused by everybody: {answers:?}",
                self.email
            )),
            [..] => self.world.violation(format!(
                "{}: a code counted {} times: {answers:?}, then {replay:?}",
                self.email,
                done.len()
            )),
        }
    }
}
