//! The second factor of a sign-in.

use axum::extract::Query;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use zalt_core::Error;
use zalt_core::attempt::{
    Attempt, ChallengePurpose, ChallengeStrategy, SecondFactorProof, SignInStatus,
};
use zalt_core::config::SecondFactor;
use zalt_core::identifier::{Identifier, IdentifierKind};
use zalt_core::user::Account;

use super::mailed::CODE_FIELDS;
use super::sign_in::{current, go_on, sign_in};
use super::{RESEND_WAIT_SECONDS, passkey};
use crate::pages::fault::{Fault, Outcome};
use crate::pages::flash::Flash;
use crate::pages::messages;
use crate::pages::paths;
use crate::pages::posted::Posted;
use crate::pages::views::{Page, SecondFactorMessage, SecondFactorView, SecondStep, TrustDevice};
use crate::pages::visit::{Visit, go};

/// Which way is wanted, and which code of a session is out.
#[derive(Default, Deserialize)]
pub(super) struct UseQuery {
    #[serde(default, rename = "use")]
    strategy: String,
    pub(super) challenge: Option<String>,
}

impl UseQuery {
    pub(super) fn step(&self) -> Option<SecondStep> {
        SecondStep::parse(&self.strategy)
    }
}

pub(super) async fn show(visit: Visit, Query(query): Query<UseQuery>) -> Outcome {
    let (_, attempt) = current(&visit).await?;
    require(sign_in(&attempt)?.status, SignInStatus::NeedsSecondFactor)?;
    let ways = ways_in(&visit, &attempt).await?;
    visit.show(&ON_THE_WAY_IN.view(&visit, visit.page(), &ways, query.step()))
}

/// Sends the code of a way that has one.
pub(super) async fn send(mut posted: Posted) -> Outcome {
    let [strategy, again] = posted.fields(["strategy", "again"])?;
    let (step, factor) = sent_way(&strategy)?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    match sign_ins
        .prepare_second_factor(visit.context(), &token, factor)
        .await
    {
        Ok(_) => Ok(is_sent(visit, &ON_THE_WAY_IN.path_to(visit, step), &again)),
        Err(error) => {
            let mut page = visit.page();
            let status = messages::refuse(&mut page, error, &[])?;
            let ways = ways_in(visit, &attempt).await?;
            visit.show_as(status, &ON_THE_WAY_IN.view(visit, page, &ways, Some(step)))
        }
    }
}

pub(super) async fn pass(mut posted: Posted) -> Outcome {
    let [strategy, code, response, trust] =
        posted.fields(["strategy", "code", "response", "trust_device"])?;
    let step = SecondStep::parse(&strategy).ok_or(Fault::BadRequest)?;
    let visit = &posted.visit;
    let (token, attempt) = current(visit).await?;
    let sign_ins = visit.zalt().sign_ins();
    let trusts = *trust == "true";
    let context = if trusts {
        visit.context().clone().trusting_device()
    } else {
        visit.context().clone()
    };
    let result = match proof(step, &code, &response) {
        Ok(proof) => {
            sign_ins
                .attempt_second_factor(&context, &token, &proof)
                .await
        }
        Err(error) => {
            let ask = sign_ins.prepare_passkey(visit.context(), &token);
            Err(passkey::why(error, ask).await)
        }
    };
    match result {
        Ok(progress) => go_on(visit, progress).await,
        Err(error) => {
            let mut page = visit.page();
            let status = refuse(&mut page, step, error)?;
            let ways = ways_in(visit, &attempt).await?;
            let mut view = ON_THE_WAY_IN.view(visit, page, &ways, Some(step));
            view.trust = view.trust.map(|trust| TrustDevice {
                checked: trusts,
                ..trust
            });
            visit.show_as(status, &view)
        }
    }
}

