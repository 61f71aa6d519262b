//! Asks SQLite how it would run every statement of this crate.

use rusqlite::Connection;

use crate::{
    attempt, budget, credential, event, expired, identifier, message, password,
    provider_connection, schema, session, signing_key, user,
};

fn statements() -> Vec<(String, String)> {
    let named = [
        ("attempt", attempt::STATEMENTS),
        ("budget", budget::STATEMENTS),
        ("credential", credential::STATEMENTS),
        ("event", event::STATEMENTS),
        ("expired", expired::STATEMENTS),
        ("identifier", identifier::STATEMENTS),
        ("message", message::STATEMENTS),
        ("password", password::STATEMENTS),
        ("provider_connection", provider_connection::STATEMENTS),
        ("session", session::STATEMENTS),
        ("signing_key", signing_key::STATEMENTS),
        ("user", user::STATEMENTS),
    ];
    let mut all = Vec::new();
    for (module, statements) in named {
        for (name, sql) in statements {
            all.push((format!("{module}::{name}"), (*sql).to_owned()));
        }
    }
    all.extend(user::tests::searches());
    all.extend(event::tests::searches());
    all
}

fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let count = explain.parameter_count();
    let nulls = vec![rusqlite::types::Null; count];
    explain
        .query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// Steps that read a whole table or index, and why that is right.
///
/// A scan in the order of a list ends at the list's limit.
const SCANS: &[(&str, &str)] = &[
    // All keys are wanted, and there are a handful.
    (
        "signing_key::ALL",
        "SCAN zalt_signing_keys USING INDEX zalt_signing_keys_by_age",
    ),
    // All connections are wanted, and there are a hundred at most.
    ("provider_connection::ALL", "SCAN zalt_connections"),
    // The newest key: one step.
    (
        "signing_key::INSERT",
        "SCAN zalt_signing_keys USING COVERING INDEX zalt_signing_keys_by_age",
    ),
    ("signing_key::INSERT", "SCAN CONSTANT ROW"),
    // A list without a filter, from its newest row.
    (
        "first page UserFilter { active: None, identifier_prefix: None, deleted_before: None }",
        "SCAN u",
    ),
    (
        "EventFilter { user_id: None, kind: None } None",
        "SCAN zalt_events",
    ),
];

#[test]
fn every_look_up_has_an_index() {
    let db = Connection::open_in_memory().unwrap();
    schema::migrate(&db).unwrap();
    for (name, sql) in statements() {
        for step in plan(&db, &sql) {
            let scan = step.starts_with("SCAN") && !SCANS.contains(&(&*name, &*step));
            assert!(!scan, "{name}: {step}\n{sql}");
        }
    }
}

/// Lists come in the order of an index, so that a page costs the same however long the list is.
#[test]
fn pages_are_not_sorted() {
    let db = Connection::open_in_memory().unwrap();
    schema::migrate(&db).unwrap();
    for (name, sql) in statements() {
        // Few were deleted and are not purged yet, and a user has few identifiers.
        if name.contains("deleted_before: Some") || name == "identifier::OF_USER" {
            continue;
        }
        for step in plan(&db, &sql) {
            assert!(
                !step.contains("TEMP B-TREE FOR ORDER BY"),
                "{name}: {step}\n{sql}"
            );
        }
    }
}
