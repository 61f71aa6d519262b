use std::net::TcpListener;

use crate::until;
use zalt_services::{Postgres, PostgresOptions, ServiceError};

fn with_a_row() -> Postgres {
    let postgres = Postgres::start(&PostgresOptions::default()).unwrap();
    postgres
        .psql("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('Grüße')")
        .unwrap();
    postgres
}

fn rows(postgres: &Postgres) -> String {
    postgres
        .psql("SELECT word FROM kept ORDER BY word")
        .unwrap()
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn a_row_survives_a_restart_and_a_crash() {
    let mut postgres = with_a_row();
    let url = postgres.url("zalt");

    postgres.restart().unwrap();
    assert_eq!(rows(&postgres), "Grüße");

    postgres.kill().unwrap();
    assert!(!postgres.is_running());
    let error = postgres.psql("SELECT 1").unwrap_err();
    assert!(
        matches!(error, ServiceError::Stopped("PostgreSQL")),
        "{error:?}"
    );

    postgres.start_again().unwrap();
    assert_eq!(rows(&postgres), "Grüße");
    assert_eq!(postgres.url("zalt"), url);
    let error = postgres.start_again().unwrap_err();
    assert!(
        matches!(error, ServiceError::Running("PostgreSQL")),
        "{error:?}"
    );
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn a_start_waits_for_a_port_that_is_not_free_yet() {
    let mut postgres = with_a_row();
    let log = format!("{}/../log", postgres.psql("SHOW data_directory").unwrap());
    postgres.stop().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", postgres.port())).unwrap();
    std::thread::scope(|threads| {
        let start = threads.spawn(|| {
            postgres.start_again().unwrap();
            rows(&postgres)
        });
        until(|| {
            let log = std::fs::read_to_string(&log).unwrap();
            log.contains("Address already in use")
        });
        assert!(!start.is_finished());
        drop(listener);
        assert_eq!(start.join().unwrap(), "Grüße");
    });
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn what_was_acknowledged_is_on_the_synchronous_standby_that_takes_over() {
    let mut primary = with_a_row();
    let standby = primary.synchronous_standby("second").unwrap();
    primary.psql("INSERT INTO kept VALUES ('late')").unwrap();
    let error = standby.psql("INSERT INTO kept VALUES ('no')").unwrap_err();
    assert!(
        matches!(&error, ServiceError::Refused { reply, .. } if reply.contains("read-only")),
        "{error:?}"
    );

    primary.kill().unwrap();
    standby.promote().unwrap();

    standby.psql("INSERT INTO kept VALUES ('new')").unwrap();
    assert_eq!(rows(&standby), "Grüße\nlate\nnew");
    // It can have a standby of its own, as the one before had.
    let third = standby.synchronous_standby("third").unwrap();
    standby.psql("DELETE FROM kept").unwrap();
    drop(standby);
    third.promote().unwrap();
    assert_eq!(rows(&third), "");
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn commits_wait_for_a_synchronous_standby_until_they_are_let_go() {
    let primary = with_a_row();
    let mut standby = primary.synchronous_standby("second").unwrap();
    standby.stop().unwrap();

    std::thread::scope(|threads| {
        let commit = threads.spawn(|| primary.psql("INSERT INTO kept VALUES ('held')"));
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        until(|| primary.psql(waiting).unwrap() == "1");
        assert!(!commit.is_finished());
        primary.configure("synchronous_standby_names", "").unwrap();
        commit.join().unwrap().unwrap();
    });
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn the_role_owns_its_databases_and_nothing_else() {
    let options = PostgresOptions::default()
        .max_connections(37)
        .setting("application_name", "it's mine");
    let postgres = Postgres::start(&options).unwrap();
    postgres.create_database("another").unwrap();
    let owned = "SELECT datname FROM pg_database d JOIN pg_roles r ON r.oid = datdba
                 WHERE rolname = 'zalt' AND NOT rolsuper ORDER BY datname";
    assert_eq!(postgres.psql(owned).unwrap(), "another\nzalt");
    for (setting, value) in [
        ("max_connections", "37"),
        ("application_name", "psql"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("listen_addresses", "127.0.0.1"),
    ] {
        assert_eq!(postgres.psql(&format!("SHOW {setting}")).unwrap(), value);
    }
}
