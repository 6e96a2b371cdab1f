//! An item of the stream of events.

use anet_protocol::control::{EventGap, SupervisorEvent};

use crate::failure::Failure;

/// What the stream of events holds.
pub(crate) enum EventItem {
    /// Something happened.
    Event(Box<SupervisorEvent>),
    /// Something may be missing here.
    Gap(EventGap),
}

impl EventItem {
    pub(super) fn read(event: Option<&str>, data: &str) -> Option<Result<Self, Failure>> {
        let item = match event {
            None => serde_json::from_str(data).map(|event| Self::Event(Box::new(event))),
            Some("gap") => serde_json::from_str(data).map(Self::Gap),
            // A newer supervisor may tell more.
            Some(_) => return None,
        };
        Some(item.map_err(Failure::from))
    }
}
