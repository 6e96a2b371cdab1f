use std::process::ExitCode;

use crate::commands::hub::users::user;
use crate::context::Context;
use crate::failure::Outcome;

/// Let an account log in again at once after too many wrong passwords
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The account, by user name or id
    user: String,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let user = user(&hub, &arguments.user).await?;
    hub.unlock_user(&user.user_id).await?;
    context.printer.note(&format!("{} may log in again at once", user.username))?;
    if context.printer.json {
        context.printer.document(&serde_json::json!({ "user_id": user.user_id }))?;
    }
    Ok(ExitCode::SUCCESS)
}
