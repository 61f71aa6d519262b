use std::time::Duration;

use crate::measure::duration;

/// A logarithmic scale from the decade-wise rounded least to the rounded most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    from: f64,
    to: f64,
}

impl Axis {
    /// The least axis that holds all of these, with at least one step of 1, 2, 5.
    pub(super) fn holding(values: impl Iterator<Item = f64>) -> Self {
        let positive = values.filter(|value| *value > 0.0 && value.is_finite());
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for value in positive {
            least = least.min(value);
            most = most.max(value);
        }
        if most <= 0.0 {
            return Self {
                from: 1.0,
                to: 10.0,
            };
        }
        let from = step_below(least);
        let mut to = step_above(most);
        if to <= from {
            to = step_above(from * 1.01);
        }
        Self { from, to }
    }

    /// Where a value is, from 0 to 1.
    pub(super) fn place(self, value: f64) -> f64 {
        let value = value.clamp(self.from, self.to);
        (value / self.from).ln() / (self.to / self.from).ln()
    }

    /// Where lines are drawn: each 1, 2 and 5 of a decade, or the decades alone where there are many.
    pub(super) fn ticks(self) -> Vec<f64> {
        let decades = (self.to / self.from).log10();
        let wanted: &[f64] = match decades {
            ..2.1 => &[1.0, 2.0, 5.0],
            2.1..3.5 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let first = self.from.log10().floor() as i32;
        let last = self.to.log10().ceil() as i32;
        let all =
            (first..=last).flat_map(|decade| wanted.iter().map(move |m| m * 10_f64.powi(decade)));
        let within = |value: &f64| *value >= self.from * 0.999 && *value <= self.to * 1.001;
        all.filter(within).collect()
    }
}

const STEPS: [f64; 4] = [1.0, 2.0, 5.0, 10.0];

fn step_below(value: f64) -> f64 {
    let decade = 10_f64.powi(value.log10().floor() as i32);
    let fitting = STEPS
        .iter()
        .rev()
        .find(|step| *step * decade <= value * 1.000_001);
    fitting.map_or(decade, |step| step * decade)
}

fn step_above(value: f64) -> f64 {
    let decade = 10_f64.powi(value.log10().floor() as i32);
    let fitting = STEPS
        .iter()
        .find(|step| *step * decade >= value * 0.999_999);
    fitting.map_or(decade * 10.0, |step| step * decade)
}

/// A count as people read it.
pub(super) fn count(value: f64) -> String {
    match value {
        ..1_000.0 => format!("{value:.0}"),
        1_000.0..1_000_000.0 => format!("{} k", trimmed(value / 1e3)),
        _ => format!("{} M", trimmed(value / 1e6)),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Seconds as people read them, without a digit after the point where it says nothing.
pub(super) fn seconds(value: f64) -> String {
    duration(Duration::from_secs_f64(value)).replace(".0 ", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_its_values_and_little_more() {
        let axis = Axis::holding([0.000_31, 0.004].into_iter());
        assert!((axis.from - 0.000_2).abs() < 1e-9 && (axis.to - 0.005).abs() < 1e-9);
        assert!((axis.place(0.000_2)).abs() < 1e-9 && (axis.place(0.005) - 1.0).abs() < 1e-9);
        let ticks: Vec<_> = axis.ticks().into_iter().map(seconds).collect();
        assert_eq!(ticks, ["200 µs", "500 µs", "1 ms", "2 ms", "5 ms"]);
        let users = Axis::holding([1e3, 1e5, 1e6].into_iter());
        let ticks: Vec<_> = users.ticks().into_iter().map(count).collect();
        assert_eq!(
            ticks,
            ["1 k", "3 k", "10 k", "30 k", "100 k", "300 k", "1 M"]
        );
    }

    #[test]
    fn one_value_or_none_is_an_axis_too() {
        let axis = Axis::holding([5.0].into_iter());
        assert!(axis.to > axis.from);
        let axis = Axis::holding([0.0, f64::NAN].into_iter());
        assert!((0.0..=1.0).contains(&axis.place(3.0)));
    }
}
