use super::{OWNER, Postgres, SERVICE, SUPERUSER, launch, quoted};
use crate::account::Account;
use crate::home::Home;
use crate::launch::run;
use crate::wait::{PATIENCE, poll};
use crate::{ServiceError, programs};

impl Postgres {
    /// Makes a copy of this server that follows it by streaming replication and answers reads.
    ///
    /// `name` is its replication slot and its `application_name`: lower-case letters, digits and underscores. Commits
    /// here don't wait for it, see [`synchronous_standby`](Self::synchronous_standby).
    pub fn standby(&self, name: &str) -> Result<Self, ServiceError> {
        let pg_basebackup = programs::find(programs::PG_BASEBACKUP)?;
        let mut home = Home::new(Account::without_root()?)?;
        let primary = format!(
            "host=127.0.0.1 port={} user={SUPERUSER} application_name={name}",
            self.port
        );
        run(
            "pg_basebackup",
            home.command(&pg_basebackup)
                .args(["--dbname", &primary, "--write-recovery-conf"])
                .args(["--create-slot", "--slot", name, "--wal-method", "stream"])
                .args(["--checkpoint", "fast", "--no-sync", "--pgdata"])
                .arg(home.file("data")),
        )?;
        let (process, port) = launch(&mut home, &format!("cluster_name = {}\n", quoted(name)))?;
        let standby = Self::of(process, port, home)?;
        // The copy has the primary's own settings, which would have it wait for other standbys once it is promoted.
        standby.configure("synchronous_standby_names", "")?;
        Ok(standby)
    }

    /// Makes a standby that has written every commit of this server down before the commit is acknowledged, so that
    /// none is lost when it takes over.
    ///
    /// While the standby is down, commits here wait; `configure("synchronous_standby_names", "")` lets them go.
    pub fn synchronous_standby(&self, name: &str) -> Result<Self, ServiceError> {
        let standby = self.standby(name)?;
        self.configure("synchronous_standby_names", &format!("FIRST 1 ({name})"))?;
        let question = format!(
            "SELECT count(*) FROM pg_stat_replication
             WHERE application_name = {} AND sync_state = 'sync'",
            quoted(name)
        );
        let linked = poll(PATIENCE, || {
            Ok((self.ask(OWNER, &question)? == "1").then_some(()))
        })?;
        linked
            .map(|()| standby)
            .ok_or_else(|| ServiceError::TimedOut {
                waited_for: format!("the link to the standby {name}"),
                after: PATIENCE,
                log: self.log(),
            })
    }

    /// Makes a standby a primary: it takes writes when this returns. The server that it followed has to be down for
    /// good, or each goes its own way.
    pub fn promote(&self) -> Result<(), ServiceError> {
        let seconds = PATIENCE.as_secs();
        if self.psql(&format!("SELECT pg_promote(true, {seconds})"))? == "t" {
            Ok(())
        } else {
            Err(ServiceError::TimedOut {
                waited_for: format!("the promotion of {SERVICE}"),
                after: PATIENCE,
                log: self.log(),
            })
        }
    }
}
