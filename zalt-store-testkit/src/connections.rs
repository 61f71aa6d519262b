//! Connections to providers: one of each key, and each write of one knows what it writes over.

use zalt_core::connection::{Connection, ConnectionKey, ConnectionState, OAuthEndpoints};
use zalt_core::secret::Sealed;
use zalt_core::store::{Change, GuardReason};

use crate::SharedStore;
use crate::assertions::{commit, refused};
use crate::fixtures::Fixtures;

/// Every field of a connection comes back as it was written, the oldest first.
pub async fn connections_are_read_back_whole(store: &SharedStore) {
    let f = Fixtures::new();
    let plain = f.connection("z");
    let url = |text: &str| text.parse().expect("fixtures use valid addresses");
    let full = Connection {
        state: ConnectionState {
            enabled: false,
            provider: "oauth2".to_owned(),
            client_id: "né 'client' \u{1f511}".to_owned(),
            client_secret: Some(Sealed::from_bytes((0..=u8::MAX).collect())),
            issuer: Some(url("https://id.example.com/tenant?a=b")),
            endpoints: Some(OAuthEndpoints {
                authorization: url("https://id.example.com/authorize"),
                token: url("https://id.example.com/token"),
                userinfo: url("https://id.example.com/me"),
                revocation: None,
            }),
            extra_scopes: vec!["read:all".to_owned(), String::new()],
            options: [("tenant".to_owned(), "\"common\"".to_owned())].into(),
        },
        updated_at: f.now(),
        version: 7,
        ..f.connection("0-and-forty-characters-that-a-key-can-be")
    };
    let both = [plain, full];
    for connection in &both {
        commit(store, Change::InsertConnection(connection.clone())).await;
    }
    assert_eq!(connections(store).await, both);
}

/// An id and a key are there once, and are free again once their connection is gone.
pub async fn inserting_an_existing_id_or_key_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let first = f.connection("google");
    commit(store, Change::InsertConnection(first.clone())).await;
    let of_its_id = Connection {
        id: first.id,
        ..f.connection("github")
    };
    for again in [of_its_id, f.connection("google"), first.clone()] {
        let insert = Change::InsertConnection(again);
        refused(store, insert, 0, GuardReason::AlreadyExists).await;
    }
    commit(store, Change::InsertConnection(f.connection("google-2"))).await;
    let delete = Change::DeleteConnection {
        id: first.id,
        version: first.version,
    };
    commit(store, delete).await;
    let second = f.connection("google");
    commit(store, Change::InsertConnection(second.clone())).await;
    assert_eq!(connections(store).await.last(), Some(&second));
}

/// An update writes what it is given and the version plus one, and keeps the key.
pub async fn an_update_writes_and_counts_the_version(store: &SharedStore) {
    let f = Fixtures::new();
    let first = f.connection("google");
    commit(store, Change::InsertConnection(first.clone())).await;
    let changed = Connection {
        key: ConnectionKey::parse("github").expect("fixtures use valid keys"),
        state: ConnectionState {
            enabled: false,
            client_secret: None,
            ..first.state.clone()
        },
        created_at: f.now(),
        updated_at: f.now(),
        ..first.clone()
    };
    commit(store, Change::UpdateConnection(changed.clone())).await;
    let second = Connection {
        key: first.key,
        version: first.version + 1,
        ..changed
    };
    assert_eq!(connections(store).await, [second]);
}

/// An update or a deletion that names a version other than the stored one does nothing.
pub async fn another_version_is_refused(store: &SharedStore) {
    let f = Fixtures::new();
    let first = f.connection("google");
    let changes = |version| {
        [
            Change::UpdateConnection(Connection {
                updated_at: f.now(),
                version,
                ..first.clone()
            }),
            Change::DeleteConnection {
                id: first.id,
                version,
            },
        ]
    };
    for change in changes(first.version) {
        refused(store, change, 0, GuardReason::NotFound).await;
    }
    commit(store, Change::InsertConnection(first.clone())).await;
    for version in [first.version - 1, first.version + 1, u64::MAX] {
        for change in changes(version) {
            refused(store, change, 0, GuardReason::VersionMismatch).await;
        }
    }
    assert_eq!(connections(store).await, [first]);
}

async fn connections(store: &SharedStore) -> Vec<Connection> {
    store.connections().await.expect("the query has to succeed")
}
