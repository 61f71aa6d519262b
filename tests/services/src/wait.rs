use std::thread;
use std::time::{Duration, Instant};

/// Time enough for any start or stop, on a machine that is busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks again and again until there is something to see; `None` when `patience` runs out first.
pub(crate) fn poll<T, E>(
    patience: Duration,
    mut look: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look()? {
            return Ok(Some(seen));
        }
        if begun.elapsed() >= patience {
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::poll;
    use std::convert::Infallible;
    use std::time::Duration;

    #[test]
    fn looks_until_there_is_something() {
        let mut looks = 0;
        let seen = poll(Duration::from_mins(1), || {
            looks += 1;
            Ok::<_, Infallible>((looks == 3).then_some("it"))
        });
        assert_eq!((seen, looks), (Ok(Some("it")), 3));
    }

    #[test]
    fn gives_up_when_patience_runs_out() {
        let seen = poll(Duration::ZERO, || Ok::<Option<()>, Infallible>(None));
        assert_eq!(seen, Ok(None));
    }

    #[test]
    fn an_error_ends_the_wait() {
        assert_eq!(
            poll(Duration::from_mins(1), || Err::<Option<()>, _>("no")),
            Err("no")
        );
    }
}
