//! How the value of each kind of setting is read.

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use anet_protocol::control::HubVariables;
use anet_protocol::rest::RegistrationPolicy;
use anet_protocol::variables;
use ipnet::IpNet;
use reqwest::Url;

use crate::duration;
use crate::failure::Failure;

/// A hundred years: nobody means more, and sums with it stay within every type.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// The variables, to be read one by one.
pub(super) struct Values<'a>(pub &'a HubVariables);

impl Values<'_> {
    /// A value, if it is given.
    pub(super) fn read<T>(&self, name: &str, parse: fn(&str) -> Result<T, String>) -> Result<Option<T>, Failure> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        let wrong = |rule: String| {
            let failure = Failure::usage(format!("{name} is `{text}`: {rule}"));
            let default = variables::find(name).map_or("", |variable| variable.default);
            if default.is_empty() { failure } else { failure.hint(format!("the default is {default}")) }
        };
        parse(text.trim()).map(Some).map_err(wrong)
    }

    /// Values with commas between them, if any are given.
    pub(super) fn list<T>(&self, name: &str, parse: fn(&str) -> Result<T, String>) -> Result<Option<Vec<T>>, Failure> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let parsed: Result<Vec<T>, String> =
            parts.map(|part| parse(part).map_err(|rule| format!("{name} has `{part}`: {rule}"))).collect();
        parsed.map(Some).map_err(Failure::usage)
    }
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "1" | "true" | "yes" => Ok(true),
        "off" | "0" | "false" | "no" => Ok(false),
        _ => Err("use on or off".to_owned()),
    }
}

pub(super) fn registration(text: &str) -> Result<RegistrationPolicy, String> {
    RegistrationPolicy::parse(text).ok_or_else(|| "use open, invite or closed".to_owned())
}

/// A length of time that is not nothing.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    match duration::parse_with_unit(text)? {
        Duration::ZERO => Err("use more than nothing".to_owned()),
        longer if longer > LONGEST => Err("use a hundred years at most".to_owned()),
        length => Ok(length),
    }
}

/// The same where 0 is never.
pub(super) fn end(text: &str) -> Result<Duration, String> {
    if text == "0" { Ok(Duration::ZERO) } else { length(text).map_err(|rule| format!("{rule}, or 0 for never")) }
}

pub(super) fn count<T: FromStr + PartialOrd + From<u8> + Display>(text: &str) -> Result<T, String> {
    text.parse().ok().filter(|count| *count >= T::from(1)).ok_or_else(|| "use a number, 1 or more".to_owned())
}

/// An address, or a network of them.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| "use an address such as 10.0.0.1 or a network such as 10.0.0.0/8".to_owned())?;
    if network.prefix_len() == 0 {
        return Err("that is everybody, and anybody could then claim to be anybody".to_owned());
    }
    Ok(network.trunc())
}

/// A name, with a port or without.
pub(super) fn host(text: &str) -> Result<String, String> {
    let is_host = Url::parse(&format!("http://{text}")).is_ok_and(|url| {
        url.username().is_empty() && url.password().is_none() && url.path() == "/" && url.query().is_none()
    });
    if is_host && !text.contains(['/', '*', '@', '?', '#']) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("use a name such as hub.example, or with its port hub.example:8443".to_owned())
    }
}

/// Where a page comes from, as browsers write it.
pub(super) fn origin(text: &str) -> Result<String, String> {
    if text.contains('*') {
        return Err("every page of the world is not a list".to_owned());
    }
    let rule = || "use scheme://host or scheme://host:port, without a path".to_owned();
    let url = Url::parse(text).map_err(|_| rule())?;
    let is_plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !is_plain || text.ends_with('/') || !matches!(url.scheme(), "http" | "https") {
        return Err(rule());
    }
    Ok(url.origin().ascii_serialization())
}
