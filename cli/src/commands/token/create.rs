use std::time::Duration;

use anet_protocol::rest::CreateToken;
use anet_protocol::role::ApiScope;
use std::process::ExitCode;

use crate::context::Context;
use crate::duration;
use crate::failure::Outcome;

/// Make an API key; it is shown once
///
/// With --network it reaches that network alone.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What it is for
    #[arg(value_parser = parse_name)]
    name: String,
    /// How far it reaches: full, agent (reads and writes tasks and messages) or readonly
    #[arg(long, default_value = "full", value_parser = parse_scope)]
    scope: ApiScope,
    /// It ends after this time, such as 12h, 30d or 2w [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse_lifetime)]
    expires: Option<Duration>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let request = CreateToken {
        name: Some(arguments.name),
        scope: Some(arguments.scope),
        network_id: context.named_network().await?,
        expires_in: arguments.expires.map(|lifetime| lifetime.as_secs()),
    };
    let created = context.hub()?.create_token(&request).await?;
    context.printer.either(&created, || created.token.clone())?;
    let end = created.expires_at.map_or_else(|| "never ends".to_owned(), |time| format!("ends at {time} UTC"));
    let reach = request.network_id.map_or_else(String::new, |network| format!(", reaches {network} alone"));
    context.printer.note(&format!(
        "{} ({}) {end}{reach}; shown this once",
        created.token_id,
        created.scope.as_str()
    ))?;
    context.printer.hint(&format!("revoke it with `anet token revoke {}`", created.token_id))?;
    Ok(ExitCode::SUCCESS)
}

/// A name that looks like an option is a slip, and the key would be made for nothing.
fn parse_name(name: &str) -> Result<String, String> {
    if name.starts_with('-') {
        return Err("a name does not begin with `-`".to_owned());
    }
    if name.trim().is_empty() {
        return Err("a name is not empty".to_owned());
    }
    Ok(name.to_owned())
}

fn parse_scope(word: &str) -> Result<ApiScope, String> {
    ApiScope::parse(word).ok_or_else(|| format!("use one of {}", ApiScope::ALL.map(ApiScope::as_str).join(", ")))
}

fn parse_lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = duration::parse_with_unit(text)?;
    if lifetime.as_secs() == 0 { Err("it would end at once".to_owned()) } else { Ok(lifetime) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_an_option() {
        for name in ["--help", "-x", "", "  "] {
            assert!(parse_name(name).is_err(), "{name}");
        }
        assert_eq!(parse_name("nightly build"), Ok("nightly build".to_owned()));
    }

    #[test]
    fn a_lifetime_has_a_unit_and_some_length() {
        assert_eq!(parse_lifetime("30d"), Ok(Duration::from_secs(2_592_000)));
        for text in ["30", "0d", "-1d"] {
            assert!(parse_lifetime(text).is_err(), "{text}");
        }
    }
}
