//! How often an address may ask for what can be guessed or piled up.
//!
//! The generic cell rate algorithm: for each action and address one point in time, at which the bucket would be empty
//! again. It is kept in memory, because a durable write per request would be the denial of service it is to prevent,
//! and written down every two seconds, so that a restart forgives nobody.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anet_protocol::rest::ErrorCode;
use anet_protocol::time::Timestamp;

use crate::error::{HubError, Refusal};
use crate::store::LimitRow;

/// The period that the limits are given for, in milliseconds.
const WINDOW: i64 = 60_000;

/// How many addresses are remembered at most; those that have been quiet longest are forgotten first.
const MOST: usize = 50_000;

/// Calls per minute and address; 0 is without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Passwords, wherever they are asked for.
    pub login: u32,
    /// New accounts.
    pub register: u32,
    /// Redeeming and making invites.
    pub invite: u32,
    /// Recovery keys.
    pub recover: u32,
    /// Renewing browser sessions, and tickets.
    pub refresh: u32,
    /// Tasks and messages.
    pub task: u32,
    /// Lines of the audit log about refusals; what is beyond is refused all the same, and not written down.
    pub refusal: u32,
}

impl Default for RateLimits {
    /// Login and register as upstream's (commhub-http §3.6).
    fn default() -> Self {
        Self { login: 10, register: 30, invite: 30, recover: 10, refresh: 120, task: 60_000, refusal: 60 }
    }
}

impl RateLimits {
    /// No limits, for development.
    #[must_use]
    pub const fn off() -> Self {
        Self { login: 0, register: 0, invite: 0, recover: 0, refresh: 0, task: 0, refusal: 0 }
    }

    const fn of(&self, action: Action) -> u32 {
        match action {
            Action::Login => self.login,
            Action::Register => self.register,
            Action::Invite => self.invite,
            Action::Recover => self.recover,
            Action::Refresh => self.refresh,
            Action::Task => self.task,
            Action::Refusal => self.refusal,
        }
    }
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Login,
    Register,
    Invite,
    Recover,
    Refresh,
    Task,
    Refusal,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Register => "register",
            Self::Invite => "invite",
            Self::Recover => "recover",
            Self::Refresh => "refresh",
            Self::Task => "task",
            Self::Refusal => "refusal",
        }
    }
}

