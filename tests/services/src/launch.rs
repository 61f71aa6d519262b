use std::process::Command;

use crate::ServiceError;
use crate::error::Doing;
use crate::home::Home;
use crate::process::{Process, StopSignal};
use crate::wait::{PATIENCE, poll};

/// How often a start tries another port.
const TRIES: usize = 5;

/// What a service says in its log when somebody else has its port.
const PORT_TAKEN: &str = "Address already in use";
/// And what PostgreSQL says when it was killed and the last of its workers has not noticed yet.
const STILL_THERE: &str = "is still in use";

/// One way to start a service.
pub(crate) struct Launch<'a> {
    pub(crate) service: &'static str,
    pub(crate) stop: StopSignal,
    /// Whether the process of this number, and no other that has the port, serves.
    pub(crate) ready: &'a dyn Fn(&Home, i32) -> bool,
}

impl Launch<'_> {
    /// Starts the service on a port of its own: `prepare` writes the port down and gives the command.
    pub(crate) fn on_free_port(
        &self,
        home: &mut Home,
        mut port: impl FnMut() -> Result<u16, ServiceError>,
        prepare: impl Fn(&Home, u16) -> Result<Command, ServiceError>,
    ) -> Result<(Process, u16), ServiceError> {
        let mut tries = 1..=TRIES;
        loop {
            tries.next();
            let port = port()?;
            let command = prepare(home, port)?;
            match self.once(command, home) {
                Err(ServiceError::Ended { log, .. })
                    if !tries.is_empty() && log.contains(PORT_TAKEN) => {}
                started => return started.map(|process| (process, port)),
            }
        }
    }

    /// Starts the service where it was before, so that its address stays the same. What is left of the process before
    /// it may be in the way for a moment.
    pub(crate) fn again(
        &self,
        home: &mut Home,
        prepare: impl Fn(&Home) -> Command,
    ) -> Result<Process, ServiceError> {
        let mut last = None;
        let started = poll(PATIENCE, || match self.once(prepare(home), home) {
            Err(ServiceError::Ended {
                service,
                status,
                log,
            }) if log.contains(PORT_TAKEN) || log.contains(STILL_THERE) => {
                last = Some(ServiceError::Ended {
                    service,
                    status,
                    log,
                });
                Ok(None)
            }
            started => started.map(Some),
        })?;
        started.ok_or_else(|| last.unwrap_or_else(|| self.late(home)))
    }

    fn once(&self, command: Command, home: &mut Home) -> Result<Process, ServiceError> {
        let mut process = Process::spawn(command, home, self.stop)?;
        let pid = process.pid().as_raw_pid();
        let answer = poll(PATIENCE, || match process.ended()? {
            Some(status) => Err(ServiceError::Ended {
                service: self.service,
                status,
                log: home.log(),
            }),
            None => Ok((self.ready)(home, pid).then_some(())),
        });
        match answer {
            Ok(Some(())) => Ok(process),
            Ok(None) => {
                let late = self.late(home);
                process.kill()?;
                home.stopped();
                Err(late)
            }
            Err(error) => {
                home.stopped();
                Err(error)
            }
        }
    }

    fn late(&self, home: &Home) -> ServiceError {
        ServiceError::TimedOut {
            waited_for: format!("the start of {}", self.service),
            after: PATIENCE,
            log: home.log(),
        }
    }
}

/// Runs a program to its end, which has to be a good one, and gives what it wrote.
pub(crate) fn run(program: &'static str, command: &mut Command) -> Result<String, ServiceError> {
    let output = command.output().doing(|| format!("run {program}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stderr, output.stdout].concat();
    Err(ServiceError::Failed {
        program,
        status: output.status,
        said: String::from_utf8_lossy(&said).trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Launch, PORT_TAKEN};
    use crate::ServiceError;
    use crate::account::Account;
    use crate::home::Home;
    use crate::process::TERMINATE;
    use std::path::Path;
    use std::process::Command;

    /// Says one thing and ends, or another and goes on.
    fn service(home: &Home, goes_on: bool, says: &str) -> Command {
        let mut command = home.command(Path::new("/bin/sh"));
        let script = if goes_on {
            "echo \"$1\"; while :; do sleep 1; done"
        } else {
            "echo \"$1\"; exit 7"
        };
        command.args(["-c", script, "service", says]);
        command
    }

    const LAUNCH: Launch<'static> = Launch {
        service: "a service",
        stop: TERMINATE,
        ready: &|home, _| home.log().contains("up"),
    };

    #[test]
    fn a_port_that_somebody_took_is_left_for_another() {
        let mut home = Home::new(Account::Own).unwrap();
        let mut ports = [1, 2, 3].into_iter();
        let (mut process, port) = LAUNCH
            .on_free_port(
                &mut home,
                || Ok(ports.next().unwrap()),
                |home, port| {
                    let free = port == 3;
                    let says = if free { "up" } else { PORT_TAKEN };
                    Ok(service(home, free, says))
                },
            )
            .unwrap();
        assert_eq!(port, 3);
        assert_eq!(process.ended().unwrap(), None);
    }

    #[test]
    fn a_service_that_finds_every_port_taken_gives_up() {
        let mut home = Home::new(Account::Own).unwrap();
        let mut tried = 0;
        let error = LAUNCH
            .on_free_port(
                &mut home,
                || {
                    tried += 1;
                    Ok(tried)
                },
                |home, _| Ok(service(home, false, PORT_TAKEN)),
            )
            .unwrap_err();
        assert!(matches!(error, ServiceError::Ended { .. }), "{error:?}");
        assert_eq!(tried, 5);
    }

    #[test]
    fn what_a_service_said_when_it_ended_is_in_the_error() {
        let mut home = Home::new(Account::Own).unwrap();
        let error = LAUNCH
            .on_free_port(
                &mut home,
                || Ok(1),
                |home, _| Ok(service(home, false, "no such setting")),
            )
            .unwrap_err();
        assert!(
            matches!(
                &error,
                ServiceError::Ended { status, log, .. }
                    if status.code() == Some(7) && log == "no such setting\n"
            ),
            "{error:?}"
        );
    }
}
