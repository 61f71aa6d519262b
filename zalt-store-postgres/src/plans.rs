//! Asks PostgreSQL how it would run every statement of this crate.

use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Row};

use crate::commit::plan;
use crate::names::Names;
use crate::sql::{Value, arguments};
use crate::test_schema::Schema;
use crate::texts::{merge, statements};
use crate::{
    attempt, budget, credential, event, expired, identifier, message, password,
    provider_connection, session, signing_key, user,
};

/// Tables of few rows, in which looking for one is going through them.
const SMALL: &[&str] = &[
    "connections",
    "pg_namespace",
    "schema_version",
    "signing_key_turn",
    "signing_keys",
    "user_counts",
];

/// Statements that sort, and why that is right.
const SORTED: &[&str] = &[
    // A user has few identifiers.
    "zalt_store_postgres::user::ACCOUNT",
    "zalt_store_postgres::user::ACCOUNT_BY_IDENTIFIER",
    "zalt_store_postgres::user::ACCOUNT_BY_CREDENTIAL",
    // And few sessions.
    "zalt_store_postgres::session::LIVE",
    "zalt_store_postgres::session::LIVE_AFTER",
    // There are a handful.
    "zalt_store_postgres::provider_connection::ALL",
    "zalt_store_postgres::signing_key::ALL",
    "zalt_store_postgres::signing_key::INSERT",
];

/// As many rows as it takes for going through all of them to be the dearer way.
const FILL: &str = "
    INSERT INTO zalt.users (id, deleted_at, session_epoch, created_at, updated_at, version, public_metadata,
        private_metadata, unsafe_metadata)
    SELECT gen_random_uuid(), CASE WHEN n % 500 = 0 THEN n END, 0, n, n, 1, '{}', '{}', '{}'
    FROM generate_series(1, 20000) n;
    INSERT INTO zalt.identifiers (id, user_id, kind, key, value, verified_at, is_primary, created_at, version)
    SELECT gen_random_uuid(), id, 'email_address', id || '@example.com', id || '@example.com', 1, true, 1, 1
    FROM zalt.users;
    INSERT INTO zalt.passwords (user_id, phc, set_at, version) SELECT id, repeat('a', 97), 1, 1 FROM zalt.users;
    INSERT INTO zalt.credentials (id, user_id, handle, created_at, version, state)
    SELECT gen_random_uuid(), id, sha256(id::TEXT::BYTEA), 1, 1, '{}' FROM zalt.users;
    INSERT INTO zalt.sessions (id, user_id, epoch, transport, token, amr, authenticated_at, last_seen_at, idle_expires_at,
        expires_at, created_at, sweep_at)
    SELECT gen_random_uuid(), id, 0, 'cookie', decode(repeat('ab', 32), 'hex'), '[]', 1, 1, n, n, 1, n
    FROM zalt.users, generate_series(1, 3) n;
    INSERT INTO zalt.attempts (id, failed_codes, sent_messages, created_at, expires_at, version, token, state)
    SELECT gen_random_uuid(), 0, 0, n, n, 1, decode(repeat('ab', 32), 'hex'), '{}' FROM generate_series(1, 20000) n;
    INSERT INTO zalt.events (id, occurred_at, user_id, kind, actor)
    SELECT gen_random_uuid(), created_at, id, CASE WHEN created_at % 2 = 0 THEN 'user.created' ELSE 'user.updated' END, '{}'
    FROM zalt.users;
    INSERT INTO zalt.messages (id, created_at, due_at, expires_at, tries, version, content)
    SELECT gen_random_uuid(), n, n, n, 0, 1, decode(repeat('ab', 200), 'hex') FROM generate_series(1, 20000) n;
    INSERT INTO zalt.budgets (key, count, until, forget_at)
    SELECT sha256(n::TEXT::BYTEA), 1, n, n FROM generate_series(1, 20000) n;
    ANALYZE zalt.users, zalt.identifiers, zalt.passwords, zalt.credentials, zalt.sessions, zalt.attempts, zalt.events, zalt.messages,
        zalt.budgets;
