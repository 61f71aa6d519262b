//! What the three kinds of attempt have in common: finding them, sending a challenge, checking a proof.

use std::time::Duration;

use super::challenge::{Challenge, ChallengePurpose, ChallengeStrategy};
use super::model::{Attempt, AttemptState};
use super::proof::Proof;
use crate::Zalt;
use crate::budget::{Budget, BudgetKey};
use crate::error::Error;
use crate::id::{AttemptId, UserId};
use crate::identifier::{EmailAddress, IdentifierKey};
use crate::message::Notice;
use crate::secret::{AttemptToken, CodeDigest, LinkToken, Purpose};
use crate::store::{Batch, CommitError, GuardReason};

/// Refuses a challenge for a way to sign in that the application does not allow.
pub(super) fn require_allowed(
    zalt: &Zalt,
    purpose: ChallengePurpose,
    strategy: ChallengeStrategy,
) -> Result<(), Error> {
    match purpose.first_factor(strategy) {
        Some(factor) => zalt.config().first_factors.require(factor),
        None if purpose == ChallengePurpose::VerifyAddress => Ok(()),
        None => Err(Error::FactorNotAllowed),
    }
}

/// How often an operation starts over when another request wrote the same attempt first.
pub(super) const RACES: usize = 4;

/// A challenge with the secrets that go into its message and nowhere else.
pub(super) struct NewChallenge {
    pub(super) challenge: Challenge,
    code: String,
    link: Option<LinkToken>,
}

impl NewChallenge {
    /// Mints a challenge for `attempt`.
    pub(super) fn mint(
        zalt: &Zalt,
        attempt: AttemptId,
        purpose: ChallengePurpose,
        strategy: ChallengeStrategy,
    ) -> Result<Self, Error> {
        let now = zalt.now();
        let code = random_code(zalt)?;
        let link = match strategy {
            ChallengeStrategy::EmailCode | ChallengeStrategy::SmsCode => None,
            ChallengeStrategy::EmailLink => Some(LinkToken::mint(attempt, zalt.rng())?),
        };
        let digest = zalt.encryption_keys().mac(
            Purpose::Code,
            &[purpose.label(), attempt.as_bytes(), code.as_bytes()],
        );
        Ok(Self {
            challenge: Challenge {
                purpose,
                strategy,
                code: CodeDigest::from_bytes(digest),
                link: link.as_ref().map(LinkToken::digest),
                sent_at: now,
                expires_at: now + zalt.config().attempts.code_lifetime,
            },
            code,
            link,
        })
    }

    /// What the message says.
    pub(super) fn notice(&self, zalt: &Zalt, at_sign_up: bool) -> Notice {
        let links = &zalt.config().links;
        let page = match (self.challenge.purpose, at_sign_up) {
            (ChallengePurpose::SignIn, _) => &links.sign_in,
            (ChallengePurpose::ResetPassword, _) => &links.reset_password,
            (ChallengePurpose::VerifyAddress, true) => &links.sign_up,
            (ChallengePurpose::VerifyAddress, false) => &links.verify_email_address,
            // Their messages have no link.
            (ChallengePurpose::SecondFactor | ChallengePurpose::StepUp, _) => &links.start,
        };
        let code = self.code.clone();
        let link = self
            .link
            .as_ref()
            .map(|link| page.replace("{token}", &link.expose()));
        let seconds = zalt.config().attempts.code_lifetime.as_secs();
        let valid_minutes = u32::try_from(seconds / 60).unwrap_or(u32::MAX);
        match self.challenge.purpose {
            ChallengePurpose::SignIn => Notice::SignIn {
                code,
                link,
                valid_minutes,
            },
            ChallengePurpose::ResetPassword => Notice::ResetPassword {
                code,
                link,
                valid_minutes,
            },
            ChallengePurpose::SecondFactor | ChallengePurpose::StepUp => Notice::SecondFactor {
                code,
                valid_minutes,
            },
            ChallengePurpose::VerifyAddress
                if self.challenge.strategy == ChallengeStrategy::SmsCode =>
            {
                Notice::VerifyPhoneNumber {
                    code,
                    valid_minutes,
                }
            }
            ChallengePurpose::VerifyAddress => Notice::VerifyEmailAddress {
                code,
                link,
                valid_minutes,
            },
        }
    }
}

