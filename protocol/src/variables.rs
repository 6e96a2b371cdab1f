//! Every environment variable that `anet` reads or gives to an agent. The checked-in
//! `.env.example` is rendered from this table.

/// One environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds when it is unset or empty; empty when there is no default.
    pub default: &'static str,
    /// One line for people.
    pub meaning: &'static str,
    /// Who sets it.
    pub set_by: SetBy,
}

/// Who gives a variable its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetBy {
    /// The person or script that runs a command.
    Person,
    /// systemd for the supervisor, the supervisor for its children.
    ServiceManager,
    /// `anet`, in the environment of an agent that it starts for a task.
    Anet,
    /// Both [`SetBy::Person`] and [`SetBy::Anet`].
    PersonOrAnet,
}

impl Variable {
    /// Whether an agent of the `command` runtime finds it in its environment.
    #[must_use]
    pub const fn is_set_for_agents(&self) -> bool {
        matches!(self.set_by, SetBy::Anet | SetBy::PersonOrAnet)
    }

    /// Whether a person may set it.
    #[must_use]
    pub const fn is_setting(&self) -> bool {
        matches!(self.set_by, SetBy::Person | SetBy::PersonOrAnet)
    }
}

/// The registry.
pub const ALL: &[Variable] = &[
    setting("ANET_HOME", "~/.anet", "Directory of settings, state, logs and the supervisor's socket."),
    setting("ANET_LOG", "info", "What is logged: error, warn, info, debug or trace, also per module (anet_hub=debug)."),
    setting("COMMHUB_URL", "http://127.0.0.1:9200", "The hub to talk to; a flag wins over it, it wins over the file."),
    setting("COMMHUB_TOKEN", "", "The token to talk to the hub with; unset, the one that `anet login` saved."),
    setting("HOST", "127.0.0.1", "Address that the hub listens on."),
    setting("PORT", "9200", "Port that the hub listens on."),
    setting("COMMHUB_DB", "~/.commhub/commhub.db", "The hub's database file."),
    Variable {
        name: "ANET_NETWORK_ID",
        default: "",
        meaning: "The network to act in; unset, the one chosen at login.",
        set_by: SetBy::PersonOrAnet,
    },
    setting("NO_COLOR", "", "Set to anything, nothing is printed in colour."),
    setting("COLUMNS", "", "Width of tables and help in characters; unset, the terminal is asked."),
    Variable {
        name: "NOTIFY_SOCKET",
        default: "",
        meaning: "Where a process reports readiness and liveness (sd_notify).",
        set_by: SetBy::ServiceManager,
    },
    for_agents("ANET_TASK_ID", "Id of the task to do."),
    for_agents("ANET_TASK_FROM", "Alias or user that sent the task."),
    for_agents("ANET_TASK_ATTEMPT", "Number of this attempt, counted from 1."),
    for_agents("ANET_TASK_SOCKET", "Socket through which `anet send` and `anet task` act as this node, for this task."),
    for_agents("ANET_INSTANCE_ID", "Id of this run of the node; marks every process that belongs to it."),
    for_agents("ANET_ALIAS", "Alias of the node that does the task."),
    for_agents("ANET_PROJECT_DIR", "Absolute path of the project that the node belongs to."),
];

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default, meaning, set_by: SetBy::Person }
}

const fn for_agents(name: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default: "", meaning, set_by: SetBy::Anet }
}

/// The text of `.env.example`.
#[must_use]
pub fn render_env_example() -> String {
    let lines_of = |line: fn(&Variable) -> Option<String>| ALL.iter().filter_map(line).collect::<String>();
    let mut text = String::from(
        "# Every environment variable that anet knows, with its default. None is required,\n\
         # and an empty one counts as unset. Rendered from protocol/src/variables.rs.\n",
    );
    text += &lines_of(|variable| {
        variable.is_setting().then(|| format!("\n# {}\n#{}={}\n", variable.meaning, variable.name, variable.default))
    });
    text += "\n# Set by systemd or the supervisor; do not set it by hand:\n";
    text += &lines_of(|variable| {
        (variable.set_by == SetBy::ServiceManager).then(|| format!("#   {}  {}\n", variable.name, variable.meaning))
    });
    text += "\n# Set by anet for the agents it starts:\n";
    text += &lines_of(|variable| {
        variable.is_set_for_agents().then(|| format!("#   {:<17}  {}\n", variable.name, variable.meaning))
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_example_is_the_rendered_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../.env.example");
        let checked_in = std::fs::read_to_string(path).unwrap();
        assert!(checked_in == render_env_example(), "replace the text of {path} by:\n{}", render_env_example());
    }

    #[test]
    fn the_example_is_valid_and_sets_nothing() {
        assert_eq!(crate::env_file::parse(&render_env_example()).unwrap(), []);
    }

    #[test]
    fn every_name_is_registered_once() {
        let mut names: Vec<_> = ALL.iter().map(|variable| variable.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn every_variable_says_what_it_means() {
        assert!(ALL.iter().all(|variable| variable.meaning.ends_with('.')));
    }
}
