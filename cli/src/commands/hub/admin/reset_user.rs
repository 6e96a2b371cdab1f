use std::process::ExitCode;

use anet_hub::HubError;
use anet_hub::console::{Console, ResetUser};
use secrecy::ExposeSecret as _;

use super::Account;
use crate::admin_file::AdminFile;
use crate::commands::hub::console::{explain, open, warn_of_another};
use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// Give an account a new password, on the hub's host, whether the hub runs or not
///
/// Every login of the account and every API key that is bound to no network ends; nodes run on. Nobody needs to be logged
/// in: whoever can write to the database is its owner.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    account: Account,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let (name, database) = (arguments.account.name(), arguments.account.database(context));
    warn_of_another(context, &database).await?;
    let console = open(database.clone()).await?;
    let outcome = reset(context, &console, name).await;
    console.close().await;
    let (user, file) = outcome.map_err(|error| explain(error, &database))?;
    let is_file_renewed = match file {
        None => false,
        Some(Ok(())) => true,
        Some(Err(failure)) => {
            // The password is changed by then, and is not shown again.
            context.printer.warning(&format!("admin-utok.json holds a login that has ended: {:#}", failure.error))?;
            false
        }
    };
    let password = user.password.expose_secret();
    let document = serde_json::json!({
        "user_id": user.user_id,
        "username": user.username,
        "password": password,
        "revoked": user.revoked,
        "is_admin": user.is_admin,
        "admin_file_renewed": is_file_renewed,
        "database": database,
    });
    context.printer.either(&document, || {
        format!("User:     {} ({})\nPassword: {password}   (shown this once)", user.username, user.user_id)
    })?;
    context.printer.note(&format!("{} login(s) and key(s) ended; nodes run on", user.revoked))?;
    if is_file_renewed {
        context.printer.note("admin-utok.json has a new login")?;
    }
    context.printer.hint(&format!("log in with `anet login --username {}`, then `anet passwd`", user.username))?;
    if user.is_admin {
        context.printer.hint("until that password is changed, a hub that others can reach does not start again")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The reset, and what became of `admin-utok.json` where it is that account's.
async fn reset(
    context: &Context,
    console: &Console,
    name: &str,
) -> Result<(ResetUser, Option<Result<(), Failure>>), HubError> {
    let user = console.reset_user(name).await?;
    let file = match AdminFile::load(&context.environment) {
        Ok(file) if file.is_of(&user.user_id) => Some(renew(console, file, &user.username).await),
        Ok(_) => None,
        Err(failure) => Some(Err(failure)),
    };
    Ok((user, file))
}

async fn renew(console: &Console, mut file: AdminFile, username: &str) -> Result<(), Failure> {
    let login = console.admin_login(Some(username)).await?;
    let login = login.ok_or_else(|| Failure::message("the hub has no administrator"))?;
    file.save(&login.user_id, &login.username, &login.token)
}
