use std::fmt;
use std::str::FromStr;

/// Which program does the tasks of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Runtime {
    /// Claude through its agent SDK's headless mode.
    ClaudeAgentSdk,
    /// Claude Code on a terminal.
    ClaudeCodeCli,
    /// The Codex program.
    CodexSdk,
    /// Grok through the agent client protocol.
    GrokBuildAcp,
    /// Any program: the task on its stdin, the answer on its stdout.
    Command,
}

/// A runtime's name that is neither canonical nor an alias.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown runtime `{name}`; known are claude-agent-sdk, claude-code-cli, codex-sdk, grok-build-acp and command")]
pub struct UnknownRuntime {
    /// The name as it was given.
    pub name: String,
}

impl Runtime {
    /// Every runtime.
    pub const ALL: [Self; 5] =
        [Self::ClaudeAgentSdk, Self::ClaudeCodeCli, Self::CodexSdk, Self::GrokBuildAcp, Self::Command];

    /// The canonical name, as it is written to files and sent to the hub.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeAgentSdk => "claude-agent-sdk",
            Self::ClaudeCodeCli => "claude-code-cli",
            Self::CodexSdk => "codex-sdk",
            Self::GrokBuildAcp => "grok-build-acp",
            Self::Command => "command",
        }
    }

    /// Other names that are read as this runtime.
    #[must_use]
    pub const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::ClaudeAgentSdk => &["claude", "claude-sdk", "agent-sdk"],
            Self::ClaudeCodeCli => &["claude-code"],
            Self::CodexSdk => &["codex"],
            Self::GrokBuildAcp => &["grok", "grok-build"],
            Self::Command => &[],
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Runtime {
    type Err = UnknownRuntime;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|runtime| runtime.name() == name || runtime.aliases().contains(&name))
            .ok_or_else(|| UnknownRuntime { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_alias_is_read_as_its_runtime_alone() {
        for runtime in Runtime::ALL {
            for name in runtime.aliases().iter().chain([&runtime.name()]) {
                assert_eq!(name.parse(), Ok(runtime));
            }
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_and_never_a_guess() {
        for name in ["", "claud", "Claude", "codex ", "gpt", "commands"] {
            let error = name.parse::<Runtime>().unwrap_err();
            assert!(Runtime::ALL.iter().all(|runtime| error.to_string().contains(runtime.name())));
        }
    }
}
