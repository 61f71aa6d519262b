use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::calls::Answer;

/// When writes were asked for and how it went: what recovery is read from.
#[derive(Default)]
pub(super) struct Pulse(Mutex<Vec<Beat>>);

#[derive(Debug, Clone, Copy)]
struct Beat {
    began: Instant,
    ended: Instant,
    acknowledged: bool,
    in_vain: bool,
}

/// How a part of the run went for those who write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// From the beginning until the first write that was asked for after it was acknowledged.
    pub(super) first_write: Option<Duration>,
    /// The longest time in which none was acknowledged.
    pub(super) longest_gap: Duration,
    pub(super) writes: usize,
    pub(super) acknowledged: usize,
    /// Without an answer, or with one that it can't be done for the moment.
    pub(super) in_vain: usize,
}

impl Pulse {
    pub(super) fn note(&self, began: Instant, answer: &Answer) {
        self.0.lock().unwrap().push(Beat {
            began,
            ended: Instant::now(),
            acknowledged: matches!(answer, Answer::Done(_)),
            in_vain: matches!(answer, Answer::Unknown(_) | Answer::NotDone(_)),
        });
    }

    /// What ended between the two.
    pub(super) fn between(&self, from: Instant, to: Instant) -> Stretch {
        let mut beats: Vec<Beat> = {
            let all = self.0.lock().unwrap();
            let within = all.iter().filter(|beat| (from..=to).contains(&beat.ended));
            within.copied().collect()
        };
        beats.sort_by_key(|beat| beat.ended);
        let acknowledged: Vec<_> = beats.iter().filter(|beat| beat.acknowledged).collect();
        let mut ends = vec![from];
        ends.extend(acknowledged.iter().map(|beat| beat.ended));
        ends.push(to);
        Stretch {
            first_write: acknowledged
                .iter()
                .find(|beat| beat.began >= from)
                .map(|beat| beat.ended - from),
            longest_gap: ends
                .windows(2)
                .map(|pair| pair[1] - pair[0])
                .max()
                .unwrap_or_default(),
            writes: beats.len(),
            acknowledged: acknowledged.len(),
            in_vain: beats.iter().filter(|beat| beat.in_vain).count(),
        }
    }
}
