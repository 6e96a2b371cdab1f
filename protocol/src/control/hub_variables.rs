use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::variables;

/// Settings of the hub by the names of their variables. Some are secret, so nobody shows them by accident.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HubVariables(pub BTreeMap<String, String>);

impl HubVariables {
    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether everything is as it is by default.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names that are none of a hub's setting.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        let is_known = |name: &str| variables::find(name).is_some_and(|variable| variable.is_hub_setting);
        self.0.keys().map(String::as_str).filter(move |name| !is_known(name))
    }

    /// A sentence for every variable that differs between a hub that runs with these and one asked for with `asked`.
    #[must_use]
    pub fn differences(&self, asked: &Self) -> Vec<String> {
        let mut names: Vec<&str> = self.0.keys().chain(asked.0.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| self.effective(name) != asked.effective(name));
        let sentence = |name: &str| {
            let (runs, asked) = (self.shown(name), asked.shown(name));
            if runs == asked {
                return format!("{name} is another secret");
            }
            format!("{name} is {runs}, asked for was {asked}")
        };
        names.into_iter().map(sentence).collect()
    }

    /// The value that holds: the default where none is given.
    fn effective(&self, name: &str) -> &str {
        self.get(name).or_else(|| Some(variables::find(name)?.default)).unwrap_or_default()
    }

    fn shown(&self, name: &str) -> String {
        match self.get(name) {
            None => "unset".to_owned(),
            Some(_) if variables::find(name).is_none_or(|variable| variable.is_secret) => "a secret".to_owned(),
            Some(value) => format!("`{value}`"),
        }
    }
}

impl fmt::Debug for HubVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> HubVariables {
        HubVariables(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_difference_is_told_in_words_and_a_secret_is_not_shown() {
        let runs =
            variables(&[("ANET_AUTH", "on"), ("ANET_REGISTRATION", "open"), ("ANET_SESSION_SECRET", "canary-1")]);
        let asked = variables(&[("ANET_AUTH", "on"), ("ANET_LOGIN_IDLE", "1d"), ("ANET_SESSION_SECRET", "canary-2")]);
        assert_eq!(runs.differences(&runs), [""; 0]);
        assert_eq!(variables(&[("ANET_AUTH", "on")]).differences(&variables(&[])), [""; 0], "the default is no news");
        let told = runs.differences(&asked).join("; ");
        let expected = "ANET_LOGIN_IDLE is unset, asked for was `1d`; \
                        ANET_REGISTRATION is `open`, asked for was unset; ANET_SESSION_SECRET is another secret";
        assert_eq!(told, expected);
        assert!(!format!("{runs:?}").contains("canary"));
    }

    #[test]
    fn only_settings_of_the_hub_are_known() {
        let given = variables(&[("ANET_AUTH", "on"), ("ANET_HOME", "/x"), ("LD_PRELOAD", "/x.so")]);
        assert_eq!(given.unknown().collect::<Vec<_>>(), ["ANET_HOME", "LD_PRELOAD"]);
    }
}
