//! `~/.anet/supervisor.toml`: what a person decides about the supervisor and what it looks after.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::policy::{Policies, Policy};

/// The name of the file in `~/.anet`.
const NAME: &str = "supervisor.toml";
/// A larger file is no settings file.
const LARGEST: u64 = 1024 * 1024;

/// What is in force: the file's keys, and the defaults for the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The policy of each process.
    pub policies: Policies,
    /// The supervisor's own.
    pub supervisor: SupervisorOptions,
}

/// The section `[supervisor]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SupervisorOptions {
    /// Bytes that the logs of all processes may take together; where absent 1 GiB, or 5 % of the disk if that
    /// is less (R63).
    #[serde(with = "crate::policy::byte_size::optional", skip_serializing_if = "Option::is_none")]
    pub log_total_bytes: Option<u64>,
    /// The group whose members may look, and start, stop and restart what is known (R55); a name or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_group: Option<String>,
    /// Where they connect, an absolute path; where absent `/tmp/anet-<uid>/operators.sock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_socket: Option<PathBuf>,
}

/// The file as it is written; checked as a whole before anything of it is used.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    supervisor: SupervisorOptions,
    // These two are read for their errors alone, which know line and column; they are merged as tables.
    defaults: Policy,
    hub: Policy,
    node: BTreeMap<String, Policy>,
}

/// Why the settings file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsFileError {
    /// It is there and cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A key or value in it is wrong.
    #[error("{}:{line}:{column}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in characters.
        column: usize,
        /// What is wrong, and what would be right.
        reason: String,
    },
}

/// The settings file of a home.
#[must_use]
pub fn settings_file(home: &Path) -> PathBuf {
    home.join(NAME)
}

impl Options {
    /// Reads the settings file of a home; an absent one says nothing. What it does not say is as in `base`.
    ///
    /// # Errors
    /// [`SettingsFileError`] with line and column.
    pub fn load(home: &Path, base: &Policies) -> Result<Self, SettingsFileError> {
        let path = settings_file(home);
        let text = match read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(SettingsFileError::Unreadable { path, source }),
        };
        Self::parse(&text, &path, base)
    }

    /// Reads the text of a settings file.
    ///
    /// # Errors
    /// [`SettingsFileError::Invalid`].
    pub fn parse(text: &str, path: &Path, base: &Policies) -> Result<Self, SettingsFileError> {
        let invalid = |error: &toml::de::Error| {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            SettingsFileError::Invalid { path: path.to_owned(), line, column, reason: one_line(error.message()) }
        };
        let written: Written = toml::from_str(text).map_err(|error| invalid(&error))?;
        let table: Table = toml::from_str(text).map_err(|error| invalid(&error))?;
        let section = |name: &str| table.get(name).and_then(Value::as_table);
        let internal =
            |reason: String| SettingsFileError::Invalid { path: path.to_owned(), line: 1, column: 1, reason };
        let base_table = |policy: &Policy| Table::try_from(policy).map_err(|error| internal(error.to_string()));
        let policy = |mut below: Table, sections: &[Option<&Table>]| {
            for section in sections.iter().flatten() {
                merge(&mut below, section);
            }
            below.try_into::<Policy>().map_err(|error| internal(one_line(error.message())))
        };
        let defaults = policy(base_table(&base.defaults)?, &[section("defaults")])?;
        let hub = policy(base_table(base.of_hub())?, &[section("defaults"), section("hub")])?;
        let mut nodes = BTreeMap::new();
        for name in base.nodes.keys().chain(written.node.keys()) {
            let own = section("node").and_then(|nodes| nodes.get(name)).and_then(Value::as_table);
            nodes.insert(name.clone(), policy(base_table(base.of_node(name))?, &[section("defaults"), own])?);
        }
        Ok(Self { policies: Policies { defaults, hub: Some(hub), nodes }, supervisor: written.supervisor })
    }
}

fn read(path: &Path) -> io::Result<String> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() > LARGEST {
        return Err(io::Error::other(format!("it is larger than {LARGEST} bytes")));
    }
    std::fs::read_to_string(path)
}