/// The attempt that `token` binds its holder to. An expired one is as good as none.
pub(crate) async fn find(zalt: &Zalt, token: &AttemptToken) -> Result<Attempt, Error> {
    let attempt = find_by_id(zalt, token.id()).await?;
    if attempt.token == token.digest() {
        Ok(attempt)
    } else {
        Err(Error::AttemptNotFound)
    }
}

/// The attempt of this id, for callers that are bound to it by something else than its token.
pub(super) async fn find_by_id(zalt: &Zalt, id: AttemptId) -> Result<Attempt, Error> {
    let attempt = zalt
        .store()
        .attempt(id)
        .await?
        .ok_or(Error::AttemptNotFound)?;
    if zalt.now() < attempt.expires_at {
        Ok(attempt)
    } else {
        Err(Error::AttemptNotFound)
    }
}

/// A fresh attempt with the token for whoever began it.
pub(crate) fn begin(
    zalt: &Zalt,
    id: AttemptId,
    state: AttemptState,
) -> Result<(Attempt, AttemptToken), Error> {
    let now = zalt.now();
    let token = AttemptToken::mint(id, zalt.rng())?;
    let attempt = Attempt {
        id,
        token: token.digest(),
        state,
        failed_codes: 0,
        sent_messages: 0,
        created_at: now,
        expires_at: now + zalt.config().attempts.lifetime,
        version: 0,
    };
    Ok((attempt, token))
}

/// Counts one more message of the attempt.
pub(super) fn count_message(zalt: &Zalt, attempt: &mut Attempt) -> Result<(), Error> {
    if attempt.sent_messages >= zalt.config().attempts.max_messages {
        return Err(Error::AttemptExhausted);
    }
    attempt.sent_messages += 1;
    Ok(())
}

/// Takes a message from the address's budget, whoever owns the address. Whoever calls this is about to send it: a try
/// that sends nothing must not use up what the owner of the address has.
///
/// Links for a new password have a budget of their own. By default one is good for longer than the budget takes to yield
/// the next, and in any browser: while strangers spend it, there is always one in the owner's mailbox that works.
pub(super) async fn take_message(
    zalt: &Zalt,
    to: &IdentifierKey,
    purpose: ChallengePurpose,
    strategy: ChallengeStrategy,
) -> Result<(), Error> {
    let label = message_label(purpose, strategy);
    let key = zalt.budget_key(&[label, to.kind.as_str().as_bytes(), to.key.as_bytes()]);
    zalt.take_account_budget(key, &zalt.config().budgets.messages_per_address)
        .await
}

pub(super) const fn message_label(
    purpose: ChallengePurpose,
    strategy: ChallengeStrategy,
) -> &'static [u8] {
    match (purpose, strategy) {
        (ChallengePurpose::ResetPassword, ChallengeStrategy::EmailLink) => b"reset-links",
        _ => b"messages",
    }
}

/// The budget of wrong passwords and codes at sign-in: one per account over all its first factors, so that no factor more
/// is a guess more, or one per identifier where nobody owns it.
pub(super) fn sign_in_budget(
    zalt: &Zalt,
    user: Option<UserId>,
    identifier: &IdentifierKey,
) -> BudgetKey {
    match user {
        Some(user) => zalt.factors_budget(user),
        None => zalt.budget_key(&[
            b"factors",
            identifier.kind.as_str().as_bytes(),
            identifier.key.as_bytes(),
        ]),
    }
}

/// The budget of wrong codes for an address or a number that somebody wants to make theirs, at sign-up or later. It is the
/// address's and not theirs: proving another one must not bring fresh guesses at this one. And it is not the one of sign-ins,
/// which belongs to an account where there is one and would tell by that who has an account.
pub(super) fn verification_budget(zalt: &Zalt, address: &IdentifierKey) -> BudgetKey {
    let kind = address.kind.as_str().as_bytes();
    zalt.budget_key(&[b"verification", kind, address.key.as_bytes()])
}

/// What somebody who is signed in has for themselves of wrong codes for an address or a number, once what all share is spent.
const OWN_TRIES: Budget = Budget::Rate {
    tries: 5,
    period: Duration::from_hours(24),
};

/// Takes a try from a budget of wrong codes, at most once in an operation.
pub(super) struct CodeTries {
    budget: BudgetKey,
    limit: Budget,
    own: Option<BudgetKey>,
    taken: bool,
}

impl CodeTries {
    /// Of a sign-in.
    pub(super) fn of(zalt: &Zalt, budget: BudgetKey) -> Self {
        Self {
            budget,
            limit: zalt.config().budgets.code,
            own: None,
            taken: false,
        }
    }

