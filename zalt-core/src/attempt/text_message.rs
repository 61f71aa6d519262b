//! Who gets text messages, and how many: each costs money, and whoever owns a range of numbers earns by having codes sent
//! there.

use std::time::Duration;

use crate::Zalt;
use crate::budget::{Budget, BudgetKey, Decision};
use crate::error::Error;
use crate::event::{Actor, EventKind};
use crate::identifier::{PhoneNumber, Region};
use crate::request::RequestContext;
use crate::store::{Batch, Change};

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
    ) -> Result<(), Error> {
        let config = &self.config().phone_numbers;
        let region = self.text_message_region(to)?;
        let network = &config.messages_per_network;
        self.take_network(request, b"text-messages", network)
            .await?;
        let number = self.budget_key(&[b"text-messages", b"number", to.as_str().as_bytes()]);
        self.take_account_budget(number, &config.messages_per_number)
            .await?;
        let block = self.budget_key(&[b"text-messages", b"block", to.block().as_bytes()]);
        self.take_account_budget(block, &config.messages_per_block)
            .await?;
        let country = self.region_budget(region);
        if let Err(error) = self
            .take_account_budget(country, &config.unanswered_per_country)
            .await
        {
            return Err(self.note_stop(request, Some(region), country, error).await);
        }
        // Last, so that what is refused above uses up nothing of what all share.
        let all = self.budget_key(&[b"text-messages", b"all"]);
        if let Err(error) = self.take_account_budget(all, &config.messages).await {
            return Err(self.note_stop(request, None, all, error).await);
        }
        count(region.as_str(), "queued");
        Ok(())
    }

    /// What goes with the code of a text message that came back: its country is one from which people sign in.
    pub(crate) fn text_message_answered(&self, from: &PhoneNumber) -> Option<Change> {
        let region = from.region()?;
        Some(Change::GiveBackBudget(self.region_budget(region)))
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

    fn region_budget(&self, region: Region) -> BudgetKey {
        self.budget_key(&[b"text-messages", b"country", region.as_str().as_bytes()])
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
