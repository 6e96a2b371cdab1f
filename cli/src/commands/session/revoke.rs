use anet_protocol::id::TokenId;
use std::process::ExitCode;

use crate::commands::parse_id;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::global_config::GlobalConfig;

/// End a login at once
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Arguments {
    /// The login's id, as `anet session ls` shows it
    #[arg(value_name = "ID", value_parser = parse_id::<TokenId>)]
    token_id: Option<TokenId>,
    /// Every login but this one
    #[arg(long)]
    others: bool,
    /// Every login, this one included
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(context: &Context, arguments: &Arguments) -> Outcome {
    let hub = context.hub()?;
    let (revoked, was_current) = if let Some(token_id) = &arguments.token_id {
        (1, hub.end_session(token_id).await?.was_current)
    } else if arguments.others {
        (hub.end_other_sessions().await?.revoked, false)
    } else {
        (hub.end_all_sessions().await?.revoked, true)
    };
    context.printer.note(&format!("{revoked} login(s) ended"))?;
    if was_current {
        forget_login(context)?;
    }
    if context.printer.json {
        context.printer.document(&serde_json::json!({ "revoked": revoked, "was_current": was_current }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes the login that has just ended from this machine, if it is the saved one.
fn forget_login(context: &Context) -> Result<(), Failure> {
    if context.token_flag.is_none() && context.environment.token.is_none() {
        let mut config = GlobalConfig::load(&context.environment)?;
        config.clear_login();
        config.save()?;
    }
    Ok(context.printer.note("this login was among them; log in again with `anet login`")?)
}
