use anet_protocol::rest::CreateInvite;
use anet_protocol::role::NetworkRole;
use std::process::ExitCode;

use super::{meant, parse_role};
use crate::context::Context;
use crate::failure::Outcome;

/// Make an invite to the network; its code is shown once
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The role it gives: admin, member or viewer
    #[arg(long, default_value = "member", value_parser = parse_role)]
    role: NetworkRole,
    /// How often it works: 1 to 1000, or -1 for without limit
    #[arg(long, value_name = "TIMES", default_value_t = 1, allow_negative_numbers = true, value_parser = parse_uses)]
    uses: i64,
    /// It works for so many days
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=365))]
    expires: u32,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let network = meant(context, &hub, None).await?;
    let request = CreateInvite {
        role: Some(arguments.role),
        max_uses: Some(arguments.uses),
        expires_days: Some(arguments.expires),
    };
    let created = hub.create_invite(&network.network_id, &request).await?;
    context.printer.either(&created, || created.invite_code.clone())?;
    let uses =
        if arguments.uses < 0 { "any number of times".to_owned() } else { format!("{} time(s)", arguments.uses) };
    context.printer.note(&format!(
        "makes a {} of {}, {uses}, until {} UTC; shown this once ({})",
        arguments.role.as_str(),
        network.network_name,
        created.expires_at,
        created.invite_id
    ))?;
    if !context.printer.json {
        context.printer.hint(&format!("it is used with `anet network join {}`", created.invite_code))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn parse_uses(text: &str) -> Result<i64, String> {
    let uses: Option<i64> = text.parse().ok();
    uses.filter(|uses| *uses == -1 || (1..=1000).contains(uses))
        .ok_or_else(|| "use 1 to 1000, or -1 for without limit".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invite_works_at_least_once() {
        assert_eq!((parse_uses("-1"), parse_uses("1"), parse_uses("1000")), (Ok(-1), Ok(1), Ok(1000)));
        for text in ["0", "-2", "1001", "many"] {
            assert!(parse_uses(text).is_err(), "{text}");
        }
    }
}
