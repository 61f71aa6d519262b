use std::fs;

use rusqlite::Connection;
use zalt_services::Postgres;

use crate::support::Place;

/// What must not be in the file, each with the query that would find it.
const NEVER: &[(&str, &str)] = &[
    (
        "a user without an identifier",
        "SELECT count(*) FROM zalt_users u WHERE NOT EXISTS (SELECT 1 FROM zalt_identifiers i WHERE i.user_id = u.id)",
    ),
    (
        "a user without a verified primary address",
        "SELECT count(*) FROM zalt_users u WHERE 1 <> (SELECT count(*) FROM zalt_identifiers i \
         WHERE i.user_id = u.id AND i.is_primary AND i.verified_at IS NOT NULL)",
    ),
    (
        "a user without a password",
        "SELECT count(*) FROM zalt_users u WHERE NOT EXISTS (SELECT 1 FROM zalt_passwords p WHERE p.user_id = u.id)",
    ),
    (
        "a user without the event of its making",
        "SELECT count(*) FROM zalt_users u WHERE 1 <> (SELECT count(*) FROM zalt_events e \
         WHERE e.user_id = u.id AND e.kind = 'user.created')",
    ),
    (
        "a session without the event of its making",
        "SELECT abs((SELECT count(*) FROM zalt_sessions) - (SELECT count(*) FROM zalt_events WHERE kind = 'session.created'))",
    ),
    (
        "a wrong count of users",
        "SELECT abs((SELECT count(*) FROM zalt_users) - (SELECT sum(users) FROM zalt_user_counts))",
    ),
];

/// Where every session is ended by itself.
const NEVER_ALONE: (&str, &str) = (
    "an ended session without the event of its end",
    "SELECT abs((SELECT count(*) FROM zalt_sessions WHERE revoked_at IS NOT NULL) \
     - (SELECT count(*) FROM zalt_events WHERE kind = 'session.revoked'))",
);

/// What of it there is in a database of PostgreSQL.
pub(crate) fn never_on(postgres: &Postgres) -> Vec<String> {
    let there = NEVER.iter().filter_map(|(what, query)| {
        let found = postgres.psql(&query.replace("zalt_", "zalt.")).unwrap();
        (found != "0").then(|| format!("{what}: {found}"))
    });
    there.collect()
}

/// Looks at a copy of the file and its log, as the killed process left them, and returns the number of users. The
/// original is left to the next server, which has to recover it by itself.
pub(crate) fn check(place: &Place) -> i64 {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    for suffix in ["", "-wal"] {
        let file = format!("{}{suffix}", place.database().display());
        if fs::exists(&file).unwrap() {
            fs::copy(file, format!("{}{suffix}", copy.display())).unwrap();
        }
    }
    let database = Connection::open(&copy).unwrap();
    let text = |sql| {
        database
            .query_row(sql, [], |row| row.get::<_, String>(0))
            .unwrap()
    };
    let number = |sql| {
        database
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(text("PRAGMA integrity_check"), "ok");
    let orphans = "SELECT count(*) FROM pragma_foreign_key_check";
    assert_eq!(number(orphans), 0, "a row points at nothing");
    if number("SELECT count(*) FROM sqlite_schema WHERE name = 'zalt_users'") == 0 {
        // Killed before the first start made anything.
        return 0;
    }
    for (what, query) in NEVER.iter().chain([&NEVER_ALONE]) {
        assert_eq!(number(query), 0, "{what}");
    }
    number("SELECT count(*) FROM zalt_users")
}
