use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::ServiceError;
use crate::error::Doing;

/// What Debian's package calls the account that it makes for PostgreSQL.
const NAME: &str = "postgres";

/// Whom a service runs as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Account {
    /// Whoever runs this program.
    Own,
    /// Somebody else, since this program runs as root.
    Other { user: u32, group: u32 },
}

impl Account {
    /// For programs that refuse to run as root.
    pub(crate) fn without_root() -> Result<Self, ServiceError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let (user, group) = (number("-u")?, number("-g")?);
        Ok(Self::Other { user, group })
    }

    /// Makes the command run as this account, and without what the caller's environment says to PostgreSQL's programs.
    pub(crate) fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command
            // Where the account may not look around, PostgreSQL's programs complain.
            .current_dir(folder)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8");
        if let Self::Other { user, group } = self {
            command.uid(user).gid(group);
        }
        command
    }

    pub(crate) fn give(self, path: &Path) -> Result<(), ServiceError> {
        match self {
            Self::Own => Ok(()),
            Self::Other { user, group } => chown(path, Some(user), Some(group))
                .doing(|| format!("give {} to {NAME}", path.display())),
        }
    }
}

/// What `id` says of the account, which knows those that are not in /etc/passwd too.
fn number(what: &str) -> Result<u32, ServiceError> {
    let output = Command::new("id")
        .args([what, NAME])
        .output()
        .doing(|| "run id".to_owned())?;
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .map_err(|_| ServiceError::NoAccount(NAME))
}
