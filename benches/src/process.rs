//! What a process uses, as `/proc` tells it.

use std::fs;
use std::time::Duration;

/// A process on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    pid: u32,
}

/// The memory of a process, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// What is in memory of it, pages of files that it maps included.
    pub resident: u64,
    /// What of it no file stands behind: its own, which the machine can't take back.
    pub anonymous: u64,
    /// The most that was resident, since the start or since [`Process::forget_peak`].
    pub peak: u64,
}

impl Process {
    /// The process of this id.
    pub const fn of(pid: u32) -> Self {
        Self { pid }
    }

    /// This process.
    pub fn own() -> Self {
        Self::of(std::process::id())
    }

    /// The processor time that it used since it began, in itself and for it in the kernel; `None` if it has ended.
    pub fn cpu(self) -> Option<Duration> {
        let [user, kernel, ..] = self.ticks()?;
        Some(of_ticks(user + kernel))
    }

    /// The same with all that it started, also what has ended since: a database has a process for each connection.
    pub fn cpu_of_family(self) -> Option<Duration> {
        let mut ticks: u64 = self.ticks()?.iter().sum();
        for entry in fs::read_dir("/proc").ok()?.flatten() {
            let pid = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            let child = pid
                .map(Self::of)
                .filter(|child| child.parent() == Some(self.pid));
            ticks += child
                .and_then(Self::ticks)
                .map_or(0, |ticks| ticks.iter().sum::<u64>());
        }
        Some(of_ticks(ticks))
    }

    /// Of the process for itself and in the kernel, and the same of its children that have ended.
    fn ticks(self) -> Option<[u64; 4]> {
        let stat = self.stat()?;
        let mut fields = stat.iter().skip(11);
        let mut ticks = || fields.next()?.parse().ok();
        Some([ticks()?, ticks()?, ticks()?, ticks()?])
    }

    fn parent(self) -> Option<u32> {
        self.stat()?.get(1)?.parse().ok()
    }

    /// The fields behind the name of the program, which stands in parentheses and may hold anything.
    fn stat(self) -> Option<Vec<String>> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        Some(fields.split_whitespace().map(str::to_owned).collect())
    }

    /// Its memory; `None` if it has ended.
    pub fn memory(self) -> Option<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        Some(Memory {
            resident: field(&status, "VmRSS:")?,
            anonymous: field(&status, "RssAnon:")?,
            peak: field(&status, "VmHWM:")?,
        })
    }

    /// How often it read from files, whether or not a disk had to move; `None` if it has ended.
    pub fn reads(self) -> Option<u64> {
        let io = fs::read_to_string(format!("/proc/{}/io", self.pid)).ok()?;
        let line = io.lines().find_map(|line| line.strip_prefix("syscr:"))?;
        line.trim().parse().ok()
    }

    /// Lets the peak begin anew, where the machine allows it.
    pub fn forget_peak(self) {
        let _ = fs::write(format!("/proc/{}/clear_refs", self.pid), "5");
    }

    /// Whether it can be looked into.
    pub fn is_there(self) -> bool {
        self.memory().is_some()
    }
}

fn of_ticks(ticks: u64) -> Duration {
    let second = rustix::param::clock_ticks_per_second();
    Duration::from_secs_f64(ticks as f64 / second as f64)
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// Bytes as people read them.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let before = Process::own().cpu().unwrap();
        let mut sum = 0_u64;
        let begun = std::time::Instant::now();
        while Process::own().cpu().unwrap() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
            assert!(begun.elapsed() < Duration::from_mins(1));
        }
        let memory = Process::own().memory().unwrap();
        assert!(memory.anonymous > 0 && memory.anonymous < memory.resident);
        assert!(memory.resident <= memory.peak);
    }

    #[test]
    fn what_it_started_counts_too() {
        let before = Process::own().cpu_of_family().unwrap();
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let status = std::process::Command::new("sh").args(["-c", busy]).status();
        assert!(status.unwrap().success());
        assert!(Process::own().cpu_of_family().unwrap() > before);
    }

    #[test]
    fn one_that_is_not_there_has_nothing() {
        // Above the largest id that Linux gives.
        let gone = Process::of(5_000_000);
        assert_eq!((gone.cpu(), gone.memory()), (None, None));
        assert!(!gone.is_there());
    }
}