/// What was shown, as a proof.
///
/// # Errors
/// [`Error::PasskeyRefused`] for an answer that is none.
pub(super) fn proof(
    step: SecondStep,
    code: &str,
    response: &str,
) -> Result<SecondFactorProof, Error> {
    Ok(match step {
        SecondStep::Passkey => SecondFactorProof::Passkey(Box::new(passkey::answer(response)?)),
        SecondStep::Totp => SecondFactorProof::Totp(code.to_owned()),
        SecondStep::SmsCode => SecondFactorProof::SmsCode(code.to_owned()),
        SecondStep::EmailCode => SecondFactorProof::EmailCode(code.to_owned()),
        SecondStep::RecoveryCode => SecondFactorProof::RecoveryCode(code.to_owned()),
    })
}

/// The way whose code a form asks to be sent.
pub(super) fn sent_way(strategy: &str) -> Result<(SecondStep, SecondFactor), Fault> {
    let step = SecondStep::parse(strategy).ok_or(Fault::BadRequest)?;
    Ok((step, step.sent().ok_or(Fault::BadRequest)?))
}

/// Leads to where the code is typed that was just sent, perhaps once more.
pub(super) fn is_sent(visit: &Visit, path: &str, again: &str) -> Response {
    if again == "true" {
        visit.go_with(path, Flash::MessageSent)
    } else {
        go(path)
    }
}

/// The ways that somebody has to pass a second factor.
pub(super) struct Ways {
    steps: Vec<SecondStep>,
    account: Account,
    /// The code that is out.
    sent: Option<ChallengeStrategy>,
    /// Names it where a session asked for it.
    challenge: Option<String>,
}

impl Ways {
    /// These kinds of an account, the strongest first, and its recovery codes.
    pub(super) fn of(account: Account, kinds: &[SecondFactor]) -> Self {
        let steps = kinds.iter().copied().filter_map(SecondStep::of);
        let recovers = account
            .recovery_codes()
            .is_some_and(|(_, codes)| codes.left() > 0);
        Self {
            steps: steps
                .chain(recovers.then_some(SecondStep::RecoveryCode))
                .collect(),
            account,
            sent: None,
            challenge: None,
        }
    }

    /// The same once a session was sent the code of one of them.
    pub(super) fn with_challenge(
        mut self,
        step: Option<SecondStep>,
        challenge: Option<String>,
    ) -> Self {
        self.sent = step
            .and_then(SecondStep::sent)
            .and_then(SecondFactor::message)
            .filter(|_| challenge.is_some());
        self.challenge = challenge;
        self
    }
}

/// Those of a sign-in whose first factor was passed.
async fn ways_in(visit: &Visit, attempt: &Attempt) -> Result<Ways, Fault> {
    let state = sign_in(attempt)?;
    let user_id = state.user_id.ok_or(Error::AttemptStep)?;
    let first = state.first_factor.as_ref().ok_or(Error::AttemptStep)?;
    let account = visit.zalt().users().find_account(user_id).await?;
    let challenge = state.challenge.as_ref();
    let sent = challenge.filter(|sent| sent.purpose == ChallengePurpose::SecondFactor);
    Ok(Ways {
        sent: sent.map(|sent| sent.strategy),
        ..Ways::of(account, &first.offered)
    })
}

/// A page that asks for a second factor.
pub(super) struct SecondFactorPage {
    /// Its own address.
    pub(super) path: &'static str,
    /// The form's address.
    pub(super) action: &'static str,
    /// Where the script asks for what a passkey is to sign.
    pub(super) options: &'static str,
    /// The address of the form that has a code sent.
    pub(super) send: &'static str,
    /// Whether whoever is asked is signed in already. Whoever is not is told little of where a code goes, and may have the
    /// device trusted.
    pub(super) is_signed_in: bool,
}

const ON_THE_WAY_IN: SecondFactorPage = SecondFactorPage {
    path: paths::SIGN_IN_SECOND_FACTOR,
    action: paths::SIGN_IN_SECOND_FACTOR,
    options: paths::SIGN_IN_PASSKEY_OPTIONS,
    send: paths::SIGN_IN_SECOND_FACTOR_SEND,
    is_signed_in: false,
};