/// Whom an address counts as: an IPv6 network has 2^64 of them, so its /64 is one.
pub(crate) fn source(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Thousandths of a millisecond as milliseconds, rounded up; neither is negative.
const fn up(thousandths: i64) -> i64 {
    (thousandths + 999) / 1000
}

#[derive(Default)]
struct State {
    empty_at: HashMap<String, i64>,
    unsaved: Vec<String>,
}

/// Where every limit stands.
pub(crate) struct Limits {
    rates: RateLimits,
    state: Mutex<State>,
}

impl Limits {
    /// Goes on where a former run of the hub has ended.
    pub(crate) fn new(rates: RateLimits, saved: Vec<LimitRow>) -> Self {
        let empty_at = saved.into_iter().map(|row| (row.key, row.empty_at.as_millis())).collect();
        Self { rates, state: Mutex::new(State { empty_at, unsaved: Vec::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one call; refuses it with the time to wait.
    pub(crate) fn take(&self, action: Action, address: Option<IpAddr>, now: Timestamp) -> Result<(), HubError> {
        let Some(wait) = self.wait(action, address, now) else { return Ok(()) };
        let error = match action {
            Action::Login | Action::Recover => "too many attempts, try again later",
            _ => "too many requests, try again later",
        };
        Err(Refusal::new(ErrorCode::RateLimited, error).detail("retry_after_ms", wait).into())
    }

    /// Counts one call if there is room for it, else tells how many milliseconds to wait.
    pub(crate) fn wait(&self, action: Action, address: Option<IpAddr>, now: Timestamp) -> Option<i64> {
        let rate = i64::from(self.rates.of(action));
        if rate == 0 {
            return None;
        }
        let now = now.as_millis();
        // In thousandths of a millisecond, so that a rate of 60,000 a minute is not rounded away.
        let cost = WINDOW * 1000 / rate;
        let key = format!("{} {}", action.as_str(), source(address));
        let mut state = self.state();
        // A clock that was set back must not lock anybody out for longer than the window.
        let empty_at = state.empty_at.get(&key).copied().unwrap_or(now).clamp(now, now + WINDOW);
        let after = (empty_at - now) * 1000 + cost;
        if after > WINDOW * 1000 {
            state.empty_at.insert(key, empty_at);
            return Some(up(after - WINDOW * 1000));
        }
        if state.empty_at.len() >= MOST && !state.empty_at.contains_key(&key) {
            state.forget(now);
        }
        state.empty_at.insert(key.clone(), now + up(after));
        state.unsaved.push(key);
        None
    }

    /// Hands over what has changed since the last time. Give it back with [`Limits::restore`] if saving fails.
    pub(crate) fn take_unsaved(&self) -> Vec<LimitRow> {
        let mut state = self.state();
        let mut keys = std::mem::take(&mut state.unsaved);
        keys.sort_unstable();
        keys.dedup();
        let row = |key: String| {
            let empty_at = Timestamp::from_millis(*state.empty_at.get(&key)?);
            // Tasks are limited to keep one caller from drowning others now, not to remember it.
            (!key.starts_with(Action::Task.as_str())).then_some(LimitRow { key, empty_at })
        };
        keys.into_iter().filter_map(row).collect()
    }

    pub(crate) fn restore(&self, rows: Vec<LimitRow>) {
        self.state().unsaved.extend(rows.into_iter().map(|row| row.key));
    }
}

impl State {
    /// Makes room: what is empty goes, and if that is not enough, what is nearest to it.
    fn forget(&mut self, now: i64) {
        self.empty_at.retain(|_, empty_at| *empty_at > now);
        if self.empty_at.len() < MOST {
            return;
        }
        let mut ends: Vec<i64> = self.empty_at.values().copied().collect();
        let (_, middle, _) = ends.select_nth_unstable(MOST / 2);
        let middle = *middle;
        self.empty_at.retain(|_, empty_at| *empty_at > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000_000 + seconds * 1000)
    }

    fn limits() -> Limits {
        Limits::new(RateLimits::default(), Vec::new())
    }

    #[expect(clippy::unnecessary_wraps, reason = "an address is optional to the limits")]
    fn v4(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn ten_logins_a_minute_and_the_eleventh_is_told_how_long_to_wait() {
        let limits = limits();
        for _ in 0..10 {
            assert_eq!(limits.wait(Action::Login, v4(1), at(0)), None);
        }
        assert_eq!(limits.wait(Action::Login, v4(1), at(0)), Some(6000));
        assert_eq!(limits.wait(Action::Login, v4(2), at(0)), None, "another address");
        assert_eq!(limits.wait(Action::Register, v4(1), at(0)), None, "another action");
        assert_eq!(limits.wait(Action::Login, v4(1), at(6)), None, "six seconds give one back");
        assert_eq!(limits.wait(Action::Login, v4(1), at(6)), Some(6000));
    }

    #[test]
    fn a_restart_forgives_nobody() {
        let limits = limits();
        for _ in 0..10 {
            assert_eq!(limits.wait(Action::Login, v4(1), at(0)), None);
        }
        let again = Limits::new(RateLimits::default(), limits.take_unsaved());
        assert_eq!(again.wait(Action::Login, v4(1), at(0)), Some(6000));
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out_for_longer_than_the_window() {
        let limits = limits();
        assert_eq!(limits.wait(Action::Login, v4(1), at(86_400)), None);
        assert_eq!(limits.wait(Action::Login, v4(1), at(0)), Some(6000));
        assert_eq!(limits.wait(Action::Login, v4(1), at(6)), None);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_source() {
        let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        assert_eq!(source(address("2001:db8:1:2::1")), source(address("2001:db8:1:2:ffff::9")));
        assert_ne!(source(address("2001:db8:1:2::1")), source(address("2001:db8:1:3::1")));
        assert_eq!(source(address("::ffff:192.0.2.1")), "192.0.2.1");
    }

    /// Attack 43 (hub-limits §3).
    #[test]
    fn a_million_addresses_do_not_grow_the_memory() {
        let limits = limits();
        for number in 0..1_000_000_u32 {
            let address = IpAddr::from(number.to_be_bytes());
            assert_eq!(limits.wait(Action::Login, Some(address), at(0)), None);
            if number % 10_000 == 0 {
                drop(limits.take_unsaved());
            }
        }
        assert!(limits.state().empty_at.len() <= MOST);
    }
}
