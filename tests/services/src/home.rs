use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::Pid;
use tempfile::TempDir;

use crate::ServiceError;
use crate::account::Account;
use crate::error::Doing;

/// Reads lines about the process in a folder. When they end without a `done`, whoever wrote them is dead: the watcher
/// stops the process (waking it, should it be paused) and removes the folder.
const WATCHER: &str = r#"
pid=
while read -r word number how; do
    case $word in
        running) pid=$number signal=$how ;;
        stopped) pid= ;;
        done) exit 0 ;;
    esac
done
if [ -n "$pid" ]; then
    kill -s "$signal" "$pid"
    kill -s CONT "$pid"
    tries=100
    while [ $tries -gt 0 ] && kill -0 "$pid"; do
        sleep 0.1
        tries=$((tries - 1))
    done
    kill -s KILL "$pid"
fi
rm -rf -- "$1"
"#;

/// The temporary folder of one service, which goes away with this value or with the program.
#[derive(Debug)]
pub(crate) struct Home {
    folder: TempDir,
    account: Account,
    watcher: Child,
    lines: ChildStdin,
    /// Where the log ended when the process was last started.
    log_start: u64,
}

impl Home {
    pub(crate) fn new(account: Account) -> Result<Self, ServiceError> {
        // Short, since a Unix socket in it may have a path of about 100 bytes only.
        let folder = tempfile::Builder::new()
            .prefix("zalt-services-")
            .tempdir()
            .doing(|| "make a temporary folder".to_owned())?;
        account.give(folder.path())?;
        let mut watcher = Command::new("sh")
            .args(["-c", WATCHER, "watcher"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C goes to a whole group, and the watcher has to outlive the one that it watches.
            .process_group(0)
            .spawn()
            .doing(|| "run sh".to_owned())?;
        let lines = watcher.stdin.take().ok_or_else(|| ServiceError::Io {
            doing: "talk to sh".to_owned(),
            source: std::io::ErrorKind::BrokenPipe.into(),
        })?;
        Ok(Self {
            folder,
            account,
            watcher,
            lines,
            log_start: 0,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that the service may read.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, ServiceError> {
        let path = self.file(name);
        std::fs::write(&path, text).doing(|| format!("write {}", path.display()))?;
        self.account.give(&path)?;
        Ok(path)
    }

    /// A command that runs in this folder as its owner.
    pub(crate) fn command(&self, program: &Path) -> Command {
        self.account.command(program, self.path())
    }

    /// Tells the watcher which process it would have to stop, and by which signal.
    pub(crate) fn running(&mut self, pid: Pid, stop: &str) {
        self.tell(&format!("running {} {stop}\n", pid.as_raw_pid()));
    }

    pub(crate) fn stopped(&mut self) {
        self.tell("stopped\n");
    }

    /// The log, for the next process to write to.
    pub(crate) fn open_log(&mut self) -> Result<File, ServiceError> {
        let path = self.log_path();
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .doing(|| format!("open {}", path.display()))?;
        self.log_start = log.metadata().map_or(0, |metadata| metadata.len());
        Ok(log)
    }

    /// What the service wrote since it was last started.
    pub(crate) fn log(&self) -> String {
        let mut said = Vec::new();
        if let Ok(mut log) = File::open(self.log_path())
            && log.seek(SeekFrom::Start(self.log_start)).is_ok()
        {
            // What can't be read can't be shown; the error that it was to explain is shown anyway.
            let _ = log.read_to_end(&mut said);
        }
        String::from_utf8_lossy(&said).into_owned()
    }

    fn log_path(&self) -> PathBuf {
        self.file("log")
    }

    fn tell(&mut self, line: &str) {
        // Without a watcher the service still works; it would only not be cleared away after a crash of this program.
        let _ = self.lines.write_all(line.as_bytes());
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.tell("done\n");
        let _ = self.watcher.wait();
    }
}
