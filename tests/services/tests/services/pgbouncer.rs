use std::process::Command;

use zalt_services::{PgBouncer, PgBouncerOptions, Postgres, PostgresOptions};

/// What psql makes of the statements, through whatever listens at the address.
fn ask(url: &str, sql: &str) -> Result<String, String> {
    let output = Command::new("psql")
        .args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            sql,
            url,
        ])
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
#[ignore = "needs PgBouncer: cargo xtask test"]
fn clients_share_a_connection_by_transactions_and_outlive_a_restart() {
    let mut postgres = Postgres::start(&PostgresOptions::default()).unwrap();
    let options = PgBouncerOptions::default().pool_size(1);
    let pooler = PgBouncer::start(&postgres, &options).unwrap();
    let url = pooler.url("zalt");

    let whoami = "SELECT current_user || ' at ' || inet_server_port()";
    let expected = format!("zalt at {}", postgres.port());
    assert_eq!(ask(&url, whoami).as_ref(), Ok(&expected));
    // What one client sets, the next one meets: they share the server's connection.
    ask(&url, "SET application_name = 'left behind'").unwrap();
    let pid = "SELECT pg_backend_pid()";
    assert_eq!(ask(&url, pid), ask(&url, pid));

    postgres.restart().unwrap();
    crate::until(|| ask(&url, whoami).as_ref() == Ok(&expected));
}
