use anet_hub::Access;
use anet_protocol::control::HubVariables;
use secrecy::ExposeSecret as _;

use super::Arguments;
use crate::context::Context;
use crate::failure::Failure;
use crate::hub_settings;

/// The settings of the environment and of the flags, which win. What is wrong with them is said before anything starts.
pub(super) fn collect(context: &Context, arguments: &Arguments) -> Result<HubVariables, Failure> {
    for (bare, right) in hub_settings::unread(&context.environment.all) {
        context.printer.warning(&format!("{bare} is not read, because it may be meant for another program"))?;
        context.printer.hint(&format!("the hub reads {right}"))?;
    }
    let mut variables = hub_settings::collect(&context.environment)?;
    let mut set = |name: &str, value: &str| variables.0.insert(name.to_owned(), value.to_owned());
    if let Some(policy) = arguments.registration {
        set("ANET_REGISTRATION", policy.as_str());
    }
    if let Some(token) = &context.token_flag {
        set("COMMHUB_AUTH_TOKEN", token.expose_secret());
    }
    if arguments.no_login {
        set("ANET_AUTH", "off");
        variables.0.remove("COMMHUB_DEV_OPEN");
    } else if arguments.dev_open {
        set("COMMHUB_DEV_OPEN", "on");
        variables.0.remove("ANET_AUTH");
    }
    let settings = hub_settings::parse(&variables)?;
    if settings.legacy_token.is_some() {
        context.printer.warning("a master token (--token, COMMHUB_AUTH_TOKEN) is deprecated: it can only read")?;
        context.printer.hint("make a key with `anet token create NAME --scope readonly` instead")?;
    }
    check_access(context, arguments, settings.access)?;
    Ok(variables)
}

/// A hub that asks nobody to log in is for this machine alone.
fn check_access(context: &Context, arguments: &Arguments, access: Access) -> Result<(), Failure> {
    let name = match access {
        Access::Login => return Ok(()),
        Access::SingleUser => "--no-login",
        Access::DevOpen => "--dev-open",
    };
    let host = arguments.address.ip();
    if !host.is_loopback() {
        return Err(Failure::usage(format!("{name} would let everybody in who reaches {host}; nothing was started"))
            .hint("listen on 127.0.0.1, or have people log in"));
    }
    let text = match access {
        Access::DevOpen => "DEV-OPEN: every program on this machine is the hub's administrator, without any login",
        Access::Login | Access::SingleUser => {
            "nobody on this machine is asked to log in: whoever is on it, is the one user"
        }
    };
    Ok(context.printer.warning(text)?)
}
