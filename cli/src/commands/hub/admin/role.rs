use anet_protocol::rest::ChangeSystemRole;
use anet_protocol::role::SystemRole;
use std::process::ExitCode;

use super::parse_role;
use crate::commands::hub::users::user;
use crate::context::Context;
use crate::failure::Outcome;

/// Make an account an administrator of the hub, or an ordinary user again
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The account, by user name or id
    user: String,
    /// The role from now on: admin or user
    #[arg(value_parser = parse_role)]
    role: SystemRole,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let user = user(&hub, &arguments.user).await?;
    let answer = hub.change_system_role(&user.user_id, &ChangeSystemRole { role: arguments.role }).await?;
    let (name, role) = (&answer.user.username, answer.user.role.as_str());
    context.printer.note(&format!("{name} is {role} of the hub now"))?;
    if context.printer.json {
        context.printer.document(&answer)?;
    }
    Ok(ExitCode::SUCCESS)
}
