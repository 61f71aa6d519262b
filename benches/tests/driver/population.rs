//! What a store is filled with by `COPY` is what it is filled with by its own commits.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use zalt_benches::load::Random;
use zalt_benches::population::{PASSWORD, Plan};
use zalt_core::SystemRng;
use zalt_core::identifier::{EmailAddress, IdentifierValue};
use zalt_core::password::danger::insecure_params_for_tests;
use zalt_core::password::{ForeignHashKeys, HashingConfig, HashingPool, Password, PasswordPhc};
use zalt_core::secret::EncryptionKeys;
use zalt_core::store::{
    EventFilter, EventQueries, PageRequest, SessionQueries, UserFilter, UserQueries,
};
use zalt_store_postgres::PostgresStore;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_copied_store_is_read_like_any_other() {
    let url = std::env::var("ZALT_TEST_POSTGRES_URL").expect("cargo xtask test names a database");
    let schema = format!("bench_{}", std::process::id());
    let builder = PostgresStore::builder().schema(&schema);
    let store = builder.connect(&url).await.unwrap();
    let keys = EncryptionKeys::parse(&EncryptionKeys::generate(&SystemRng).unwrap()).unwrap();
    let plan = Plan { users: 33, seed: 2 };
    let copied = plan.copy(&url, &schema, &keys, &phc().await).await;

    let all = UserFilter::default();
    assert_eq!(store.user_count(&all).await.unwrap(), 33);
    let page = store.users(&all, PageRequest::default()).await.unwrap();
    assert_eq!(page.data.len(), 20);
    let person = copied.anybody(&mut Random::seeded(1));
    let email = EmailAddress::parse(&person.email).unwrap();
    let key = IdentifierValue::EmailAddress(email).key();
    let account = store.account_by_identifier(&key).await.unwrap().unwrap();
    assert_eq!(account.user.id, person.id);
    assert_eq!(account.identifiers.len(), 1);
    assert!(account.password.is_some());
    let found = store.session_with_user(person.session()).await.unwrap();
    let (session, user) = found.unwrap();
    assert_eq!((session.user_id, user.id), (person.id, person.id));
    let events = EventFilter {
        user_id: Some(person.id),
        ..EventFilter::default()
    };
    let events = store.events(&events, PageRequest::default()).await.unwrap();
    assert_eq!(events.data.len(), 1);

    store.close().await;
    let mut db = PgConnection::connect(&url).await.unwrap();
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    sqlx::query(AssertSqlSafe(drop))
        .execute(&mut db)
        .await
        .unwrap();
}

async fn phc() -> PasswordPhc {
    let mut config = HashingConfig::default();
    config.params = insecure_params_for_tests();
    let rng = std::sync::Arc::new(SystemRng);
    let pool = HashingPool::new(config, ForeignHashKeys::default(), rng).unwrap();
    pool.hash(Password::parse(PASSWORD).unwrap()).await.unwrap()
}
