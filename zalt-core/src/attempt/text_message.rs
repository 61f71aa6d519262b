//! Who gets text messages, and how many: each costs money, and whoever owns a range of numbers earns by having codes sent
//! there.

use std::time::Duration;

use crate::Zalt;
use crate::budget::{Budget, BudgetKey, Decision};
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::id::UserId;
use crate::identifier::{Identifier, IdentifierKey, IdentifierValue, PhoneNumber, Region};
use crate::request::RequestContext;
use crate::store::{Batch, Change};

const SENT: &[u8] = b"sent";
const NOT_SENT: &[u8] = b"not-sent";
const COUNTRY: &[u8] = b"country";

/// Who has a text message sent to a user.
#[derive(Clone, Copy)]
pub(crate) enum Asker {
    /// The user, who has proved at least a first factor.
    Owner(UserId),
    /// Whoever signs in: perhaps nobody that the user knows.
    Anybody(UserId),
}

/// Whose limits a text message is taken from.
struct Limits<'n> {
    number: &'n str,
    block: &'n str,
    country: &'n str,
    /// The label and the name of the user's.
    user: (&'static [u8], &'n [u8]),
    /// Apart from the others for messages that are not sent.
    scope: &'static [u8],
}

/// Which limit there was nothing left of.
enum Spent {
    /// One of its own.
    Number,
    /// That of its country.
    Country(BudgetKey),
    /// That of all.
    All(BudgetKey),
}

impl Zalt {
    /// Takes one text message to this number from everything that limits them. Whoever calls this is about to send it.
    ///
    /// All but the limit of a network is kept where all replicas see it.
    ///
    /// # Errors
    /// [`Error::PhoneNumberNotAllowed`], [`Error::RateLimited`].
    pub(crate) async fn take_text_message(
        &self,
        request: &RequestContext,
        to: &PhoneNumber,
        asker: Asker,
    ) -> Result<(), Error> {
        let region = self.text_message_region(to)?;
        let limits = Limits {
            number: to.as_str(),
            block: to.block(),
            country: region.as_str(),
            user: match &asker {
                Asker::Owner(user_id) => (b"owner", user_id.as_bytes()),
                Asker::Anybody(user_id) => (b"user", user_id.as_bytes()),
            },
            scope: SENT,
        };
        match self.take_limits(request, &limits).await {
            Ok(()) => {
                count(region.as_str(), "queued");
                Ok(())
            }
            Err((Spent::Number, error)) => Err(error),
            Err((Spent::Country(key), error)) => {
                Err(self.note_stop(request, Some(region), key, error).await)
            }
            Err((Spent::All(key), error)) => Err(self.note_stop(request, None, key, error).await),
        }
    }

    /// Whether a code goes out to whoever signs in, which they are not told: that there is a limit would say that there is an
    /// account. So nothing but a failure of a store is an error, and for nobody as many limits are taken, of nobody's.
    pub(super) async fn may_text(
        &self,
        request: &RequestContext,
        typed: &IdentifierKey,
        recipient: Option<&Identifier>,
    ) -> Result<bool, Error> {
        let to = recipient.map(|identifier| &identifier.value);
        let taken = if let Some(IdentifierValue::PhoneNumber(number)) = to {
            let owner = recipient.map(|identifier| identifier.user_id);
            let owner = owner.ok_or(Error::Internal("a number belongs to nobody"))?;
            let asker = Asker::Anybody(owner);
            let taken = self.take_text_message(request, number, asker).await;
            taken.map(|()| true)
        } else {
            let nobody = Limits {
                number: &typed.key,
                block: &typed.key,
                country: "none",
                user: (b"user", typed.key.as_bytes()),
                scope: NOT_SENT,
            };
            let taken = self.take_limits(request, &nobody).await;
            taken.map_or_else(|(_, error)| Err(error), |()| Ok(false))
        };
        match taken {
            Err(Error::RateLimited { .. } | Error::PhoneNumberNotAllowed) => Ok(false),
            taken => taken,
        }
    }

