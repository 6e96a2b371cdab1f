use anet_protocol::rest::Recover;
use secrecy::{ExposeSecret as _, SecretString};

use super::login::{announce, remember};
use super::passwd::renew_admin_file;
use crate::context::Context;
use crate::failure::Outcome;
use crate::prompt;
use crate::system;

/// Set a new password with a recovery key, and log in; asks for both, or reads them from stdin as two lines
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// User name
    #[arg(long, visible_alias = "user", value_name = "NAME")]
    username: String,
}

pub(super) async fn run(context: &Context, arguments: Arguments) -> Outcome {
    let hub = context.anonymous_hub()?;
    context.warn_of_clear_text(hub.url())?;
    let key = prompt::secret("Recovery key")?;
    let password = prompt::new_secret("New password")?;
    let request = Recover {
        username: arguments.username,
        recovery_key: key.expose_secret().trim().to_owned(),
        new_password: password.expose_secret().to_owned(),
        client_label: system::host_name(),
    };
    let token = SecretString::from(hub.recover(&request).await?.token);
    let me = remember(context, &hub, &token).await?;
    renew_admin_file(context, &hub, &me.user, &password).await?;
    context.printer.hint("the key is used up; make another with `anet recovery-key create`")?;
    announce(context, &hub, &me, "the password is changed, logged in")
}
