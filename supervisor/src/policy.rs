//! What a person can decide about one process, and which decisions hold for which process.

pub(crate) mod byte_size;
mod policies;
mod stop_signal;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use policies::Policies;
pub use stop_signal::StopSignal;

/// How one hub, node or program is kept. Every key is optional in `supervisor.toml`; the defaults
/// are those of [`Policy::default`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// Which ends are followed by a new start (R15).
    pub restart: RestartPolicy,
    /// The signal that asks it to leave.
    pub stop_signal: StopSignal,
    /// How long it has to leave after that before its whole tree is killed (R18).
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub stop_grace: Duration,
    /// How long a start waits for `READY=1` before it answers that the process is slow; it is left
    /// running then (R34).
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub ready_timeout: Duration,
    /// How the pause between two starts of a process that fails grows (R9, R10).
    #[serde(deserialize_with = "growing")]
    pub start_backoff: BackoffPolicy,
    /// A ready process that gives no sign of life for so long is restarted; absent means never (R35).
    #[serde(
        with = "jiff::fmt::serde::unsigned_duration::friendly::compact::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub liveness_timeout: Option<Duration>,
    /// Whether a hung process is ended by SIGABRT first, so that it leaves a core dump (R35).
    pub core: bool,
    /// Bytes of memory above which the kernel slows it down where it has a control group; whoever stays above is
    /// restarted, with or without one (R65).
    #[serde(with = "byte_size::optional", skip_serializing_if = "Option::is_none")]
    pub memory_high: Option<u64>,
    /// Bytes of memory above which the kernel kills it; needs a control group (R65).
    #[serde(with = "byte_size::optional", skip_serializing_if = "Option::is_none")]
    pub memory_max: Option<u64>,
    /// Most processes and threads it may have; needs a control group (R65).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids_max: Option<u64>,
    /// Whether it is started only once the hub of this supervisor is ready, where that is wanted at
    /// all (R15). Means nothing for the hub.
    pub depends_on_hub: bool,
    /// What an edit of its `.env` or configuration leads to while it runs.
    pub env_change: EnvChange,
    /// How long it may take to finish its tasks before a restart that no person asked for. After that it takes tasks
    /// again, and the restart is tried again as much later.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub drain_timeout: Duration,
    /// Bytes of one log file before the next is begun (R63).
    #[serde(with = "byte_size::required")]
    pub log_max_bytes: u64,
    /// How many files of one log are kept, the one that is written included (R63).
    #[serde(deserialize_with = "at_least_one")]
    pub log_files: u32,
    /// How readily the kernel ends it when memory runs out, -1000 to 1000 (R22).
    #[serde(deserialize_with = "oom_score")]
    pub oom_score_adjust: i16,
    /// The TCP port it listens on: a start with the port taken is refused, and a stop is done when it
    /// is free (R20).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl Policy {
    /// With these keys, as in `supervisor.toml` but in JSON, in place of its own; key by key inside tables.
    ///
    /// # Errors
    /// Names a key that there is not, or a value that is none.
    pub fn with(&self, keys: &Map<String, Value>) -> serde_json::Result<Self> {
        let mut all = serde_json::to_value(self)?;
        for (key, value) in keys {
            match (&mut all[key], value) {
                (Value::Object(known), Value::Object(value)) => known.extend(value.clone()),
                (known, value) => *known = value.clone(),
            }
        }
        serde_json::from_value(all)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            restart: RestartPolicy::Always,
            stop_signal: StopSignal::Term,
            stop_grace: Duration::from_secs(10),
            ready_timeout: Duration::from_secs(30),
            start_backoff: BackoffPolicy::default(),
            liveness_timeout: None,
            core: false,
            memory_high: None,
            memory_max: None,
            pids_max: None,
            depends_on_hub: true,
            env_change: EnvChange::RestartWhenIdle,
            drain_timeout: Duration::from_secs(600),
            log_max_bytes: 10 << 20,
            log_files: 5,
            oom_score_adjust: 200,
            port: None,
        }
    }
}

/// Which ends of a process that nobody asked for are followed by a new start. An end that starting
/// again cannot mend never is, whatever this says (R12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// Every one.
    #[default]
    Always,
    /// All but exit code 0.
    OnFailure,
    /// None.
    Never,
}

/// What an edit of `.env` or of the configuration leads to while the process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvChange {
    /// It is restarted once it has no task in hand.
    #[default]
    RestartWhenIdle,
    /// It is restarted at once.
    Now,
    /// It is shown as changed; a person applies it.
    Ask,
}

