//! Whether everything that the server needs does its work.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use zalt_core::Zalt;
use zalt_store_redis::RedisConnection;

/// A part of what serves, by the name that supervisors and metrics read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    Database,
    Redis,
    /// What sends messages and tidies up.
    Worker,
}

/// What was found out at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) missing: Vec<Part>,
    /// Whether requests can be answered all the same.
    pub(crate) serves: bool,
}

/// Finds out what is missing, for supervisors and metrics. Whoever asks at the same time gets the same answer, so that
/// strangers can't load the database by asking.
pub(crate) struct Availability {
    zalt: Zalt,
    redis: Option<RedisConnection>,
    /// Whether nobody can sign in without it.
    needs_redis: bool,
    last: Mutex<Option<(Instant, Found)>>,
}

/// A part that has not answered by then is missing. A database that hangs must not make this hang.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is good for others who ask.
const FRESH: Duration = Duration::from_millis(250);

impl Part {
    pub(crate) const ALL: [Self; 3] = [Self::Database, Self::Redis, Self::Worker];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Redis => "redis",
            Self::Worker => "worker",
        }
    }
}

impl Availability {
    pub(super) fn new(zalt: Zalt, redis: Option<RedisConnection>, needs_redis: bool) -> Self {
        Self {
            zalt,
            redis,
            needs_redis,
            last: Mutex::new(None),
        }
    }

    /// The parts that there are.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part> {
        let has_redis = self.redis.is_some();
        let all = Part::ALL.into_iter();
        all.filter(move |part| *part != Part::Redis || has_redis)
    }

    pub(crate) async fn check(&self) -> Found {
        let mut last = self.last.lock().await;
        if let Some((at, found)) = &*last
            && at.elapsed() < FRESH
        {
            return found.clone();
        }
        let before = last.take().map(|(_, found)| found.missing);
        let found = self.ask().await;
        if before.unwrap_or_default() != found.missing && found.missing.is_empty() {
            tracing::info!("everything answers again");
        }
        *last = Some((Instant::now(), found.clone()));
        found
    }

    async fn ask(&self) -> Found {
        let redis = async {
            match &self.redis {
                Some(redis) => answers(Part::Redis, redis.ready()).await,
                None => true,
            }
        };
        let database = answers(Part::Database, self.zalt.store().ready());
        let (database, redis) = tokio::join!(database, redis);
        let worker = self.zalt.worker_runs();
        let missing = [
            (Part::Database, database),
            (Part::Redis, redis),
            (Part::Worker, worker),
        ];
        Found {
            missing: missing
                .into_iter()
                .filter_map(|(part, answers)| (!answers).then_some(part))
                .collect(),
            serves: database && worker && (redis || !self.needs_redis),
        }
    }
}

async fn answers<E: Error + 'static>(
    part: Part,
    asked: impl Future<Output = Result<(), E>>,
) -> bool {
    match timeout(PATIENCE, asked).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn Error, %part, "a part does not answer");
        }
        Err(_) => tracing::warn!(%part, "a part does not answer in time"),
    }
    false
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
