use std::net::SocketAddr;
use std::sync::Arc;

use anet_hub::HubError;
use anet_hub::console;
use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use crate::commands::hub::console::open;
use crate::context::Context;
use crate::failure::Failure;
use crate::prompt;
use crate::system::SystemEntropy;

/// The password that is given for the administrator, if one is. Where others reach the hub, its first start needs a strong
/// one: nobody could change a random one before they do.
pub(super) async fn choose(
    context: &Context,
    listen: SocketAddr,
    username: &str,
    given: Option<SecretString>,
) -> Result<Option<SecretString>, Failure> {
    let given = match given {
        Some(word) if word.expose_secret() == "-" => Some(prompt::secret("Password")?),
        given => given,
    };
    if listen.ip().is_loopback() || has_accounts(context).await? {
        return Ok(given);
    }
    let password = match given {
        Some(password) => password,
        None if prompt::is_possible() => prompt::new_secret(&format!("Password of the administrator {username}"))?,
        None => {
            return Err(Failure::usage(format!("the first start on {listen} needs a password for the administrator"))
                .hint("give it on stdin with `--password -`, or start on 127.0.0.1 first"));
        }
    };
    let checked = console::check_password(Arc::new(SystemEntropy), &password, vec![username.to_owned()]).await;
    match checked {
        Ok(()) => Ok(Some(password)),
        Err(HubError::Refused(refusal)) => {
            let advice = refusal.message.map_or_else(String::new, |advice| format!(": {advice}"));
            let text = format!("{}{advice}", refusal.error);
            Err(Failure::usage(text).hint(format!("where others reach the hub, as on {listen}, it has to be strong")))
        }
        Err(error) => Err(error).context("cannot judge the password")?,
    }
}

async fn has_accounts(context: &Context) -> Result<bool, Failure> {
    let database = &context.environment.database;
    if !database.exists() {
        return Ok(false);
    }
    let console = open(database.clone()).await?;
    let has_accounts = console.has_accounts().await;
    console.close().await;
    Ok(has_accounts?)
}
