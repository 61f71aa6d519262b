//! Starting: before the database is there, several at once, and with nothing kept on this machine.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::{KEY, PATIENCE, Replicas, postgres, redis_with_password, setup, setup_at};
use crate::support::{Client, Mailbox, PASSWORD, Place, free_port, until};

const CREATE: [&str; 5] = [
    "user",
    "create",
    "--email",
    "root@example.com",
    "--password-stdin",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_server_waits_for_a_database_that_comes_up_later() {
    let mut postgres = postgres();
    postgres.stop().unwrap();
    let place = Place::new(setup(&postgres));
    let mut server = place.spawn();
    until("it says that it waits", PATIENCE, async || {
        server.log().contains("trying again").then_some(())
    })
    .await;
    postgres.start_again().unwrap();
    server.ready().await;
    server.stop().await.well();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_come_up_ends_the_start_with_its_name() {
    let nowhere = format!("postgres://zalt:planted@127.0.0.1:{}/zalt", free_port());
    let impatient = setup_at(&nowhere).env("ZALT_DATABASE_STARTUP_TIMEOUT", "1s");
    let ended = Place::new(impatient).run(&["serve"]).await;
    ended.refused(&["127.0.0.1", "did not answer"]);
    assert!(!ended.said.contains("planted"), "{}", ended.said);

    // Whoever is told to end while it waits ends at once.
    let place = Place::new(setup_at(&nowhere));
    let server = place.spawn();
    until("it waits", PATIENCE, async || {
        server.log().contains("trying again").then_some(())
    })
    .await;
    timeout(Duration::from_secs(5), server.stop())
        .await
        .expect("it ends although it waits")
        .well();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn replicas_start_at_once_on_an_empty_database() {
    let postgres = postgres();
    let replicas = Replicas::start(3, &setup(&postgres)).await;
    let ada = replicas.browser(0);
    ada.sign_up(&replicas.mailbox, "ada@example.com").await;
    for number in 0..3 {
        replicas
            .moved(&ada, number)
            .get("/v1/client/me")
            .await
            .expect(200);
    }
    let keys = postgres.psql("SELECT count(*) FROM zalt.signing_keys");
    assert_eq!(keys.unwrap(), "1", "they agree on one signing key");
    for place in &replicas.places {
        assert!(!place.data().exists(), "nothing is kept on this machine");
    }
    replicas.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn in_development_replicas_share_a_data_folder_and_its_key() {
    let postgres = postgres();
    let setup = setup(&postgres).env("ENCRYPTION_KEY", "");
    let place = Place::new(setup);
    let first = place.start().await;
    let mut second = crate::support::Server::spawn(&place, free_port(), &["serve"]);
    second.ready().await;
    assert!(place.data().join("encryption.key").exists());
    assert!(!place.data().join("zalt.lock").exists());
    first.stop().await.well();
    second.stop().await.well();

    // A folder without that key is no place for a server of this database.
    let elsewhere = Place::new(super::setup(&postgres).env("ENCRYPTION_KEY", ""));
    elsewhere.run(&["serve"]).await.refused(&["key"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn every_command_works_beside_servers() {
    let postgres = postgres();
    let mailbox = Mailbox::open().await;
    let place = Place::new(setup(&postgres).mail_to(&mailbox));
    let password = format!("{PASSWORD}\n");
    // Only a server and `migrate` make the schema.
    let early = place.run_with_input(&CREATE, &password).await;
    early.refused(&["migrate"]);
    let doctor = place.run(&["doctor"]).await;
    doctor.well();
    assert!(doctor.said.contains("no schema"), "{}", doctor.said);
    let tables = "SELECT count(*) FROM pg_namespace WHERE nspname = 'zalt'";
    assert_eq!(postgres.psql(tables).unwrap(), "0");

    let migrated = place.run(&["migrate"]).await;
    migrated.well();
    assert!(
        migrated.said.contains("schema version"),
        "{}",
        migrated.said
    );
    let server = place.start().await;
    place.run(&["migrate"]).await.well();
    place.run_with_input(&CREATE, &password).await.well();
    let client = Client::by_cookie(server.origin());
    client
        .sign_in("root@example.com", PASSWORD)
        .await
        .expect(200);
    let doctor = place.run(&["doctor"]).await;
    doctor.well();
    assert!(doctor.said.contains("can be written"), "{}", doctor.said);
    assert!(!doctor.said.contains(KEY));
    place
        .run(&["backup", "copy.db"])
        .await
        .refused(&["pg_dump"]);

    postgres
        .configure("default_transaction_read_only", "on")
        .unwrap();
    place.run(&["doctor"]).await.refused(&["can only be read"]);
    until("/readyz says so too", PATIENCE, async || {
        let reply = client.get("/readyz").await;
        (reply.status == 503 && reply.body["missing"] == json!(["database"])).then_some(())
    })
    .await;
    postgres
        .configure("default_transaction_read_only", "off")
        .unwrap();
    until("it can be written again", PATIENCE, async || {
        (client.get("/readyz").await.status == 200).then_some(())
    })
    .await;
    server.stop().await.well();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn passwords_of_services_are_said_nowhere() {
    const PLANTED: &str = "planted-password";
    let postgres = postgres();
    let redis = redis_with_password(PLANTED);
    let (database, cache) = (postgres.port(), redis.port());
    let place = Place::new(
        setup_at(&format!(
            "postgres://zalt:{PLANTED}@127.0.0.1:{database}/zalt"
        ))
        .env("REDIS_URL", format!("redis://:{PLANTED}@127.0.0.1:{cache}"))
        .env("ZALT_LOG_FILTER", "trace"),
    );
    let server = place.start().await;
    let ready = Client::by_cookie(server.origin()).get("/readyz").await;
    assert_eq!(
        ready.body,
        json!({ "status": "ready" }),
        "the password fits"
    );
    let mut said = vec![server.stop().await];
    for command in ["doctor", "migrate", "backup copy.db", "--help"] {
        let words: Vec<&str> = command.split(' ').collect();
        said.push(place.run(&words).await);
    }
    let mut nowhere = place.setup().clone();
    nowhere = nowhere.env("ZALT_DATABASE_STARTUP_TIMEOUT", "1s");
    drop(postgres);
    said.push(Place::new(nowhere).run(&["serve"]).await);
    for ended in said {
        assert!(!ended.said.contains(PLANTED), "{}", ended.said);
    }
}
