use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::{Pid, test_kill_process};
use zalt_services::{Postgres, PostgresOptions, Redis, RedisOptions};

/// Set for the process that is to be killed while it holds services.
const HOLDER: &str = "ZALT_SERVICES_HOLDER";

/// What there is of a service while it runs.
#[derive(Debug)]
struct Trace {
    process: Pid,
    folder: PathBuf,
}

impl Trace {
    fn of_postgres(postgres: &Postgres) -> Self {
        let folder = PathBuf::from(postgres.psql("SHOW data_directory").unwrap());
        let file = std::fs::read_to_string(folder.join("postmaster.pid")).unwrap();
        Self::read(&format!(
            "{} {}",
            file.lines().next().unwrap(),
            folder.display()
        ))
    }

    fn of_redis(redis: &Redis) -> Self {
        let about = redis.command("INFO server").unwrap();
        let process = about
            .lines()
            .find_map(|line| line.strip_prefix("process_id:"))
            .unwrap();
        let folder = redis.command("CONFIG GET dir").unwrap();
        Self::read(&format!("{process} {}", folder.lines().last().unwrap()))
    }

    fn read(line: &str) -> Self {
        let (process, folder) = line.split_once(' ').unwrap();
        Self {
            process: Pid::from_raw(process.parse().unwrap()).unwrap(),
            folder: folder.into(),
        }
    }

    fn line(&self) -> String {
        format!("{} {}", self.process.as_raw_pid(), self.folder.display())
    }

    fn is_whole(&self) -> bool {
        self.folder.exists() && test_kill_process(self.process).is_ok()
    }

    fn is_gone(&self) -> bool {
        !self.folder.exists() && test_kill_process(self.process).is_err()
    }
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn dropped_services_leave_nothing_behind() {
    let postgres = Postgres::start(&PostgresOptions::default()).unwrap();
    let standby = postgres.standby("second").unwrap();
    let redis = Redis::start(&RedisOptions::default()).unwrap();
    let traces = [
        Trace::of_postgres(&postgres),
        Trace::of_postgres(&standby),
        Trace::of_redis(&redis),
    ];
    assert!(traces.iter().all(Trace::is_whole), "{traces:?}");
    redis.pause().unwrap();
    drop((postgres, standby, redis));
    assert!(traces.iter().all(Trace::is_gone), "{traces:?}");
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn services_go_away_when_their_holder_is_killed() {
    if std::env::var_os(HOLDER).is_some() {
        return hold();
    }
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("clearing::services_go_away_when_their_holder_is_killed")
        .env(HOLDER, "yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let traces: Vec<Trace> = BufReader::new(holder.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .filter_map(|line| line.strip_prefix("holds ").map(Trace::read))
        .take(2)
        .collect();
    assert_eq!(traces.len(), 2);
    assert!(traces.iter().all(Trace::is_whole), "{traces:?}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    crate::until(|| traces.iter().all(Trace::is_gone));
}

/// Starts services, says which, and waits to be killed.
fn hold() {
    let postgres = Postgres::start(&PostgresOptions::default()).unwrap();
    let redis = Redis::start(&RedisOptions::default()).unwrap();
    println!("\nholds {}", Trace::of_postgres(&postgres).line());
    println!("holds {}", Trace::of_redis(&redis).line());
    redis.pause().unwrap();
    loop {
        std::thread::park();
    }
}