impl SecondFactorPage {
    /// The page for the wanted way, or else for the strongest. A recovery code answers where no other way is left.
    pub(super) fn view(
        &self,
        visit: &Visit,
        page: Page,
        ways: &Ways,
        wanted: Option<SecondStep>,
    ) -> SecondFactorView {
        let step = wanted
            .filter(|wanted| ways.steps.contains(wanted))
            .or_else(|| ways.steps.first().copied())
            .unwrap_or(SecondStep::RecoveryCode);
        let others = ways.steps.iter().filter(|other| **other != step);
        let trusted = visit.zalt().config().trusted_devices;
        SecondFactorView {
            page,
            action: self.action,
            options: self.options,
            step,
            message: step.sent().map(|factor| self.message(ways, factor)),
            trust: trusted
                .filter(|_| !self.is_signed_in)
                .map(|lifetime| TrustDevice {
                    seconds: lifetime.as_secs(),
                    checked: false,
                }),
            others: others
                .map(|other| (*other, self.path_to(visit, *other)))
                .collect(),
        }
    }

    /// The address of the page for this way.
    pub(super) fn path_to(&self, visit: &Visit, step: SecondStep) -> String {
        let path = visit.path(self.path);
        let separator = if path.contains('?') { '&' } else { '?' };
        format!("{path}{separator}use={}", step.strategy())
    }

    fn message(&self, ways: &Ways, factor: SecondFactor) -> SecondFactorMessage {
        let to = ways.account.message_recipient(factor);
        SecondFactorMessage {
            send: self.send,
            to: to.map(|identifier| {
                if self.is_signed_in {
                    identifier.value.as_str().to_owned()
                } else {
                    hint(identifier)
                }
            }),
            sent: ways.sent.is_some() && ways.sent == factor.message(),
            challenge: ways.challenge.clone(),
            resend_wait_seconds: RESEND_WAIT_SECONDS,
        }
    }
}

/// As much of an address or number as its owner needs to know it by.
fn hint(identifier: &Identifier) -> String {
    let value = identifier.value.as_str();
    if identifier.value.kind() == IdentifierKind::PhoneNumber {
        let end = value.get(value.len().saturating_sub(2)..);
        return format!("the number ending in {}", end.unwrap_or_default());
    }
    match value.split_once('@') {
        Some((name, host)) if name.chars().count() > 1 => {
            let first: String = name.chars().take(1).collect();
            format!("{first}…@{host}")
        }
        Some((_, host)) => format!("…@{host}"),
        None => String::new(),
    }
}

/// Says beside the field why a code was not taken.
pub(super) fn refuse(page: &mut Page, step: SecondStep, error: Error) -> Result<StatusCode, Fault> {
    if matches!(error, Error::CodeIncorrect) && step.sent().is_none() {
        let text = "That code is not right, or was used already.";
        page.errors.add("code", text);
        return Ok(StatusCode::UNPROCESSABLE_ENTITY);
    }
    messages::refuse(page, error, CODE_FIELDS)
}

pub(super) fn require(status: SignInStatus, wanted: SignInStatus) -> Result<(), Fault> {
    if status == wanted {
        Ok(())
    } else {
        Err(Error::AttemptStep.into())
    }
}

/// Leads to where the second step is taken.
pub(super) fn lead_on(visit: &Visit, path: &'static str) -> Response {
    go(&visit.path(path))
}

#[cfg(test)]
mod tests {
    use zalt_core::SystemRng;
    use zalt_core::Timestamp;
    use zalt_core::id::{IdentifierId, UserId};
    use zalt_core::identifier::IdentifierValue;

    use super::*;

    #[test]
    fn whoever_has_only_the_password_learns_little_of_where_a_code_goes() {
        let now = Timestamp::from_unix_seconds(1_700_000_000);
        for (value, shown) in [
            ("ada@example.com", "a…@example.com"),
            ("é@example.com", "…@example.com"),
            ("+436601234567", "the number ending in 67"),
        ] {
            let identifier = Identifier {
                id: IdentifierId::mint(now, &SystemRng).unwrap(),
                user_id: UserId::mint(now, &SystemRng).unwrap(),
                value: IdentifierValue::parse(value).unwrap(),
                verified_at: Some(now),
                primary: true,
                created_at: now,
                version: 0,
            };
            assert_eq!(hint(&identifier), shown);
        }
    }
}