    async fn take_limits(
        &self,
        request: &RequestContext,
        limits: &Limits<'_>,
    ) -> Result<(), (Spent, Error)> {
        let config = &self.config().phone_numbers;
        let network = &config.messages_per_network;
        let key = |what: &[u8], whose: &[u8]| {
            self.budget_key(&[b"text-messages", limits.scope, what, whose])
        };
        let own = |error| (Spent::Number, error);
        self.take_network(request, b"text-messages", network)
            .await
            .map_err(own)?;
        self.take_account_budget(
            key(b"number", limits.number.as_bytes()),
            &config.messages_per_number,
        )
        .await
        .map_err(own)?;
        self.take_account_budget(
            key(b"block", limits.block.as_bytes()),
            &config.messages_per_block,
        )
        .await
        .map_err(own)?;
        let (what, user) = limits.user;
        self.take_account_budget(key(what, user), &config.messages_per_user)
            .await
            .map_err(own)?;
        let country = key(COUNTRY, limits.country.as_bytes());
        self.take_account_budget(country, &config.unanswered_per_country)
            .await
            .map_err(|error| (Spent::Country(country), error))?;
        // Last, so that what is refused above uses up nothing of what all share.
        let all = key(b"all", b"");
        self.take_account_budget(all, &config.messages)
            .await
            .map_err(|error| (Spent::All(all), error))
    }

    /// What goes with a code that came back from this address or number: one message to the country of the number was answered.
    pub(crate) fn answered(&self, from: &IdentifierValue) -> Option<Change> {
        let IdentifierValue::PhoneNumber(number) = from else {
            return None;
        };
        let region = number.region()?;
        let country = region.as_str().as_bytes();
        let key = self.budget_key(&[b"text-messages", SENT, COUNTRY, country]);
        let each = self.config().phone_numbers.unanswered_per_country.each()?;
        Some(Change::GiveBackTry { key, each })
    }

    /// The country of a number to which text messages are sent.
    ///
    /// # Errors
    /// [`Error::PhoneNumberNotAllowed`].
    pub(crate) fn text_message_region(&self, to: &PhoneNumber) -> Result<Region, Error> {
        to.region()
            .filter(|region| self.config().phone_numbers.countries.contains(region))
            .filter(|_| to.may_get_text())
            .ok_or(Error::PhoneNumberNotAllowed)
    }

    /// Writes that text messages are held back, once for each while. Returns the error for the caller to pass on.
    async fn note_stop(
        &self,
        request: &RequestContext,
        region: Option<Region>,
        key: BudgetKey,
        error: Error,
    ) -> Error {
        let Error::RateLimited { retry_after } = error else {
            return error;
        };
        let stopped = region.as_ref().map_or("all", Region::as_str);
        count(stopped, "stopped");
        match self.is_first_note(key, retry_after).await {
            Ok(true) => {}
            Ok(false) => return error,
            Err(failed) => return failed,
        }
        tracing::warn!(
            region = stopped,
            ?retry_after,
            "text messages are held back"
        );
        let kind = EventKind::TextMessagesStopped {
            region,
            until: retry_after.map(|wait| self.now() + wait),
        };
        let noted = match self.event(request, Actor::Application, None, kind) {
            Ok(event) => self.commit(Batch::new().event(event)).await,
            Err(failed) => return failed,
        };
        noted.map_or_else(Error::from, |()| error)
    }

    /// Whether this is the first time within its while that something is noted of a budget.
    pub(crate) async fn is_first_note(
        &self,
        key: BudgetKey,
        retry_after: Option<Duration>,
    ) -> Result<bool, Error> {
        let once = Budget::Rate {
            tries: 1,
            period: retry_after.unwrap_or(Duration::from_hours(1)),
        };
        let key = self.budget_key(&[b"noted", key.as_bytes()]);
        let noted = self.inner.network_budgets.take(key, &once, self.now());
        Ok(noted.await? == Decision::Granted)
    }
}

fn count(region: &str, result: &'static str) {
    metrics::counter!(
        "zalt_text_messages_total",
        "region" => region.to_owned(),
        "result" => result,
    )
    .increment(1);
}
