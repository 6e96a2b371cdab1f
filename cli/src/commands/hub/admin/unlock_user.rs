use std::process::ExitCode;

use super::Account;
use crate::commands::hub::console::{explain, open, warn_of_another};
use crate::context::Context;
use crate::failure::Outcome;

/// Let an account log in again at once, on the hub's host, whether the hub runs or not
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    account: Account,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let (name, database) = (arguments.account.name(), arguments.account.database(context));
    warn_of_another(context, &database).await?;
    let console = open(database.clone()).await?;
    let unlocked = console.unlock_user(name).await;
    console.close().await;
    unlocked.map_err(|error| explain(error, &database))?;
    context.printer.note(&format!("{name} may log in again at once"))?;
    if context.printer.json {
        context.printer.document(&serde_json::json!({ "username": name, "database": database }))?;
    }
    Ok(ExitCode::SUCCESS)
}
