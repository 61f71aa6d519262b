use std::sync::Arc;

use zalt_core::store::SessionCache;
use zalt_store_postgres::PostgresStore;
use zalt_store_sqlite::SqliteStore;

/// What the stores tell of themselves when somebody asks.
pub(crate) struct Gauges {
    pub(super) session_cache: Option<Arc<SessionCache>>,
    pub(super) database: Database,
}

pub(super) enum Database {
    Sqlite(SqliteStore),
    Postgres(Arc<PostgresStore>),
}

impl Gauges {
    /// Brings the metrics up to date.
    pub(crate) fn look(&self) {
        if let Some(cache) = &self.session_cache {
            let seen = cache.statistics();
            for (answer, count) in [
                ("hit", seen.hits),
                ("miss", seen.misses),
                ("bypass", seen.bypasses),
            ] {
                metrics::counter!("zalt_session_cache_checks_total", "answer" => answer)
                    .absolute(count);
            }
            let entries = u32::try_from(seen.entries).unwrap_or(u32::MAX);
            metrics::gauge!("zalt_session_cache_entries").set(entries);
        }
        match &self.database {
            Database::Sqlite(store) => {
                let written = store.write_statistics();
                metrics::counter!("zalt_sqlite_transactions_total").absolute(written.transactions);
                metrics::counter!("zalt_sqlite_writes_total").absolute(written.writes);
            }
            Database::Postgres(store) => {
                let pool = store.pool_status();
                for (state, count) in [("used", pool.used), ("idle", pool.idle)] {
                    metrics::gauge!("zalt_postgres_connections", "state" => state).set(count);
                }
                metrics::gauge!("zalt_postgres_connections_limit").set(pool.limit);
            }
        }
    }
}
