use std::ffi::{OsStr, OsString};

use anet_protocol::control::HubVariables;
use anet_protocol::variables::{self, Variable};

use crate::failure::Failure;

/// The settings of the hub in the environment, whichever of their names they stand under. An empty variable is unset.
pub(super) fn collect(environment: &[(OsString, OsString)]) -> Result<HubVariables, Failure> {
    let mut collected = HubVariables::default();
    for variable in variables::ALL.iter().filter(|variable| variable.is_hub_setting) {
        if let Some(value) = value(variable, environment)? {
            collected.0.insert(variable.name.to_owned(), value);
        }
    }
    Ok(collected)
}

fn value(variable: &Variable, environment: &[(OsString, OsString)]) -> Result<Option<String>, Failure> {
    let mut found: Option<(&str, String)> = lookup(environment, variable.name)?.map(|value| (variable.name, value));
    for alias in variable.aliases {
        let Some(value) = lookup(environment, alias.name)? else { continue };
        let value = alias.translate(&value).map_err(|rule| Failure::usage(format!("{}: {rule}", alias.name)))?;
        match &found {
            Some((name, known)) if *known != value => {
                return Err(Failure::usage(format!("{name} and {} say different things", alias.name))
                    .hint(format!("both mean {}; unset one of them", variable.name)));
            }
            Some(_) => {}
            None => found = Some((alias.name, value)),
        }
    }
    Ok(found.map(|(_, value)| value))
}

fn lookup(environment: &[(OsString, OsString)], name: &str) -> Result<Option<String>, Failure> {
    let value = environment.iter().find(|(key, value)| key == OsStr::new(name) && !value.is_empty());
    match value {
        None => Ok(None),
        Some((_, value)) => match value.to_str() {
            Some(value) => Ok(Some(value.to_owned())),
            None => Err(Failure::usage(format!("{name} is not UTF-8"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(pairs: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        let environment: Vec<_> = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        collect(&environment)
            .map(|variables| variables.0.into_iter().collect())
            .map_err(|failure| format!("{:#}", failure.error))
    }

    #[test]
    fn a_setting_is_found_under_its_other_name() {
        let found = collected(&[("AI_PARTNER_AUTH_ENABLED", "false"), ("AI_PARTNER_LOCKOUT_DURATION_MINUTES", "30")]);
        let expected = [("ANET_AUTH", "off"), ("ANET_LOGIN_DELAY", "30m")];
        assert_eq!(found.unwrap(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(collected(&[("AUTH_ENABLED", "false"), ("ANET_HOME", "/x")]), Ok(Vec::new()));
    }

    #[test]
    fn two_names_may_say_the_same_and_not_two_things() {
        let same = [("ANET_AUTH", "on"), ("AI_PARTNER_AUTH_ENABLED", "true")];
        assert_eq!(collected(&same).unwrap().len(), 1);
        let different = [("ANET_AUTH", "on"), ("AI_PARTNER_AUTH_ENABLED", "false")];
        let error = collected(&different).unwrap_err();
        assert!(error.contains("ANET_AUTH") && error.contains("AI_PARTNER_AUTH_ENABLED"), "{error}");
        let secrets = [("AI_PARTNER_JWT_SECRET", "canary-1"), ("AI_PARTNER_SESSION_SECRET", "canary-2")];
        assert!(!collected(&secrets).unwrap_err().contains("canary"));
    }

    #[test]
    fn a_word_that_the_other_product_does_not_know_is_refused() {
        let error = collected(&[("AI_PARTNER_AUTH_ENABLED", "nope")]).unwrap_err();
        assert_eq!(error, "AI_PARTNER_AUTH_ENABLED: use true or false");
    }
}
