//! Places in the code where a test may end the process.

use std::fmt;
use std::sync::Arc;

type Callback = Arc<dyn Fn(&str) + Send + Sync>;

/// Called with the name of each place that is passed; does nothing unless a test says otherwise.
#[derive(Clone, Default)]
pub struct Failpoint(Option<Callback>);

impl Failpoint {
    /// Every place: a test goes through all of them.
    pub const PLACES: [&'static str; 13] = [
        "sockets bound",
        "state read",
        "taken over",
        "start recorded",
        "process spawned",
        "leader recorded",
        "stop recorded",
        "asked to leave",
        "process gone",
        "death recorded",
        "state written aside",
        "state renamed",
        "before exec",
    ];

    /// Calls `at` with each place.
    pub fn new(at: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(at)))
    }

    pub(crate) fn pass(&self, place: &'static str) {
        debug_assert!(Self::PLACES.contains(&place), "{place} is not in the list");
        if let Some(at) = &self.0 {
            at(place);
        }
    }
}

impl fmt::Debug for Failpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Failpoint({})", if self.0.is_some() { "set" } else { "none" })
    }
}
