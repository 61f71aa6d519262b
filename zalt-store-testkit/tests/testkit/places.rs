//! The behaviours of durability, tried on places that keep a journal in memory: one is right, the others have a flaw.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;
use zalt_core::Timestamp;
use zalt_core::budget::{Budget, BudgetKey, BudgetStore, Decision};
use zalt_core::store::memory::MemoryStore;
use zalt_core::store::{Batch, CommitError, Store, StoreError};
use zalt_store_testkit::{DurableBackend, Place, SharedStore, check_durability};

use crate::doubles::Double;

/// What a journal gets wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// The last commit was acknowledged before it was written.
    LosesTheLastCommit,
    /// Budgets are kept beside the journal.
    LosesBudgets,
    /// The changes of a batch are written one after the other, and a caller that goes away cuts them off.
    HalvesBatches,
    /// Events are written elsewhere, later.
    LosesEvents,
}

/// What was done to a store, so that it can be done again to the next one.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: Mutex<Vec<Entry>>,
    flaw: Flaw,
}

#[derive(Debug, Clone)]
enum Entry {
    Commit(Batch),
    Take(BudgetKey, Budget, Timestamp),
    GiveBack(BudgetKey),
}

impl Journal {
    pub(crate) async fn commit(
        &self,
        store: &MemoryStore,
        batch: Batch,
    ) -> Result<(), CommitError> {
        let mut entries = self.entries.lock().await;
        store.commit(batch.clone()).await?;
        if self.flaw == Flaw::HalvesBatches {
            for change in batch.changes {
                entries.push(Entry::Commit(Batch::new().change(change)));
                tokio::task::yield_now().await;
            }
            let events = batch.events.into_iter();
            entries.push(Entry::Commit(events.fold(Batch::new(), Batch::event)));
        } else {
            entries.push(Entry::Commit(batch));
        }
        Ok(())
    }

    pub(crate) async fn take(
        &self,
        store: &MemoryStore,
        key: BudgetKey,
        budget: &Budget,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let mut entries = self.entries.lock().await;
        let decision = store.take(key, budget, now).await?;
        if decision == Decision::Granted && self.flaw != Flaw::LosesBudgets {
            entries.push(Entry::Take(key, *budget, now));
        }
        Ok(decision)
    }

    pub(crate) async fn give_back(
        &self,
        store: &MemoryStore,
        key: BudgetKey,
    ) -> Result<(), StoreError> {
        let mut entries = self.entries.lock().await;
        store.give_back(key).await?;
        entries.push(Entry::GiveBack(key));
        Ok(())
    }
}

struct JournalPlace(Arc<Journal>);

#[async_trait]
impl Place for JournalPlace {
    async fn open(&self) -> SharedStore {
        let mut entries = self.0.entries.lock().await;
        if self.0.flaw == Flaw::LosesTheLastCommit {
            entries.pop();
        }
        let store = MemoryStore::new();
        for entry in entries.iter().cloned() {
            match entry {
                Entry::Commit(mut batch) => {
                    if self.0.flaw == Flaw::LosesEvents {
                        batch.events.clear();
                    }
                    store.commit(batch).await.unwrap();
                }
                Entry::Take(key, budget, now) => {
                    store.take(key, &budget, now).await.unwrap();
                }
                Entry::GiveBack(key) => store.give_back(key).await.unwrap(),
            }
        }
        Arc::new(Double::opened(store, Arc::clone(&self.0)))
    }
}

struct Journals(Flaw);

#[async_trait]
impl DurableBackend for Journals {
    async fn place(&self) -> Arc<dyn Place> {
        Arc::new(JournalPlace(Arc::new(Journal {
            entries: Mutex::default(),
            flaw: self.0,
        })))
    }
}

zalt_store_testkit::durability_tests!(Journals(Flaw::None));

/// The names of the behaviours that places with this flaw fail.
async fn failures(flaw: Flaw) -> BTreeSet<String> {
    let outcomes = check_durability(Journals(flaw)).await;
    outcomes
        .into_iter()
        .filter(|outcome| outcome.failure.is_some())
        .map(|outcome| outcome.behaviour)
        .collect()
}

macro_rules! caught {
    ($($name:ident: $flaw:ident by $($behaviour:literal),+;)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let failures = failures(Flaw::$flaw).await;
            for behaviour in [$($behaviour),+] {
                assert!(
                    failures.contains(behaviour),
                    "{behaviour} did not catch it; these did: {failures:#?}"
                );
            }
        }
    )+};
}

caught! {
    a_place_that_loses_the_last_commit: LosesTheLastCommit by
        "durability::every_last_commit_survives",
        "durability::everything_survives_reopening";
    a_place_that_loses_budgets: LosesBudgets by
        "durability::budgets_survive_reopening";
    a_place_that_halves_batches: HalvesBatches by
        "durability::no_commit_is_lost_or_halved_when_the_store_closes";
    a_place_that_loses_events: LosesEvents by
        "durability::everything_survives_reopening",
        "durability::no_commit_is_lost_or_halved_when_the_store_closes";
}
