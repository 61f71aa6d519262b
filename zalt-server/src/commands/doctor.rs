//! Checks everything that a start needs.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use zalt_core::store::{EventFilter, EventQueries, PageLimit, PageRequest};
use zalt_core::{Clock, SystemClock, Timestamp};
use zalt_notify::smtp::SmtpMailer;
use zalt_store_sqlite::SqliteStore;

use super::say;
use crate::application::{Application, local_base_url};
use crate::config::{Config, MailConfig};
use crate::data_dir::{DataDir, DataDirError};
use crate::mail;

/// What `doctor` found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoctorError {
    #[error("{0} of the checks failed")]
    Failed(usize),
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Less than this is a disk that is about to be full.
const FREE_BYTES: u64 = 256 * 1024 * 1024;
/// No server of this version ran before it: 2025-01-01.
const FIRST_POSSIBLE: i64 = 1_735_689_600;
/// How far apart the clock and the last event may be.
const CLOCK_LEEWAY: Duration = Duration::from_mins(5);

/// The outcome of one check.
enum Finding {
    Good(String),
    /// Worth knowing, and no reason not to start.
    Note(String),
    Bad(String),
}

/// Runs every check and says what each found.
pub(crate) async fn doctor(config: &Config) -> Result<(), DoctorError> {
    let mut failed = 0;
    let mut report = |what: &str, finding: Finding| -> io::Result<()> {
        let (mark, text) = match finding {
            Finding::Good(text) => ("ok  ", text),
            Finding::Note(text) => ("note", text),
            Finding::Bad(text) => {
                failed += 1;
                ("FAIL", text)
            }
        };
        say(format_args!("{mark}  {what}: {text}"))
    };
    // Whoever comes here has a configuration that was checked.
    report(
        "configuration",
        Finding::Good(format!("{:?} mode", config.mode).to_lowercase()),
    )?;
    let data = DataDir::open(&config.data_dir);
    report("data folder", folder(&data))?;
    if let Ok(data) = &data {
        report("encryption key", key(config, data))?;
        report("disk space", space(data.path()))?;
    }
    let newest = match store(config).await {
        Ok((finding, newest)) => {
            report("database", finding)?;
            newest
        }
        Err(finding) => {
            report("database", finding)?;
            None
        }
    };
    if let Ok(data) = &data
        && config.database_path().exists()
    {
        report("start", start(config, data).await)?;
    }
    report("clock", clock(SystemClock.now(), newest))?;
    report("mail", mail_server(config).await)?;
    if failed > 0 {
        return Err(DoctorError::Failed(failed));
    }
    Ok(())
}

fn bad(error: impl Display) -> Finding {
    Finding::Bad(error.to_string())
}

fn folder(data: &Result<DataDir, DataDirError>) -> Finding {
    match data {
        Err(error) => bad(error),
        Ok(data) => match data.is_open_to_others() {
            Ok(false) => Finding::Good(data.path().display().to_string()),
            Ok(true) => Finding::Note(format!(
                "others on this machine may look into {}: chmod 700",
                data.path().display()
            )),
            Err(error) => bad(error),
        },
    }
}

fn key(config: &Config, data: &DataDir) -> Finding {
    if config.encryption_keys.is_some() {
        return Finding::Good("set by configuration".to_owned());
    }
    match data.read_key() {
        Ok(_) => Finding::Good("kept in the data folder".to_owned()),
        Err(DataDirError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Finding::Note("none yet: the first start makes one in the data folder".to_owned())
        }
        Err(error) => bad(error),
    }
}

fn space(path: &Path) -> Finding {
    match rustix::fs::statvfs(path) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let text = format!("{} MiB free", free / (1024 * 1024));
            if free < FREE_BYTES {
                Finding::Bad(format!("{text}: too little for a database that grows"))
            } else {
                Finding::Good(text)
            }
        }
        Err(error) => Finding::Note(format!("could not be found out: {error}")),
    }
}

/// The state of the database, and when its last event happened.
async fn store(config: &Config) -> Result<(Finding, Option<Timestamp>), Finding> {
    let path = config.database_path();
    if !path.exists() {
        let text = format!("none yet: the first start makes {}", path.display());
        return Ok((Finding::Note(text), None));
    }
    let store = SqliteStore::open(&path).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Finding::Bad(format!("{error}{}", cause.unwrap_or_default()))
    })?;
    let version = store.schema_version();
    let sound = store.integrity_check().await;
    let page = PageRequest {
        after: None,
        limit: PageLimit::clamped(1),
    };
    let events = store.events(&EventFilter::default(), page).await;
    store.shutdown().await;
    let version = version.map_err(bad)?;
    sound.map_err(bad)?;
    let newest = events
        .map_err(bad)?
        .data
        .first()
        .map(|event| event.occurred_at);
    let text = format!("{} is sound, schema version {version}", path.display());
    Ok((Finding::Good(text), newest))
}

/// Whether a server would start: that the key opens what is sealed, and that the rules go together.
async fn start(config: &Config, data: &DataDir) -> Finding {
    let base_url = local_base_url(config.listen.port());
    match Application::open(config, data, &base_url).await {
        Ok(application) => {
            application.store.shutdown().await;
            Finding::Good("the key fits the database, and the rules go together".to_owned())
        }
        Err(error) => bad(error),
    }
}

fn clock(now: Timestamp, newest: Option<Timestamp>) -> Finding {
    if now.unix_seconds() < FIRST_POSSIBLE {
        return Finding::Bad(format!(
            "it says {now}, which is too early: sessions would not end"
        ));
    }
    match newest.map(|newest| newest.since(now)) {
        Some(ahead) if ahead > CLOCK_LEEWAY => Finding::Bad(format!(
            "it says {now}, and the newest event is {} minutes later: it was set back",
            ahead.as_secs() / 60
        )),
        _ => Finding::Good(now.to_string()),
    }
}

async fn mail_server(config: &Config) -> Finding {
    let smtp = match &config.mail {
        MailConfig::Inbox => {
            return Finding::Note("shown in the dev inbox, not sent".to_owned());
        }
        MailConfig::Hook(_) => {
            return Finding::Note("sent by your service, which is not asked now".to_owned());
        }
        MailConfig::Smtp(smtp) => smtp,
    };
    let name = format!("{}:{}", smtp.host(), smtp.port());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mailer = match SmtpMailer::new(smtp.clone(), mail::templates(config), clock) {
        Ok(mailer) => mailer,
        Err(error) => return bad(error),
    };
    match mailer.check().await {
        Ok(()) => Finding::Good(format!("{name} answers and lets us in")),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            Finding::Bad(format!("{name}: {error}{}", cause.unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_is_found_by_what_happened_later() {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        assert!(matches!(clock(now, None), Finding::Good(_)));
        assert!(matches!(
            clock(now, Some(now + Duration::from_mins(1))),
            Finding::Good(_)
        ));
        assert!(matches!(
            clock(now, Some(now + Duration::from_hours(1))),
            Finding::Bad(_)
        ));
        assert!(matches!(
            clock(Timestamp::from_unix_seconds(0), None),
            Finding::Bad(_)
        ));
    }
}
