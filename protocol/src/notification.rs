//! What a child tells its supervisor over the notify socket: the `sd_notify` protocol
//! (`sd_notify(3)`) with fields of our own prefixed `X_ANET_`.

use std::fmt::Write as _;

use crate::rest::TokenLife;
use crate::time::Timestamp;

/// One datagram: several facts at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notification {
    /// `READY=1`: the process does what it is for.
    pub ready: bool,
    /// `STOPPING=1`: the process is on its way out.
    pub stopping: bool,
    /// `WATCHDOG=1`: the process is alive and not stuck.
    pub watchdog: bool,
    /// `STATUS=`: one line for people.
    pub status: Option<String>,
    /// `X_ANET_LINK=`: the process's link to the hub.
    pub link: Option<Link>,
    /// `X_ANET_WORK=`: how many tasks are in hand.
    pub work: Option<u32>,
    /// `X_ANET_PAUSED=1` or `0`: whether new tasks are taken. Whoever says either understands SIGUSR1, which asks for a
    /// pause, and SIGUSR2, which ends it.
    pub paused: Option<bool>,
    /// `X_ANET_TOKEN_MADE=` and `X_ANET_TOKEN_ENDS=`: the life of the node's token, in milliseconds since 1970, where it
    /// ends.
    pub token_life: Option<TokenLife>,
    /// `X_ANET_ADDRESS=`: where the hub listens.
    pub address: Option<String>,
    /// `X_ANET_ERROR=`: the last words before a failure, one line.
    pub error: Option<String>,
    /// `X_ANET_HINT=`: what mends the failure, one line.
    pub hint: Option<String>,
}

/// A child's link to the hub, as the child observes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// The event stream is open.
    Connected,
    /// The event stream broke, and why is not known yet: the child is finding out.
    Reconnecting,
    /// The hub cannot be reached; the child keeps trying.
    Unreachable,
    /// The hub answered 401: the token is refused.
    Unauthorized,
    /// The hub refused this run because another one holds the node.
    Superseded,
}

impl Link {
    const ALL: [Self; 5] =
        [Self::Connected, Self::Reconnecting, Self::Unreachable, Self::Unauthorized, Self::Superseded];

    /// The word in the datagram.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::Unreachable => "unreachable",
            Self::Unauthorized => "unauthorized",
            Self::Superseded => "superseded",
        }
    }
}

impl Notification {
    /// The datagram's text: `KEY=value` lines.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for (set, line) in [(self.ready, "READY=1\n"), (self.stopping, "STOPPING=1\n"), (self.watchdog, "WATCHDOG=1\n")]
        {
            if set {
                text.push_str(line);
            }
        }
        let work = self.work.map(|count| count.to_string());
        let made = self.token_life.map(|life| life.made_at.as_millis().to_string());
        let ends = self.token_life.map(|life| life.ends_at.as_millis().to_string());
        let fields = [
            ("STATUS", self.status.as_deref()),
            ("X_ANET_LINK", self.link.map(Link::as_str)),
            ("X_ANET_WORK", work.as_deref()),
            ("X_ANET_PAUSED", self.paused.map(|paused| if paused { "1" } else { "0" })),
            ("X_ANET_TOKEN_MADE", made.as_deref()),
            ("X_ANET_TOKEN_ENDS", ends.as_deref()),
            ("X_ANET_ADDRESS", self.address.as_deref()),
            ("X_ANET_ERROR", self.error.as_deref()),
            ("X_ANET_HINT", self.hint.as_deref()),
        ];
        for (key, value) in fields {
            if let Some(value) = value {
                let one_line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                // Writing to a String cannot fail.
                writeln!(text, "{key}={one_line}").unwrap_or_default();
            }
        }
        text
    }

    /// Reads a datagram. Unknown keys are skipped, as the protocol demands.
    #[must_use]
    pub fn decode(text: &str) -> Self {
        let mut notification = Self::default();
        let (mut made, mut ends) = (None, None);
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match key {
                "READY" => notification.ready = value == "1",
                "STOPPING" => notification.stopping = value == "1",
                "WATCHDOG" => notification.watchdog = value == "1",
                "STATUS" => notification.status = Some(value.to_owned()),
                "X_ANET_LINK" => notification.link = Link::ALL.into_iter().find(|link| link.as_str() == value),
                "X_ANET_WORK" => notification.work = value.parse().ok(),
                "X_ANET_PAUSED" => {
                    notification.paused = match value {
                        "1" => Some(true),
                        "0" => Some(false),
                        _ => None,
                    };
                }
                "X_ANET_TOKEN_MADE" => made = value.parse().ok().map(Timestamp::from_millis),
                "X_ANET_TOKEN_ENDS" => ends = value.parse().ok().map(Timestamp::from_millis),
                "X_ANET_ADDRESS" => notification.address = Some(value.to_owned()),
                "X_ANET_ERROR" => notification.error = Some(value.to_owned()),
                "X_ANET_HINT" => notification.hint = Some(value.to_owned()),
                _ => {}
            }
        }
        notification.token_life = made.zip(ends).map(|(made_at, ends_at)| TokenLife { made_at, ends_at });
        notification
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_reads_back_and_unknown_keys_are_skipped() {
        let sent = Notification {
            ready: true,
            status: Some("listening".to_owned()),
            link: Some(Link::Connected),
            work: Some(2),
            paused: Some(true),
            token_life: Some(TokenLife {
                made_at: Timestamp::from_millis(1_795_326_235_000),
                ends_at: Timestamp::from_millis(1_795_326_236_000),
            }),
            ..Notification::default()
        };
        assert_eq!(Notification::decode(&format!("{}MAINPID=1\n", sent.encode())), sent);
    }

    #[test]
    fn a_line_break_in_a_value_cannot_forge_a_field() {
        let sent = Notification { status: Some("x\nREADY=1".to_owned()), ..Notification::default() };
        assert!(!Notification::decode(&sent.encode()).ready);
    }
}
