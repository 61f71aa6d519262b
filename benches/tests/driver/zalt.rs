//! Our own server in the words of its adapter, on a store that was filled.

use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::net::TcpListener;
use zalt_benches::adapter::{Adapter, Operation};
use zalt_benches::client::Target;
use zalt_benches::drive::{Among, Driver, DriverError, Mailbox, Task};
use zalt_benches::load::{Arrivals, Schedule};
use zalt_benches::population::{self, Plan};
use zalt_core::id::MessageId;
use zalt_core::message::{Mail, Mailer, Notice, SendError};
use zalt_core::password::Password;
use zalt_core::password::danger::insecure_params_for_tests;
use zalt_core::secret::EncryptionKeys;
use zalt_core::store::{UserFilter, UserQueries};
use zalt_core::{SystemRng, Zalt};
use zalt_http::HttpConfig;
use zalt_store_sqlite::SqliteStore;

/// Hands the code of each mail to the driver.
#[derive(Clone)]
struct Handed(Mailbox);

impl std::fmt::Debug for Handed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handed")
    }
}

#[async_trait]
impl Mailer for Handed {
    async fn send(&self, _id: MessageId, mail: &Mail) -> Result<(), SendError> {
        if let Notice::VerifyEmailAddress { code, .. } = &mail.notice {
            self.0.put(&mail.to, &format!("Your code:\n\n{code}\n"));
        }
        Ok(())
    }
}

struct World {
    zalt: Zalt,
    store: SqliteStore,
    keys: EncryptionKeys,
    driver: Driver,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::open(folder.path().join("zalt.db")).unwrap();
        let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
        let mailbox = Mailbox::open(0).await.unwrap();
        let (zalt, worker) = Zalt::builder(store.clone(), keys.clone(), "http://localhost:3000")
            .configure(|config| config.hashing.params = insecure_params_for_tests())
            .mailer(Handed(mailbox.clone()))
            .build()
            .await
            .unwrap();
        tokio::spawn(worker.run(tokio::time::sleep));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let health = axum::Router::new().route("/healthz", axum::routing::get(async || "ok"));
        let app = zalt_http::router(zalt.clone(), HttpConfig::default()).merge(health);
        tokio::spawn(async move { axum::serve(listener, app).await });
        let target = Target::parse(&url).unwrap();
        let driver = Driver::new(Adapter::zalt(), target, Some(mailbox));
        Self {
            zalt,
            store,
            keys,
            driver,
            _folder: folder,
        }
    }
}

fn task(operation: Operation, count: usize) -> Task {
    Task {
        operation,
        schedule: Schedule {
            arrivals: Arrivals::Constant,
            rate: 200.0,
            time: Duration::from_mins(1),
            most: count,
            seed: 3,
        },
        among: Among::Everybody,
        run: "t".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_done_with_what_a_filled_store_holds() {
    let world = World::new().await;
    let password = Password::parse(population::PASSWORD).unwrap();
    let phc = world
        .zalt
        .users()
        .hash_new_password(password, &[])
        .await
        .unwrap();
    let plan = Plan { users: 40, seed: 1 };
    let filled = plan.fill(&world.store, &world.keys, &phc).await;
    let mut crowd = filled.crowd(world.driver.adapter().names(), 1);
    assert_eq!(crowd.len(), 40);
    for operation in Operation::ALL {
        if operation == Operation::ListUsers {
            continue;
        }
        let count = 30;
        let outcome = world
            .driver
            .load(&task(operation, count), &mut crowd)
            .await
            .unwrap();
        let failures: Vec<_> = outcome.failures.iter().collect();
        assert_eq!(
            (failures, outcome.latencies.count()),
            (vec![], count),
            "{operation:?}"
        );
    }
    let users = world
        .store
        .user_count(&UserFilter::default())
        .await
        .unwrap();
    assert_eq!(users, 40 + 30);
    // Nobody had to sign in for it: every session was there.
    assert_eq!(crowd.len(), 10);
}

/// What a store is filled with is the same for the same seed, but for the secrets that only core makes.
#[tokio::test(flavor = "multi_thread")]
async fn few_of_many_are_kept_and_everybody_is_there() {
    let world = World::new().await;
    let password = Password::parse(population::PASSWORD).unwrap();
    let phc = world
        .zalt
        .users()
        .hash_new_password(password, &[])
        .await
        .unwrap();
    let plan = Plan {
        users: 1_234,
        seed: 5,
    };
    let filled = plan.fill(&world.store, &world.keys, &phc).await;
    let users = world
        .store
        .user_count(&UserFilter::default())
        .await
        .unwrap();
    assert_eq!(users, 1_234);
    let mut crowd = filled.crowd(world.driver.adapter().names(), 1);
    let among = Among::Few(3);
    let few = Task {
        among,
        ..task(Operation::SessionCheck, 20)
    };
    let outcome = world.driver.load(&few, &mut crowd).await.unwrap();
    assert_eq!(outcome.latencies.count(), 20);
    assert_eq!(crowd.len(), 1_234);
}

#[tokio::test]
async fn without_a_mailbox_nobody_could_sign_up() {
    let target = Target::parse("http://127.0.0.1:9").unwrap();
    let driver = Driver::new(Adapter::zalt(), target, None);
    let refused = driver.found(1, "t").await;
    assert!(matches!(
        refused,
        Err(DriverError::NoMailbox(Operation::SignUp))
    ));
}
