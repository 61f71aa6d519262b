use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use zalt_core::budget::BudgetStore;
use zalt_core::store::Store;

/// Both contracts on one value, as every full backend has them.
pub trait TestStore: Store + BudgetStore {}

impl<S: Store + BudgetStore> TestStore for S {}

/// A store that tasks can share.
pub type SharedStore = Arc<dyn TestStore>;

/// Makes empty stores of one kind.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// An empty store that shares nothing with any other. Panics if it can't be made.
    async fn fresh(&self) -> Fresh;
}

/// An empty store, and whatever has to stay for as long as it is used.
pub struct Fresh {
    // Dropped in this order: first the store, then the folder or server that it lives in.
    store: SharedStore,
    held: Option<Box<dyn Any + Send + Sync>>,
}

impl Fresh {
    /// A store that needs nothing else.
    pub fn new(store: impl TestStore + 'static) -> Self {
        Self {
            store: Arc::new(store),
            held: None,
        }
    }

    /// Holds on to something, such as a temporary folder, until the store was dropped.
    #[must_use]
    pub fn holding(mut self, held: impl Any + Send + Sync) -> Self {
        self.held = Some(Box::new(held));
        self
    }

    /// The store.
    pub const fn store(&self) -> &SharedStore {
        &self.store
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh")
            .field("store", &self.store)
            .field("held", &self.held.is_some())
            .finish()
    }
}

/// A place for budgets that tasks can share.
pub type SharedBudgets = Arc<dyn BudgetStore>;

/// Makes empty places for budgets only, such as an in-memory one or a server for counters.
#[async_trait]
pub trait BudgetBackend: Send + Sync + 'static {
    /// A place without budgets that shares none with any other. Panics if it can't be made.
    async fn fresh(&self) -> SharedBudgets;
}

/// Makes places that keep a store's data while no store is open on them.
///
/// A backend that has this is a [`Backend`] too, which opens one store on a new place.
#[async_trait]
pub trait DurableBackend: Send + Sync + 'static {
    /// A new place without any data. Panics if it can't be made.
    async fn place(&self) -> Arc<dyn Place>;
}

/// Where a store's data stays: a folder, a schema on a server.
#[async_trait]
pub trait Place: Send + Sync {
    /// Opens the store that lives here. It is called again only after every store it returned was dropped; what such a
    /// store may still have to finish, this call waits for. Panics if the store can't be opened.
    async fn open(&self) -> SharedStore;
}

#[async_trait]
impl<B: DurableBackend> Backend for B {
    async fn fresh(&self) -> Fresh {
        let place = self.place().await;
        Fresh {
            store: place.open().await,
            held: Some(Box::new(place)),
        }
    }
}
