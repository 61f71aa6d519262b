//! An application of its own, to be measured inside this process.

use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use zalt_core::budget::Budget;
use zalt_core::config::SessionCacheConfig;
use zalt_core::id::MessageId;
use zalt_core::identifier::EmailAddress;
use zalt_core::message::{Mail, Mailer, SendError};
use zalt_core::password::Password;
use zalt_core::secret::EncryptionKeys;
use zalt_core::user::{Metadata, NewUser, Profile};
use zalt_core::{Config, RequestContext, SystemRng, Worker, Zalt};
use zalt_store_sqlite::SqliteStore;

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// An application on a SQLite file of its own, with the defaults of production.
pub struct App {
    /// The application.
    pub zalt: Zalt,
    /// Its store.
    pub store: SqliteStore,
    /// Where the store is.
    pub folder: Arc<TempDir>,
    _worker: Worker,
}

/// Mail is not what is measured.
#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl Mailer for Nowhere {
    async fn send(&self, _id: MessageId, _mail: &Mail) -> Result<(), SendError> {
        Ok(())
    }
}

impl App {
    /// With the session cache or without.
    pub async fn new(cached: bool) -> Self {
        Self::with(cached, |_| {}).await
    }

    /// With other choices too.
    pub async fn with(cached: bool, configure: impl FnOnce(&mut Config)) -> Self {
        let folder = Arc::new(TempDir::new().unwrap());
        let store = SqliteStore::open(folder.path().join("zalt.db")).unwrap();
        let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
        let (zalt, worker) = Zalt::builder(store.clone(), keys, "http://localhost:3000")
            .configure(|config| {
                config.budgets.network = Budget::Rate {
                    tries: u32::MAX,
                    period: std::time::Duration::from_secs(1),
                };
                config.sessions.cache = cached.then_some(SessionCacheConfig {
                    capacity: 100_000,
                    max_age: std::time::Duration::from_secs(5),
                });
                configure(config);
            })
            .mailer(Nowhere)
            .build()
            .await
            .unwrap();
        Self {
            zalt,
            store,
            folder,
            _worker: worker,
        }
    }

    /// Users with [`PASSWORD`], hashed once.
    pub async fn users(&self, count: usize) {
        let phc = self
            .zalt
            .users()
            .hash_new_password(password(), &[])
            .await
            .unwrap();
        for n in 0..count {
            let new = NewUser {
                email_address: EmailAddress::parse(&address(n)).unwrap(),
                username: None,
                password: Some(phc.clone()),
                profile: Profile::default(),
                unsafe_metadata: Metadata::default(),
            };
            self.zalt
                .users()
                .create(&RequestContext::internal(), new)
                .await
                .unwrap();
        }
    }
}

/// The address of the user of this number.
pub fn address(n: usize) -> String {
    format!("user{n}@example.com")
}

/// The password of everybody.
pub fn password() -> Password {
    Password::parse(PASSWORD).unwrap()
}