/// How the pause between two starts grows: 0, then `first`, then double, up to `longest` (R9); after a life of less than a
/// second four times, so that what fails at once is started twelve times in five minutes at most (R11).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BackoffPolicy {
    /// The pause before the second new start; the first is immediate.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub first: Duration,
    /// No pause is longer.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub longest: Duration,
    /// Each pause is stretched or shortened by up to this part of itself, 0 to 1, so that many
    /// processes that died together do not come back together.
    #[serde(deserialize_with = "part")]
    pub jitter: f64,
    /// A process that was ready for this long, or twice the last pause if that is longer, is stable
    /// again (R10).
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub stable_after: Duration,
}

impl Default for BackoffPolicy {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(60),
            jitter: 0.2,
            stable_after: Duration::from_secs(60),
        }
    }
}

/// A first pause that is longer than the longest would never be made.
fn growing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BackoffPolicy, D::Error> {
    let policy = BackoffPolicy::deserialize(deserializer)?;
    if policy.first <= policy.longest {
        return Ok(policy);
    }
    let text = format!("start-backoff: `first` ({:?}) is longer than `longest` ({:?})", policy.first, policy.longest);
    Err(serde::de::Error::custom(text))
}

fn part<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let part = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&part) {
        return Ok(part);
    }
    Err(serde::de::Error::custom(format!("{part} is not a part between 0 and 1")))
}

fn at_least_one<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(serde::de::Error::custom("at least 1 is needed")),
        number => Ok(number),
    }
}

/// The kernel's range (proc_pid_oom_score_adj(5)).
fn oom_score<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i16, D::Error> {
    let score = i16::deserialize(deserializer)?;
    if (-1000..=1000).contains(&score) {
        return Ok(score);
    }
    Err(serde::de::Error::custom(format!("{score} is not a number between -1000 and 1000")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_needed_and_the_defaults_are_those_of_the_requirements() {
        let policy: Policy = toml::from_str("").unwrap();
        assert_eq!(policy, Policy::default());
        assert_eq!(policy.stop_grace, Duration::from_secs(10));
        assert_eq!((policy.log_max_bytes, policy.log_files), (10 * 1024 * 1024, 5));
    }

    #[test]
    fn words_times_and_sizes_are_read_as_people_write_them() {
        let text = r#"
            restart = "on-failure"
            stop-grace = "1m 30s"
            liveness-timeout = "30s"
            memory-max = "512M"
            log-max-bytes = 4096
            env-change = "ask"
            start-backoff = { first = "1s", jitter = 0.5 }
        "#;
        let policy: Policy = toml::from_str(text).unwrap();
        let expected = Policy {
            restart: RestartPolicy::OnFailure,
            stop_grace: Duration::from_secs(90),
            liveness_timeout: Some(Duration::from_secs(30)),
            memory_max: Some(512 << 20),
            log_max_bytes: 4096,
            env_change: EnvChange::Ask,
            start_backoff: BackoffPolicy { first: Duration::from_secs(1), jitter: 0.5, ..BackoffPolicy::default() },
            ..Policy::default()
        };
        assert_eq!(policy, expected);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let policy = Policy { memory_high: Some(1 << 30), port: Some(80), ..Policy::default() };
        let text = toml::to_string(&policy).unwrap();
        assert_eq!(toml::from_str::<Policy>(&text).unwrap(), policy, "{text}");
    }

    #[test]
    fn keys_of_a_program_count_more_and_leave_the_others_as_they_are() {
        let before = Policy { stop_grace: Duration::from_secs(3), ..Policy::default() };
        let keys = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
        let text = r#"{"restart":"never","start-backoff":{"first":"1s"},"memory-high":"1G","stop-signal":"INT"}"#;
        let expected = Policy {
            restart: RestartPolicy::Never,
            start_backoff: BackoffPolicy { first: Duration::from_secs(1), ..BackoffPolicy::default() },
            memory_high: Some(1 << 30),
            stop_signal: StopSignal::Int,
            ..before.clone()
        };
        assert_eq!(before.with(&keys(text)).unwrap(), expected);
        for wrong in [r#"{"stop_grace":"1s"}"#, r#"{"start-backoff":{"last":"1s"}}"#, r#"{"restart":"perhaps"}"#] {
            assert!(before.with(&keys(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_keys_and_wrong_values_are_refused() {
        let texts = ["stop_grace = \"10s\"", "stop-grace = 10", "restart = \"sometimes\"", "memory-max = \"lots\""];
        for text in texts.into_iter().chain([
            "start-backoff = { jitter = 1.5 }",
            "port = 65536",
            "log-files = 0",
            "oom-score-adjust = 1001",
            "oom-score-adjust = -1001",
        ]) {
            assert!(toml::from_str::<Policy>(text).is_err(), "{text}");
        }
    }
}
