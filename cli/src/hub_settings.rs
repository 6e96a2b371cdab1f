//! The settings of the hub: collected from variables and flags where a hub is started, handed on by the supervisor, and
//! read here again by the hub. Whatever is wrong with them is said before anything starts.

mod aliases;
mod names;
mod placeholder;
mod values;

use anet_hub::{Access, RateLimits, Settings};
use anet_protocol::control::HubVariables;
use secrecy::SecretString;

use crate::environment::Environment;
use crate::failure::Failure;
use values::Values;

pub(crate) use names::unread;

/// The hub's settings in the environment, by the names of our own.
///
/// # Errors
/// When a variable is misspelt, or says two things under two names.
pub(crate) fn collect(environment: &Environment) -> Result<HubVariables, Failure> {
    names::refuse_unknown(&environment.all)?;
    aliases::collect(&environment.all)
}

/// What the variables mean; what none of them says is as the hub has it by default.
///
/// # Errors
/// When a value does not obey its rule, or a secret is one that everybody knows.
pub(crate) fn parse(variables: &HubVariables) -> Result<Settings, Failure> {
    placeholder::refuse(variables)?;
    let default = Settings::default();
    let values = Values(variables);
    let settings = Settings {
        access: access(&values)?,
        registration: values.read("ANET_REGISTRATION", values::registration)?,
        login_idle: values.read("ANET_LOGIN_IDLE", values::end)?.unwrap_or(default.login_idle),
        node_token_lifetime: values
            .read("ANET_NODE_TOKEN_LIFETIME", values::end)?
            .unwrap_or(default.node_token_lifetime),
        login_lifetime: values.read("ANET_LOGIN_LIFETIME", values::end)?.unwrap_or(default.login_lifetime),
        access_lifetime: values.read("ANET_ACCESS_LIFETIME", values::length)?.unwrap_or(default.access_lifetime),
        refresh_lifetime: values.read("ANET_REFRESH_LIFETIME", values::length)?.unwrap_or(default.refresh_lifetime),
        session_secret: variables.get("ANET_SESSION_SECRET").map(SecretString::from),
        login_attempts: values.read("ANET_LOGIN_ATTEMPTS", values::count)?.unwrap_or(default.login_attempts),
        login_delay: values.read("ANET_LOGIN_DELAY", values::length)?.unwrap_or(default.login_delay),
        limits: match values.read("ANET_RATE_LIMITS", values::switch)? {
            Some(false) => RateLimits::off(),
            Some(true) | None => default.limits,
        },
        trusted_proxies: values.list("ANET_TRUSTED_PROXIES", values::network)?.unwrap_or_default(),
        allowed_hosts: values.list("ANET_ALLOWED_HOSTS", values::host)?.unwrap_or_default(),
        cors_origins: values.list("COMMHUB_CORS_ORIGINS", values::origin)?.unwrap_or(default.cors_origins),
        allow_url_tokens: values.read("ANET_ALLOW_URL_TOKENS", values::switch)?.unwrap_or(default.allow_url_tokens),
        legacy_token: variables.get("COMMHUB_AUTH_TOKEN").map(SecretString::from),
        audit_age: values.read("ANET_AUDIT_KEEP", values::length)?.unwrap_or(default.audit_age),
        owned_networks: values.read("ANET_MAX_NETWORKS", values::count)?.unwrap_or(default.owned_networks),
        ..Settings::default()
    };
    if settings.refresh_lifetime < settings.access_lifetime {
        return Err(Failure::usage("ANET_REFRESH_LIFETIME is shorter than ANET_ACCESS_LIFETIME")
            .hint("a browser session is renewed when its access has ended, so it has to last longer"));
    }
    Ok(settings)
}

/// Who gets in without a token.
fn access(values: &Values) -> Result<Access, Failure> {
    let (login, open) = (values.read("ANET_AUTH", values::switch)?, values.read("COMMHUB_DEV_OPEN", values::switch)?);
    match (login, open.unwrap_or(false)) {
        (Some(true), true) => {
            Err(Failure::usage("ANET_AUTH asks for a login, and COMMHUB_DEV_OPEN for none").hint("unset one of them"))
        }
        (_, true) => Ok(Access::DevOpen),
        (Some(false), false) => Ok(Access::SingleUser),
        (Some(true) | None, false) => Ok(Access::Login),
    }
}

#[cfg(test)]
mod tests {
    use anet_protocol::variables;

    use super::*;

    fn given(pairs: &[(&str, &str)]) -> HubVariables {
        HubVariables(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn refused(name: &str, value: &str) -> String {
        let failure = parse(&given(&[(name, value)])).unwrap_err();
        assert_eq!(failure.exit, anet_protocol::exit_code::CommandExit::Usage);
        format!("{:#}", failure.error)
    }

    #[test]
    fn the_defaults_that_are_documented_are_the_ones_that_hold() {
        let documented = variables::ALL.iter().filter(|variable| variable.is_hub_setting);
        let documented = documented.filter(|variable| !variable.default.is_empty());
        let documented: Vec<_> = documented.map(|variable| (variable.name, variable.default)).collect();
        let settings = parse(&given(&documented)).unwrap();
        assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));
    }

    #[test]
    fn every_setting_of_the_hub_is_read() {
        let wrong = "?";
        for variable in variables::ALL.iter().filter(|variable| variable.is_hub_setting) {
            assert!(refused(variable.name, wrong).contains(variable.name), "{}", variable.name);
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_named_with_its_rule() {
        assert_eq!(refused("ANET_REGISTRATION", "opne"), "ANET_REGISTRATION is `opne`: use open, invite or closed");
        assert!(refused("ANET_LOGIN_IDLE", "30").contains("ANET_LOGIN_IDLE is `30`: use a time such as"));
        for value in ["*", "https://a.example/path", "https://a.example/", "a.example", "ftp://a.example"] {
            assert!(refused("COMMHUB_CORS_ORIGINS", value).contains("COMMHUB_CORS_ORIGINS"), "{value}");
        }
        assert!(refused("ANET_TRUSTED_PROXIES", "10.0.0.1, 0.0.0.0/0").contains("0.0.0.0/0"));
        assert!(refused("ANET_LOGIN_ATTEMPTS", "0").contains("1 or more"));
    }

    #[test]
    fn values_become_settings() {
        let settings = parse(&given(&[
            ("ANET_LOGIN_IDLE", "0"),
            ("ANET_TRUSTED_PROXIES", "10.0.0.1, fd00::/8"),
            ("ANET_ALLOWED_HOSTS", "hub.example,hub.example:8443"),
            ("COMMHUB_CORS_ORIGINS", "https://a.example"),
            ("ANET_RATE_LIMITS", "off"),
            ("ANET_AUTH", "off"),
        ]));
        let settings = settings.unwrap();
        assert!(settings.login_idle.is_zero());
        assert_eq!(settings.trusted_proxies, ["10.0.0.1/32".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        assert_eq!(settings.allowed_hosts, ["hub.example", "hub.example:8443"]);
        assert_eq!(settings.cors_origins, ["https://a.example"]);
        assert_eq!((settings.limits, settings.access), (RateLimits::off(), Access::SingleUser));
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(parse(&given(&[("ANET_AUTH", "on"), ("COMMHUB_DEV_OPEN", "1")])).is_err());
        assert!(parse(&given(&[("ANET_ACCESS_LIFETIME", "8d")])).is_err());
    }
}
