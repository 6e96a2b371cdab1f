use anet_protocol::rest::{ChangePassword, User};
use secrecy::{ExposeSecret as _, SecretString};
use std::process::ExitCode;

use super::login;
use crate::admin_file;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::global_config::GlobalConfig;
use crate::hub_client::HubClient;
use crate::prompt;

/// Change your password; asks for the old and the new one, or reads them from stdin as two lines
///
/// Every other login and every API key that is bound to no network ends; nodes go on.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Password of now; other users of this machine see it while the command runs
    #[arg(long, alias = "old-password", value_name = "PASSWORD", hide = true)]
    old: Option<SecretString>,
    /// Password from now on; other users of this machine see it while the command runs
    #[arg(long, alias = "new-password", value_name = "PASSWORD", hide = true)]
    new: Option<SecretString>,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let hub = context.hub()?;
    // Asked before the passwords are: whoever is not logged in need not type them.
    let user = hub.me().await?.user;
    if arguments.old.is_some() || arguments.new.is_some() {
        context.printer.warning("other users of this machine can see a password on the command line")?;
    }
    let old = arguments.old.map_or_else(|| prompt::secret("Old password"), Ok)?;
    let new = arguments.new.map_or_else(|| prompt::new_secret("New password"), Ok)?;
    let request =
        ChangePassword { old_password: old.expose_secret().to_owned(), new_password: new.expose_secret().to_owned() };
    let changed = hub.change_password(&request).await?;
    let token = SecretString::from(changed.token);
    save(context, &hub, &user, &token)
        .await
        .map_err(|failure| failure.context("the password is changed, but the new login could not be saved"))?;
    context
        .printer
        .note(&format!("the password of {} is changed, {} other login(s) ended", user.username, changed.revoked))?;
    renew_admin_file(context, &hub, &user, &new).await?;
    if context.printer.json {
        context.printer.document(&serde_json::json!({ "user_id": user.user_id, "revoked": changed.revoked }))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn save(context: &Context, hub: &HubClient, user: &User, token: &SecretString) -> Result<(), Failure> {
    if context.token_flag.is_some() || context.environment.token.is_some() {
        context.printer.warning("the token that was given has ended; the new one is saved in ~/.anet/config.json")?;
        login::remember(context, hub, token).await?;
        return Ok(());
    }
    let mut config = GlobalConfig::load(&context.environment)?;
    config.set_login(&User { must_change_password: false, ..user.clone() }, token)?;
    Ok(config.save()?)
}

/// Gives the machine's own login at its hub a token again. The password is changed by then, so a failure is told and
/// is none of the command.
pub(super) async fn renew_admin_file(
    context: &Context,
    hub: &HubClient,
    user: &User,
    password: &SecretString,
) -> Result<(), Failure> {
    match admin_file::renew(&context.environment, hub, user, password).await {
        Ok(true) => context.printer.note("admin-utok.json has a new token")?,
        Ok(false) => {}
        Err(failure) => {
            let text = format!("admin-utok.json holds a token that has ended: {:#}", failure.error);
            context.printer.warning(&text)?;
        }
    }
    Ok(())
}
