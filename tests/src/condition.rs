use std::time::{Duration, Instant};

/// Long enough for a slow machine that runs every test at once; no test waits this long when it passes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until `condition` gives a value.
///
/// # Panics
/// When it gives none within a minute; the message says what was awaited.
pub fn wait_until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain until {what}");
        // Parking gives the processor to the processes that the condition is about.
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
