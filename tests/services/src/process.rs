use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::ServiceError;
use crate::error::Doing;
use crate::home::Home;
use crate::wait::{PATIENCE, poll};

/// A signal that asks a service to stop, with the name by which `kill` knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StopSignal {
    signal: Signal,
    name: &'static str,
}

/// Redis and PgBouncer end when they are asked to.
pub(crate) const TERMINATE: StopSignal = StopSignal {
    signal: Signal::TERM,
    name: "TERM",
};

/// PostgreSQL would wait for its clients on a TERM; this is its fast stop, as by `pg_ctl stop -m fast`.
pub(crate) const FAST: StopSignal = StopSignal {
    signal: Signal::INT,
    name: "INT",
};

/// The process of a service. Dropped, it is stopped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stop: StopSignal,
    over: bool,
}

impl Process {
    /// Starts the command in the folder, with the log as its output.
    pub(crate) fn spawn(
        mut command: Command,
        home: &mut Home,
        stop: StopSignal,
    ) -> Result<Self, ServiceError> {
        let unable = || format!("run {}", command.get_program().display());
        let log = home.open_log()?;
        let errors = log.try_clone().doing(unable)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // Ctrl-C is for the program that started the service, which stops it in its own way.
            .process_group(0)
            .spawn();
        let child = child.doing(|| format!("run {}", command.get_program().display()))?;
        home.running(Pid::from_child(&child), stop.name);
        Ok(Self {
            child,
            stop,
            over: false,
        })
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, ServiceError> {
        let status = self
            .child
            .try_wait()
            .doing(|| "ask after a process".to_owned())?;
        self.over |= status.is_some();
        Ok(status)
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<(), ServiceError> {
        kill_process(self.pid(), signal)
            .map_err(Into::into)
            .doing(|| format!("signal process {}", self.pid().as_raw_pid()))
    }

    /// Asks it to stop and waits until it has; kills it when it takes too long.
    pub(crate) fn stop(&mut self) -> Result<(), ServiceError> {
        if self.over || self.ended()?.is_some() {
            return Ok(());
        }
        self.signal(self.stop.signal)?;
        // A paused process gets its signals when it is woken.
        self.signal(Signal::CONT)?;
        if poll(PATIENCE, || self.ended())?.is_none() {
            self.kill()?;
        }
        Ok(())
    }

    /// Ends it, and every process that it started, without a chance to write anything more.
    pub(crate) fn kill(&mut self) -> Result<(), ServiceError> {
        if self.over || self.ended()?.is_some() {
            return Ok(());
        }
        let children = self.children();
        self.signal(Signal::KILL)?;
        for child in children {
            // It may have noticed that its parent is gone.
            let _ = kill_process(child, Signal::KILL);
        }
        self.child
            .wait()
            .doing(|| "wait for a process".to_owned())?;
        self.over = true;
        Ok(())
    }

    /// Linux tells; elsewhere the list is empty, and PostgreSQL's workers end by themselves a moment later.
    fn children(&self) -> Vec<Pid> {
        let pid = self.pid().as_raw_pid();
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|number| Pid::from_raw(number.parse().ok()?))
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to tell; the watcher of the folder does not depend on this.
        let _ = self.stop();
    }
}
