//! Lists that a read replica answers, where the host allows them to be behind.

use zalt_core::store::{EventFilter, EventQueries, PageRequest, Store, UserFilter, UserQueries};
use zalt_store_testkit::fixtures::Fixtures;

use crate::proxy::Proxy;
use crate::schema::Schema;
use crate::support::sign_up;

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_replica_answers_lists_and_counts_and_nothing_else() {
    let schema = Schema::new();
    let proxy = Proxy::start().await;
    let options = schema.options().stale_reads_from(proxy.url(&schema));
    let store = options.connect(&schema.url()).await.unwrap();
    let f = Fixtures::new();
    let (ada, batch) = sign_up(&f, "ada");
    store.commit(batch).await.unwrap();
    store.ready().await.unwrap();
    assert!(store.account(ada.id).await.unwrap().is_some());
    assert_eq!(proxy.requests(), Vec::<String>::new());

    let (everybody, everything) = (UserFilter::default(), EventFilter::default());
    let page = PageRequest::default();
    // One that is away is passed over.
    for is_away in [false, true] {
        proxy.be_away(is_away);
        proxy.requests();
        let users = store.users(&everybody, page).await.unwrap();
        assert_eq!(users.data, std::slice::from_ref(&ada));
        assert_eq!(store.user_count(&everybody).await.unwrap(), 1);
        let events = store.events(&everything, page).await.unwrap();
        assert_eq!(events.data.len(), 1);
        assert_eq!(
            proxy.requests().iter().any(|name| name == "execute sync"),
            !is_away
        );
    }
}
