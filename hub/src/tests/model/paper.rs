//! What a reader of the contract would keep of a task.

/// How a task ended, with the attempt and text that count.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    Replied(u32, u8),
    Failed(Option<(u32, u8)>),
    Cancelled,
    Expired,
}

/// What is kept of one task.
#[derive(Clone, Debug)]
pub(super) struct Paper {
    pub(super) id: String,
    /// `delivered`, `acked` or `running` while `end` is open.
    pub(super) state: &'static str,
    pub(super) attempt: u32,
    pub(super) allowed: u32,
    /// The run that holds it and until when.
    pub(super) lease: Option<(usize, i64)>,
    pub(super) expires: i64,
    pub(super) end: Option<End>,
}

impl Paper {
    pub(super) fn status(&self) -> &'static str {
        match self.end {
            None => self.state,
            Some(End::Replied(..)) => "replied",
            Some(End::Failed(_)) => "failed",
            Some(End::Cancelled) => "cancelled",
            Some(End::Expired) => "expired",
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.end.is_none() && self.lease.is_none()
    }

    pub(super) fn end(&mut self, end: End) {
        self.end = Some(end);
        self.lease = None;
    }

    /// The attempt was lost.
    pub(super) fn lose(&mut self) {
        if self.attempt >= self.allowed {
            self.end(End::Failed(None));
        } else {
            self.state = "delivered";
            self.lease = None;
        }
    }

    /// The code of a refusal, if the attempt of that run does not count.
    pub(super) fn refuses(&self, run: usize, current: usize, attempt: u32) -> Option<&'static str> {
        let is_holder = self.lease.map_or(self.is_waiting(), |(holder, _)| holder == run);
        if self.end.is_some() {
            Some("task_terminal")
        } else if run != current {
            Some("instance_superseded")
        } else if attempt == 0 || attempt != self.attempt || !is_holder {
            Some("stale_attempt")
        } else {
            None
        }
    }
}
