//! A misspelt variable would silently not hold, so it stops the start.

use std::ffi::OsString;

use anet_protocol::variables;

use crate::failure::Failure;

/// Refuses every variable that is named as ours and that nothing reads.
pub(super) fn refuse_unknown(environment: &[(OsString, OsString)]) -> Result<(), Failure> {
    let set = environment.iter().filter(|(_, value)| !value.is_empty());
    let ours = set.map(|(name, _)| name.to_string_lossy()).filter(|name| variables::is_ours(name));
    let mut unknown: Vec<_> = ours.filter(|name| variables::find(name).is_none()).collect();
    unknown.sort_unstable();
    if unknown.is_empty() {
        return Ok(());
    }
    let failure = Failure::usage(format!("nothing reads the variable {}", unknown.join(", ")));
    let hints = unknown.iter().filter_map(|name| Some(format!("instead of {name}, did you mean {}?", nearest(name)?)));
    Err(hints.fold(failure, Failure::hint))
}

/// The name that a person may set and that looks most like `name`.
fn nearest(name: &str) -> Option<&'static str> {
    let settings = variables::ALL.iter().filter(|variable| variable.is_setting() && variables::is_ours(variable.name));
    let likeness = |known: &str| {
        // A name that was begun is the one that begins like it.
        if known.starts_with(name) { 1.0 } else { strsim::normalized_damerau_levenshtein(name, known) }
    };
    settings.map(|variable| variable.name).max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}

/// The names of another product's own table that are set and not read, each with the name that is.
pub(crate) fn unread(environment: &[(OsString, OsString)]) -> Vec<(&'static str, &'static str)> {
    let is_set = |name: &str| environment.iter().any(|(set, value)| set == name && !value.is_empty());
    let aliases =
        variables::ALL.iter().flat_map(|variable| variable.aliases.iter().map(|alias| (alias, variable.name)));
    aliases.map(|(alias, name)| (alias.bare_name(), name)).filter(|(bare, _)| is_set(bare)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn a_misspelt_name_is_told_with_the_right_one() {
        for (wrong, right) in [
            ("ANET_REGISTRATON", "ANET_REGISTRATION"),
            ("COMMHUB_DEVOPEN", "COMMHUB_DEV_OPEN"),
            ("ANET_SESION_SECRET", "ANET_SESSION_SECRET"),
            ("COMMHUB_AUTHTOKEN", "COMMHUB_AUTH_TOKEN"),
            ("COMMHUB_CORS", "COMMHUB_CORS_ORIGINS"),
        ] {
            let failure = refuse_unknown(&environment(&[(wrong, "x"), ("ANET_HOME", "/x")])).unwrap_err();
            assert!(format!("{:#}", failure.error).contains(wrong));
            assert_eq!(failure.hints, [format!("instead of {wrong}, did you mean {right}?")]);
        }
    }

    #[test]
    fn names_of_others_and_empty_ones_stop_nothing() {
        let given = [("AI_PARTNER_MASTER_KEY", "x"), ("AUTH_ENABLED", "false"), ("ANET_TASK_ID", "t"), ("ANET_X", "")];
        assert!(refuse_unknown(&environment(&given)).is_ok());
        assert_eq!(unread(&environment(&given)), [("AUTH_ENABLED", "ANET_AUTH")]);
        assert!(unread(&environment(&[("AUTH_ENABLED", "")])).is_empty());
    }
}
