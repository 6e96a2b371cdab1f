//! The real clock and the real source of chance: the only place that touches the ambient ones.

use anet_protocol::time::Timestamp;
use anet_protocol::{Clock, Entropy};

/// The system's wall clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock that everything else is given")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}

/// The kernel's random generator.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the Entropy that everything else is given")]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("Linux answers getrandom(2) once it has booted");
    }
}

/// What this machine calls itself: the word by which a login of it is known in the list of sessions.
pub(crate) fn host_name() -> Option<String> {
    let name = nix::unistd::gethostname().ok()?.into_string().ok()?;
    (!name.is_empty()).then_some(name)
}