/// Puts the keys of `above` over those of `below`, key by key inside tables.
fn merge(below: &mut Table, above: &Table) {
    for (key, value) in above {
        match (below.get_mut(key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            _ => drop(below.insert(key.clone(), value.clone())),
        }
    }
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::policy::RestartPolicy;

    fn parse(text: &str) -> Result<Options, String> {
        let path = Path::new("/home/ada/.anet/supervisor.toml");
        Options::parse(text, path, &Policies::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_and_none_at_all_leave_every_default() {
        let directory = tempfile::tempdir().unwrap();
        let options = Options::load(directory.path(), &Policies::default()).unwrap();
        assert_eq!(options, parse("").unwrap());
        assert_eq!(options.policies.of_node("x"), &Policy::default());
        assert_eq!(options.supervisor, SupervisorOptions::default());
    }

    #[test]
    fn a_node_has_the_defaults_of_the_file_under_its_own_keys() {
        let options = parse(
            r#"
            [defaults]
            stop-grace = "20s"
            start-backoff = { first = "1s" }
            [hub]
            memory-max = "1G"
            [node.claude]
            restart = "on-failure"
            start-backoff.longest = "5m"
            [supervisor]
            log-total-bytes = "2G"
            "#,
        )
        .unwrap();
        let node = options.policies.of_node("claude");
        assert_eq!((node.restart, node.stop_grace), (RestartPolicy::OnFailure, Duration::from_secs(20)));
        assert_eq!(node.start_backoff.first, Duration::from_secs(1));
        assert_eq!(node.start_backoff.longest, Duration::from_secs(300));
        assert_eq!(options.policies.of_node("other").restart, RestartPolicy::Always);
        assert_eq!(options.policies.of_node("other").stop_grace, Duration::from_secs(20));
        assert_eq!(options.policies.of_hub().memory_max, Some(1 << 30));
        assert_eq!(options.policies.of_hub().stop_grace, Duration::from_secs(20));
        assert_eq!(options.supervisor.log_total_bytes, Some(2 << 30));
    }

    #[test]
    fn an_unknown_key_is_named_with_line_and_column() {
        let error = parse("[defaults]\nstop-grace = \"1s\"\nstop_grace = \"1s\"\n").unwrap_err();
        assert!(
            error.starts_with("/home/ada/.anet/supervisor.toml:3:1: unknown field `stop_grace`, expected"),
            "{error}"
        );
        let error = parse("[node.claude]\nfoo = 1\n").unwrap_err();
        assert!(error.contains(":2:1: unknown field `foo`"), "{error}");
        let error = parse("[nodes.claude]\n").unwrap_err();
        assert!(error.contains(":1:2: unknown field `nodes`, expected one of `supervisor`"), "{error}");
    }

    #[test]
    fn a_wrong_type_a_wrong_word_and_wrong_grammar_are_named_with_line_and_column() {
        let wrong = [
            ("[defaults]\nstop-grace = 10\n", ":2:14: "),
            ("[defaults]\n  restart = \"sometimes\"\n", ":2:13: unknown variant `sometimes`"),
            ("[hub]\nmemory-max = \"lots\"\n", ":2:14: \"lots\" is not a size"),
            ("[hub]\nport = 70000\n", ":2:8: "),
            ("[defaults\n", ":1:10: "),
            ("x = é\n", ":1:5: "),
            ("[hub]\nstart-backoff = { first = \"2m\" }\n", ":2:17: start-backoff: `first` (120s) is longer"),
            ("[defaults]\nstart-backoff.first = \"20s\"\n[hub]\nstart-backoff.longest = \"10s\"\n", "is longer"),
        ];
        for (text, expected) in wrong {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected) && !error.contains('\n'), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_example_names_every_key_and_says_what_is_the_default_anyway() {
        let text = include_str!("../../docs/supervisor.toml");
        assert_eq!(parse(text).unwrap(), parse("").unwrap());
        let lines: Vec<&str> = text.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect();
        let uncommented = lines.join("\n");
        let written: Table = toml::from_str(&uncommented).unwrap();
        parse(&uncommented).unwrap();
        let everything = Policy {
            liveness_timeout: Some(Duration::ZERO),
            memory_high: Some(0),
            memory_max: Some(0),
            pids_max: Some(0),
            port: Some(0),
            ..Policy::default()
        };
        let keys = |table: &Table| table.keys().cloned().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(keys(written["defaults"].as_table().unwrap()), keys(&Table::try_from(everything).unwrap()));
        let own = SupervisorOptions {
            log_total_bytes: Some(0),
            operator_group: Some(String::new()),
            operator_socket: Some(PathBuf::new()),
        };
        assert_eq!(keys(written["supervisor"].as_table().unwrap()), keys(&Table::try_from(own).unwrap()));
    }
}
