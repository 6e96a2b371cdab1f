//! Every environment variable that `anet` reads or gives to an agent. The checked-in
//! `.env.example` is rendered from this table.

mod alias;

pub use alias::{ALIAS_PREFIX, Alias, Wording};

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
    /// Whether it is a setting of the hub, and so passed on to the hub's process.
    pub is_hub_setting: bool,
    /// Whether its value must not be shown.
    pub is_secret: bool,
    /// Other names under which it is read.
    pub aliases: &'static [Alias],
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

    const fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    const fn also(self, aliases: &'static [Alias]) -> Self {
        Self { aliases, ..self }
    }
}

/// The variable of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Variable> {
    ALL.iter().find(|variable| variable.name == name)
}

/// Whether a name is one that `anet` claims for itself: registered, or misspelt.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    name.starts_with("ANET_") || name.starts_with("COMMHUB_")
}

/// The registry.
pub const ALL: &[Variable] = &[
    setting("ANET_HOME", "~/.anet", "Directory of settings, state, logs and the supervisor's socket."),
    setting("ANET_SUPERVISOR", "", "The operators' socket of another user's supervisor; unset, your own supervisor."),
    setting("ANET_LOG", "info", "What is logged: error, warn, info, debug or trace, also per module (anet_hub=debug)."),
    setting("COMMHUB_URL", "http://127.0.0.1:9200", "The hub to talk to; a flag wins over it, it wins over the file."),
    setting("COMMHUB_TOKEN", "", "The token to talk to the hub with; unset, the one that `anet login` saved.").secret(),
    setting("HOST", "127.0.0.1", "Address that the hub listens on."),
    setting("PORT", "9200", "Port that the hub listens on."),
    setting("COMMHUB_DB", "~/.commhub/commhub.db", "The hub's database file."),
    hub(
        "ANET_AUTH",
        "on",
        "off asks nobody on the hub's own machine to log in, all being one user; on loopback alone.",
    )
    .also(&[Alias::new("AI_PARTNER_AUTH_ENABLED", Wording::Words(&[("true", "on"), ("false", "off")]))]),
    hub("COMMHUB_DEV_OPEN", "off", "on lets everybody on the hub's own machine in without login, for development."),
    hub(
        "ANET_REGISTRATION",
        "",
        "Who may make an account: open, invite or closed; unset, open on loopback and invite elsewhere.",
    )
    .also(&[Alias::new("AI_PARTNER_ALLOW_REGISTRATION", Wording::Words(&[("true", "open"), ("false", "invite")]))]),
    hub("ANET_LOGIN_IDLE", "7d", "A login that is not used for so long ends; 0 is never."),
    hub("ANET_LOGIN_LIFETIME", "30d", "A login ends after so long at the latest; 0 is never."),
    hub(
        "ANET_NODE_TOKEN_LIFETIME",
        "0",
        "A node's token ends after so long, such as 24h; its supervisor replaces it before. 0 is never.",
    ),
    hub("ANET_ACCESS_LIFETIME", "15m", "How long the access cookie of a browser session works before it is renewed.")
        .also(&[Alias::new("AI_PARTNER_JWT_EXPIRY", Wording::Same)]),
    hub("ANET_REFRESH_LIFETIME", "7d", "How long a browser session can be renewed after its last renewal.")
        .also(&[Alias::new("AI_PARTNER_REFRESH_TOKEN_EXPIRY", Wording::Same)]),
    hub("ANET_SESSION_SECRET", "", "Mixed into what is stored of browser sessions; another secret ends them all.")
        .secret()
        .also(&[
            Alias::new("AI_PARTNER_SESSION_SECRET", Wording::Same),
            Alias::new("AI_PARTNER_JWT_SECRET", Wording::Same),
        ]),
    hub(
        "ANET_LOGIN_ATTEMPTS",
        "5",
        "How many wrong passwords in a row cost nothing; from then on each doubles the pause.",
    )
    .also(&[Alias::new("AI_PARTNER_MAX_LOGIN_ATTEMPTS", Wording::Same)]),
    hub("ANET_LOGIN_DELAY", "15m", "The longest pause between two passwords for an account.")
        .also(&[Alias::new("AI_PARTNER_LOCKOUT_DURATION_MINUTES", Wording::Minutes)]),
    hub("ANET_RATE_LIMITS", "on", "off limits no address, for development; on limits this machine's own address too."),
    hub("ANET_TRUSTED_PROXIES", "", "Addresses or networks (10.0.0.0/8), by comma, whose X-Forwarded-For is believed."),
    hub("ANET_ALLOWED_HOSTS", "", "Names under which the hub is reached, by comma, beside addresses and localhost."),
    hub(
        "COMMHUB_CORS_ORIGINS",
        "http://localhost:3000,http://localhost:3001",
        "Origins (scheme://host[:port]), by comma, whose pages may call the hub.",
    ),
    hub(
        "ANET_ALLOW_URL_TOKENS",
        "off",
        "on takes ?token= and ?api_key= on GET, for old clients; logs then hold secrets.",
    ),
    hub("COMMHUB_AUTH_TOKEN", "", "Deprecated: a master token that reads everything and changes nothing.").secret(),
    hub("ANET_AUDIT_KEEP", "90d", "Lines of the audit log that are older are archived."),
    hub("ANET_MAX_NETWORKS", "20", "How many networks somebody who is no administrator may own."),
    Variable {
        set_by: SetBy::PersonOrAnet,
        ..setting("ANET_NETWORK_ID", "", "The network to act in; unset, the one chosen at login.")
    },
    setting("NO_COLOR", "", "Set to anything, nothing is printed in colour."),
    setting("COLUMNS", "", "Width of tables and help in characters; unset, the terminal is asked."),
    Variable {
        set_by: SetBy::ServiceManager,
        ..setting("NOTIFY_SOCKET", "", "Where a process reports readiness and liveness (sd_notify).")
    },
    Variable {
        set_by: SetBy::ServiceManager,
        ..setting(
            "CREDENTIALS_DIRECTORY",
            "",
            "Where the supervisor finds secrets of nodes, a file each (LoadCredential=).",
        )
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
    Variable { name, default, meaning, set_by: SetBy::Person, is_hub_setting: false, is_secret: false, aliases: &[] }
}

const fn hub(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { is_hub_setting: true, ..setting(name, default, meaning) }
}

const fn for_agents(name: &'static str, meaning: &'static str) -> Variable {
    Variable { set_by: SetBy::Anet, ..setting(name, "", meaning) }
}

/// The text of `.env.example`.
#[must_use]
pub fn render_env_example() -> String {
    let lines_of = |line: fn(&Variable) -> Option<String>| ALL.iter().filter_map(line).collect::<String>();
    let mut text = String::from(
        "# Every environment variable that anet knows, with its default. None is required,\n\
         # and an empty one counts as unset. Rendered from protocol/src/variables.rs.\n\
         # `anet hub start` hands the settings of the hub on to the hub, which keeps them over restarts.\n",
    );
    text += &lines_of(|variable| {
        let mut lines = vec![String::new(), format!("# {}", variable.meaning)];
        lines.extend(variable.aliases.iter().map(|alias| format!("# Also read as {alias}.")));
        lines.push(format!("#{}={}\n", variable.name, variable.default));
        variable.is_setting().then(|| lines.join("\n"))
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
        let aliases = ALL.iter().flat_map(|variable| variable.aliases).map(|alias| alias.name);
        let names: Vec<_> = ALL.iter().map(|variable| variable.name).chain(aliases).collect();
        let different: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(names.len(), different.len());
    }

    #[test]
    fn every_variable_says_what_it_means() {
        assert!(ALL.iter().all(|variable| variable.meaning.ends_with('.')));
    }

    #[test]
    fn a_hub_setting_is_named_as_ours_and_its_aliases_as_those_of_the_other_product() {
        for variable in ALL.iter().filter(|variable| variable.is_hub_setting) {
            assert!(is_ours(variable.name), "{}", variable.name);
        }
        for alias in ALL.iter().flat_map(|variable| variable.aliases) {
            assert!(alias.name.starts_with(ALIAS_PREFIX), "{}", alias.name);
        }
    }
}
