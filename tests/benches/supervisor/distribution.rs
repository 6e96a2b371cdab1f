//! Many measurements of one thing.

use std::fmt;

/// In ascending order.
pub(crate) struct Distribution(Vec<f64>);

impl Distribution {
    /// Of at least one measurement.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "nothing was measured");
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The value that so many of a hundred measurements do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        self.0[(self.0.len() * percent / 100).min(self.0.len() - 1)]
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, late, worst] = [50, 99, 100].map(|percent| self.percentile(percent));
        write!(formatter, "p50 {median:.2} ms, p99 {late:.2} ms, worst {worst:.2} ms of {}", self.0.len())
    }
}
