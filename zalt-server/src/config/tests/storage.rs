//! Where everything is kept.

use std::path::Path;
use std::time::Duration;

use super::{key, load, problems};
use crate::config::problem::Problem;
use crate::config::storage::{AccountBudgets, NetworksWithoutRedis};
use crate::config::{Config, DatabaseConfig, Key, PostgresConfig, ServiceAddress};

const POSTGRES: (&str, &str) = (
    "DATABASE_URL",
    "postgres://zalt:S3CRET@db.example.com:6432/auth?sslmode=verify-full",
);
const REDIS: (&str, &str) = ("REDIS_URL", "rediss://:S3CRET@redis.example.com");

fn postgres(config: &Config) -> &PostgresConfig {
    match &config.storage.database {
        DatabaseConfig::Postgres(postgres) => postgres,
        DatabaseConfig::Sqlite(path) => panic!("{}", path.display()),
    }
}

#[test]
fn only_a_plain_sqlite_path_names_a_database() {
    for (text, path) in [
        ("sqlite:/var/lib/zalt.db", "/var/lib/zalt.db"),
        ("sqlite:///var/lib/zalt.db", "/var/lib/zalt.db"),
        ("sqlite:zalt.db", "zalt.db"),
    ] {
        let config = load(&[("DATABASE_URL", text)]).unwrap();
        assert_eq!(config.database_file(), Some(Path::new(path)));
    }
    for text in [
        "sqlite:",
        "sqlite::memory:",
        "sqlite:a.db?mode=ro",
        "mysql://x",
        "/a.db",
    ] {
        let found = problems(load(&[("DATABASE_URL", text)]));
        assert!(
            matches!(found.as_slice(), [Problem::Value { .. }]),
            "{text}"
        );
    }
}

#[test]
fn postgres_has_usual_settings_and_nothing_on_this_disk() {
    let config = load(&[POSTGRES, ("ENCRYPTION_KEY", &key())]).unwrap();
    assert_eq!(config.database_file(), None);
    assert!(!config.has_data_dir());
    assert!(config.storage.session_cache.is_none(), "nobody tells");
    let postgres = postgres(&config);
    assert_eq!(postgres.schema, "zalt");
    assert!((8..=32).contains(&postgres.pool_size));
    assert!(!postgres.transaction_pooler);
    assert!(postgres.replica.is_none() && postgres.redis.is_none());
    assert!(postgres.url.is_private());
    assert_eq!(
        postgres.url.to_string(),
        "postgres://db.example.com:6432/auth"
    );
    // In development without a key there is one to keep.
    assert!(load(&[POSTGRES]).unwrap().has_data_dir());
}

#[test]
fn every_setting_of_postgres_and_redis_is_read() {
    let config = load(&[
        ("DATABASE_URL", "postgresql://db/auth"),
        (
            "ZALT_DATABASE_REPLICA_URL",
            "postgres://standby/auth?host=/run/postgresql",
        ),
        ("ZALT_DATABASE_SCHEMA", "zalt_two"),
        ("ZALT_DATABASE_POOL_SIZE", "40"),
        ("ZALT_DATABASE_ACQUIRE_TIMEOUT", "2s"),
        ("ZALT_DATABASE_STATEMENT_TIMEOUT", "3s"),
        ("ZALT_DATABASE_TRANSACTION_POOLER", "true"),
        ("ZALT_DATABASE_STARTUP_TIMEOUT", "5m"),
        ("REDIS_URL", "redis://127.0.0.1:1, redis://[::1]:2"),
        ("ZALT_REDIS_KEY_PREFIX", "two:"),
        ("ZALT_REDIS_TIMEOUT", "4s"),
        ("ZALT_SESSIONS_CACHE_MAX_AGE", "6s"),
        ("ZALT_SESSIONS_CACHE_CAPACITY", "7"),
        ("ZALT_BUDGETS_ACCOUNTS", "redis"),
        ("ZALT_BUDGETS_NETWORK_WITHOUT_REDIS", "refuse"),
    ])
    .unwrap();
    let postgres = postgres(&config);
    assert!(!postgres.url.is_private());
    assert!(postgres.replica.as_ref().unwrap().is_private(), "a socket");
    assert_eq!(postgres.schema, "zalt_two");
    assert_eq!(postgres.pool_size, 40);
    assert_eq!(postgres.acquire_timeout, Duration::from_secs(2));
    assert_eq!(postgres.statement_timeout, Duration::from_secs(3));
    assert!(postgres.transaction_pooler);
    assert_eq!(postgres.startup_timeout, Duration::from_mins(5));
    let redis = postgres.redis.as_ref().unwrap();
    assert!(redis.cluster, "several servers are a cluster");
    assert_eq!(redis.nodes.len(), 2);
    assert!(redis.nodes.iter().all(ServiceAddress::is_private));
    assert_eq!(redis.key_prefix, "two:");
    assert_eq!(redis.timeout, Duration::from_secs(4));
    assert_eq!(redis.account_budgets, AccountBudgets::Redis);
    assert_eq!(redis.networks_without_redis, NetworksWithoutRedis::Refuse);
    let cache = config.storage.session_cache.unwrap();
    assert_eq!(cache.max_age, Duration::from_secs(6));
    assert_eq!(cache.capacity, 7);
}