    /// Of an address or a number that somebody wants to make theirs.
    ///
    /// Anybody can spend that, so it has no end, only waits: no more than 24 guesses a day once those that are free are used up.
    /// And whoever is signed in has a few tries that nobody else spends, so that the owner of a number gets through while a
    /// stranger keeps at it. (An address has links for that, which cost no try.)
    pub(super) fn of_address(
        zalt: &Zalt,
        budget: BudgetKey,
        own: Option<(&IdentifierKey, UserId)>,
    ) -> Self {
        let own = own.map(|(address, user_id)| {
            let (kind, key) = (address.kind.as_str().as_bytes(), address.key.as_bytes());
            zalt.budget_key(&[b"own-verification", kind, key, user_id.as_bytes()])
        });
        Self {
            limit: zalt.config().budgets.code.without_ceiling(),
            own,
            ..Self::of(zalt, budget)
        }
    }

    /// Has to be called before the proof is looked at.
    ///
    /// Only a code that could be right costs a try: an account's owner and strangers share the budget, so it must not be
    /// spent without that a mail went out. A link costs none, since nobody guesses 256 bits. It is what still works when
    /// the budget is spent (ASVS 6.1.1).
    pub(super) async fn take(
        &mut self,
        zalt: &Zalt,
        attempt: &Attempt,
        challenge: Option<&Challenge>,
        proof: &Proof,
    ) -> Result<(), Error> {
        if !proof.can_be_guessed() {
            return Ok(());
        }
        require_codes_left(zalt, attempt)?;
        let is_out = challenge.is_some_and(|challenge| zalt.now() < challenge.expires_at);
        if is_out && !self.taken {
            let taken = zalt.take_account_budget(self.budget, &self.limit).await;
            match (taken, self.own) {
                (Err(Error::RateLimited { .. }), Some(own)) => {
                    zalt.take_account_budget(own, &OWN_TRIES).await?;
                }
                (taken, _) => taken?,
            }
            self.taken = true;
        }
        Ok(())
    }
}

/// Whether `proof` passes `challenge`. Whoever calls this has taken a try from the budgets.
pub(super) fn is_right(
    zalt: &Zalt,
    attempt: &Attempt,
    challenge: &Challenge,
    proof: &Proof,
) -> bool {
    let in_time = zalt.now() < challenge.expires_at;
    let matches = match proof {
        Proof::Code(code) => zalt.encryption_keys().mac_matches(
            Purpose::Code,
            &[
                challenge.purpose.label(),
                attempt.id.as_bytes(),
                code.as_bytes(),
            ],
            challenge.code.as_bytes(),
        ),
        Proof::Link(link) => link.id() == attempt.id && challenge.link == Some(link.digest()),
    };
    in_time && matches
}

/// Commits a batch whose first change moves an attempt. `false` if another request wrote that attempt first, so that it
/// has to be read again.
pub(super) async fn commit(zalt: &Zalt, batch: Batch) -> Result<bool, Error> {
    match zalt.commit(batch).await {
        Ok(()) => Ok(true),
        Err(CommitError::Guard(failure))
            if failure.change == 0 && failure.reason == GuardReason::VersionMismatch =>
        {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// The attempt as it stands after it was written.
pub(super) fn written(attempt: Attempt) -> Attempt {
    Attempt {
        version: attempt.version + 1,
        ..attempt
    }
}

/// Whether the attempt bears another wrong code.
pub(super) fn require_codes_left(zalt: &Zalt, attempt: &Attempt) -> Result<(), Error> {
    if attempt.failed_codes < zalt.config().attempts.max_failed_codes {
        Ok(())
    } else {
        Err(Error::AttemptExhausted)
    }
}

/// The key of an address.
pub(super) fn email_key(address: &EmailAddress) -> IdentifierKey {
    IdentifierKey {
        kind: crate::identifier::IdentifierKind::EmailAddress,
        key: address.canonical(),
    }
}

/// Six digits, each of the million equally likely.
fn random_code(zalt: &Zalt) -> Result<String, Error> {
    // 4_294 whole millions fit into 32 bits; a draw above them would favour small codes and is repeated.
    const FAIR: u32 = 4_294_000_000;
    loop {
        let mut bytes = [0; 4];
        zalt.rng().fill(&mut bytes)?;
        let draw = u32::from_be_bytes(bytes);
        if draw < FAIR {
            return Ok(format!("{:06}", draw % 1_000_000));
        }
    }
}