";

/// Every statement that is prepared, each step by itself, and the batches of the common use cases.
fn prepared() -> Vec<(String, String)> {
    let mut all: Vec<_> = statements()
        .map(|statement| (statement.name.to_owned(), statement.sql.to_owned()))
        .collect();
    let steps = [
        attempt::STEPS,
        budget::STEPS,
        credential::STEPS,
        expired::STEPS,
        identifier::STEPS,
        message::STEPS,
        password::STEPS,
        provider_connection::STEPS,
        session::STEPS,
        signing_key::STEPS,
        user::STEPS,
    ];
    for step in steps.into_iter().flatten() {
        all.push((step.name.to_owned(), merge(&[*step], &[0], 0)));
    }
    for (name, plan) in plan::tests::common() {
        for part in plan.parts {
            let texts: Vec<_> = part.steps.iter().map(|step| step.text).collect();
            let parameters: Vec<_> = part.steps.iter().map(|step| step.values.len()).collect();
            let sql = merge(&texts, &parameters, part.event_count);
            all.push((name.to_owned(), sql));
        }
    }
    all
}

/// The plan that is good for any parameters, which a connection comes to after a few executions.
async fn generic_plan(db: &mut PgConnection, sql: &str) -> Vec<String> {
    let run = async |db: &mut PgConnection, sql: String| {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .fetch_all(db)
            .await
            .unwrap()
    };
    run(db, format!("PREPARE statement AS {sql}")).await;
    let parameters = "SELECT cardinality(parameter_types)::TEXT FROM pg_prepared_statements WHERE name = 'statement'";
    let count = run(db, parameters.to_owned()).await;
    let count: usize = count[0].get::<String, _>(0).parse().unwrap();
    let nulls = match count {
        0 => String::new(),
        count => format!("({})", vec!["NULL"; count].join(", ")),
    };
    let rows = run(db, format!("EXPLAIN EXECUTE statement{nulls}")).await;
    run(db, "DEALLOCATE statement".to_owned()).await;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The plan for these parameters.
async fn plan_for(db: &mut PgConnection, sql: &str, values: &[Value]) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN {sql}"));
    let rows = sqlx::query_with(explain, arguments(values).unwrap())
        .fetch_all(db)
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn check(name: &str, sql: &str, plan: &[String], is_sorted: bool) {
    let whole = plan.join("\n");
    for line in plan {
        if let Some((_, scanned)) = line.split_once("Seq Scan on ") {
            let table = scanned.split(' ').next().unwrap();
            assert!(
                SMALL.contains(&table),
                "{name} goes through {table}:\n{sql}\n{whole}"
            );
        }
        let sorts = line.contains("Sort  (") || line.contains("Incremental Sort");
        assert!(is_sorted || !sorts, "{name} sorts:\n{sql}\n{whole}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn every_look_up_has_an_index_and_no_page_is_sorted() {
    let schema = Schema::new();
    schema.store().await.close().await;
    let names = Names::new(schema.name(), "").unwrap();
    let pool = PgPool::connect(&schema.url()).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    for sql in [
        &*names.qualify(FILL),
        "SET plan_cache_mode = force_generic_plan",
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *db)
            .await
            .unwrap();
    }
    for (name, sql) in prepared() {
        let plan = generic_plan(&mut db, &names.qualify(&sql)).await;
        check(&name, &sql, &plan, SORTED.contains(&&*name));
    }
    let searches = user::tests::searches();
    for (name, sql, values) in searches.into_iter().chain(event::tests::searches()) {
        let plan = plan_for(&mut db, &names.qualify(&sql), &values).await;
        // Few were deleted and are not purged yet, and few have an identifier that begins so.
        let is_few =
            name.contains("deleted_before: Some") || name.contains("identifier_prefix: Some");
        check(&name, &sql, &plan, is_few);
    }
    drop(db);
    pool.close().await;
}
