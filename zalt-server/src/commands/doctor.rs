//! Checks everything that a start needs.

mod storage;

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use zalt_core::{Clock, SystemClock, Timestamp};
use zalt_notify::smtp::SmtpMailer;

use super::say;
use crate::application::{Application, local_base_url};
use crate::causes::WithCauses;
use crate::config::{Config, DatabaseConfig, MailConfig};
use crate::data_dir::{DataDir, DataDirError};
use crate::mail;
use crate::storage::Schema;

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
    if config.has_data_dir() {
        let data = DataDir::open(&config.data_dir);
        report("data folder", folder(&data))?;
        if let Ok(data) = &data {
            report("encryption key", key(config, data))?;
            if config.database_file().is_some() {
                report("disk space", space(data.path()))?;
            }
        }
    } else {
        report("encryption key", set_by_configuration())?;
    }
    let database = storage::database(config).await;
    report("database", database.finding)?;
    if let DatabaseConfig::Postgres(postgres) = &config.storage.database {
        if let Some(redis) = &postgres.redis {
            report("redis", storage::redis(redis).await)?;
        }
        report("transport", storage::transport(postgres))?;
    }
    if database.is_current {
        report("start", start(config).await)?;
    }
    report("clock", clock(SystemClock.now(), database.newest))?;
    report("mail", mail_server(config).await)?;
    if failed > 0 {
        return Err(DoctorError::Failed(failed));
    }
    Ok(())
}

fn bad(error: &dyn Error) -> Finding {
    Finding::Bad(WithCauses(error).to_string())
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
            Err(error) => bad(&error),
        },
    }
}

fn key(config: &Config, data: &DataDir) -> Finding {
    if config.encryption_keys.is_some() {
        return set_by_configuration();
    }
    match data.read_key() {
        Ok(_) => Finding::Good("kept in the data folder".to_owned()),
        Err(DataDirError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Finding::Note("none yet: the first start makes one in the data folder".to_owned())
        }
        Err(error) => bad(&error),
    }
}

fn set_by_configuration() -> Finding {
    Finding::Good("set by configuration".to_owned())
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

/// Whether a server would start: that the key opens what is sealed, and that the rules go together.
async fn start(config: &Config) -> Finding {
    let base_url = local_base_url(config.listen.port());
    match Application::open(config, Schema::AsItIs, &base_url).await {
        Ok(application) => {
            application.storage.close().await;
            Finding::Good("the key fits the database, and the rules go together".to_owned())
        }
        Err(error) => bad(&error),
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
        Err(error) => return bad(&error),
    };
    match mailer.check().await {
        Ok(()) => Finding::Good(format!("{name} answers and lets us in")),
        Err(error) => Finding::Bad(format!("{name}: {}", WithCauses(&error))),
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
