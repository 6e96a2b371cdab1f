use anet_protocol::rest::{Registration, RegistrationPolicy};
use std::process::ExitCode;

use crate::context::Context;
use crate::failure::Outcome;

/// Show or say who may make an account at the hub
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// From now on: open (everybody), invite (who has an invite to the hub) or closed (nobody)
    #[arg(value_parser = parse_policy)]
    policy: Option<RegistrationPolicy>,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let registration = match arguments.policy {
        Some(policy) => hub.set_registration(&Registration { policy }).await?,
        None => hub.registration().await?,
    };
    context.printer.either(&registration, || registration.policy.as_str().to_owned())?;
    if !context.printer.json {
        context.printer.note(match registration.policy {
            RegistrationPolicy::Open => "everybody who reaches the hub may make an account",
            RegistrationPolicy::Invite => "an account needs an invite: `anet hub invite create`",
            RegistrationPolicy::Closed => "nobody may make an account",
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn parse_policy(word: &str) -> Result<RegistrationPolicy, String> {
    let words = RegistrationPolicy::ALL.map(RegistrationPolicy::as_str);
    RegistrationPolicy::parse(word).ok_or_else(|| format!("use one of {}", words.join(", ")))
}
