//! How a process ended, and who wanted that.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::exit_code::ExitCode;
use crate::time::Timestamp;

/// How many exits of a process are kept (R16).
pub const KEPT_EXITS: usize = 20;

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// When the supervisor observed it.
    pub at: Timestamp,
    /// Which start ended, counted from 1 since the process was first made known; 0 where a version that did
    /// not count wrote it.
    #[serde(default)]
    pub incarnation: u64,
    /// When that start began; absent when nothing was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// How.
    #[serde(flatten)]
    pub cause: ExitCause,
    /// Who wanted it to end; absent when nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<StopRequest>,
    /// The process's last words, where it left any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_words: Option<String>,
    /// What mends it, where the process knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What ended a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum ExitCause {
    /// It exited with this code; the meaning is in [`ExitCode`].
    Code {
        /// The exit code.
        code: i32,
    },
    /// A signal killed it.
    Signal {
        /// The signal's number.
        signal: i32,
        /// Whether the kernel wrote a core dump.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        core: bool,
    },
    /// The kernel killed it, or a process of its control group, because its memory was used up.
    OutOfMemory,
    /// Nobody could tell the supervisor: it was not its child, and the kernel is older than 6.15; or it ended
    /// while no supervisor watched.
    Unknown,
    /// It could not be started at all.
    SpawnFailed {
        /// Why.
        reason: String,
    },
}

/// That a process was told to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRequest {
    /// What for.
    pub reason: StopReason,
    /// Who asked, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Requester>,
}

/// Why a process was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It is to stay down.
    Stop,
    /// It is to be replaced.
    Restart,
    /// The supervisor goes and takes everything with it.
    Shutdown,
    /// It gave no sign of life for longer than its policy allows.
    Liveness,
    /// It held more memory than its policy allows.
    Memory,
    /// Its files were changed.
    Changed,
}

/// Who sent a control request, as the kernel tells of the socket's other end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// User id.
    pub uid: u32,
    /// Process id; it may be another process's by the time it is read.
    pub pid: u32,
    /// Its program file, where that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<PathBuf>,
}

impl ExitCause {
    /// A few words: `exit 1`, `SIGKILL`, `out of memory`.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::Code { code } => format!("exit {code}"),
            Self::Signal { signal, core } => {
                let core = if *core { " (core dumped)" } else { "" };
                format!("{}{core}", signal_name(*signal))
            }
            Self::OutOfMemory => "out of memory".to_owned(),
            Self::Unknown => "end not seen".to_owned(),
            Self::SpawnFailed { .. } => "could not be started".to_owned(),
        }
    }

    /// One line for people, with the meaning of the exit code.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Code { code } => match ExitCode::from_code(*code) {
                Some(known) => format!("exit code {code}: {}", known.meaning()),
                None => format!("exit code {code}"),
            },
            Self::Signal { .. } => format!("killed by {}", self.brief()),
            Self::OutOfMemory => "killed because its memory was used up".to_owned(),
            Self::Unknown => "ended while no supervisor was its parent, so its exit code is unknown".to_owned(),
            Self::SpawnFailed { reason } => reason.clone(),
        }
    }
}

impl StopReason {
    /// Why, for people.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Stop => "stopped",
            Self::Restart => "restarted",
            Self::Shutdown => "stopped with the supervisor",
            Self::Liveness => "no sign of life",
            Self::Memory => "used too much memory",
            Self::Changed => "its files were changed",
        }
    }
}

impl StopRequest {
    /// Why and by whom, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.by {
            Some(by) => format!("{} by {}", self.reason.describe(), by.describe()),
            None => self.reason.describe().to_owned(),
        }
    }
}

impl Requester {
    /// Who, for people: `uid 1000, anet (process 4711)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("uid {}", self.uid);
        let program = self.program.as_ref().and_then(|program| program.file_name());
        // Writing to a String cannot fail.
        match program {
            Some(program) => write!(text, ", {} (process {})", program.display(), self.pid),
            None => write!(text, ", process {}", self.pid),
        }
        .unwrap_or_default();
        text
    }
}

impl Exit {
    /// How it ended, who wanted that, and what it said last.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = self.cause.describe();
        if let Some(asked) = &self.asked {
            text = format!("{text} ({})", asked.describe());
        }
        if let Some(words) = &self.last_words {
            text = format!("{text}: {words}");
        }
        text
    }
}

/// The name of a signal whose number is the same on every system, else `signal <number>`.
fn signal_name(signal: i32) -> String {
    const NAMES: [(i32, &str); 12] = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (5, "SIGTRAP"),
        (6, "SIGABRT"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (14, "SIGALRM"),
        (15, "SIGTERM"),
    ];
    let known = NAMES.iter().find(|(number, _)| *number == signal);
    known.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_in_words() {
        let signal = |signal, core| ExitCause::Signal { signal, core };
        assert_eq!(signal(9, false).describe(), "killed by SIGKILL");
        assert_eq!(signal(6, true).describe(), "killed by SIGABRT (core dumped)");
        assert_eq!(signal(40, false).brief(), "signal 40");
        assert_eq!(ExitCause::Code { code: 76 }.describe(), "exit code 76: configuration invalid");
        assert_eq!(ExitCause::Code { code: 1 }.brief(), "exit 1");
    }

    #[test]
    fn who_asked_is_told() {
        let by = Requester { uid: 1000, pid: 7, program: Some("/usr/bin/anet".into()) };
        let exit = Exit {
            at: Timestamp::from_millis(0),
            incarnation: 3,
            started_at: None,
            cause: ExitCause::Signal { signal: 15, core: false },
            asked: Some(StopRequest { reason: StopReason::Stop, by: Some(by) }),
            last_words: Some("bye".to_owned()),
            hint: None,
        };
        assert_eq!(exit.sentence(), "killed by SIGTERM (stopped by uid 1000, anet (process 7)): bye");
    }

    #[test]
    fn an_exit_of_a_version_that_counted_nothing_is_understood() {
        let old = r#"{"at":"2026-11-22 05:43:55","cause":"signal","signal":9}"#;
        let exit: Exit = serde_json::from_str(old).unwrap();
        assert_eq!((exit.incarnation, exit.cause), (0, ExitCause::Signal { signal: 9, core: false }));
        assert_eq!(exit.asked, None);
    }
}