#[test]
fn redis_turns_the_session_cache_on_and_it_can_be_turned_off() {
    let config = load(&[POSTGRES, REDIS]).unwrap();
    assert!(config.storage.session_cache.is_some());
    let redis = postgres(&config).redis.as_ref().unwrap();
    assert_eq!(redis.account_budgets, AccountBudgets::Database);
    assert_eq!(redis.networks_without_redis, NetworksWithoutRedis::Database);
    let off = ("ZALT_SESSIONS_CACHE", "false");
    assert!(
        load(&[POSTGRES, REDIS, off])
            .unwrap()
            .storage
            .session_cache
            .is_none()
    );
    assert!(load(&[off]).unwrap().storage.session_cache.is_none());
    assert!(load(&[]).unwrap().storage.session_cache.is_some());
}

#[test]
fn a_setting_without_effect_is_refused() {
    let age = ("ZALT_SESSIONS_CACHE_MAX_AGE", "1s");
    for given in [
        // SQLite
        &[("ZALT_DATABASE_SCHEMA", "zalt")][..],
        &[("ZALT_DATABASE_POOL_SIZE", "8")],
        &[("ZALT_DATABASE_REPLICA_URL", "postgres://x/y")],
        &[("ZALT_DATABASE_TRANSACTION_POOLER", "false")],
        &[("ZALT_DATABASE_STARTUP_TIMEOUT", "1s")],
        &[REDIS],
        // PostgreSQL without Redis
        &[POSTGRES, ("ZALT_REDIS_CLUSTER", "true")],
        &[POSTGRES, ("ZALT_REDIS_KEY_PREFIX", "a")],
        &[POSTGRES, ("ZALT_BUDGETS_NETWORK_WITHOUT_REDIS", "memory")],
        &[POSTGRES, age],
        // a cache that is off
        &[POSTGRES, REDIS, ("ZALT_SESSIONS_CACHE", "false"), age],
    ] {
        let found = problems(load(given));
        assert!(
            matches!(found.as_slice(), [Problem::NoEffect { .. }]),
            "{given:?}: {found:?}"
        );
    }
    for given in [
        ("ZALT_SESSIONS_CACHE", "true"),
        ("ZALT_BUDGETS_ACCOUNTS", "redis"),
    ] {
        let found = problems(load(&[POSTGRES, given]));
        assert!(
            matches!(
                found.as_slice(),
                [Problem::Needs {
                    other: Key::Redis,
                    ..
                }]
            ),
            "{found:?}"
        );
    }
}

#[test]
fn bad_values_are_refused_and_never_repeated() {
    for given in [
        &[("DATABASE_URL", "postgres:S3CRET")][..],
        &[("DATABASE_URL", "postgres://S3CRET@[x/")],
        &[POSTGRES, ("ZALT_DATABASE_REPLICA_URL", "sqlite:S3CRET")],
        &[POSTGRES, ("ZALT_DATABASE_SCHEMA", "Zalt")],
        &[POSTGRES, ("ZALT_DATABASE_SCHEMA", "pg_zalt")],
        &[POSTGRES, ("ZALT_DATABASE_POOL_SIZE", "0")],
        &[POSTGRES, ("ZALT_DATABASE_ACQUIRE_TIMEOUT", "2m")],
        &[POSTGRES, ("REDIS_URL", "http://S3CRET@x")],
        &[POSTGRES, ("REDIS_URL", ",")],
        &[POSTGRES, REDIS, ("ZALT_REDIS_KEY_PREFIX", "{zalt}")],
        &[
            POSTGRES,
            REDIS,
            ("ZALT_REDIS_ROOT_CERTIFICATES", "/nowhere"),
        ],
        &[POSTGRES, REDIS, ("ZALT_BUDGETS_ACCOUNTS", "memory")],
        &[
            POSTGRES,
            ("REDIS_URL", "redis://a,redis://b"),
            ("ZALT_REDIS_CLUSTER", "false"),
        ],
        &[("ZALT_METRICS_LISTEN", "9090")],
    ] {
        let error = load(given).unwrap_err();
        assert!(
            matches!(error.0.as_slice(), [Problem::Value { .. }]),
            "{given:?}: {error:?}"
        );
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains("S3CRET"), "{text}");
        }
    }
    let good = load(&[POSTGRES, REDIS]).unwrap();
    assert!(!format!("{good:?}").contains("S3CRET"));
}

#[test]
fn a_database_url_is_read_from_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    std::fs::write(&path, format!("{}\n", POSTGRES.1)).unwrap();
    let config = load(&[("DATABASE_URL_FILE", path.to_str().unwrap())]).unwrap();
    assert_eq!(postgres(&config).url.expose(), POSTGRES.1);
}
